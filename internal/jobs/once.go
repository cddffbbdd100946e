package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// How deliverOnce watches another process deliver.
const (
	watchTick  = 500 * time.Millisecond
	watchLimit = 30 * time.Second // without any change: that process does not deliver this
)

// deliverOnce delivers what is due until every delivery is settled or is to be
// tried later. On SQLite one process delivers at a time: it alone can know that
// leases it finds are a dead owner's, so they are freed at once. While it is
// another one (a daemon), that one's progress is awaited.
func (s *Service) deliverOnce(ctx context.Context, r *RunReport) error {
	if err := s.lookAtCanaries(ctx); err != nil {
		return err
	}
	open, _, err := s.store.OpenWork(ctx, s.Rehearsal(), s.resting()...)
	if err != nil || open == 0 {
		return err
	}
	if err := s.mayMail(ctx); err != nil {
		return err
	}
	release, err := s.store.LockDaemon()
	if errors.Is(err, store.ErrLocked) {
		if release, err = s.watch(ctx, r); release == nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	defer release()
	if err := s.store.FreeLeases(ctx); err != nil {
		return err
	}
	total, _, err := s.remaining(ctx)
	if err != nil {
		return err
	}
	// Who runs it by hand may have mended a relay that is still paused; cron did not,
	// nor is it mended since it failed a moment ago.
	heed := r.unattended || len(r.Relays) > 0
	d, err := s.deliver(ctx, true, heed, total)
	r.Accepted += d.accepted
	r.Refused += d.refused
	for _, t := range d.troubles {
		r.Relays = slices.DeleteFunc(r.Relays, func(before RelayTrouble) bool { return before.Relay == t.Relay })
		r.Relays = append(r.Relays, t)
	}
	if err == nil {
		err = s.lookAtCanaries(ctx)
	}
	return err
}

// remaining counts the deliveries of sending issues that are open, and those that
// are not.
func (s *Service) remaining(ctx context.Context) (open, settled int, err error) {
	issues, err := s.openIssues(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, i := range issues {
		if i.State != newsletter.IssueSending {
			continue
		}
		counts, err := s.store.IssueCounts(ctx, i.ID)
		if err != nil {
			return 0, 0, err
		}
		left := counts[newsletter.Pending] + counts[newsletter.Sending]
		open += left
		settled += i.Recipients - left
	}
	return open, settled, nil
}

// watch waits while another process delivers. It returns the lock if that process
// ends before the work does, and nil once nothing is due any more.
func (s *Service) watch(ctx context.Context, r *RunReport) (release func(), err error) {
	s.log.Info("another process delivers")
	if !r.unattended {
		if err := s.tryRelays(ctx); err != nil {
			return nil, err
		}
	}
	total, _, err := s.remaining(ctx)
	if err != nil {
		return nil, err
	}
	before, changed := -1, time.Now()
	for {
		if !sleep(ctx, watchTick) {
			return nil, ctx.Err()
		}
		if release, err = s.store.LockDaemon(); !errors.Is(err, store.ErrLocked) {
			return release, err
		}
		open, next, err := s.store.OpenWork(ctx, s.Rehearsal(), s.resting()...)
		if err != nil || open == 0 {
			return nil, err
		}
		leased, err := s.store.LeasedChunks(ctx, s.Rehearsal())
		if err != nil || leased == 0 && next > 0 {
			return nil, err
		}
		left, _, err := s.remaining(ctx)
		if err != nil {
			return nil, err
		}
		s.tell(Progress{Step: "send", Done: max(0, total-left), Total: total})
		if left != before || leased > 0 {
			before, changed = left, time.Now()
		} else if time.Since(changed) > watchLimit {
			r.Errors = append(r.Errors, fmt.Sprintf("another process uses the database but does not deliver these %d messages; stop it, or start it anew with this configuration", left))
			return nil, nil //nolint:nilnil // no lock and no failure: nothing to wait for
		}
	}
}
