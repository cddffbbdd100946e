package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/store"
)

// RunOptions says what Run does.
type RunOptions struct {
	Newsletters []string // empty: all of them
	// Due leaves out the newsletters whose time has not come. Only then are
	// occurrences recorded: a run by hand is an issue beside the schedule, and the
	// next occurrence comes all the same (and finds nothing new, perhaps).
	Due bool
	// Confirm is asked before people are mailed, about all issues that would go out
	// at once; nil: nobody is asked. A rehearsal never asks, and neither do
	// interrupted issues, which were agreed to before.
	Confirm func(context.Context, Question) (bool, error)
	// Prune removes whoever came by a list and left it; see SyncLists.
	Prune bool
}

// Question is what a person has to agree to.
type Question struct {
	Issues []Preview     // that would go out
	Begun  []IssueReport // earlier, and going on whatever the answer
}

// dueTolerance is how late Run with Due may come and still be on time: it is as
// punctual as the system's cron that starts it.
const dueTolerance = time.Hour

// Run does the whole job once: it takes in mail that came back, finishes interrupted
// issues, syncs the lists, ingests, builds the feeds, and for each newsletter composes, seals and
// delivers what is new. It waits until every delivery is settled or is to be
// tried later. What goes wrong in one step is in the report and does not keep
// the others from being done; an error means that the store failed, that ctx
// ended, or that mail may not go out yet (*LinksError): then no issue is made.
func (s *Service) Run(ctx context.Context, o RunOptions) (RunReport, error) {
	return s.reported(ctx, func(r *RunReport) error {
		r.unattended = o.Due
		wanted, err := s.newsletters(o.Newsletters)
		if err != nil {
			return err
		}
		// Whoever does not want mail any more, or whose address is dead, gets none.
		if err := s.takeMail(ctx, r); err != nil {
			return err
		}
		// Where links lead nowhere, articles and feeds are brought up to date all the same.
		held := s.finish(ctx, r)
		if held != nil && !errors.As(held, new(*LinksError)) {
			return held
		}
		if err := s.refresh(ctx, r, o.Prune, o.Newsletters); err != nil {
			return err
		}
		if held != nil {
			return held
		}
		due := map[string]newsletter.Occurrence{}
		if o.Due {
			if wanted, due, err = s.dueNow(ctx, r, wanted); err != nil {
				return err
			}
		}
		if err := s.issueAll(ctx, r, wanted, due, "", o.Confirm); err != nil {
			return err
		}
		if err := s.complete(ctx, r); err != nil {
			return err
		}
		if err := s.retainDue(ctx); err != nil && ctx.Err() == nil {
			r.Errors = append(r.Errors, err.Error())
		}
		return nil
	})
}

// Finish takes up interrupted and approved issues, and nothing else.
func (s *Service) Finish(ctx context.Context) (RunReport, error) {
	return s.reported(ctx, func(r *RunReport) error { return s.finish(ctx, r) })
}

// reportLeast is how long a run that was cut short may look at how things stand, if
// less is left of its grace period.
const reportLeast = 5 * time.Second

// reported does a run's steps and looks afterwards, even when they were cut
// short, how the issues stand.
func (s *Service) reported(ctx context.Context, steps func(*RunReport) error) (RunReport, error) {
	r := s.newReport()
	cut := make(chan time.Time, 1)
	defer context.AfterFunc(ctx, func() { cut <- time.Now() })()
	err := steps(&r)
	stopped := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	if stopped {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(s.o.Delivery.Grace-time.Since(<-cut), reportLeast))
		defer cancel()
	}
	issues, ierr := s.standing(ctx, r.Issues)
	if ierr == nil {
		r.Issues = issues
	}
	if !stopped {
		s.publishIssues(ctx, &r)
	}
	return r, errors.Join(err, ierr)
}

