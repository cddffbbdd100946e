package jobs

import (
	"context"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// queue holds the deliveries of the chunks that this process has leased, in the
// order in which they were leased; those that are limited stand in lanes of their
// own (lane.go), so that they do not keep the others. Connections take from it; so
// an issue with one chunk uses all of them.
type queue struct {
	mu      sync.Mutex
	items   []*item // that nothing limits
	lanes   map[laneKey]*lane
	order   []laneKey // of the lanes
	turn    int       // the next one's place in order
	limits  *limits
	spread  *spread
	leases  map[int64]*lease // by chunk, until they are released
	closed  bool             // nothing is handed out any more
	changed chan struct{}    // closed and replaced when something changes
	ended   chan struct{}    // capacity 1: a lease has nothing left to do, or few rows wait
	low     int              // how few
}

// lease is a chunk this process holds.
type lease struct {
	store.Lease
	began time.Time // when it was leased, by this machine's clock
	left  int       // rows neither finished nor dropped
	until time.Time // by the wall clock, which goes on while a machine sleeps: not to be trusted later
	lost  bool      // another worker's, or its issue is not sending: start nothing new
}

// item is one delivery on its way.
type item struct {
	lease    *lease
	row      newsletter.Delivery
	returned int // how often it came back without having been tried

	group *group    // that it counts in while it is on its way, nil: none
	until time.Time // when the slots it was taken with are gone, zero: never

	taker *relay  // that took it last
	warm  *warmUp // that it took a message of, nil: none
	day   string  // of it

	marked  bool  // stored as sending
	markErr error // why it could not be marked
}

// since returns how long ago the delivery was first tried. Other machines' clocks may
// differ: the store says how long it was when it was leased.
func (it *item) since(now time.Time) time.Duration {
	if it.row.FirstTry.IsZero() {
		return 0
	}
	return it.lease.At.Sub(it.row.FirstTry) + now.Sub(it.lease.began)
}

// untriedLocked gives back the delivery's message of a warm-up, and its place in its
// relay's share.
func (it *item) untriedLocked() {
	if it.taker != nil && it.taker.served > 0 { // else it was counted before all were counted anew
		it.taker.served--
	}
	it.taker = nil
	if it.warm != nil {
		it.warm.putBack(it.day)
		it.warm = nil
	}
}

// goodUntil notes when a slot of the delivery is gone.
func (it *item) goodUntil(t time.Time) {
	if it.until.IsZero() || t.Before(it.until) {
		it.until = t
	}
}

func newQueue(low int, relays []*relay) *queue {
	return &queue{
		lanes: map[laneKey]*lane{}, spread: &spread{relays: relays},
		leases: map[int64]*lease{}, changed: make(chan struct{}), ended: make(chan struct{}, 1), low: low,
	}
}

// notify wakes everybody who waits; the caller holds mu.
func (q *queue) notify() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// push adds a lease and its rows; true: connections to some group are to be
// asked for.
func (q *queue) push(l store.Lease, began, until time.Time) (ask bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	held := &lease{Lease: l, began: began, left: len(l.Rows), until: until}
	held.Rows = nil
	q.leases[l.Chunk] = held
	for _, row := range l.Rows {
		q.addLocked(&item{lease: held, row: row}, l.Letter != nil) // somebody waits for a letter
		if g := q.limits.group(row.Group); g != nil && g.limit.Connections > 0 && g.share == 0 {
			ask = true
		}
	}
	if held.left == 0 {
		poke(q.ended)
	}
	q.notify()
	return ask
}

// pop takes the next delivery for a relay's connection; nil: there is none now
// that may begin.
func (q *queue) pop(r *relay) *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.popLocked(r, true, true)
}

// over reports whether nothing of the lease is to be begun any more.
func (l *lease) over() bool { return l.lost || wallClock().After(l.until) }

// popLocked takes a delivery that is limited, one that nothing limits, or either.
func (q *queue) popLocked(r *relay, limited, free bool) *item {
	for !q.closed && len(q.items)+len(q.order) > 0 {
		now := time.Now()
		var from *[]*item
		var l *lane
		if limited {
			l = q.nextLocked(now)
		}
		switch {
		case l != nil:
			from = &l.items
		case free:
			from = &q.items
		default:
			return nil
		}
		if len(*from) == 0 || !q.spread.may(r, now) {
			return nil
		}
		it := (*from)[0]
		(*from)[0] = nil
		*from = (*from)[1:]
		if it.lease.over() {
			q.dropLocked(it)
			continue
		}
		if l != nil {
			l.use(it)
		}
		if q.spread.use(r, it, now) {
			q.notify() // another relay's turn
		}
		if q.lowLocked(l) {
			poke(q.ended)
		}
		return it
	}
	return nil
}

