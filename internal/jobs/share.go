package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/store"
)

// shares divides the connections of the relays, and of the groups that have a
// limit of them, among the workers that have something to send; see
// store.ShareConnections. It is called at once when there is work, and then as
// often as leases are renewed.
func (d *deliverer) shares(ctx context.Context) error {
	d.sharing.Lock()
	defer d.sharing.Unlock()
	asks, groups := d.shareAsks()
	defer d.shareAsked(groups)
	if !slices.ContainsFunc(asks, func(a store.ShareAsk) bool { return a.Want || a.Open > 0 }) && !d.holding {
		return nil // nothing to hold, nothing held
	}
	got, err := d.s.store.ShareConnections(ctx, d.worker, asks, d.s.o.Delivery.Lease)
	if err != nil {
		return fmt.Errorf("sharing connections: %w", err)
	}
	d.holding = slices.ContainsFunc(asks, func(a store.ShareAsk) bool { return a.Want || a.Open > 0 })
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	for i, r := range d.relays {
		r.allowed.Store(int32(got[i]))
	}
	for i, g := range groups {
		g.share = got[len(d.relays)+i]
		d.queue.forgetLocked(g)
	}
	return nil
}

// asked is what a share is used for at most while it is asked for anew: what the
// store was told of. What was begun meanwhile, it might have given to another worker.
type asked struct {
	now  bool
	used int
}

// more reports whether more may be begun than is used now.
func (a asked) more(used int) bool { return !a.now || used < a.used }

// shareAsked ends the asking: whoever was to wait for it looks again.
func (d *deliverer) shareAsked(groups []*group) {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	for _, r := range d.relays {
		r.asked = asked{}
	}
	for _, g := range groups {
		g.asked = asked{}
	}
	d.queue.notify()
}

// shareAsks says what this worker has, and wants. shareAsked is to be called after.
func (d *deliverer) shareAsks() ([]store.ShareAsk, []*group) {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	want := len(d.queue.leases) > 0 || d.work.Load()
	var asks []store.ShareAsk
	for _, r := range d.relays {
		r.asked = asked{true, int(r.open.Load())}
		asks = append(asks, store.ShareAsk{Name: "relay:" + r.Name, Limit: r.Connections, Open: r.asked.used, Want: want})
	}
	waiting := map[*group]bool{}
	for _, l := range d.queue.lanes {
		if l.group != nil && len(l.items) > 0 {
			waiting[l.group] = true
		}
	}
	var groups []*group
	for _, g := range d.queue.limits.groups {
		if g.limit.Connections > 0 && (waiting[g] || g.busy > 0 || g.share > 0) {
			groups = append(groups, g)
			g.asked = asked{true, g.busy}
			asks = append(asks, store.ShareAsk{Name: "group:" + g.name, Limit: g.limit.Connections, Open: g.busy, Want: waiting[g] || g.busy > 0})
		}
	}
	return asks, groups
}

// shareless reports whether this worker may have no connection to any relay.
func (d *deliverer) shareless() bool {
	return !slices.ContainsFunc(d.relays, func(r *relay) bool { return r.allowed.Load() > 0 })
}

// watching keeps the shares, and looks every second, while there is work, at what
// other workers found out about relays and groups.
func (d *deliverer) watching(ctx context.Context) {
	look := time.NewTicker(min(time.Second, d.s.o.Delivery.Renew))
	defer look.Stop()
	share := time.NewTicker(d.s.o.Delivery.Renew)
	defer share.Stop()
	sweep := time.NewTicker(24 * time.Hour)
	defer sweep.Stop()
	err := d.s.store.SweepLimits(ctx)
	for {
		if err != nil && ctx.Err() == nil {
			d.s.log.Warn("limits not looked at", "error", err)
		}
		err = nil
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			err = d.s.store.SweepLimits(ctx)
		case <-d.reshare:
			err = d.shares(ctx)
		case <-share.C:
			err = d.shares(ctx)
		case <-look.C:
			if _, _, leases := d.queue.size(); leases > 0 {
				err = d.lookAround(ctx)
			}
		}
	}
}