// publishIssues brings the newsletters' feeds up to date where an issue was sent.
func (s *Service) publishIssues(ctx context.Context, r *RunReport) {
	if !slices.ContainsFunc(r.Issues, func(i IssueReport) bool { return i.Issue.State == newsletter.IssueSent && !i.Issue.Rehearsal }) {
		return
	}
	p, err := s.Publish(ctx)
	if err != nil {
		r.Errors = append(r.Errors, "building the feeds: "+err.Error())
		return
	}
	r.Publish.Written = append(r.Publish.Written, p.Written...)
}

// standing says how issues stand now.
func (s *Service) standing(ctx context.Context, issues []IssueReport) ([]IssueReport, error) {
	list := make([]IssueReport, len(issues))
	for k := range issues {
		i, err := s.IssueReport(ctx, issues[k].Issue.ID)
		if err != nil {
			return nil, err
		}
		i.News = since(issues[k].Failures, i.Failures)
		list[k] = i
	}
	return list, nil
}

// since returns what is among the failures now and was not before.
func since(before, now []store.Failure) []store.Failure {
	var news []store.Failure
	for _, f := range now {
		for _, b := range before {
			if b.State == f.State && b.Code == f.Code && b.Reply == f.Reply {
				f.Count -= b.Count
			}
		}
		if f.Count > 0 {
			news = append(news, f)
		}
	}
	return news
}

func (s *Service) newReport() RunReport {
	r := RunReport{Rehearsal: s.Rehearsal(), Newsletters: []NewsletterReport{}, Issues: []IssueReport{}}
	if r.Rehearsal {
		r.Outbox = s.o.OutboxDir
	}
	return r
}

// finish takes up what another run left.
func (s *Service) finish(ctx context.Context, r *RunReport) error {
	if err := s.known(ctx); err != nil {
		return err
	}
	if err := s.pauseStale(ctx); err != nil {
		return err
	}
	open, err := s.openIssues(ctx)
	if err != nil {
		return err
	}
	for _, i := range open {
		if i.State == newsletter.IssueAwaiting {
			continue
		}
		begun, err := s.IssueReport(ctx, i.ID)
		if err != nil {
			return err
		}
		r.Issues = append(r.Issues, begun)
	}
	if err := s.sealOpen(ctx, r); err != nil {
		return err
	}
	return s.deliverOnce(ctx, r)
}

// openIssues returns the issues of this track that can still send something,
// oldest first.
func (s *Service) openIssues(ctx context.Context) ([]newsletter.Issue, error) {
	rehearsal := s.Rehearsal()
	open, err := s.store.Issues(ctx, store.IssueQuery{Rehearsal: &rehearsal, Open: true})
	slices.Reverse(open)
	return open, err
}

// sealOpen seals every issue that is sealing. One that cannot be sealed does not
// keep the others.
func (s *Service) sealOpen(ctx context.Context, r *RunReport) error {
	open, err := s.openIssues(ctx)
	if err != nil {
		return err
	}
	for _, i := range open {
		if i.State != newsletter.IssueSealing {
			continue
		}
		if err := s.sealAlone(ctx, i.ID); err != nil {
			if ctx.Err() != nil {
				return err
			}
			s.log.Error("sealing failed", "newsletter", i.Newsletter, "issue", i.Number, "error", err)
			r.Errors = append(r.Errors, err.Error())
		}
	}
	return nil
}

// refresh brings articles, lists and feeds up to date.
func (s *Service) refresh(ctx context.Context, r *RunReport, prune bool, names []string) (err error) {
	if r.Lists, err = s.SyncLists(ctx, prune, names...); err != nil {
		return err
	}
	if r.Ingest, err = s.Ingest(ctx, source.Now); err != nil {
		return err
	}
	r.Publish, err = s.Publish(ctx)
	if err != nil && ctx.Err() == nil { // a full disk under public/ need not keep mail back
		r.Publish.Error = "building the feeds: " + err.Error()
		r.Errors = append(r.Errors, r.Publish.Error)
		err = nil
	}
	return err
}

