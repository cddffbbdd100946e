package main

import (
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
		Rehearsal: r.Rehearsal, Outbox: r.Outbox, Ingest: r.Ingest, Publish: viewPublish(r.Publish),
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
	Subject    string                `json:"subject"`
	Hash       string                `json:"hash"`
	Due        string                `json:"due,omitempty"`
	Recipients int                   `json:"recipients"`
	Sent       int                   `json:"sent"`
	Failed     int                   `json:"failed"`
	Deferred   int                   `json:"deferred"`
	Uncertain  int                   `json:"uncertain"`
	Cancelled  int                   `json:"cancelled"`
	NextTry    time.Time             `json:"next_try,omitzero"`
	CreatedAt  time.Time             `json:"created_at"`
	SealedAt   time.Time             `json:"sealed_at,omitzero"`
	DoneAt     time.Time             `json:"done_at,omitzero"`
	Failures   []failureView         `json:"failures,omitempty"`
	Articles   []string              `json:"articles,omitempty"` // titles
}

// failureView is one way in which deliveries failed.
type failureView struct {
	Reply   string `json:"reply"`
	Code    int    `json:"code"`
	Count   int    `json:"count"`
	Example string `json:"example"` // a masked address
}

// said is the relay's answer as it gave it.
func (f failureView) said() string {
	return join(" ", counted(f.Code, ""), f.Reply)
}

func viewIssue(r jobs.IssueReport) issueView {
	i := r.Issue
	return issueView{
		Newsletter: i.Newsletter, Number: i.Number, Rehearsal: i.Rehearsal, State: i.State, Reason: i.Reason,
		Subject: i.Subject, Hash: i.Hash, Due: i.Due, Recipients: i.Recipients,
		Sent: r.Sent, Failed: r.Failed, Deferred: r.Deferred, Uncertain: r.Uncertain, Cancelled: r.Cancelled,
		NextTry: r.NextTry, CreatedAt: i.CreatedAt, SealedAt: i.SealedAt, DoneAt: i.DoneAt,
		Failures: failureViews(r.Failures),
	}
}

func failureViews(list []store.Failure) []failureView {
	var views []failureView
	for _, f := range list {
		views = append(views, failureView{Reply: f.Reply, Code: f.Code, Count: f.Count, Example: f.Example})
	}
	return views
}
