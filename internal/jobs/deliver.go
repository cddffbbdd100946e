package jobs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/store"
)

// How often a worker looks for work that nobody told it of.
const (
	tickOpen = time.Second // while chunks are open: one may fall due, or its worker die
	tickIdle = time.Second // while there is nothing: somebody may resume an issue
)

// deliverer leases chunks and hands their deliveries to the relays.
//
// One goroutine, dispatch, leases chunks as the queue runs low and releases them
// when their rows are done; one renews the leases; one watches the limits that
// all workers share (share.go, slow.go); and each relay has as many connections
// as it may have (connect.go), which take from the queue what may be sent now
// (queue.go, lane.go, spread.go). A connection is opened when there is mail for
// it and closed soon after.
//
// Three contexts: when ctx ends, nothing new is started, what is in flight is
// finished and settled, and the leases are released; the hard one ends when most of
// the grace period is over, and cuts the connections; the last one ends with it, and
// nothing is waited for any more, be it a database that does not answer.
type deliverer struct {
	s       *Service
	worker  string
	once    bool // stop when nothing is due any more
	relays  []*relay
	ledger  *store.Ledger
	queue   *queue
	letters *letters
	breaker *breaker
	last    context.Context //nolint:containedctx // see above
	giveUp  func()          // ends it

	steering      steering    // dispatch's
	lettersLooked time.Time   // likewise: when letters on request were last looked for
	hurry         atomic.Bool // look at the issues now

	connections int
	total       int // deliveries to come, 0: unknown

	accepted, refused atomic.Int64
	told              atomic.Int64  // when progress was told last, Unix milliseconds
	progress          chan struct{} // capacity 1: dispatch should look
	renew             chan struct{} // capacity 1: look at the leases now
	reshare           chan struct{} // capacity 1: divide the connections anew

	pushbacks pushbacks
	slowing   sync.WaitGroup // groups that are being slowed down
	sharing   sync.Mutex     // held while connections are divided
	holding   bool           // the store knows of connections of ours; under sharing
	work      atomic.Bool    // there is a chunk to lease
	ahead     atomic.Int64   // of this machine's clock, the store's; a time.Duration

	mu    sync.Mutex
	conns map[*mailer.Conn]bool
	fault error // why nothing goes on: the store, not a relay
}

// delivered says what a deliverer did.
type delivered struct {
	accepted, refused int
	troubles          []RelayTrouble
}

// deliver delivers what is due: once until nothing is, else until ctx ends. heed
// leaves relays alone that are paused when it begins. total is how many deliveries
// are open, for progress; 0: unknown. An error means that the store failed; relays
// that fail are in the result.
func (s *Service) deliver(ctx context.Context, once, heed bool, total int) (delivered, error) {
	relays := s.o.Relays
	if s.Rehearsal() {
		catcher, err := mailer.StartCatcher(mailer.CatcherOptions{Dir: s.o.OutboxDir, Now: s.now, Log: s.log})
		if err != nil {
			return delivered{}, fmt.Errorf("starting the catcher: %w", err)
		}
		defer func() { _ = catcher.Close() }() // every message was answered
		relays = []mailer.Relay{catcher.Relay()}
	}
	last, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	d := &deliverer{
		s: s, worker: s.workerName(), once: once, last: store.Until(last, last), giveUp: giveUp,
		ledger: store.NewLedger(last, s.store), letters: newLetters((&letterMaker{s: s, senders: map[int64]sender{}}).make),
		total: total, progress: make(chan struct{}, 1), renew: make(chan struct{}, 1), reshare: make(chan struct{}, 1),
		conns: map[*mailer.Conn]bool{}, pushbacks: pushbacks{groups: map[string]*pushback{}},
		breaker: newBreaker(s.o.Delivery.Breaker), steering: steering{judged: map[int64]judged{}},
	}
	d.addRelays(d.last, relays)
	if !heed {
		if err := d.findPauses(ctx); err != nil {
			return delivered{}, err
		}
	}
	err := d.run(ctx)
	d.tellProgress(true)
	out := delivered{accepted: int(d.accepted.Load()), refused: int(d.refused.Load())}
	for _, r := range d.relays {
		if trouble, ok := r.report(); ok {
			out.troubles = append(out.troubles, trouble)
		}
	}
	return out, err
}

