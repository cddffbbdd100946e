package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"syndicate/internal/newsletter"
)

// Ledger writes the marks and settlements of all connections in group commits:
// one goroutine takes whatever is queued, runs it in one transaction and answers
// each. There is no timer: while one group commits, the next gathers.
type Ledger struct {
	s *Store

	mu     sync.Mutex
	queue  []*entry
	closed bool
	wake   chan struct{} // holds one wake-up
	done   chan struct{} // closed when the goroutine has ended
}

// entry is one queued operation.
type entry struct {
	Settlement
	mark   bool
	err    error
	answer chan error
}

var errLedgerClosed = errors.New("the ledger is closed")

const (
	groupLimit = 512 // operations in one transaction
	// commitPause lets other processes write on SQLite: a committer that commits
	// back to back starves them. What gathers meanwhile shares the next commit; with
	// a fifth of it, commits cost a sixth more of the processor for the same rate.
	commitPause = time.Millisecond
	replyLimit  = 500 // bytes of a reply that are kept
)

// NewLedger starts a ledger. Close it.
func NewLedger(s *Store) *Ledger {
	l := &Ledger{s: s, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run()
	return l
}

// Mark notes, durably, that a delivery's body is about to be written. ErrStale:
// it must not be: the lease was lost, the issue is not sending, or the delivery
// is not pending any more (its subscriber left). With any other error nothing is
// known to be marked; try again.
func (l *Ledger) Mark(ctx context.Context, chunk int64, n int, fence int64) error {
	return l.do(ctx, &entry{mark: true, Settlement: Settlement{Chunk: chunk, N: n, Fence: fence}})
}

// Settle notes how an attempt ended. Sent is a fact: it is recorded whatever the
// fence says, and absorbs every later event. Anything else is refused with
// ErrStale if the lease was lost or the delivery was settled otherwise. A
// delivery whose subscriber left meanwhile, or whose issue was cancelled, does
// not become pending again but cancelled.
func (l *Ledger) Settle(ctx context.Context, x Settlement) error {
	switch x.State {
	case newsletter.Sent, newsletter.Failed, newsletter.Uncertain, newsletter.Pending:
		return l.do(ctx, &entry{Settlement: x})
	}
	return fmt.Errorf("a delivery cannot be settled as %s", x.State)
}

// Close ends the ledger after what is queued.
func (l *Ledger) Close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.wake)
	}
	l.mu.Unlock()
	<-l.done
}

func (l *Ledger) do(ctx context.Context, e *entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.answer = make(chan error, 1)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return errLedgerClosed
	}
	l.queue = append(l.queue, e)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	l.mu.Unlock()
	return <-e.answer // once queued, its outcome must be known
}

func (l *Ledger) run() {
	defer close(l.done)
	for {
		_, open := <-l.wake
		for {
			group := l.take()
			if len(group) == 0 {
				break
			}
			l.commit(group)
			if l.s.file != "" {
				time.Sleep(commitPause)
			}
		}
		if !open {
			return
		}
	}
}

func (l *Ledger) take() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), groupLimit)
	group := l.queue[:n:n]
	l.queue = l.queue[n:]
	return group
}

// commit runs a group. If its transaction fails, nothing of it happened, and
// everybody hears so.
func (l *Ledger) commit(group []*entry) {
	err := l.s.write(context.Background(), "commit deliveries", func(x *tx) error {
		rest := group
		for len(rest) > 0 {
			var now []*entry
			now, rest = oneEach(rest)
			if err := x.commitEntries(now); err != nil {
				return err
			}
		}
		return nil
	})
	for _, e := range group {
		if err != nil {
			e.err = err
		}
		e.answer <- e.err
	}
}

// oneEach takes the first operation on each delivery; operations on the same one
// follow each other.
func oneEach(in []*entry) (now, rest []*entry) {
	type key struct {
		chunk int64
		n     int
	}
	seen := make(map[key]bool, len(in))
	for _, e := range in {
		k := key{e.Chunk, e.N}
		if seen[k] {
			rest = append(rest, e)
			continue
		}
		seen[k] = true
		now = append(now, e)
	}
	return now, rest
}

// held is what a group needs to know of a chunk it writes to.
type held struct {
	chunk, fence int64
	closed       bool
	counted      bool             // it is in nobody's hands
	issue        newsletter.Issue // ID, Newsletter, Rehearsal, State, Horizon
}

func (x *tx) commitEntries(in []*entry) error {
	chunks, err := x.lockChunks(in)
	if err != nil {
		return err
	}
	now := ms(x.s.wall())
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
// lease, release and unsubscribing.
func (x *tx) lockChunks(in []*entry) (map[int64]*held, error) {
	ids := make([]int64, len(in))
	for i, e := range in {
		ids[i] = e.Chunk
	}
	slices.Sort(ids)
	rows, err := list(x, func(scan func(...any) error) (h held, err error) {
		i := &h.issue
		err = scan(&h.chunk, &h.fence, &h.closed, &h.counted, &i.ID, &i.Newsletter, &i.Rehearsal, &i.State, &i.Horizon)
		return h, err
	}, `SELECT c.id, c.fence, c.closed, c.counted, i.id, i.newsletter, i.rehearsal, i.state, i.horizon
		FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.id {{in ints $1}} ORDER BY c.id{{for update c}}`, jsonArg(slices.Compact(ids)))
	out := make(map[int64]*held, len(rows))
	for i := range rows {
		out[rows[i].chunk] = &rows[i]
	}
	return out, err
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
	_, err := x.exec(`UPDATE deliveries SET state = 2, attempts = attempts + 1, settled_at = $2, reply_code = NULL, reply = NULL,
			first_try = CASE WHEN first_try = 0 THEN $2 ELSE first_try END
		FROM {{rows $1 chunk int, n int}} AS v WHERE deliveries.chunk = v.chunk AND deliveries.n = v.n AND deliveries.state <> 2`, jsonArg(rows), now)
	if err != nil {
		return err
	}
	for _, e := range in {
		// Cancelling returned the cursor of somebody whose message did arrive.
		if i := chunks[e.Chunk].issue; i.State == newsletter.IssueCancelled {
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
		pending := e.State == newsletter.Pending
		rows[i] = []any{
			e.Chunk, e.N, int(e.State), btoi(!pending || !e.RetryAt.IsZero()), ms(e.RetryAt), e.Reply.Code, replyText(e.Reply),
			chunks[e.Chunk].issue.Newsletter, btoi(chunks[e.Chunk].issue.State == newsletter.IssueCancelled),
		}
	}
	// A state that would be pending is cancelled where nobody wants the message
	// any more.
	done, err := list(x, func(scan func(...any) error) (r [3]int64, err error) {
		err = scan(&r[0], &r[1], &r[2])
		return r, err
	}, `UPDATE deliveries SET
			state = CASE WHEN v.state = 0 AND (v.cancelled = 1 OR NOT EXISTS (SELECT 1 FROM subscriptions b
				WHERE b.newsletter = v.newsletter AND b.subscriber = deliveries.subscriber AND b.state = 'confirmed' AND b.suppressed = 0)) THEN 4 ELSE v.state END,
			attempts = attempts + v.counts, due_at = v.due,
			settled_at = CASE WHEN v.state = 0 AND v.cancelled = 0 THEN 0 ELSE CAST($2 AS BIGINT) END,
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
		} else if i := chunks[e.Chunk].issue; i.State == newsletter.IssueCancelled && got != newsletter.Uncertain {
			err = x.returnCursors(i, "d.chunk = $4 AND d.n = $5", e.Chunk, e.N)
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
