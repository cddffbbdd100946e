package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// dueOf returns the occurrence of a newsletter that is to be composed now; false:
// there is none. One that is not to be made up for any more is recorded here, and
// said in the report. Occurrences from before the newsletter or its present
// schedule was first seen are nobody's.
func (s *Service) dueOf(ctx context.Context, n newsletter.Newsletter, onTime time.Time, r *NewsletterReport) (newsletter.Occurrence, bool, error) {
	none := newsletter.Occurrence{}
	if n.Schedule == "" {
		return none, false, nil
	}
	schedule, err := ParseSchedule(n.Schedule, n.Location)
	if err != nil {
		return none, false, err
	}
	now, rehearsal := s.now(), s.Rehearsal()
	since, err := s.scheduledSince(ctx, n, now)
	if err != nil {
		return none, false, err
	}
	last, err := s.store.LastOccurrence(ctx, n.Name, rehearsal)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return none, false, err
	}
	due, earlier, ok := schedule.Latest(last.Local, since, now)
	if !ok {
		return none, false, nil
	}
	o := newsletter.Occurrence{Newsletter: n.Name, Rehearsal: rehearsal, Local: due.Local, At: due.At}
	if earlier > 0 {
		o.Note = fmt.Sprintf("%d earlier %s passed while nothing was running", earlier, newsletter.Plural(earlier, "occurrence"))
	}
	r.Due = due.Local
	outcome, why := verdict(n, due, onTime, now)
	if outcome == "" {
		return o, true, nil
	}
	o.Outcome, o.Note, r.Skipped = outcome, why, why
	s.log.Warn("occurrence passed over", "newsletter", n.Name, "due", due.Local, "outcome", outcome)
	_, err = s.store.RecordOccurrence(ctx, o, now)
	return none, false, err
}

// scheduled is what the store remembers of a newsletter's schedule.
type scheduled struct {
	Spec  string    `json:"spec"`
	Zone  string    `json:"zone"`
	Since time.Time `json:"since"`
}

// scheduledSince returns since when a newsletter has its present schedule: a new
// one does not make up for times that were never planned.
func (s *Service) scheduledSince(ctx context.Context, n newsletter.Newsletter, now time.Time) (time.Time, error) {
	track, err := s.store.SyncNewsletter(ctx, n.Name, s.Rehearsal(), now)
	if err != nil {
		return time.Time{}, err
	}
	since, had, err := s.knownSince(ctx, n)
	if err != nil || !since.IsZero() {
		return since, err
	}
	since = now
	if !had {
		since = track.Since
	}
	value, err := json.Marshal(scheduled{n.Schedule, n.Location.String(), since})
	if err != nil {
		return time.Time{}, err
	}
	return since, s.store.SetValue(ctx, s.scheduleKey(n), value)
}

func (s *Service) scheduleKey(n newsletter.Newsletter) string {
	return fmt.Sprintf("schedule of %s (rehearsal: %v)", n.Name, s.Rehearsal())
}

// knownSince returns since when a newsletter is known to have its present schedule;
// zero: it is not. had says whether any schedule is known.
func (s *Service) knownSince(ctx context.Context, n newsletter.Newsletter) (since time.Time, had bool, err error) {
	value, err := s.store.Value(ctx, s.scheduleKey(n))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return time.Time{}, false, err
	}
	var known scheduled
	if value != nil && json.Unmarshal(value, &known) == nil && known.Spec == n.Schedule && known.Zone == n.Location.String() {
		since = known.Since
	}
	return since, value != nil, nil
}

// compose an occurrence or an issue by hand (o nil) from a preview, and say in r
// what came of it.
func (s *Service) issueFrom(ctx context.Context, p Preview, o *newsletter.Occurrence, r *NewsletterReport) error {
	name := p.Newsletter.Name
	r.Nothing, r.Hash = p.Nothing, p.Hash
	if p.Nothing != "" {
		s.log.Info("nothing new", "newsletter", name, "reason", p.Nothing)
		if o == nil {
			return nil
		}
		o.Outcome, o.Missed = outcomeNothing, p.turn.Missed
		o.Note = joinNotes(p.Nothing, o.Note)
		_, err := s.store.RecordOccurrence(ctx, *o, s.now())
		return err
	}
	r.Articles = len(p.Groups[0].Articles)
	if o == nil {
		waiting, err := s.awaiting(ctx, p)
		if err != nil || waiting.ID != 0 {
			r.issue(waiting)
			return err
		}
	} else {
		o.Outcome = outcomeIssue
	}
	issue, err := s.create(ctx, p, o)
	if errors.Is(err, store.ErrConflict) && o != nil {
		r.Skipped = "another process composes it"
		return nil
	}
	if err == nil {
		r.issue(issue)
	}
	return err
}

// awaiting returns the issue that waits for approval with just this content; the
// zero one: there is none.
func (s *Service) awaiting(ctx context.Context, p Preview) (newsletter.Issue, error) {
	rehearsal := p.Rehearsal
	open, err := s.store.Issues(ctx, store.IssueQuery{Newsletter: p.Newsletter.Name, Rehearsal: &rehearsal, Open: true})
	if err != nil {
		return newsletter.Issue{}, err
	}
	for _, i := range open {
		if i.State == newsletter.IssueAwaiting && i.Hash == p.Hash {
			return i, nil
		}
	}
	return newsletter.Issue{}, nil
}

func (r *NewsletterReport) issue(i newsletter.Issue) {
	r.Issue, r.Number = i.ID, i.Number
	r.Awaiting = i.State == newsletter.IssueAwaiting
}

func joinNotes(a, b string) string {
	if b == "" {
		return a
	}
	return a + "; " + b
}
