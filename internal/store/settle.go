package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"syndicate/internal/newsletter"
)

const replyLimit = 500 // bytes of a reply that are kept

// held is what a group needs to know of a chunk it writes to.
type held struct {
	chunk, fence int64
	closed       bool
	counted      bool             // it is in nobody's hands
	issue        newsletter.Issue // ID, Newsletter, Rehearsal, State, Horizon
}

func (x *tx) commitEntries(in []*entry) error {
	chunks, now, err := x.lockChunks(in)
	if err != nil {
		return err
	}
	var marks, sent, others []*entry
	for _, e := range in {
		c := chunks[e.Chunk]
		valid := c != nil && c.fence == e.Fence && !c.closed
		e.err = nil
		switch {
		case !e.mark && e.State == newsletter.Sent && c != nil:
			sent = append(sent, e)
		case e.mark && valid && c.issue.State == newsletter.IssueSending:
			marks = append(marks, e)
		case !e.mark && valid:
			others = append(others, e)
		default:
			e.err = fmt.Errorf("delivery %d of chunk %d: %w", e.N, e.Chunk, ErrStale)
		}
	}
	if err := x.mark(marks, now); err != nil {
		return err
	}
	if err := x.settleSent(sent, chunks, now); err != nil {
		return err
	}
	if err := x.settleOthers(others, chunks, now); err != nil {
		return err
	}
	if err := x.noteProgress(append(sent, others...), now); err != nil {
		return err
	}
	return x.recountReturned(chunks)
}

