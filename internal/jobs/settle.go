package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// maxReturned is how often a delivery goes back to the queue because its
// connection was lost before it was tried. Then it counts as tried: it may be
// what the relay chokes on.
const maxReturned = 2

// done takes Run's word on how a message ended. The result is stored before the next
// message leaves, in the same commit as its mark (see mark): after a crash a
// connection leaves at most one message that the relay has and the store does not
// know of.
func (c *connection) done(o *mailer.Outgoing, reply newsletter.Reply) {
	c.flight--
	it, ok := o.Ref.(*item)
	if !ok {
		return
	}
	if it.markErr != nil {
		c.unmarked(it)
		return
	}
	v := newsletter.Judge(reply)
	// A connection that ends at MAIL says nothing about the recipient.
	fault := v.RelayBad || v.Lost && reply.Phase == newsletter.PhaseMail
	denied := v.RelayBad && reply.Phase == newsletter.PhaseRcpt
	switch {
	case denied:
		c.answered++
		if c.relay.denied() {
			c.bad(reply, nil)
		}
	case v.RelayBad:
		c.bad(reply, nil)
	case !v.Lost:
		c.answered++
		c.good(v.State == newsletter.Sent)
	}
	if v.State == newsletter.Pending && !it.marked && !denied {
		if it.returned++; fault || v.Lost && it.returned <= maxReturned {
			c.queue.putBack(it)
			return
		}
	}
	c.pushedBack(it, reply, v) // once, however often it comes back
	c.settled()
	u := &unsettled{item: it, result: c.settlement(it, reply, v, fault, denied)}
	u.finish = sync.OnceFunc(func() { c.queue.finish(it) })
	u.ticket = c.settle(u)
	c.unsettled = u
}

// unsettled is a result that is being stored.
type unsettled struct {
	item   *item
	result store.Settlement
	ticket store.Ticket
	finish func() // once: nothing is left to do for the delivery
}

// settle begins to store a result. When it is stored, its chunk and its group are
// free at once: the connection's next message, which asks for it, may hang before
// that.
func (c *connection) settle(u *unsettled) store.Ticket {
	return c.ledger.BeginSettle(u.result, func() {
		u.finish()
		if u.item.lease.Letter != nil {
			return // of no issue, and none of what a run counts
		}
		if c.breaker.settled(u.item.lease.Issue, u.item.lease.Group, u.result) {
			c.hurry.Store(true)
			poke(c.progress)
		}
		if u.result.State == newsletter.Sent {
			c.accepted.Add(1)
		} else {
			c.refused.Add(1)
		}
	})
}

// mark notes that a message is about to leave, and waits until that is stored, and
// the result of the message before, too.
func (c *connection) mark(it *item) error {
	step := func() store.Ticket { return c.ledger.BeginMark(it.row.Chunk, it.row.N, it.lease.Fence) }
	begun := step()
	c.settled()
	// Whether it was marked is to be known, even if the connection is cut meanwhile.
	it.markErr = c.patient(c.hard, again(c.last, begun, step))
	it.marked = it.markErr == nil
	return it.markErr
}

// again makes a function that waits for a step: at first for one that was begun.
func again(ctx context.Context, begun store.Ticket, step func() store.Ticket) func() error {
	next := func() store.Ticket { return begun }
	return func() error {
		t := next()
		next = step
		return t.Wait(ctx)
	}
}

// errExpired keeps a message back whose chunk another worker may have by now: this
// machine slept, or the store was away.
var errExpired = errors.New("the lease ran out")

// ready says whether a message that is marked may leave: not if the store failed or
// the lease has run out.
func (c *connection) ready(it *item) error {
	if c.queue.expired(it.lease) {
		return errExpired
	}
	return c.failed()
}

