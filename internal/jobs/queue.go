package jobs

import (
	"context"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// queue holds the deliveries of the chunks that this process has leased, in the
// order in which they were leased. Connections take from it; so an issue with one
// chunk uses all of them.
type queue struct {
	mu      sync.Mutex
	items   []*item
	leases  map[int64]*lease // by chunk, until they are released
	closed  bool             // nothing is handed out any more
	changed chan struct{}    // closed and replaced when something changes
	ended   chan struct{}    // capacity 1: a lease has nothing left to do, or few rows wait
	low     int              // how few
}

// lease is a chunk this process holds.
type lease struct {
	store.Lease
	left  int       // rows neither finished nor dropped
	until time.Time // by the wall clock, which goes on while a machine sleeps: not to be trusted later
	lost  bool      // another worker's, or its issue is not sending: start nothing new
}

// item is one delivery on its way.
type item struct {
	lease    *lease
	row      newsletter.Delivery
	returned int // how often it came back without having been tried

	marked  bool  // stored as sending
	markErr error // why it could not be marked
}

func newQueue(low int) *queue {
	return &queue{leases: map[int64]*lease{}, changed: make(chan struct{}), ended: make(chan struct{}, 1), low: low}
}

// notify wakes everybody who waits; the caller holds mu.
func (q *queue) notify() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// push adds a lease and its rows.
func (q *queue) push(l store.Lease, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	held := &lease{Lease: l, left: len(l.Rows), until: until}
	held.Rows = nil
	q.leases[l.Chunk] = held
	for _, row := range l.Rows {
		q.items = append(q.items, &item{lease: held, row: row})
	}
	if held.left == 0 {
		poke(q.ended)
	}
	q.notify()
}

// pop takes the next delivery; nil: there is none now.
func (q *queue) pop() *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.popLocked()
}

func (q *queue) popLocked() *item {
	for len(q.items) > 0 && !q.closed {
		it := q.items[0]
		q.items[0] = nil
		q.items = q.items[1:]
		if it.lease.lost || wallClock().After(it.lease.until) {
			q.dropLocked(it)
			continue
		}
		if len(q.items) < q.low {
			poke(q.ended)
		}
		return it
	}
	return nil
}

// take waits for a delivery that may be handed out (ready says whether any may).
// It returns nil when the queue is closed, ctx ends, or the time is up (0: none).
func (q *queue) take(ctx context.Context, ready func() bool, limit time.Duration) *item {
	var timeout <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		timeout = t.C
	}
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return nil
		}
		changed := q.changed
		var it *item
		if ready() {
			it = q.popLocked()
		}
		q.mu.Unlock()
		if it != nil {
			return it
		}
		select {
		case <-changed:
		case <-timeout:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// putBack returns a delivery that was not tried, to be next.
func (q *queue) putBack(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.dropLocked(it)
		return
	}
	it.marked, it.markErr = false, nil
	q.items = append([]*item{it}, q.items...)
	q.notify()
}

// finish notes that nothing is left to do for a delivery.
func (q *queue) finish(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropLocked(it)
}

func (q *queue) dropLocked(it *item) {
	if it.lease.left--; it.lease.left == 0 {
		poke(q.ended)
	}
}

// lose notes that leases are not ours any more.
func (q *queue) lose(chunks ...int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range chunks {
		if l, ok := q.leases[c]; ok {
			l.lost = true
		}
	}
	q.purgeLocked()
}

// wallClock is the time without the monotonic clock, which stops while a machine
// sleeps.
func wallClock() time.Time { return time.Now().Round(0) }

// expire gives up the leases that ran out: renewing them now would take up again
// what everybody else has long given up, such as after a machine slept.
func (q *queue) expire() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := wallClock()
	for _, l := range q.leases {
		l.lost = l.lost || now.After(l.until)
	}
	q.purgeLocked()
}

// renewed notes until when leases hold.
func (q *queue) renewed(chunks map[int64]int64, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c, fence := range chunks {
		if l, ok := q.leases[c]; ok && l.Fence == fence && !l.lost {
			l.until = until
		}
	}
}

// empty drops what nobody has taken yet; its leases end as soon as what is in
// flight has.
func (q *queue) empty() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.leases {
		l.lost = true
	}
	q.purgeLocked()
}

// purgeLocked drops the waiting rows of lost leases.
func (q *queue) purgeLocked() {
	kept := q.items[:0]
	for _, it := range q.items {
		if it.lease.lost {
			q.dropLocked(it)
		} else {
			kept = append(kept, it)
		}
	}
	clear(q.items[len(kept):])
	q.items = kept
}

// close drops what waits and hands nothing out any more.
func (q *queue) close() {
	q.empty()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.notify()
}

// takeEnded removes and returns the leases that have nothing left to do.
func (q *queue) takeEnded() []*lease {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []*lease
	for c, l := range q.leases {
		if l.left == 0 {
			out = append(out, l)
			delete(q.leases, c)
		}
	}
	return out
}

// fences returns the fences of the leases that are held, by chunk.
func (q *queue) fences() map[int64]int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make(map[int64]int64, len(q.leases))
	for c, l := range q.leases {
		if !l.lost {
			out[c] = l.Fence
		}
	}
	return out
}

// size returns how many deliveries wait, and how many leases are held.
func (q *queue) size() (waiting, leases int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items), len(q.leases)
}

// wake makes everybody who waits look again.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.notify()
}

// loseIssue notes that nothing of an issue is to be sent.
func (q *queue) loseIssue(issue int64) {
	q.keepIssues(func(i int64) bool { return i != issue })
}

// keepIssues notes that nothing of other issues is to be sent.
func (q *queue) keepIssues(keep func(int64) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.leases {
		l.lost = l.lost || !keep(l.Issue)
	}
	q.purgeLocked()
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
