package main

import (
	"cmp"
	"fmt"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// runView is a run's report in JSON: the jobs' own, but for the parts whose names
// are the store's.
type runView struct {
	Rehearsal   bool                    `json:"rehearsal"`
	Outbox      string                  `json:"outbox,omitempty"`
	Ingest      jobs.IngestReport       `json:"ingest"`
	Publish     jobs.PublishReport      `json:"publish"`
	Lists       []listView              `json:"lists"`
	Mail        []jobs.MailReport       `json:"mail,omitempty"`
	Newsletters []jobs.NewsletterReport `json:"newsletters"`
	Issues      []issueView             `json:"issues"`
	Relays      []jobs.RelayTrouble     `json:"relays"`
	Accepted    int                     `json:"accepted"`
	Refused     int                     `json:"refused"`
	Errors      []string                `json:"errors"`
	Declined    bool                    `json:"declined"`
}

type listView struct {
	Newsletter string             `json:"newsletter"`
	File       string             `json:"file"`
	Added      int                `json:"added"`
	Changed    int                `json:"changed"`
	Unchanged  int                `json:"unchanged"`
	Refused    int                `json:"refused"` // left, were removed or are suppressed
	Pruned     int                `json:"pruned"`
	Skipped    int                `json:"skipped"` // bad lines
	Problems   []jobs.ListProblem `json:"problems"`
	Unpruned   string             `json:"unpruned,omitempty"` // why nobody was removed, though that was asked for
	Error      string             `json:"error,omitempty"`
}

func viewRun(r jobs.RunReport) runView {
	v := runView{
		Rehearsal: r.Rehearsal, Outbox: r.Outbox, Ingest: r.Ingest, Publish: viewPublish(r.Publish), Mail: r.Mail,
		Lists: viewLists(r.Lists), Newsletters: r.Newsletters, Issues: []issueView{}, Relays: append([]jobs.RelayTrouble{}, r.Relays...),
		Accepted: r.Accepted, Refused: r.Refused, Errors: append([]string{}, r.Errors...), Declined: r.Declined,
	}
	for _, i := range r.Issues {
		v.Issues = append(v.Issues, viewIssue(i))
	}
	return v
}

// viewPublish makes nothing an empty list.
func viewPublish(r jobs.PublishReport) jobs.PublishReport {
	r.Written = append([]string{}, r.Written...)
	return r
}

func viewLists(lists []jobs.ListReport) []listView {
	views := []listView{}
	for _, l := range lists {
		views = append(views, listView{
			Newsletter: l.Newsletter, File: l.File, Added: l.Result.Added, Changed: l.Result.Changed, Unchanged: l.Result.Unchanged,
			Refused: l.Result.Refused, Pruned: l.Result.Pruned, Skipped: l.Skipped,
			Problems: append([]jobs.ListProblem{}, l.Problems...), Unpruned: l.Unpruned, Error: l.Error,
		})
	}
	return views
}

// issueView is an issue in JSON.
type issueView struct {
	Newsletter string                `json:"newsletter"`
	Number     int                   `json:"number"`
	Rehearsal  bool                  `json:"rehearsal"`
	State      newsletter.IssueState `json:"state"`
	Reason     string                `json:"reason,omitempty"`
	PausedBy   newsletter.PausedBy   `json:"paused_by,omitempty"`
	Subject    string                `json:"subject"`
	Hash       string                `json:"hash"`
	Due        string                `json:"due,omitempty"`
	Recipients int                   `json:"recipients"`
	Expected   int                   `json:"expected,omitempty"` // recipients, were it approved now
	Sent       int                   `json:"sent"`
	Failed     int                   `json:"failed"`
	Deferred   int                   `json:"deferred"` // not settled yet
	Tried      int                   `json:"tried"`    // of deferred: tried before
	Sending    int                   `json:"sending"`  // of deferred: being sent this instant
	Uncertain  int                   `json:"uncertain"`
	Cancelled  int                   `json:"cancelled"`
	NextTry    time.Time             `json:"next_try,omitzero"`
	CreatedAt  time.Time             `json:"created_at"`
	SealedAt   time.Time             `json:"sealed_at,omitzero"`
	DoneAt     time.Time             `json:"done_at,omitzero"`
	Failures   []failureView         `json:"failures,omitempty"`
	Deferrals  []failureView         `json:"deferrals,omitempty"` // why those that were tried are to be tried again
	Articles   []string              `json:"articles,omitempty"`  // titles
	*issueDetail
}

// issueDetail is what issues show says besides.
type issueDetail struct {
	Groups     []groupTally                  `json:"groups"`
	Rate       float64                       `json:"rate"`               // messages a second in the last minute
	MaxRate    float64                       `json:"max_rate,omitempty"` // of the newsletter's issues
	Complaints int                           `json:"complaints"`
	Bounces    map[newsletter.ReportKind]int `json:"bounces,omitempty"`     // what came back later, by kind
	Held       int                           `json:"held"`                  // suppressions that wait for a review
	ETASeconds int                           `json:"eta_seconds,omitempty"` // until it is done; 0: unknown or done
	ETA        time.Time                     `json:"eta,omitzero"`          //
	ETAFrom    string                        `json:"eta_from,omitempty"`    // what it was judged by
	QuietUntil time.Time                     `json:"quiet_until,omitzero"`  //
	Canary     *canaryView                   `json:"canary,omitempty"`
	Counts     *countsView                   `json:"counts,omitempty"` // where clicks or opens are counted
}

type groupTally struct {
	Receiver  string  `json:"receiver"` // empty: small domains
	Total     int     `json:"total"`
	Sent      int     `json:"sent"`
	Failed    int     `json:"failed"`
	Deferred  int     `json:"deferred"`
	Tried     int     `json:"tried"`
	Sending   int     `json:"sending"`
	Uncertain int     `json:"uncertain"`
	Cancelled int     `json:"cancelled"`
	Rate      float64 `json:"rate"`
}

type canaryView struct {
	Total  int       `json:"total"`
	Sent   int       `json:"sent"`
	Failed int       `json:"failed"`
	Done   bool      `json:"done"` // the rest was let go
	Until  time.Time `json:"until,omitzero"`
}

// failureView is one way in which deliveries failed.
type failureView struct {
	Reply   string `json:"reply"`
	Code    int    `json:"code"`
	Count   int    `json:"count"`
	Example string `json:"example"` // a masked address
}

func (f failureView) said() string { return said(f.Code, f.Reply) }

// said is the relay's answer as it gave it. There is none when a process ended while
// the message was on its way.
func said(code int, reply string) string {
	return cmp.Or(join(" ", counted(code, ""), reply), "the sender stopped before the answer")
}

// line counts the relay's answer.
func (f failureView) line() string {
	return fmt.Sprintf("%s × %s (such as %s)", number(f.Count), f.said(), f.Example)
}

func viewIssue(r jobs.IssueReport) issueView {
	i := r.Issue
	return issueView{
		Newsletter: i.Newsletter, Number: i.Number, Rehearsal: i.Rehearsal, State: i.State, Reason: i.Reason,
		Subject: i.Subject, Hash: i.Hash, Due: i.Due, Recipients: i.Recipients, Expected: r.Expected,
		PausedBy: i.PausedBy, Tried: r.Tried, Sending: r.Sending,
		Sent: r.Sent, Failed: r.Failed, Deferred: r.Deferred, Uncertain: r.Uncertain, Cancelled: r.Cancelled,
		NextTry: r.NextTry, CreatedAt: i.CreatedAt, SealedAt: i.SealedAt, DoneAt: i.DoneAt,
		Failures: failureViews(r.Failures), Deferrals: failureViews(r.Deferrals),
	}
}

// viewDetail is an issue in JSON with everything.
func viewDetail(d jobs.IssueDetail) issueView {
	v := viewIssue(d.IssueReport)
	for k := range d.Articles {
		v.Articles = append(v.Articles, d.Articles[k].Title)
	}
	v.issueDetail = &issueDetail{
		Groups: []groupTally{}, Rate: d.Rate, MaxRate: d.MaxRate, Complaints: d.Complaints, Bounces: bounceCounts(d.Bounces), Held: d.Held,
		ETASeconds: int(d.Estimate.Left.Seconds()), ETA: d.Estimate.At, ETAFrom: d.Estimate.By, QuietUntil: d.QuietUntil,
	}
	for _, g := range d.Groups {
		v.Groups = append(v.Groups, groupTally{
			Receiver: g.Group, Total: g.Total(), Sent: g.Sent, Failed: g.Failed, Deferred: g.Open(), Tried: g.Deferred,
			Sending: g.Sending, Uncertain: g.Uncertain, Cancelled: g.Cancelled, Rate: g.Rate,
		})
	}
	v.Counts = viewCounts(d.Counts)
	if c := d.Canary; c != nil {
		v.Canary = &canaryView{Total: c.Total(), Sent: c.Sent, Failed: c.Failed, Done: c.Done, Until: c.Until}
	}
	return v
}

func failureViews(list []store.Failure) []failureView {
	var views []failureView
	for _, f := range list {
		views = append(views, failureView{Reply: f.Reply, Code: f.Code, Count: f.Count, Example: f.Example})
	}
	return views
}