// addRelays makes the queue and the relays, with their limits.
func (d *deliverer) addRelays(ctx context.Context, relays []mailer.Relay) {
	for i, r := range relays {
		x := newRelay(r)
		x.bit = 1 << min(i, 63)
		d.relays = append(d.relays, x)
		d.connections += x.Connections
	}
	d.queue = newQueue(2*d.connections, d.relays)
	taker := newSlotTaker(ctx, d.s.store, d.queue.wake, d.s.log)
	taker.most = d.queue.low
	d.queue.limits = newLimits(taker, d.s.o.Delivery.Groups, d.s.o.Delivery.Others)
	for _, r := range d.relays {
		if r.Rate > 0 {
			r.limit = taker.limiter("relay:"+r.Name, r.Rate)
		}
		if r.WarmUp.On() {
			r.warm = &warmUp{
				ctx: ctx, store: d.s.store, relay: r.Name, plan: r.WarmUp, log: d.s.log,
				clock: func() time.Time { return d.s.now().In(d.s.o.Site.Location) },
				wake: func() {
					d.queue.wake()
					poke(d.progress)
				},
			}
		}
	}
}

// run starts the goroutines and takes them down in order: connections first, then
// their leases, then the renewal and the ledger.
func (d *deliverer) run(ctx context.Context) error {
	ctx = store.Until(ctx, d.last)
	hard, cut := context.WithCancel(d.last)
	defer cut()
	hurry, relax := d.countDown(cut)
	defer relax()
	defer context.AfterFunc(ctx, hurry)()
	var renewing, sending sync.WaitGroup
	renewCtx, stopRenewing := context.WithCancel(hard)
	renewing.Go(func() { d.renewing(renewCtx) })
	renewing.Go(func() { d.watching(renewCtx) })
	if !d.once {
		renewing.Go(func() { d.listen(renewCtx) })
	}
	for _, r := range d.relays {
		for number := range r.Connections {
			sending.Go(func() { d.connection(ctx, hard, r, number) })
		}
	}
	err := d.dispatch(ctx)
	d.queue.close()
	hurry()
	sending.Wait()
	if rerr := d.release(d.last); err == nil {
		err = rerr
	}
	stopRenewing()
	renewing.Wait()
	d.slowing.Wait()
	d.ledger.Close()
	d.giveBack(d.last)
	return err
}

// lastPart is how much of the grace period is left for storing how the messages
// ended whose connections were cut.
const lastPart = 10

// countDown returns what begins the grace period, once, and what stops it. Near its
// end the connections are cut.
func (d *deliverer) countDown(cut func()) (begin, stop func()) {
	grace := d.s.o.Delivery.Grace
	var timers [2]*time.Timer
	var mu sync.Mutex
	stopped := false
	begin = sync.OnceFunc(func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		timers[0] = time.AfterFunc(grace-grace/lastPart, func() {
			d.s.log.Warn("grace period over, cutting connections")
			cut()
			d.mu.Lock()
			defer d.mu.Unlock()
			for c := range d.conns {
				_ = c.Close() // its Run says what became of the message
			}
		})
		timers[1] = time.AfterFunc(grace, func() {
			d.s.log.Error("the database does not answer: what was not stored is taken up by whoever comes next")
			d.giveUp()
		})
	})
	return begin, func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		for _, t := range timers {
			if t != nil {
				t.Stop()
			}
		}
	}
}

// giveBack returns what this worker holds of the limits that all share.
func (d *deliverer) giveBack(ctx context.Context) {
	for _, r := range d.relays {
		if r.warm != nil {
			r.warm.end(ctx)
		}
	}
	if !d.holding {
		return
	}
	if err := d.s.store.EndShares(ctx, d.worker); err != nil {
		d.s.log.Warn("connections not given back", "error", err) // they are when their time is up
	}
}

