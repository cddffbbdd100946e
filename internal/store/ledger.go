package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"syndicate/internal/newsletter"
)

// Ledger writes the marks and settlements of all connections in group commits:
// one goroutine takes whatever is queued, runs it in one transaction and answers
// each. While one group commits, the next gathers.
type Ledger struct {
	s   *Store
	ctx context.Context //nolint:containedctx // the owner's; when it ends, nothing is waited for any more

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
	stored func() // told when a settlement is stored, may be nil
	err    error
	answer chan error
}

// Ticket is an operation that is queued, to be waited for once.
type Ticket struct{ answer <-chan error }

// Wait waits for the operation's outcome. If ctx ends before, nothing is known of it.
func (t Ticket) Wait(ctx context.Context) error {
	select {
	case err := <-t.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errLedgerClosed = errors.New("the ledger is closed")

const (
	groupLimit = 512 // operations in one transaction
	// gather is how long a group waits for company: what a connection settles and
	// what it marks next shall share a commit. On SQLite it lets other processes
	// write, too: a committer that commits back to back starves them.
	gather = 250 * time.Microsecond
)

// NewLedger starts a ledger. Close it. When ctx ends, what is under way is torn: see
// Until.
func NewLedger(ctx context.Context, s *Store) *Ledger {
	l := &Ledger{s: s, ctx: Until(ctx, ctx), wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run()
	return l
}

// BeginMark begins to note, durably, that a delivery's body is about to be written:
// what is begun close together shares a commit. ErrStale:
// it must not be: the lease was lost, the issue is not sending, or the delivery
// is not pending any more (its subscriber left). With any other error nothing is
// known to be marked; try again. A wait that is cut short is such an error.
func (l *Ledger) BeginMark(chunk int64, n int, fence int64) Ticket {
	return l.queued(&entry{mark: true, Settlement: Settlement{Chunk: chunk, N: n, Fence: fence}})
}

// Settle notes how an attempt ended. Sent is a fact: it is recorded whatever the
// fence says, and absorbs every later event. Anything else is refused with
// ErrStale if the lease was lost or the delivery was settled otherwise. A
// delivery whose subscriber left meanwhile, or whose issue was cancelled, does
// not become pending again but cancelled. If ctx ends before the answer, nothing is
// known to be stored.
func (l *Ledger) Settle(ctx context.Context, x Settlement) error {
	return l.BeginSettle(x, nil).Wait(ctx)
}

// BeginSettle begins what Settle does. stored, if it is not nil, is called as soon as
// the settlement is stored, before the ticket's answer, and holds up everybody: it
// must be brief.
func (l *Ledger) BeginSettle(x Settlement, stored func()) Ticket {
	e := &entry{Settlement: x, stored: stored}
	switch x.State {
	case newsletter.Sent, newsletter.Failed, newsletter.Uncertain, newsletter.Pending:
		return l.queued(e)
	}
	return e.refused(fmt.Errorf("a delivery cannot be settled as %s", x.State))
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

func (l *Ledger) queued(e *entry) Ticket {
	e.answer = make(chan error, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return e.refused(errLedgerClosed)
	}
	l.queue = append(l.queue, e)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return Ticket{e.answer}
}

// refused returns the ticket of an operation that was not queued.
func (e *entry) refused(err error) Ticket {
	e.answer = make(chan error, 1)
	e.answer <- err
	return Ticket{e.answer}
}

func (l *Ledger) run() {
	defer close(l.done)
	for {
		_, open := <-l.wake
		for {
			pause(gather)
			group := l.take()
			if len(group) == 0 {
				break
			}
			l.commit(group)
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
	rest := group
	var err error
	if l.s.pool != nil {
		rest, err = l.s.commitBatch(l.ctx, group)
		err = l.s.wrap("commit deliveries", err)
	}
	if len(rest) > 0 && err == nil {
		err = l.commitSteps(rest)
	}
	if err != nil {
		for _, e := range rest {
			e.err = err
		}
	}
	for _, e := range group {
		if e.err == nil && e.stored != nil {
			e.stored()
		}
		e.answer <- e.err
	}
}

// commitSteps runs a group whatever is in it, step by step.
func (l *Ledger) commitSteps(group []*entry) error {
	return l.s.write(l.ctx, "commit deliveries", func(x *tx) error {
		for rest := group; len(rest) > 0; {
			var now []*entry
			now, rest = oneEach(rest)
			if err := x.commitEntries(now); err != nil {
				return err
			}
		}
		return nil
	})
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
