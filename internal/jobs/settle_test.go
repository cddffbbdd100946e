package jobs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestInsist: the store is away for longer than a lease. What was accepted is
// stored all the same, unless the process must end; the rest is given up.
func TestInsist(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	for _, c := range []struct {
		name  string
		state newsletter.DeliveryState
		back  time.Duration // when the store is there again
		limit time.Duration // when the process ends
		want  error
	}{
		{"accepted", newsletter.Sent, time.Minute, time.Hour, nil},
		{"accepted, the process ends", newsletter.Sent, time.Minute, 30 * time.Second, away},
		{"refused", newsletter.Failed, time.Minute, time.Hour, away},
		{"refused, a short outage", newsletter.Failed, 2 * time.Second, time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &deliverer{s: &Service{}}
				d.s.o.Delivery.Lease = 20 * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				began := time.Now()
				err := d.insist(ctx, store.Settlement{State: c.state}, func() error {
					if time.Since(began) < c.back {
						return away
					}
					return nil
				})
				if !errors.Is(err, c.want) || time.Since(began) > c.limit {
					t.Errorf("got %v after %s, want %v", err, time.Since(began), c.want)
				}
			})
		})
	}
}
