package jobs

import (
	"context"
	"slices"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// RunReport says what one run did and left.
type RunReport struct {
	Rehearsal   bool               `json:"rehearsal"`        // mail went to the catcher
	Outbox      string             `json:"outbox,omitempty"` // where it keeps its .eml files
	Ingest      IngestReport       `json:"ingest"`
	Publish     PublishReport      `json:"publish"`
	Lists       []ListReport       `json:"lists,omitempty"`
	Mail        []MailReport       `json:"mail,omitempty"` // mailboxes that bounces arrive in
	Newsletters []NewsletterReport `json:"newsletters"`
	Issues      []IssueReport      `json:"issues"` // that were open in this run, interrupted ones first
	Relays      []RelayTrouble     `json:"relays,omitempty"`
	Accepted    int                `json:"accepted"`           // messages that a relay took in this run
	Refused     int                `json:"refused"`            // attempts that ended otherwise
	Errors      []string           `json:"errors,omitempty"`   // steps that failed as a whole; the others were done
	Declined    bool               `json:"declined,omitempty"` // the operator said no to the new issues

	unattended bool // it is cron's
}

// ListReport says what became of the operator's own list of a newsletter.
type ListReport struct {
	Newsletter string           `json:"newsletter"`
	File       string           `json:"file"`
	Result     store.SyncResult `json:"result"`
	Problems   []ListProblem    `json:"problems,omitempty"` // lines that were skipped, and columns that are not read; at most 100
	Skipped    int              `json:"skipped"`            // lines that were skipped, all of them
	Unpruned   string           `json:"unpruned,omitempty"` // why nobody was removed, though that was asked for
	Error      string           `json:"error,omitempty"`    // the list could not be read; nothing was changed
}

// ListProblem is a line that was skipped, or says that columns are not read.
type ListProblem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column,omitempty"` // in bytes from 1; 0: the whole line
	Message string `json:"message"`
	Columns bool   `json:"columns,omitempty"`
}

// NewsletterReport says what became of a newsletter in a run.
type NewsletterReport struct {
	Newsletter string `json:"newsletter"`
	Due        string `json:"due,omitempty"`     // local time of the occurrence, empty: by hand
	Nothing    string `json:"nothing,omitempty"` // why there is no issue: "no new article", "2 new articles, fewer than min (3)"
	Skipped    string `json:"skipped,omitempty"` // why an occurrence was passed over
	Issue      int64  `json:"issue,omitempty"`   // 0: none
	Number     int    `json:"number,omitempty"`
	Hash       string `json:"hash,omitempty"`
	Articles   int    `json:"articles,omitempty"` // in the leading digest
	Awaiting   bool   `json:"awaiting,omitempty"` // an operator has to approve it
	Error      string `json:"error,omitempty"`    // such as a broken template, with file and line
}

// IssueReport says how an issue stands.
type IssueReport struct {
	Issue     newsletter.Issue `json:"issue"`
	Expected  int              `json:"expected,omitempty"` // recipients, were it approved now; 0: it does not wait for that
	Sent      int              `json:"sent"`
	Failed    int              `json:"failed"`
	Deferred  int              `json:"deferred"`  // not settled yet
	Tried     int              `json:"tried"`     // of Deferred: tried before
	Sending   int              `json:"sending"`   // of Deferred: being sent this instant
	Uncertain int              `json:"uncertain"` // may have arrived; held for the operator
	Cancelled int              `json:"cancelled"`
	Failures  []store.Failure  `json:"failures,omitempty"`  // grouped by the relay's words, most frequent first
	News      []store.Failure  `json:"-"`                   // of Failures, those of this run
	Deferrals []store.Failure  `json:"deferrals,omitempty"` // why those that were tried before are to be tried again
	NextTry   time.Time        `json:"next_try,omitzero"`
}

// Left returns how many deliveries are not settled yet.
func (r IssueReport) Left() int { return r.Deferred + r.Uncertain }

// RelayTrouble says why a relay took nothing for a while.
type RelayTrouble struct {
	Relay string    `json:"relay"`
	Error string    `json:"error"`
	Hint  string    `json:"hint,omitempty"`
	Until time.Time `json:"until"` // when it is tried again
}

// Failed reports whether a step as a whole failed.
func (r RunReport) Failed() bool {
	if len(r.Errors) > 0 || len(r.Ingest.Failed()) > 0 {
		return true
	}
	for _, l := range r.Lists {
		if l.Error != "" {
			return true
		}
	}
	for _, n := range r.Newsletters {
		if n.Error != "" {
			return true
		}
	}
	return false
}

// ExitCode returns the program's exit code: 0 done; 1 a step failed, or there was
// mail and the relay accepted nothing; 3 some deliveries failed, are held, or
// remain to be retried.
func (r RunReport) ExitCode() int {
	failed, left := 0, 0
	for _, i := range r.Issues {
		failed += i.Failed
		left += i.Left()
		if i.Issue.State == newsletter.IssuePaused || i.Issue.State == newsletter.IssueSealing {
			left++
		}
	}
	switch {
	case r.Failed():
		return 1
	case r.Accepted == 0 && failed+left > 0 && (r.Refused > 0 || len(r.Relays) > 0):
		return 1
	case failed+left > 0:
		return 3
	}
	return 0
}

