package store

import (
	"context"
	"fmt"

	"syndicate/internal/newsletter"
)

// control runs a step on a locked issue.
func (s *Store) control(ctx context.Context, verb string, id int64, step func(x *tx, i newsletter.Issue) error) error {
	return s.write(ctx, fmt.Sprintf("%s issue %d", verb, id), func(x *tx) error {
		if _, err := x.lockIssue(id); err != nil {
			return err
		}
		i, err := one(x, scanIssue, "SELECT "+issueColumns+" FROM issues i WHERE i.id = $1", id)
		if err != nil {
			return err
		}
		return step(x, i)
	})
}

func wrongState(i newsletter.Issue) error {
	return fmt.Errorf("issue %d of %s is %s: %w", i.Number, i.Newsletter, i.State, ErrConflict)
}

// setState moves an issue on; by is who paused it.
func (x *tx) setState(id int64, state newsletter.IssueState, by newsletter.PausedBy, reason string) error {
	now := ms(x.s.wall())
	done := int64(0)
	if !state.Open() {
		done = now
	}
	_, err := x.exec("UPDATE issues SET state = $2, reason = $3, progress_at = $4, done_at = $5, paused_by = $6 WHERE id = $1", id, string(state), reason, now, done, string(by))
	if err != nil {
		return err
	}
	return x.notify()
}

// Approve lets an awaiting issue go, if hash is what it would send; ErrConflict
// if it is another one by now, or not awaiting.
func (s *Store) Approve(ctx context.Context, issue int64, hash string) error {
	return s.control(ctx, "approve", issue, func(x *tx, i newsletter.Issue) error {
		if i.State != newsletter.IssueAwaiting {
			return wrongState(i)
		}
		if i.Hash != hash {
			return fmt.Errorf("issue %d of %s is not the one that was approved: %w", i.Number, i.Newsletter, ErrConflict)
		}
		return x.setState(issue, newsletter.IssueSealing, "", "")
	})
}

// Pause stops an issue that is sealing or sending: from now on marks are refused
// and nothing is leased. An operator who pauses a paused issue changes the reason;
// anybody else is refused with ErrConflict.
//
// The breaker also holds the suppressions that the issue led to for review:
// whoever sends to the wrong relay, or through a misconfigured one, is told that
// good addresses do not exist. They stay suppressed until somebody looked.
func (s *Store) Pause(ctx context.Context, issue int64, by newsletter.PausedBy, reason string) error {
	return s.control(ctx, "pause", issue, func(x *tx, i newsletter.Issue) error {
		switch {
		case i.State == newsletter.IssuePaused && by == newsletter.ByOperator:
			by = i.PausedBy
		case i.State != newsletter.IssueSealing && i.State != newsletter.IssueSending:
			return wrongState(i)
		}
		if err := x.setState(issue, newsletter.IssuePaused, by, reason); err != nil || by != newsletter.ByBreaker {
			return err
		}
		_, err := x.exec("UPDATE suppressions SET held = 1 WHERE issue = $1 AND issue > 0 AND cause IN ('bounce', 'complaint')", issue)
		return err
	})
}

// Resume lets a paused issue go on, and an issue whose canary is out or is being
// looked at go to the rest. What failed so far does not count for the breaker any
// more.
func (s *Store) Resume(ctx context.Context, issue int64) error {
	return s.control(ctx, "resume", issue, func(x *tx, i newsletter.Issue) error {
		waits := i.Canary > 0 && i.Wave == 0 && !i.CanaryAt.IsZero()
		switch {
		case i.State == newsletter.IssueSending && waits:
		case i.State != newsletter.IssuePaused:
			return wrongState(i)
		case !i.Sealed:
			return x.setState(issue, newsletter.IssueSealing, "", "")
		}
		if waits {
			if err := x.openWave(issue); err != nil {
				return err
			}
		}
		if err := x.setState(issue, newsletter.IssueSending, "", ""); err != nil {
			return err
		}
		if err := x.rebase(issue); err != nil {
			return err
		}
		return x.finishIssue(issue)
	})
}

// Cancel ends an open issue: what is pending is cancelled, and its subscribers'
// cursors return to where they were, unless a later issue moved them, so that
// the articles are new to them again. What is being sent this instant may still
// arrive. It returns how many deliveries were cancelled.
func (s *Store) Cancel(ctx context.Context, issue int64, reason string) (cancelled int, err error) {
	err = s.control(ctx, "cancel", issue, func(x *tx, i newsletter.Issue) error {
		if !i.State.Open() {
			return wrongState(i)
		}
		if err := x.setState(issue, newsletter.IssueCancelled, "", reason); err != nil {
			return err
		}
		if _, err := x.exec("UPDATE chunks SET counted = 0 WHERE issue = $1", issue); err != nil { // locked from here on
			return err
		}
		// Before they are cancelled: those that were cancelled already have theirs.
		if err := x.returnCursors(i, "d.state IN (0, 3)"); err != nil {
			return err
		}
		n, err := x.exec("UPDATE deliveries SET state = 4, settled_at = $2 WHERE state = 0 AND chunk IN (SELECT id FROM chunks WHERE issue = $1)", issue, ms(s.wall()))
		if err != nil {
			return err
		}
		cancelled = int(n)
		if i.Sealed {
			_, err = x.exec("UPDATE tracks SET horizon = (SELECT old_horizon FROM issues WHERE id = $1) WHERE newsletter = $2 AND rehearsal = $3 AND horizon = $4",
				issue, i.Newsletter, btoi(i.Rehearsal), i.Horizon)
			if err != nil {
				return err
			}
		}
		return x.sweepCancelled(issue)
	})
	return cancelled, err
}

