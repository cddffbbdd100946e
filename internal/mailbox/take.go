package mailbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	searched = 50_000 // messages whose numbers are asked for at a time
	putBatch = 100    // messages put away at a time
	mayBreak = 3      // connections that may break over a message before it is left
)

// Take hands over each message that was not put away, no more of it than the account's
// limit, and puts it away when take returns nil. It returns how many that were. An
// error of take ends it, and is returned as it is; others are *Error, or the end of ctx.
// After any error the connection is to be closed.
func (r *Reader) Take(ctx context.Context, take func(context.Context, []byte) error) (n int, err error) {
	select { // what came before this is found below
	case <-r.news:
	default:
	}
	there := r.selected
	if box := r.client.Mailbox(); box != nil { // the library may not have got that far
		there = box.NumMessages
	}
	// From the end: what is taken away does not move what stands before it.
	for last := there; last > 0; {
		first := last - min(last, searched) + 1
		uids, err := r.search(ctx, first, last, there)
		if err != nil {
			return n, err
		}
		some, err := r.takeAll(ctx, uids, take)
		if n += some; err != nil {
			return n, err
		}
		last = first - 1
	}
	return n, nil
}

// search returns the numbers of messages that were not put away, the oldest first; those
// over which connections broke come last.
func (r *Reader) search(ctx context.Context, first, last, there uint32) ([]imap.UID, error) {
	criteria := &imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagDeleted}}
	if r.a.Processed == ProcessedSeen {
		criteria.NotFlag = append(criteria.NotFlag, r.marks()[0])
	}
	if first > 1 || last < there {
		var window imap.SeqSet
		window.AddRange(first, last)
		criteria.SeqNum = []imap.SeqSet{window}
	}
	client := r.client
	data, err := step(ctx, r.conn, r.a.Timeouts.Command, maxFound, func() (*imap.SearchData, error) {
		return client.UIDSearch(criteria, nil).Wait()
	})
	if err != nil {
		return nil, r.fail("looking for new mail", "folder", err)
	}
	var uids []imap.UID
	ranges, _ := data.All.(imap.UIDSet) // else there are none
	for _, span := range ranges {
		// A range may say that there are four milliards.
		for uid := uint64(span.Start); uid <= uint64(span.Stop) && len(uids) < searched; uid++ {
			if uid := imap.UID(uid); !r.skip[uid] {
				uids = append(uids, uid)
			}
		}
	}
	slices.SortStableFunc(uids, func(a, b imap.UID) int { return cmp.Compare(r.broke[a], r.broke[b]) })
	return uids, nil
}

// takeAll takes messages, and puts them away some at a time.
func (r *Reader) takeAll(ctx context.Context, uids []imap.UID, take func(context.Context, []byte) error) (n int, err error) {
	var done []imap.UID
	for _, uid := range uids {
		message, there, err := r.read(ctx, uid)
		if err != nil {
			return n, err
		}
		if !there {
			continue
		}
		if err := take(ctx, message); err != nil {
			r.putAwayLast(ctx, done)
			return n, err
		}
		n++
		if done = append(done, uid); len(done) == putBatch {
			if err := r.putAway(ctx, done); err != nil {
				return n, err
			}
			done = nil
		}
	}
	return n, r.putAway(ctx, done)
}

// read fetches the beginning of a message; false: it is not there any more, or the
// server cannot give it, which is told.
func (r *Reader) read(ctx context.Context, uid imap.UID) ([]byte, bool, error) {
	if r.broke[uid] >= mayBreak {
		r.leave(uid, fmt.Errorf("connections broke over it %d times", mayBreak))
		return nil, false, nil
	}
	r.broke[uid]++
	message, err := r.fetch(ctx, uid)
	var said *imap.Error
	switch {
	case err == nil:
		delete(r.broke, uid)
		return message, message != nil, nil
	case errors.As(err, &said):
		delete(r.broke, uid)
		r.leave(uid, err)
		return nil, false, nil
	case ctx.Err() != nil: // not its fault
		delete(r.broke, uid)
		return nil, false, ctx.Err()
	}
	return nil, false, r.fail("reading a message", "folder", err)
}

// leave passes a message by until the next connection.
func (r *Reader) leave(uid imap.UID, why error) {
	if r.skip[uid] {
		return
	}
	r.skip[uid] = true
	r.unread(r.fail(fmt.Sprintf("reading message %d of the folder %q", uid, r.a.Folder), "folder", why))
}

// fetch returns the beginning of a message; nil: there is none by that number.
func (r *Reader) fetch(ctx context.Context, uid imap.UID) ([]byte, error) {
	client, limit := r.client, r.a.Limit
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: limit}}
	return step(ctx, r.conn, r.a.Timeouts.Fetch, limit+limit/8+maxAnswer, func() (message []byte, err error) {
		cmd := client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
		for m := cmd.Next(); m != nil; m = cmd.Next() {
			for item := m.Next(); item != nil; item = m.Next() {
				body, ok := item.(imapclient.FetchItemDataBodySection)
				switch {
				case !ok || message != nil:
				case body.Literal == nil:
					message = []byte{}
				default:
					// After a failure nothing of it is to be read any more: the library's decoder goes on by itself.
					if message, err = io.ReadAll(io.LimitReader(body.Literal, limit)); err != nil {
						return nil, err
					}
				}
			}
		}
		if err := cmd.Close(); err != nil {
			return nil, err
		}
		return message, nil
	})
}
