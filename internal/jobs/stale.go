package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// pauseStale pauses the issues that made no progress for so long that nobody may
// want them any more: an old database was restored, a machine slept. They wait
// for somebody to resume them.
func (s *Service) pauseStale(ctx context.Context) error {
	rehearsal := s.Rehearsal()
	open, err := s.store.Issues(ctx, store.IssueQuery{Rehearsal: &rehearsal, Open: true})
	if err != nil {
		return fmt.Errorf("looking for stale issues: %w", err)
	}
	now := s.now()
	for _, i := range open {
		if i.State != newsletter.IssueSealing && i.State != newsletter.IssueSending {
			continue
		}
		since, err := s.couldGo(ctx, i, now)
		if err != nil {
			return fmt.Errorf("looking for stale issues: %w", err)
		}
		if now.Sub(since)-s.quietWithin(i, since, now) <= s.patience(i) {
			continue
		}
		reason := fmt.Sprintf("no progress for %s; resume it if it is still wanted", roughly(now.Sub(i.ProgressAt)))
		err = s.store.Pause(ctx, i.ID, newsletter.ByAge, reason)
		if err != nil && !errors.Is(err, store.ErrConflict) { // it ended meanwhile
			return fmt.Errorf("pausing a stale issue: %w", err)
		}
		s.log.Warn("issue paused", "newsletter", i.Newsletter, "issue", i.Number, "reason", reason)
	}
	return nil
}

// couldGo returns since when an issue could have made progress and made none: its
// last progress, or when, after that, something of it was due again, its canary
// had been waited for, and a relay had messages left of its day.
func (s *Service) couldGo(ctx context.Context, i newsletter.Issue, now time.Time) (time.Time, error) {
	since := i.ProgressAt
	atLeast := func(t time.Time) {
		if t.After(since) {
			since = t
		}
	}
	if i.State != newsletter.IssueSending {
		return since, nil
	}
	next, err := s.store.NextTry(ctx, i.ID)
	if err != nil {
		return since, err
	}
	atLeast(now.Add(next))
	if n, err := s.Newsletter(i.Newsletter); err == nil && i.Canary > 0 && i.Wave == 0 && !i.CanaryAt.IsZero() {
		atLeast(i.CanaryAt.Add(n.Canary.Wait))
	}
	for !since.After(now) {
		spent, err := s.spentOn(ctx, since)
		if err != nil || !spent {
			return since, err
		}
		y, m, d := since.In(s.o.Site.Location).Date()
		since = time.Date(y, m, d+1, 0, 0, 0, 0, s.o.Site.Location)
	}
	return since, nil
}

// spentOn reports whether all relays had their messages of a day; see
// newsletter.WarmUp.
func (s *Service) spentOn(ctx context.Context, at time.Time) (bool, error) {
	at = at.In(s.o.Site.Location)
	for _, r := range s.o.Relays {
		limit, limited := r.WarmUp.Cap(at)
		if !limited {
			return false, nil
		}
		taken, err := s.store.MessagesTaken(ctx, newRelay(r).Name, dayOf(at))
		if err != nil || taken < limit {
			return false, err
		}
	}
	return len(s.o.Relays) > 0, nil
}

// quietWithin is how much of the time an issue's newsletter had its quiet hours.
func (s *Service) quietWithin(i newsletter.Issue, from, to time.Time) time.Duration {
	n, err := s.Newsletter(i.Newsletter)
	if err != nil || i.Rehearsal || !from.Before(to) {
		return 0
	}
	return n.Quiet.Within(from, to, n.Location)
}

// patience is how long an issue may go without progress: max_late; without one,
// until the next occurrence, but at least as long as deliveries are retried, so
// that a daily run goes on with what yesterday's left.
func (s *Service) patience(i newsletter.Issue) time.Duration {
	least := s.o.Delivery.GiveUpAfter
	n, err := s.Newsletter(i.Newsletter)
	if err != nil {
		return least
	}
	if n.MaxLate > 0 {
		return n.MaxLate
	}
	if n.Schedule == "" {
		return least
	}
	schedule, err := ParseSchedule(n.Schedule, n.Location)
	if err != nil {
		return least
	}
	next, ok := schedule.Next(i.ProgressAt)
	if !ok {
		return least
	}
	return max(least, next.At.Sub(i.ProgressAt))
}
