package jobs

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestAskAfterDeath: a worker that dies between taking a job from the queue and
// claiming it does not keep it there.
func TestAskAfterDeath(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t))
	begun := time.Now()
	var asked []river.JobArgs
	c := &conductor{
		tasks: &tasks{Service: &Service{store: s}},
		queue: &taskQueue{lease: time.Minute, insert: func(_ context.Context, j river.JobArgs, _ *river.InsertOpts) (*rivertype.JobInsertResult, error) {
			asked = append(asked, j)
			taken := j == sealJob{Issue: 1}
			return &rivertype.JobInsertResult{
				Job:                      &rivertype.JobRow{State: rivertype.JobStateRunning, AttemptedAt: &begun},
				UniqueSkippedAsDuplicate: taken,
			}, nil
		}},
	}
	for _, since := range []time.Duration{time.Second, time.Hour} {
		begun = time.Now().Add(-since)
		got, err := c.ask(t.Context(), sealJob{Issue: 1})
		if died := since > time.Minute; got != died || err != nil {
			t.Errorf("taken %s ago: asked %v (%v)", since, got, err)
		}
	}
	if last := asked[len(asked)-1]; last != (sealJob{Issue: 1, Fence: 1}) {
		t.Errorf("asked for %+v", asked)
	}
}

// TestAlone: work under a claim that is lost is stopped, and its failure is
// nobody's; what is cut short or panics is given back.
func TestAlone(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	s := &Service{store: st, log: slog.New(slog.DiscardHandler), o: Options{Delivery: DeliveryOptions{Lease: time.Minute, Renew: time.Millisecond}}}
	state := func() store.Claim {
		claims, err := st.Claims(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return claims["seal 1"]
	}
	var taken int64
	err := s.alone(t.Context(), "seal 1", 0, func(ctx context.Context) (err error) {
		if taken, err = st.Claim(ctx, "seal 1", 1, time.Minute); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, errBegun) || state().Fence != taken {
		t.Errorf("the claim was lost: %v, %+v", err, state())
	}
	if err := s.alone(t.Context(), "seal 1", 0, func(context.Context) error { return nil }); !errors.Is(err, errBegun) {
		t.Errorf("another one does it: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	err = s.alone(ctx, "seal 1", taken, func(ctx context.Context) error {
		stop()
		return ctx.Err()
	})
	if k := state(); !errors.Is(err, context.Canceled) || k.Held || k.Left > 0 {
		t.Errorf("cut short: %v, %+v", err, k)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is hidden")
			}
		}()
		_ = s.alone(t.Context(), "seal 1", state().Fence, func(context.Context) error { panic("here") })
	}()
	if k := state(); k.Held || k.Left == 0 {
		t.Errorf("after a panic: %+v", k)
	}
	if err := s.alone(t.Context(), "seal 1", state().Fence, func(context.Context) error { return nil }); err != nil || state() != (store.Claim{}) {
		t.Errorf("done: %v, %+v", err, state())
	}
}
