package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/store"
)

// maxWaiting is how many deliveries wait in a process at most, in chunks, while
// those of limited groups do not let it get on.
const maxWaiting = 16

// letterEvery is how often a worker that has enough of issues looks for letters on
// request, when it found none.
const letterEvery = time.Second

// lettersHeld is how many letters on request a worker takes besides, for each of its
// connections.
const lettersHeld = 4

// lease takes a chunk if the queue runs low and a relay can be used.
func (d *deliverer) lease(ctx context.Context) (bool, error) {
	free, waiting, leases := d.queue.size()
	if leases == 0 {
		if err := d.claim(ctx); err != nil {
			return false, err
		}
	}
	if !d.usable() {
		d.queue.empty() // somebody else may have a relay that works
		return false, nil
	}
	workers := d.s.o.Delivery.Workers
	if workers <= 0 {
		workers = max(4, d.connections)
	}
	except := d.except()
	if leases-d.queue.limitedLeases() >= workers || free >= d.queue.low || waiting >= maxWaiting*d.s.o.Delivery.Chunk {
		if wallClock().Sub(d.lettersLooked) < letterEvery || d.queue.letters() >= lettersHeld*d.connections {
			return false, nil
		}
		except.Issues = true
	}
	o := d.s.o.Delivery
	asked, until := d.s.now(), wallClock().Add(o.Lease)
	l, err := d.s.store.LeaseChunk(ctx, d.worker, d.s.Rehearsal(), o.Lease, o.Hold, except)
	if err != nil || l.Letter == nil { // letters come first: there is none
		d.lettersLooked = wallClock()
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case errors.Is(err, store.ErrBusy):
		d.s.log.Warn("store busy", "error", err)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("leasing a chunk: %w", err)
	}
	d.ahead.Store(int64(l.At.Sub(asked))) // too much by what it took, so that no pause is too short
	d.s.log.Debug("chunk leased", "chunk", l.Chunk, "newsletter", l.Newsletter, "issue", l.Number, "rows", len(l.Rows), "fence", l.Fence)
	if n, err := d.s.Newsletter(l.Newsletter); err == nil && l.Letter == nil {
		l.MaxRate = n.MaxRate
	}
	if d.queue.push(l, asked, until) {
		poke(d.reshare)
	}
	return true, nil
}

// except says which chunks are of no use now.
func (d *deliverer) except() store.Except {
	return store.Except{Newsletters: d.steering.resting, Groups: d.queue.stocked()}
}

// claim asks for connections when there is work and none is held: who has no
// connection leases nothing.
func (d *deliverer) claim(ctx context.Context) error {
	due, err := d.s.store.ChunkDue(ctx, d.s.Rehearsal(), d.except())
	if err != nil {
		return fmt.Errorf("looking for work: %w", err)
	}
	d.work.Store(due)
	if !due || !d.shareless() {
		return nil
	}
	if err := d.lookAround(ctx); err != nil {
		return err
	}
	err = d.shares(ctx)
	if errors.Is(err, store.ErrBusy) {
		d.s.log.Warn("store busy", "error", err)
		return nil
	}
	return err
}

// usable reports whether a relay takes mail now, from us.
func (d *deliverer) usable() bool {
	now := time.Now()
	return slices.ContainsFunc(d.relays, func(r *relay) bool { return r.usable(now) })
}

// up reports whether a relay takes mail now, from us or from other workers.
func (d *deliverer) up() bool {
	now := time.Now()
	return slices.ContainsFunc(d.relays, func(r *relay) bool { return r.up(now) })
}

// release gives back the chunks that have nothing left to do.
func (d *deliverer) release(ctx context.Context) error {
	released := map[int64]bool{}
	for _, l := range d.queue.takeEnded() {
		if l.Letter == nil {
			released[l.Issue] = true
		}
		err := d.patient(ctx, func() error { return d.s.store.Release(ctx, l.Chunk, l.Fence) })
		if err != nil && !errors.Is(err, store.ErrStale) {
			return fmt.Errorf("releasing chunk %d: %w", l.Chunk, err)
		}
	}
	for issue := range released {
		d.s.logSent(ctx, issue)
	}
	return nil
}

// renewing keeps the leases, and notices those that are lost.
func (d *deliverer) renewing(ctx context.Context) {
	t := time.NewTicker(d.s.o.Delivery.Renew)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-d.renew:
		}
		d.queue.expire()
		fences := d.queue.fences()
		if len(fences) == 0 {
			continue
		}
		until := wallClock().Add(d.s.o.Delivery.Lease)
		lost, err := d.s.store.Renew(ctx, d.worker, fences, d.s.o.Delivery.Lease)
		if err != nil {
			if ctx.Err() == nil {
				d.s.log.Warn("leases not renewed", "error", err)
			}
			continue
		}
		for _, c := range lost {
			delete(fences, c)
		}
		d.queue.renewed(fences, until)
		if len(lost) > 0 {
			d.s.log.Debug("leases lost", "chunks", lost)
			d.queue.lose(lost...)
		}
	}
}

// storeNow is the time by the store's clock, as far as is known: pauses are measured
// by it.
func (d *deliverer) storeNow() time.Time { return d.s.now().Add(time.Duration(d.ahead.Load())) }
