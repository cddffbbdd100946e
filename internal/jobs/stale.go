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
		since := now.Sub(i.ProgressAt)
		if since-s.excused(i, now) <= s.patience(i) {
			continue
		}
		reason := fmt.Sprintf("no progress for %s; resume it if it is still wanted", roughly(since))
		err := s.store.Pause(ctx, i.ID, newsletter.ByAge, reason)
		if err != nil && !errors.Is(err, store.ErrConflict) { // it ended meanwhile
			return fmt.Errorf("pausing a stale issue: %w", err)
		}
		s.log.Warn("issue paused", "newsletter", i.Newsletter, "issue", i.Number, "reason", reason)
	}
	return nil
}

// excused is how long an issue was not meant to make progress: in quiet hours, and
// while its canary is waited for.
func (s *Service) excused(i newsletter.Issue, now time.Time) time.Duration {
	n, err := s.Newsletter(i.Newsletter)
	if err != nil || i.Rehearsal {
		return 0
	}
	d := n.Quiet.Within(i.ProgressAt, now, n.Location)
	if i.Canary > 0 && i.Wave == 0 {
		d += n.Canary.Wait
	}
	return d
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
