package store

import (
	"context"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// Standing is what decides whether an issue that is sending may go on.
type Standing struct {
	Issue      int64
	Newsletter string
	Number     int
	Canary     bool          // the canary is out; the rest waits
	Tried      bool          // all of it was
	TriedFor   time.Duration // for so long

	// How it stood when somebody last let it go on.
	BaseSent, BaseFailed, BaseComplaints int
}

// Sending returns the issues that are sending: what a worker looks at every
// second.
func (s *Store) Sending(ctx context.Context, rehearsal bool) ([]Standing, error) {
	now, args := s.clockSQL(btoi(rehearsal))
	all, err := list(s.reader(ctx), func(scan func(...any) error) (x Standing, err error) {
		err = scan(&x.Issue, &x.Newsletter, &x.Number, &x.Canary, &x.Tried, millis{&x.TriedFor}, &x.BaseSent, &x.BaseFailed, &x.BaseComplaints)
		return x, err
	}, `SELECT id, newsletter, number, CASE WHEN canary > 0 AND wave = 0 THEN 1 ELSE 0 END, CASE WHEN canary_at > 0 THEN 1 ELSE 0 END, CASE WHEN canary_at > 0 THEN `+now+` - canary_at ELSE 0 END,
		base_sent, base_failed, base_complaints FROM issues WHERE state = 'sending' AND rehearsal = $1 ORDER BY id`, args...)
	return all, s.wrap("look at the issues that are sending", err)
}

// Complaints counts those who complained about an issue.
func (s *Store) Complaints(ctx context.Context, issue int64) (int, error) {
	n, err := complaints(s.reader(ctx), issue)
	return int(n), s.wrap(fmt.Sprintf("count the complaints about issue %d", issue), err)
}

func complaints(q querier, issue int64) (int64, error) {
	return one(q, value[int64], "SELECT count(*) FROM suppressions WHERE issue = $1 AND issue > 0 AND cause = 'complaint'", issue)
}

// rebase notes how an issue stands now, for the breaker.
func (x *tx) rebase(issue int64) error {
	all, err := groupTallies(x, issue)
	if err != nil {
		return err
	}
	n, err := complaints(x, issue)
	if err != nil {
		return err
	}
	t := sum(all)
	_, err = x.exec("UPDATE issues SET base_sent = $2, base_failed = $3, base_complaints = $4 WHERE id = $1", issue, t.Sent, t.Failed, n)
	return err
}

// CanaryTried notes since when all of an issue's canary was tried.
func (s *Store) CanaryTried(ctx context.Context, issue int64) error {
	return s.write(ctx, fmt.Sprintf("note that the canary of issue %d is out", issue), func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		_, err = x.exec("UPDATE issues SET canary_at = $2 WHERE id = $1 AND canary_at = 0", issue, now)
		return err
	})
}

// OpenRest lets the rest of an issue follow its canary; ErrConflict if the issue
// is not sending any more.
func (s *Store) OpenRest(ctx context.Context, issue int64) error {
	return s.control(ctx, "let go the rest of", issue, func(x *tx, i newsletter.Issue) error {
		if i.State != newsletter.IssueSending {
			return wrongState(i)
		}
		if err := x.openWave(issue); err != nil {
			return err
		}
		return x.finishIssue(issue)
	})
}

// openWave makes the chunks of the rest due.
func (x *tx) openWave(issue int64) error {
	if _, err := x.exec("UPDATE issues SET wave = 1, progress_at = $2 WHERE id = $1", issue, ms(x.s.wall())); err != nil {
		return err
	}
	return x.notify()
}