// Preview is the next issue of a newsletter as it would be composed now.
type Preview struct {
	Newsletter newsletter.Newsletter `json:"-"`
	Rehearsal  bool                  `json:"rehearsal"`
	Nothing    string                `json:"nothing,omitempty"` // why there would be no issue
	Example    string                `json:"example,omitempty"` // what is shown instead: see PreviewOrExample
	Number     int                   `json:"number"`            // that it would get
	Hash       string                `json:"hash"`              // of everything frozen
	Horizon    int64                 `json:"horizon"`
	Recipients int                   `json:"recipients"`
	Groups     []PreviewGroup        `json:"groups"` // those who would get it, largest first

	frozen   newsletter.Frozen
	articles []newsletter.Article
	turn     newsletter.Turn
}

// PreviewGroup is a digest as some of the subscribers would get it. Only the
// digest of the first group is rendered.
type PreviewGroup struct {
	Count    int                  `json:"count"` // of subscribers
	Language string               `json:"language"`
	Topics   []string             `json:"topics,omitempty"`
	Articles []newsletter.Article `json:"articles"`
	More     int                  `json:"more"` // new articles left out
	Digest   newsletter.Digest    `json:"digest"`
}

// ShortHash is the form of an issue's hash that people read and type.
func ShortHash(hash string) string { return hash[:min(len(hash), 10)] }

// NextDue says when a newsletter is due next.
type NextDue struct {
	Newsletter string    `json:"newsletter"`
	Local      string    `json:"local"` // wall clock of the newsletter
	At         time.Time `json:"at"`
}

// IssueReport says how an issue stands now.
func (s *Service) IssueReport(ctx context.Context, id int64) (IssueReport, error) {
	i, err := s.store.Issue(ctx, id)
	if err != nil {
		return IssueReport{}, err
	}
	t, err := s.store.IssueTally(ctx, id)
	if err != nil {
		return IssueReport{}, err
	}
	r := IssueReport{
		Issue:     i,
		Sent:      t.Sent,
		Failed:    t.Failed,
		Deferred:  t.Open(),
		Tried:     t.Deferred,
		Sending:   t.Sending,
		Uncertain: t.Uncertain,
		Cancelled: t.Cancelled,
	}
	if i.State == newsletter.IssueAwaiting {
		if r.Expected, err = s.expected(ctx, i); err != nil {
			return r, err
		}
	}
	if r.Failed+r.Uncertain+r.Tried > 0 {
		if r.Failures, err = s.store.IssueFailures(ctx, id, 20); err != nil {
			return r, err
		}
		first := slices.IndexFunc(r.Failures, func(f store.Failure) bool { return f.State == newsletter.Pending })
		if first >= 0 {
			r.Failures, r.Deferrals = r.Failures[:first:first], r.Failures[first:]
		}
	}
	if r.Deferred > 0 && i.State == newsletter.IssueSending {
		r.NextTry, err = s.nextTry(ctx, i)
	}
	return r, err
}

// expected counts who would get an issue if it were sealed now, but for those who
// came in other groups than there were when it was composed.
func (s *Service) expected(ctx context.Context, i newsletter.Issue) (int, error) {
	frozen, _, err := s.store.FrozenIssue(ctx, i.ID)
	if err != nil {
		return 0, err
	}
	groups, err := s.store.Groups(ctx, i.Newsletter, i.Rehearsal, i.Turn, s.now())
	n := 0
	for _, g := range groups {
		if slices.ContainsFunc(frozen.Lists, func(l newsletter.FrozenList) bool { return l.Group == g.Group && len(l.Articles) > 0 }) {
			n += g.Count
		}
	}
	return n, err
}

// logSent says that an issue is sent, if it is now.
func (s *Service) logSent(ctx context.Context, id int64) {
	i, err := s.store.Issue(ctx, id)
	if err != nil || i.State != newsletter.IssueSent {
		return // what failed fails again where it matters
	}
	t, err := s.store.IssueTally(ctx, id)
	if err == nil {
		s.log.Info("issue sent", "newsletter", i.Newsletter, "issue", i.Number, "rehearsal", i.Rehearsal,
			"sent", t.Sent, "failed", t.Failed, "uncertain", t.Uncertain, "cancelled", t.Cancelled)
	}
}

// nextTry says when an issue that is sending goes on; zero: at once.
func (s *Service) nextTry(ctx context.Context, i newsletter.Issue) (at time.Time, err error) {
	next, err := s.store.NextTry(ctx, i.ID)
	if err != nil {
		return at, err
	}
	if next > 0 {
		at = s.now().Add(next)
	}
	n, err := s.Newsletter(i.Newsletter)
	if err != nil {
		return at, nil //nolint:nilerr // it is not in the configuration any more
	}
	if at.IsZero() && i.Canary > 0 && i.Wave == 0 && !i.CanaryAt.IsZero() {
		at = i.CanaryAt.Add(n.Canary.Wait)
	}
	if until := s.quietUntil(n, s.now()); until.After(at) {
		at = until
	}
	return at, nil
}