// dueNow leaves the newsletters that are due, with their occurrences.
func (s *Service) dueNow(ctx context.Context, r *RunReport, wanted []newsletter.Newsletter) ([]newsletter.Newsletter, map[string]newsletter.Occurrence, error) {
	var out []newsletter.Newsletter
	due := map[string]newsletter.Occurrence{}
	for _, n := range wanted {
		nr := NewsletterReport{Newsletter: n.Name}
		o, ok, err := s.dueOf(ctx, n, s.now().Add(-dueTolerance), &nr)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			out = append(out, n)
			due[n.Name] = o
			continue
		}
		if nr.Skipped == "" {
			nr.Skipped = s.notDue(n)
		}
		r.Newsletters = append(r.Newsletters, nr)
	}
	return out, due, nil
}

// notDue says when a newsletter is due.
func (s *Service) notDue(n newsletter.Newsletter) string {
	for _, d := range s.NextDue(s.now()) {
		if d.Newsletter == n.Name {
			return fmt.Sprintf("not due before %s (%s)", d.Local, n.Location)
		}
	}
	return "it has no schedule"
}

// issueAll composes the newsletters, asks, and writes the issues down; only what
// has the hash, if one is given.
func (s *Service) issueAll(ctx context.Context, r *RunReport, wanted []newsletter.Newsletter, due map[string]newsletter.Occurrence,
	hash string, confirm func(context.Context, Question) (bool, error),
) error {
	previews := make([]Preview, len(wanted))
	failures := make([]error, len(wanted))
	var ask []Preview
	for i, n := range wanted {
		var o *newsletter.Occurrence
		if x, ok := due[n.Name]; ok {
			o = &x
		}
		previews[i], failures[i] = s.compose(ctx, n, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := previews[i]
		switch {
		case failures[i] != nil || p.Nothing != "":
		case hash != "" && !sameHash(p.Hash, hash):
			return &conflict{fmt.Sprintf("the next issue of %s is %s by now, not %s; look at it again", n.Name, ShortHash(p.Hash), hash)}
		case !n.Approval:
			ask = append(ask, p)
		}
	}
	if len(ask) > 0 {
		if err := s.mayMail(ctx); err != nil {
			return err
		}
	}
	if confirm != nil && len(ask) > 0 && !s.Rehearsal() {
		begun, err := s.standing(ctx, r.Issues)
		if err != nil {
			return err
		}
		yes, err := confirm(ctx, Question{Issues: ask, Begun: begun})
		if err != nil {
			return err
		}
		if r.Declined = !yes; r.Declined {
			return nil
		}
	}
	for i, n := range wanted {
		nr := NewsletterReport{Newsletter: n.Name}
		var o *newsletter.Occurrence
		if x, ok := due[n.Name]; ok {
			o, nr.Due = &x, x.Local
		}
		if err := failures[i]; err != nil {
			nr.Error = err.Error()
			s.log.Error("composing failed", "newsletter", n.Name, "error", err)
		} else if err := s.issueFrom(ctx, previews[i], o, &nr); err != nil {
			return err
		}
		r.Newsletters = append(r.Newsletters, nr)
		if nr.Issue != 0 {
			r.Issues = append(r.Issues, IssueReport{Issue: newsletter.Issue{ID: nr.Issue}})
		}
	}
	return nil
}

// conflict is a store.ErrConflict in words for people.
type conflict struct{ text string }

func (c *conflict) Error() string { return c.text }

func (c *conflict) Unwrap() error { return store.ErrConflict }

// complete seals and delivers what was composed.
func (s *Service) complete(ctx context.Context, r *RunReport) error {
	if err := s.sealOpen(ctx, r); err != nil || r.stuck() {
		return err
	}
	return s.deliverOnce(ctx, r)
}

// stuck reports whether the relays took nothing just now.
func (r *RunReport) stuck() bool { return len(r.Relays) > 0 && r.Accepted == 0 }
