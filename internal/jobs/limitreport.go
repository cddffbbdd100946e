package jobs

import (
	"context"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// RelayState is how a relay stands for all workers.
type RelayState struct {
	Name        string    `json:"name"`
	Address     string    `json:"address"` // host:port
	Weight      int       `json:"weight"`
	PausedUntil time.Time `json:"paused_until,omitzero"` // it failed, or its day's messages are used up
	Reason      string    `json:"reason,omitempty"`
	Cap         int64     `json:"cap,omitempty"`   // of today, while it is warmed up
	Today       int64     `json:"today,omitempty"` // messages it got today, while it is warmed up
}

// GroupState is how a recipient-domain group stands whose receiver pushed back.
type GroupState struct {
	Name        string    `json:"name"`
	PausedUntil time.Time `json:"paused_until,omitzero"` // zero: it is sent to again, slowly
	Rate        float64   `json:"rate"`                  // messages a second it is sent to at, after the pause
	SlowedUntil time.Time `json:"slowed_until"`          // when it has recovered, if nothing happens
	Reason      string    `json:"reason"`
}

// Limits says which relays are paused or capped, and which groups are paused or
// slowed, by all workers.
func (s *Service) Limits(ctx context.Context) (relays []RelayState, groups []GroupState, err error) {
	known, storeNow, err := s.store.Relays(ctx)
	if err != nil {
		return nil, nil, err
	}
	now := s.now()
	for _, r := range s.o.Relays {
		x := RelayState{Name: newRelay(r).Name, Address: r.Addr(), Weight: r.Weight}
		if err := s.warmUpState(ctx, &x, r.WarmUp, now.In(s.o.Site.Location)); err != nil {
			return nil, nil, err
		}
		for _, k := range known {
			left := k.PausedUntil.Sub(storeNow)
			if until := now.Add(left); k.Name == x.Name && left > 0 && until.After(x.PausedUntil) {
				x.PausedUntil, x.Reason = until, k.Reason
			}
		}
		relays = append(relays, x)
	}
	slowed, storeNow, err := s.store.Slowed(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range slowed {
		level, rate := d.Now(storeNow)
		g := GroupState{Name: d.Group, Rate: rate, Reason: d.Reason}
		if d.PausedUntil.After(storeNow) {
			g.PausedUntil = d.PausedUntil
		}
		g.SlowedUntil = d.PausedUntil.Add(time.Duration(max(d.Level, level)) * d.Step)
		groups = append(groups, g)
	}
	return relays, groups, nil
}

// warmUpState adds how far the day's messages are used up.
func (s *Service) warmUpState(ctx context.Context, x *RelayState, plan newsletter.WarmUp, now time.Time) (err error) {
	limit, limited := plan.Cap(now)
	if !limited {
		return nil
	}
	if x.Today, err = s.store.MessagesTaken(ctx, x.Name, dayOf(now)); err != nil {
		return err
	}
	x.Cap = limit
	y, m, d := now.Date()
	tomorrow := time.Date(y, m, d+1, 0, 0, 0, 0, now.Location())
	switch {
	case limit == 0:
		y, m, d = plan.From.Date()
		x.PausedUntil, x.Reason = time.Date(y, m, d, 0, 0, 0, 0, now.Location()), "its warm-up has not begun"
	case x.Today >= limit:
		x.PausedUntil, x.Reason = tomorrow, fmt.Sprintf("it got the %d %s of today's warm-up", limit, newsletter.Plural(int(limit), "message"))
	}
	return nil
}
