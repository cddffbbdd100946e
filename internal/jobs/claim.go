package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// How long a job that failed waits, unless files change first.
const (
	taskRetry    = time.Second // after the first failure; it doubles
	taskRetryMax = 5 * time.Minute
)

// errBegun means that another worker does a job, or did it since it was asked for.
var errBegun = errors.New("another worker began it")

// alone does the work of a discrete job under a claim, so that no other worker, of
// any node, does it at the same time. fence is what store.Claims said of it. A
// claim is kept as leases are: who dies over the work is followed when it runs
// out, and who slept meanwhile is stopped.
func (s *Service) alone(ctx context.Context, name string, fence int64, work func(context.Context) error) error {
	return s.aloneFor(ctx, name, fence, s.o.Delivery.Lease, s.o.Delivery.Renew, work)
}

// aloneFor is alone under a claim of another length, kept as often as renew says: for
// work that goes on for days.
func (s *Service) aloneFor(ctx context.Context, name string, fence int64, lease, renew time.Duration, work func(context.Context) error) (err error) {
	held, err := s.store.Claim(ctx, name, fence, lease)
	if errors.Is(err, store.ErrStale) {
		return errBegun
	}
	if err != nil {
		return err
	}
	working, lose := context.WithCancelCause(ctx)
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var keeper sync.WaitGroup
	keeper.Go(func() { s.keepClaim(keeping, name, held, lease, renew, lose) })
	err = errors.New("it panicked") // unless the work returns
	defer func() {
		stop()
		keeper.Wait()
		if lose(nil); err != nil && errors.Is(context.Cause(working), errBegun) {
			err = errBegun
			return
		}
		err = errors.Join(err, s.endClaim(context.WithoutCancel(ctx), name, held, err, ctx.Err()))
	}()
	err = work(working)
	return err
}

// keepClaim prolongs a claim until ctx ends, and calls lose when it is lost.
func (s *Service) keepClaim(ctx context.Context, name string, held int64, lease, every time.Duration, lose context.CancelCauseFunc) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		err := s.store.KeepClaim(ctx, name, held, lease)
		switch {
		case errors.Is(err, store.ErrStale):
			lose(errBegun)
			return
		case err != nil && ctx.Err() == nil:
			s.log.Warn("claim not kept", "job", name, "error", err)
		}
	}
}

// endClaim gives a claim back; stopped: the work was cut short, and goes on
// elsewhere.
func (s *Service) endClaim(ctx context.Context, name string, held int64, failure, stopped error) error {
	var err error
	switch {
	case failure == nil:
		err = s.store.EndClaim(ctx, name, held, true)
	case errors.Is(stopped, context.Canceled):
		err = s.store.EndClaim(ctx, name, held, false)
	default:
		err = s.store.FailClaim(ctx, name, held, taskRetry, taskRetryMax, rand.Float64())
	}
	if errors.Is(err, store.ErrStale) { // it ran out, and somebody else began
		return nil
	}
	return err
}

// sealAlone seals an issue for a run. Where another process does it already, that
// is waited for.
func (s *Service) sealAlone(ctx context.Context, id int64) error {
	name := sealJob{Issue: id}.name()
	for told := false; ; told = true {
		claims, err := s.store.Claims(ctx)
		if err != nil {
			return fmt.Errorf("sealing issue %d: %w", id, err)
		}
		if k := claims[name]; !k.Held || k.Left == 0 {
			err := s.alone(ctx, name, k.Fence, func(ctx context.Context) error {
				_, err := s.seal(ctx, id)
				return err
			})
			if !errors.Is(err, errBegun) {
				return err
			}
		}
		if !told {
			s.log.Info("another process seals", "issue", id)
		}
		if !sleep(ctx, watchTick) {
			return ctx.Err()
		}
		if i, err := s.store.Issue(ctx, id); err != nil || i.State != newsletter.IssueSealing {
			return err
		}
	}
}