// recountReturned counts anew the chunks that were given back before what
// happened to their rows was heard.
func (x *tx) recountReturned(chunks map[int64]*held) error {
	var ids []int64
	for id, c := range chunks {
		if c.counted {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return x.recount("id {{in ints $1}}", jsonArg(ids))
}

// lockChunks locks the chunks of a group, always in the same order, against
// lease, release and unsubscribing. It returns the database's time, too.
func (x *tx) lockChunks(in []*entry) (chunks map[int64]*held, now int64, err error) {
	ids := make([]int64, len(in))
	for i, e := range in {
		ids[i] = e.Chunk
	}
	slices.Sort(ids)
	clock, args := x.s.clockSQL(jsonArg(slices.Compact(ids)))
	rows, err := list(x, func(scan func(...any) error) (h held, err error) {
		i := &h.issue
		err = scan(&h.chunk, &h.fence, &h.closed, &h.counted, &i.ID, &i.Newsletter, &i.Rehearsal, &i.State, &i.Horizon, &now)
		return h, err
	}, `SELECT c.id, c.fence, c.closed, c.counted, i.id, i.newsletter, i.rehearsal, i.state, i.horizon, `+clock+`
		FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.id {{in ints $1}} ORDER BY c.id{{for update c}}`, args...)
	chunks = make(map[int64]*held, len(rows))
	for i := range rows {
		chunks[rows[i].chunk] = &rows[i]
	}
	return chunks, now, err
}

// refuse answers ErrStale to the entries that a statement did not find as they
// should be. done are the (chunk, n) it changed.
func refuse(in []*entry, done [][2]int64) {
	changed := make(map[[2]int64]bool, len(done))
	for _, d := range done {
		changed[d] = true
	}
	for _, e := range in {
		if !changed[[2]int64{e.Chunk, int64(e.N)}] {
			e.err = fmt.Errorf("delivery %d of chunk %d is not open: %w", e.N, e.Chunk, ErrStale)
		}
	}
}

func scanPair(scan func(...any) error) (p [2]int64, err error) {
	err = scan(&p[0], &p[1])
	return p, err
}

func (x *tx) mark(in []*entry, now int64) error {
	if len(in) == 0 {
		return nil
	}
	rows := make([][2]int64, len(in))
	for i, e := range in {
		rows[i] = [2]int64{e.Chunk, int64(e.N)}
	}
	done, err := list(x, scanPair, `UPDATE deliveries SET state = 1, first_try = CASE WHEN first_try = 0 THEN $2 ELSE first_try END
		FROM {{rows $1 chunk int, n int}} AS v WHERE deliveries.chunk = v.chunk AND deliveries.n = v.n AND deliveries.state = 0
		RETURNING deliveries.chunk, deliveries.n`, jsonArg(rows), now)
	refuse(in, done)
	return err
}

func (x *tx) settleSent(in []*entry, chunks map[int64]*held, now int64) error {
	if len(in) == 0 {
		return nil
	}
	rows := make([][2]int64, len(in))
	for i, e := range in {
		rows[i] = [2]int64{e.Chunk, int64(e.N)}
	}
	const update = `UPDATE deliveries SET state = 2, attempts = attempts + 1, settled_at = $2, reply_code = NULL, reply = NULL,
			first_try = CASE WHEN first_try = 0 THEN $2 ELSE first_try END
		FROM {{rows $1 chunk int, n int}} AS v WHERE deliveries.chunk = v.chunk AND deliveries.n = v.n AND deliveries.state `
	done, err := list(x, scanPair, update+"NOT IN (2, 4) RETURNING deliveries.chunk, deliveries.n", jsonArg(rows), now)
	if err != nil {
		return err
	}
	var cancelled [][2]int64
	if len(done) < len(rows) {
		cancelled, err = list(x, scanPair, update+"= 4 RETURNING deliveries.chunk, deliveries.n", jsonArg(rows), now)
		if err != nil {
			return err
		}
	}
	for _, e := range in {
		// Cancelling returned the cursor of somebody whose message did arrive.
		if i := chunks[e.Chunk].issue; i.State == newsletter.IssueCancelled || slices.Contains(cancelled, [2]int64{e.Chunk, int64(e.N)}) {
			col := cursorColumn(i.Rehearsal)
			_, err := x.exec("UPDATE subscriptions SET "+col+" = $1 WHERE newsletter = $2 AND "+col+` < $1
				AND subscriber = (SELECT subscriber FROM deliveries WHERE chunk = $3 AND n = $4)`, i.Horizon, i.Newsletter, e.Chunk, e.N)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *tx) settleOthers(in []*entry, chunks map[int64]*held, now int64) error {
	if len(in) == 0 {
		return nil
	}
	rows := make([][]any, len(in))
	for i, e := range in {
		pending, due := e.State == newsletter.Pending, int64(0)
		if e.RetryIn > 0 {
			due = now + e.RetryIn.Milliseconds()
		}
		rows[i] = []any{
			e.Chunk, e.N, int(e.State), btoi(!pending || due > 0 && !e.Uncounted), due, e.Reply.Code, replyText(e.Reply),
			chunks[e.Chunk].issue.Newsletter, btoi(chunks[e.Chunk].issue.State == newsletter.IssueCancelled),
		}
	}
	// A state that would be pending is cancelled where nobody wants the message
	// any more.
	const unwanted = `(v.state = 0 AND (v.cancelled = 1 OR NOT EXISTS (SELECT 1 FROM subscriptions b
		WHERE b.newsletter = v.newsletter AND b.subscriber = deliveries.subscriber AND b.state = 'confirmed' AND b.suppressed = 0)))`
	done, err := list(x, func(scan func(...any) error) (r [3]int64, err error) {
		err = scan(&r[0], &r[1], &r[2])
		return r, err
	}, `UPDATE deliveries SET
			state = CASE WHEN `+unwanted+` THEN 4 ELSE v.state END,
			attempts = attempts + v.counts, due_at = v.due,
			settled_at = CASE WHEN v.state = 0 AND NOT `+unwanted+` THEN 0 ELSE CAST($2 AS BIGINT) END,
			first_try = CASE WHEN first_try = 0 AND v.counts = 1 THEN $2 ELSE first_try END,
			reply_code = v.code, reply = v.reply
		FROM {{rows $1 chunk int, n int, state int, counts int, due int, code int, reply text, newsletter text, cancelled int}} AS v
		WHERE deliveries.chunk = v.chunk AND deliveries.n = v.n AND deliveries.state IN (0, 1)
		RETURNING deliveries.chunk, deliveries.n, deliveries.state`, jsonArg(rows), now)
	if err != nil {
		return err
	}
	state := make(map[[2]int64]newsletter.DeliveryState, len(done))
	for _, d := range done {
		state[[2]int64{d[0], d[1]}] = newsletter.DeliveryState(d[2])
	}
	for _, e := range in {
		got, ok := state[[2]int64{e.Chunk, int64(e.N)}]
		if !ok {
			err = x.explainRefusal(e)
		} else if i := chunks[e.Chunk].issue; got == newsletter.Cancelled || i.State == newsletter.IssueCancelled && got != newsletter.Uncertain {
			err = x.returnCursors(i, "c.id = $4 AND d.n = $5", e.Chunk, e.N)
		}
		if ok && err == nil && e.Suppress && e.State == newsletter.Failed {
			err = x.suppressSubscriber(e, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// explainRefusal: what was sent absorbs later events; the rest is stale.
func (x *tx) explainRefusal(e *entry) error {
	state, err := missing(x.query1("SELECT state FROM deliveries WHERE chunk = $1 AND n = $2", e.Chunk, e.N))
	if err == nil && newsletter.DeliveryState(state) != newsletter.Sent {
		e.err = fmt.Errorf("delivery %d of chunk %d is not open: %w", e.N, e.Chunk, ErrStale)
	}
	return err
}

func (x *tx) suppressSubscriber(e *entry, now int64) error {
	hash, err := missing(one(x, value[string], `SELECT s.hash FROM deliveries d JOIN subscribers s ON s.id = d.subscriber WHERE d.chunk = $1 AND d.n = $2`, e.Chunk, e.N))
	if err != nil || hash == "" {
		return err
	}
	return x.suppress(newsletter.Suppression{Hash: hash, Cause: newsletter.CauseBounce, Issue: e.Issue, Note: replyText(e.Reply), At: fromMS(now)})
}

// noteProgress stamps the chunks, at most once a second each.
func (x *tx) noteProgress(in []*entry, now int64) error {
	var ids []int64
	for _, e := range in {
		ids = append(ids, e.Chunk)
	}
	if len(ids) == 0 {
		return nil
	}
	slices.SortFunc(ids, cmp.Compare[int64])
	_, err := x.exec("UPDATE chunks SET progress_at = $2 WHERE id {{in ints $1}} AND progress_at < $3", jsonArg(slices.Compact(ids)), now, now-1000)
	return err
}

// replyText makes a relay's words fit to be stored by any engine.
func replyText(r newsletter.Reply) string {
	t := r.Text
	if len(t) > replyLimit {
		t = t[:replyLimit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(t, "�"), "\x00", "")
}