// lowLocked reports whether there may be use for another chunk after a delivery
// was taken from a lane, or, nil, from what nothing limits: with a limit for all
// domains there are very many short lanes, which are no reason.
func (q *queue) lowLocked(l *lane) bool {
	n := len(q.items)
	if l == nil && n < q.low || l != nil && len(l.items) == q.low-1 { // its group is not stocked any more
		return true
	}
	for _, l := range q.lanes {
		if n >= q.low {
			break
		}
		n += len(l.items)
	}
	return n < q.low
}

// take waits for a delivery that a connection of a relay may begin. It returns
// nil when the queue is closed, ctx ends, or, with an open connection, when none
// came for a while or the connection is not wanted any more. A connection that is
// not open leaves deliveries to those that are; with one, it counts as open.
func (q *queue) take(ctx context.Context, r *relay, number int, open bool) *item {
	var timeout <-chan time.Time
	if open {
		t := time.NewTimer(idleConnection)
		defer t.Stop()
		timeout = t.C
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		wanted := number < int(r.allowed.Load())
		if open && !wanted {
			q.leftLocked()
			return nil
		}
		if wanted && (open || r.idle == 0 && r.roomLocked()) {
			if it := q.popLocked(r, true, true); it != nil {
				if !open {
					r.open.Add(1)
				}
				if open && r.idle == 0 && len(q.items)+len(q.order) > 0 {
					q.notify() // now it is the others' turn
				}
				return it
			}
		}
		changed := q.changed
		r.wait(wanted, open, 1)
		q.mu.Unlock()
		over := false
		select {
		case <-changed:
		case <-timeout:
			over = true
		case <-ctx.Done():
			over = true
		}
		q.mu.Lock()
		r.wait(wanted, open, -1)
		if over {
			if open {
				q.leftLocked()
			}
			return nil
		}
	}
	return nil
}

// roomLocked reports whether a connection may be opened: those that are to end when
// fewer are allowed may not have ended yet.
func (r *relay) roomLocked() bool {
	open := int(r.open.Load())
	return open < int(r.allowed.Load()) && r.asked.more(open)
}

// leftLocked notes that an open connection takes nothing: those that left
// deliveries to it shall look again.
func (q *queue) leftLocked() {
	if len(q.items)+len(q.order) > 0 {
		q.notify()
	}
}

// left is leftLocked for a connection that is closed.
func (q *queue) left() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leftLocked()
}

// putBack returns a delivery that was not tried, to be next.
func (q *queue) putBack(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it.untriedLocked()
	if q.closed || it.lease.lost {
		q.dropLocked(it)
		return
	}
	q.leaveLocked(it)
	it.marked, it.markErr, it.until = false, nil, time.Time{}
	q.addLocked(it, true)
	q.notify()
}

// finish notes that nothing is left to do for a delivery.
func (q *queue) finish(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropLocked(it)
}

// forgo notes that a delivery ends here without having been tried.
func (q *queue) forgo(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it.untriedLocked()
	q.dropLocked(it)
}

// leaveLocked notes that a delivery is not on its way any more.
func (q *queue) leaveLocked(it *item) {
	if it.group == nil {
		return
	}
	it.group.busy--
	if it.group.limit.Connections > 0 {
		q.notify()
	}
	it.group = nil
}

func (q *queue) dropLocked(it *item) {
	g := it.group
	q.leaveLocked(it)
	q.forgetLocked(g)
	if it.lease.left--; it.lease.left == 0 {
		poke(q.ended)
	}
}

// close drops what waits and hands nothing out any more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true // before anything else can be put back
	q.emptyLocked()
	q.notify()
}

// size returns how many deliveries wait that nothing limits, how many wait in
// all, and how many leases are held.
func (q *queue) size() (free, waiting, leases int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting = len(q.items)
	for _, l := range q.lanes {
		waiting += len(l.items)
	}
	return len(q.items), waiting, len(q.leases)
}

// wake makes everybody who waits look again.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.notify()
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