// dispatch leases and releases until ctx ends or, once, until nothing is due.
func (d *deliverer) dispatch(ctx context.Context) error {
	var before time.Time
	for {
		// At the start, and when the machine slept: is this still wanted?
		if now := wallClock(); now.Sub(before) > d.s.o.Delivery.Lease+time.Minute {
			d.queue.expire()
			if err := d.s.pauseStale(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			before = wallClock()
		} else {
			before = now
		}
		if err := d.release(d.last); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopping is no failure
		}
		if err := d.failed(); err != nil {
			return err
		}
		d.steer(ctx, d.hurry.Swap(false))
		leased, err := d.lease(ctx)
		wait, done := time.Duration(0), false
		if err == nil && !leased {
			wait, done, err = d.idle(ctx)
		}
		switch {
		case ctx.Err() != nil: // whatever failed, it was for that
		case err != nil:
			return err
		case done:
			return nil
		case !leased:
			d.await(ctx, wait)
		}
	}
}

// idle says how long to wait for something to happen, and whether, once, all is
// done.
func (d *deliverer) idle(ctx context.Context) (wait time.Duration, done bool, err error) {
	_, waiting, leases := d.queue.size()
	if waiting > 0 { // whatever a connection missed costs a tick, not the issue
		d.queue.wake()
	}
	if leases == 0 && d.once {
		if err := d.lookAround(ctx); err != nil {
			return 0, false, err
		}
		if !slices.ContainsFunc(d.relays, func(r *relay) bool { return !r.givenUp() }) {
			return 0, true, nil
		}
	}
	open, next, err := d.s.store.OpenWork(ctx, d.s.Rehearsal(), d.steering.resting...)
	if err != nil {
		return 0, false, fmt.Errorf("looking for work: %w", err)
	}
	wait = d.tick(open, next)
	switch {
	case leases > 0:
		return wait, false, nil
	case d.once:
		if open == 0 {
			return 0, true, nil
		}
		if d.up() && waiting == 0 {
			others, err := d.s.store.LeasedChunks(ctx, d.s.Rehearsal())
			if err != nil {
				return 0, false, fmt.Errorf("looking for work: %w", err)
			}
			return wait, others == 0 && next > 0, nil
		}
		return wait, false, nil
	}
	return wait, false, d.lookAround(ctx)
}

// tick says when to look again: when the next chunk is due or its worker's lease
// ends, and often enough to know of every chunk before that.
func (d *deliverer) tick(open int, next time.Duration) time.Duration {
	if open == 0 {
		return min(tickIdle, d.s.o.Delivery.Lease/2)
	}
	if next += 2 * time.Millisecond; next > 0 {
		return min(tickOpen, next)
	}
	return tickOpen
}

// await waits for work, for a lease to end, for a relay, or for the time.
func (d *deliverer) await(ctx context.Context, limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	d.queue.mu.Lock()
	changed := d.queue.changed
	d.queue.mu.Unlock()
	_, waiting, _ := d.queue.size()
	if waiting > 0 { // the queue changes with each delivery; only its end matters
		changed = nil
	}
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-d.queue.ended:
	case <-d.progress:
	case <-changed:
	case <-d.s.wake:
	}
}

// fail stops the deliverer: the store does not do what it must.
func (d *deliverer) fail(err error) {
	d.mu.Lock()
	if d.fault == nil {
		d.fault = err
	}
	d.mu.Unlock()
	poke(d.progress)
}

func (d *deliverer) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fault
}

// tellProgress tells how many attempts are settled, some times a second.
func (d *deliverer) tellProgress(last bool) {
	now := time.Now().UnixMilli()
	before := d.told.Load()
	if !last && (now-before < 100 || !d.told.CompareAndSwap(before, now)) {
		return
	}
	done := int(d.accepted.Load() + d.refused.Load())
	if done > 0 || !last {
		d.s.tell(Progress{Step: "send", Done: done, Total: d.total})
	}
}
