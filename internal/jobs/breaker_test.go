package jobs

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestTripKept: a receiver refused message after message; the pause fails, because
// the store is away, and is made at the next look.
func TestTripKept(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t))
	d := &deliverer{
		s: &Service{store: s, log: slog.New(slog.DiscardHandler)}, breaker: newBreaker(BreakerOptions{Refusals: 1}),
		queue: newQueue(1, nil), steering: steering{judged: map[int64]judged{}},
	}
	d.queue.limits = newLimits(nil, nil, GroupLimit{})
	d.breaker.settled(7, "big.example", store.Settlement{State: newsletter.Failed, Reply: newsletter.Reply{Phase: newsletter.PhaseDot, Code: 554, Text: "spam"}})
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.look(away, store.Standing{Issue: 7}, time.Now()); err == nil {
		t.Fatal("the pause did not fail")
	}
	if _, trip := d.breaker.take(7); !strings.Contains(trip, "spam") {
		t.Errorf("the trip is forgotten: %q", trip)
	}
}