// settlement says what is to be stored about an attempt; fault: the relay failed,
// not the attempt; denied: it did so for this recipient, who may be the only one.
// Then the others go first, or one would stop them all.
func (c *connection) settlement(it *item, reply newsletter.Reply, v newsletter.Verdict, fault, denied bool) store.Settlement {
	x := store.Settlement{
		Chunk: it.row.Chunk, N: it.row.N, Fence: it.lease.Fence, State: v.State, Reply: reply,
		Suppress: v.Suppress, Address: it.row.Email, Subscriber: it.row.Subscriber, Issue: it.lease.Issue,
	}
	o := c.s.o.Delivery
	if x.State == newsletter.Uncertain && !o.Hold {
		x.State = newsletter.Pending // again, under the same Message-ID
	}
	if x.State != newsletter.Pending || fault && !denied {
		return x // once more, as soon as the relay works
	}
	x.RetryIn = newsletter.Backoff(it.row.Attempts+1, o.BackoffFirst, o.BackoffMax, rand.Float64())
	if x.Uncounted = fault && !c.relay.accepts(); x.Uncounted {
		return x
	}
	now := c.s.now()
	if l := it.lease.Letter; it.since(now)+x.RetryIn > o.GiveUpAfter || l != nil && !l.Expires.IsZero() && !now.Add(x.RetryIn).Before(l.Expires) {
		x.State, x.RetryIn = newsletter.Failed, 0
		if v.State == newsletter.Uncertain { // it may have arrived each time
			x.State = newsletter.Uncertain
		}
	}
	return x
}

// settled waits until the result before is stored.
func (c *connection) settled() {
	u := c.unsettled
	if u == nil {
		return
	}
	c.unsettled = nil
	defer u.finish()
	x := u.result
	err := c.insist(c.last, x, again(c.last, u.ticket, func() store.Ticket { return c.settle(u) }))
	switch {
	case errors.Is(err, store.ErrStale): // another worker has the chunk, or the issue was cancelled
		poke(c.renew)
	case err != nil:
		c.s.log.Error("result not stored", "chunk", x.Chunk, "n", x.N, "state", x.State.String(), "error", err)
		c.fail(err)
	default:
		c.s.log.Debug("delivery settled", "chunk", x.Chunk, "n", x.N, "state", x.State.String(), "phase", x.Reply.Phase.String(), "code", x.Reply.Code)
		c.tellProgress(false)
	}
}

// unmarked deals with a delivery that could not be marked. Refused, it is not to
// be sent: its owner left, the issue was paused, the lease is gone.
func (c *connection) unmarked(it *item) {
	c.queue.forgo(it)
	if errors.Is(it.markErr, store.ErrStale) {
		c.checkLease(it.lease)
		return
	}
	c.fail(it.markErr)
}

// checkLease finds out whether the whole lease is lost, so that a paused issue
// does not cost a connection for each of its rows.
func (c *connection) checkLease(l *lease) {
	fences := map[int64]int64{l.Chunk: l.Fence}
	until := wallClock().Add(c.s.o.Delivery.Lease)
	lost, err := c.s.store.Renew(c.hard, c.worker, fences, c.s.o.Delivery.Lease)
	switch {
	case err != nil:
		poke(c.renew)
	case len(lost) > 0:
		c.queue.lose(lost...)
	default:
		c.queue.renewed(fences, until)
	}
}

// insist repeats the step that stores a result. What was accepted must not be
// forgotten, so it is told as long as the process may live, whoever has the chunk
// by then; what was not is tried again anyway.
func (d *deliverer) insist(ctx context.Context, x store.Settlement, step func() error) error {
	if x.State == newsletter.Sent {
		return persist(ctx, time.Time{}, step)
	}
	return d.patient(ctx, step)
}

// patient repeats a step while the store is busy or away, up to half a lease.
func (d *deliverer) patient(ctx context.Context, step func() error) error {
	return persist(ctx, time.Now().Add(d.s.o.Delivery.Lease/2), step)
}

// longestPause is how long persist waits at most before it asks again.
const longestPause = 5 * time.Second

// persist repeats a step until it succeeds or is refused, ctx ends, or the
// deadline; zero: none.
func persist(ctx context.Context, deadline time.Time, step func() error) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := step()
		if err == nil || errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrConflict) || !deadline.IsZero() && time.Now().Add(pause).After(deadline) {
			return err
		}
		if !sleep(ctx, pause) {
			return err
		}
	}
}