// returnCursors gives subscriptions of an issue's deliveries the cursor they had
// before, where no later issue moved it. Those who have a cadence are due again as
// soon as it lets them.
func (x *tx) returnCursors(i newsletter.Issue, which string, args ...any) error {
	col := cursorColumn(i.Rehearsal)
	_, err := x.exec(`UPDATE subscriptions SET `+col+` = old.cursor, `+servedColumn(i.Rehearsal)+` = 0
		FROM (SELECT d.subscriber AS subscriber, d.old_cursor AS cursor FROM chunks c JOIN deliveries d ON d.chunk = c.id WHERE c.issue = $1 AND `+which+`) AS old
		WHERE subscriptions.newsletter = $2 AND subscriptions.subscriber = old.subscriber AND subscriptions.`+col+` = $3`,
		append([]any{i.ID, i.Newsletter, i.Horizon}, args...)...)
	return err
}

// cursorColumn is the cursor of a track.
func cursorColumn(rehearsal bool) string {
	if rehearsal {
		return "rehearsal_cursor"
	}
	return "cursor"
}

// servedColumn says when a subscription was last served in a track.
func servedColumn(rehearsal bool) string {
	if rehearsal {
		return "rehearsal_served"
	}
	return "served"
}

// RetryFailed makes the failed deliveries of an issue pending again, of those who
// still want it and are not suppressed, and returns how many.
func (s *Store) RetryFailed(ctx context.Context, issue int64) (int, error) {
	return s.retry(ctx, issue, newsletter.Failed)
}

// RetryUncertain makes the uncertain deliveries of an issue pending again: some
// will arrive twice.
func (s *Store) RetryUncertain(ctx context.Context, issue int64) (int, error) {
	return s.retry(ctx, issue, newsletter.Uncertain)
}

func (s *Store) retry(ctx context.Context, issue int64, from newsletter.DeliveryState) (n int, err error) {
	err = s.control(ctx, "retry", issue, func(x *tx, i newsletter.Issue) error {
		if !i.Sealed || i.State == newsletter.IssueCancelled {
			return wrongState(i)
		}
		changed, err := x.exec(`UPDATE deliveries SET state = 0, attempts = 0, first_try = 0, due_at = 0, settled_at = 0
			WHERE state = $2 AND chunk IN (SELECT id FROM chunks WHERE issue = $1 AND (counted = 0 OR failed + uncertain > 0))
			AND EXISTS (SELECT 1 FROM subscriptions b WHERE b.newsletter = $3 AND b.subscriber = deliveries.subscriber AND b.state = 'confirmed' AND b.suppressed = 0)`,
			issue, int(from), i.Newsletter)
		if n = int(changed); err == nil && n == 0 {
			err = x.remembered(i)
		}
		if err != nil || n == 0 {
			return err
		}
		if _, err = x.exec("UPDATE issues SET forgotten = 0 WHERE id = $1 AND forgotten > 0", issue); err != nil {
			return err
		}
		_, err = x.exec(`UPDATE chunks SET closed = 0, due_at = 0 WHERE issue = $1
			AND EXISTS (SELECT 1 FROM deliveries d WHERE d.chunk = chunks.id AND d.state = 0)`, issue)
		if err == nil {
			err = x.recount("issue = $1 AND counted = 1 AND closed = 0 AND failed + uncertain > 0", issue)
		}
		if err == nil {
			err = x.rebase(issue)
		}
		if err != nil || i.State == newsletter.IssuePaused {
			return err
		}
		return x.setState(issue, newsletter.IssueSending, "", "")
	})
	return n, err
}

// remembered refuses an issue whose deliveries are forgotten.
func (x *tx) remembered(i newsletter.Issue) error {
	gone, err := x.query1("SELECT count(*) FROM issues WHERE id = $1 AND forgotten = 2", i.ID)
	if err == nil && gone > 0 {
		err = fmt.Errorf("what became of each delivery of issue %d of %s is not kept any more: %w", i.Number, i.Newsletter, ErrConflict)
	}
	return err
}

// finishIssue makes an issue sent when it is sealed and no chunk of it is open.
// The caller has locked the issue's row.
func (x *tx) finishIssue(id int64) error {
	_, err := x.exec(`UPDATE issues SET state = 'sent', reason = '', paused_by = '', done_at = $2, progress_at = $2
		WHERE id = $1 AND sealed = 1 AND state IN ('sending', 'paused') AND NOT EXISTS (SELECT 1 FROM chunks WHERE issue = $1 AND closed = 0)`,
		id, ms(x.s.wall()))
	return err
}
