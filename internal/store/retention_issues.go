package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// deliveriesAtOnce is how many deliveries one transaction forgets, if chunks are not
// larger.
const deliveriesAtOnce = 2000

const (
	issueOver    = "i.state IN ('sent', 'cancelled') AND i.done_at > 0 AND i.done_at < $1"
	chunkHasRows = "c.closed = 1 AND c.last_subscriber > 0"
	chunkRows    = "c.pending + c.sending + c.sent + c.failed + c.cancelled + c.uncertain"
	oldNotes     = "cause = 'bounce' AND note <> '' AND note NOT LIKE 'import %' AND at < $1" // what an import noted undoes it
)

// forgetIssues forgets the deliveries of issues that were over before a time, or what
// relays said of them.
func (s *Store) forgetIssues(ctx context.Context, kind Retained, before time.Time, step func(n int) error) error {
	level := map[Retained]int{RetainedReplies: 1, RetainedDeliveries: 2}[kind]
	issues, err := list(s.reader(ctx), value[int64], "SELECT i.id FROM issues i WHERE "+issueOver+" AND i.forgotten < $2 ORDER BY i.done_at, i.id", ms(before), level)
	if err != nil {
		return s.wrap("look for issues that are over", err)
	}
	for _, issue := range issues {
		for after := int64(0); ; {
			var last int64
			n, err := s.forgetStep(ctx, kind, func(x *tx) (n int, err error) {
				n, last, err = x.forgetChunks(issue, level, after, before)
				return n, err
			})
			if err != nil {
				return fmt.Errorf("issue %d: %w", issue, err)
			}
			if last == 0 {
				break
			}
			after = last
			if err := step(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetChunks forgets the deliveries of the next chunks of an issue, after one of them,
// and returns how many, and the last chunk; 0: there are no more.
func (x *tx) forgetChunks(issue int64, level int, after int64, before time.Time) (n int, last int64, err error) {
	state, err := missing(one(x, value[string], "SELECT i.state FROM issues i WHERE "+issueOver+" AND i.id = $2{{for update}}", ms(before), issue))
	if err != nil || state == "" { // it was taken up again
		return 0, 0, err
	}
	if after == 0 {
		if state == string(newsletter.IssueCancelled) { // of a worker that is gone, perhaps
			if err := x.sweepCancelled(issue); err != nil {
				return 0, 0, err
			}
		}
		if err := x.recount("issue = $1 AND closed = 1 AND counted = 0", issue); err != nil {
			return 0, 0, err
		}
	}
	chunks, err := list(x, scanPair, "SELECT c.id, "+chunkRows+" FROM chunks c WHERE c.issue = $1 AND "+chunkHasRows+
		" AND (c.failed + c.uncertain + c.cancelled > 0 OR $2 = 2) AND c.id > $3 ORDER BY c.id LIMIT 100{{for update c}}", issue, level, after)
	if err != nil {
		return 0, 0, err
	}
	if len(chunks) == 0 {
		_, err := x.exec("UPDATE issues SET forgotten = $2 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM chunks WHERE issue = $1 AND closed = 0)", issue, level)
		return 0, 0, err
	}
	var ids []int64
	for rows := int64(0); len(ids) < len(chunks) && (len(ids) == 0 || rows+chunks[len(ids)][1] <= deliveriesAtOnce); {
		rows += chunks[len(ids)][1]
		ids = append(ids, chunks[len(ids)][0])
	}
	gone, err := x.forgetRows(ids, level)
	return int(gone), ids[len(ids)-1], err
}

// forgetRows forgets the deliveries of chunks that are closed. Their counts stay, and
// who still has one in its hands is refused.
func (x *tx) forgetRows(ids []int64, level int) (int64, error) {
	arg := jsonArg(ids)
	if level == 1 {
		return x.exec("UPDATE deliveries SET reply = NULL WHERE chunk {{in ints $1}} AND reply IS NOT NULL", arg)
	}
	n, err := x.exec("DELETE FROM deliveries WHERE chunk {{in ints $1}}", arg)
	if err != nil {
		return 0, err
	}
	if _, err := x.exec("UPDATE replies SET subscriber = 0 WHERE chunk {{in ints $1}}", arg); err != nil {
		return 0, err
	}
	_, err = x.exec("UPDATE chunks SET first_subscriber = 0, last_subscriber = 0, fence = fence + 1 WHERE id {{in ints $1}}", arg)
	return n, err
}

// forgetNotes forgets what relays said when addresses were suppressed; the cause stays.
func (s *Store) forgetNotes(ctx context.Context, before time.Time, step func(n int) error) error {
	for after := ""; ; {
		hashes, err := list(s.reader(ctx), value[string], "SELECT hash FROM suppressions WHERE "+oldNotes+" AND hash > $2 ORDER BY hash LIMIT $3", ms(before), after, peopleAtOnce)
		if err != nil || len(hashes) == 0 {
			return s.wrap("look for old suppressions", err)
		}
		after = hashes[len(hashes)-1]
		n, err := s.forgetStep(ctx, RetainedReplies, func(x *tx) (int, error) {
			n, err := x.exec("UPDATE suppressions SET note = '' WHERE "+oldNotes+" AND hash {{in strings $2}}", ms(before), jsonArg(hashes))
			return int(n), err
		})
		if err != nil {
			return err
		}
		if err := step(n); err != nil {
			return err
		}
	}
}

// EmptyLog moves what SQLite's log holds into the database and empties it, so that what
// was deleted is in neither. Where somebody reads, it is left for another time.
func (s *Store) EmptyLog(ctx context.Context) error {
	if s.writer == nil {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-s.closed: // the turn is never given back
		return s.wrap("empty the database's log", ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.wrap("empty the database's log", s.checkpoint(context.WithoutCancel(ctx)))
}

// checkpoint empties the log if nobody is in the way for more than a moment. Only who
// has the turn calls it.
func (s *Store) checkpoint(ctx context.Context) (err error) {
	pragma := func(p string) error {
		_, err := s.writer.ExecContext(ctx, "PRAGMA "+p)
		return err
	}
	defer func() { // else writes that follow would not wait for other processes
		err = errors.Join(err, pragma(fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())))
	}()
	if err := pragma("busy_timeout(50)"); err != nil {
		return err
	}
	return pragma("wal_checkpoint(TRUNCATE)")
}
