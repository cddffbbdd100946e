package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// pushedBack slows a group down, for all workers, if its receiver pushes back.
func (c *connection) pushedBack(it *item, reply newsletter.Reply, v newsletter.Verdict) {
	rate, pushed := c.pushbacks.note(it.row.Group, reply, v, time.Now())
	if !pushed {
		return
	}
	if limit := c.queue.limits.limitOf(it.row.Group); limit.Rate > 0 {
		rate = min(rate, limit.Rate)
	}
	c.slowing.Go(func() {
		if err := c.slowDown(c.last, it.row.Group, rate, reply); err != nil {
			c.s.log.Warn("group not slowed down", "group", it.row.Group, "error", err)
		}
	})
}

func (d *deliverer) slowDown(ctx context.Context, group string, rate float64, reply newsletter.Reply) error {
	o := d.s.o.Delivery
	reason := said(reply) // which may name the recipient
	x, changed, err := d.s.store.SlowGroup(ctx, group, rate, o.BackoffFirst, o.BackoffMax, rand.Float64(), reason)
	if err != nil {
		return err
	}
	if changed {
		d.s.log.Warn("group slowed down", "group", group, "level", x.Level, "until", x.PausedUntil, "reply", reason)
	}
	return d.lookAround(ctx)
}

// lookAround finds out what all workers know of relays and groups, and acts on it.
func (d *deliverer) lookAround(ctx context.Context) error {
	if err := d.adoptPauses(ctx); err != nil {
		return err
	}
	for _, r := range d.relays {
		if r.warm == nil {
			continue
		}
		again, err := r.warm.look(ctx)
		if err != nil {
			return err
		}
		if again {
			d.queue.wake()
		}
	}
	slowed, storeNow, err := d.s.store.Slowed(ctx)
	if err != nil {
		return err
	}
	d.queue.mu.Lock()
	if len(slowed) == 0 && len(d.queue.limits.slowed) == 0 {
		d.queue.mu.Unlock()
		return nil
	}
	fresh, paused := d.queue.limits.slow(slowed, storeNow, time.Now())
	if len(fresh) > 0 {
		d.queue.sortLocked()
	}
	var off []*item
	for _, name := range paused {
		off = append(off, d.queue.takeGroupLocked(name)...)
	}
	d.queue.notify()
	d.queue.mu.Unlock()
	return d.putOff(ctx, off, slowed)
}

// takeGroupLocked takes a paused group's deliveries out of the queue. Chunks of
// its own are given back whole: nobody leases them while it is paused. What
// stands in chunks with others is returned, to be put off.
func (q *queue) takeGroupLocked(name string) []*item {
	for _, l := range q.leases {
		l.lost = l.lost || l.Group == name
	}
	q.purgeLocked()
	var off []*item
	for key, l := range q.lanes {
		if key.group == name {
			off = append(off, l.items...)
			l.items = nil
		}
	}
	return off
}

// putOff stores that deliveries are not due before their group's pause ends, and
// ends their time in the queue.
func (d *deliverer) putOff(ctx context.Context, off []*item, slowed []newsletter.Slowdown) error {
	type part struct {
		chunk, fence int64
		group        string
	}
	parts := map[part][]*item{}
	for _, it := range off {
		k := part{it.lease.Chunk, it.lease.Fence, it.row.Group}
		parts[k] = append(parts[k], it)
	}
	var failed error
	for k, items := range parts {
		i := slices.IndexFunc(slowed, func(s newsletter.Slowdown) bool { return s.Group == k.group })
		rows := make([]int, len(items))
		for n, it := range items {
			rows[n] = it.row.N
		}
		err := d.patient(ctx, func() error { return d.s.store.Defer(ctx, k.chunk, k.fence, rows, slowed[i].PausedUntil) })
		if err != nil && !errors.Is(err, store.ErrStale) {
			failed = fmt.Errorf("putting deliveries to %s off: %w", k.group, err)
		}
		for _, it := range items {
			d.queue.finish(it)
		}
	}
	return failed
}
