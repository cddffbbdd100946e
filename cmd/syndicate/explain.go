package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// subscribersExplain says why somebody got something, or did not.
func subscribersExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain ADDRESS",
		Short: "Say what an address got, will get, and why not",
		Long: `Explain tells all that is known of an address: which newsletters it gets and what the
next issue would bring, which issues it got and what the relay answered, and why it
gets nothing: suppressed, unsubscribed, removed, paused, or nothing new for it.`,
		Example: `    syndicate subscribers explain ann@example.org`,
		Args:    arguments(1, 1, "an ADDRESS"),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			address, err := addressArgument(args[0])
			if err != nil {
				return err
			}
			e, err := s.service.Explain(ctx, address)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(s.viewExplanation(ctx, e))
			}
			s.tellExplanation(ctx, e)
			return nil
		}),
	}
}

type explanationView struct {
	Email       string          `json:"email"`
	Known       bool            `json:"known"` // it is a subscriber's
	Name        string          `json:"name,omitempty"`
	Suppressed  *suppressedView `json:"suppressed,omitempty"`
	Removed     []removedView   `json:"removed,omitempty"`
	Newsletters []explainedView `json:"newsletters"`
	Got         []pastView      `json:"got"`               // latest first
	Bounces     []bounceView    `json:"bounces,omitempty"` // latest first
}

type suppressedView struct {
	Cause newsletter.Cause `json:"cause"`
	Issue string           `json:"issue,omitempty"`
	Note  string           `json:"note,omitempty"`
	At    time.Time        `json:"at"`
	Held  bool             `json:"held"` // waits for a review
}

type removedView struct {
	Newsletter string    `json:"newsletter,omitempty"` // empty: from all
	Cause      string    `json:"cause"`
	At         time.Time `json:"at"`
}

type explainedView struct {
	Newsletter string                       `json:"newsletter"`
	State      newsletter.SubscriptionState `json:"state,omitempty"` // empty: not subscribed
	Source     string                       `json:"source,omitempty"`
	ConsentAt  time.Time                    `json:"consent_at,omitzero"`
	Page       string                       `json:"page,omitempty"` // where the form stood
	LeftAt     time.Time                    `json:"left_at,omitzero"`
	LeftBy     string                       `json:"left_by,omitempty"`
	PausedTill time.Time                    `json:"paused_till,omitzero"`
	Language   string                       `json:"language,omitempty"`
	Topics     []string                     `json:"topics,omitempty"`
	Cadence    newsletter.Cadence           `json:"cadence,omitempty"`   // empty: each issue
	Hour       int                          `json:"hour"`                // -1: when the issue is sent
	TimeZone   string                       `json:"time_zone,omitempty"` // that its owner lives by
	MaxItems   int                          `json:"max_items,omitempty"`
	Cursor     int64                        `json:"cursor"`
	WillGet    bool                         `json:"will_get"`
	WhyNot     []string                     `json:"why_not,omitempty"`
	Next       string                       `json:"next,omitempty"` // local time
	NextAt     time.Time                    `json:"next_at,omitzero"`
	MailAt     time.Time                    `json:"mail_at,omitzero"`  // at the hour that its owner chose
	Waiting    []string                     `json:"waiting,omitempty"` // titles
	More       int                          `json:"more,omitempty"`
}

type pastView struct {
	Issue    string    `json:"issue"`
	State    string    `json:"state"`
	At       time.Time `json:"at,omitzero"`
	DueAt    time.Time `json:"due_at,omitzero"`
	Attempts int       `json:"attempts"`
	Code     int       `json:"code,omitempty"`
	Reply    string    `json:"reply,omitempty"`
	Subject  string    `json:"subject"`
}

func (s *site) viewExplanation(ctx context.Context, e jobs.Explanation) explanationView {
	v := explanationView{Email: e.Email, Known: e.Subscriber.ID != 0, Name: e.Subscriber.Name, Newsletters: []explainedView{}, Got: []pastView{}}
	if p := e.Suppression; p != nil {
		v.Suppressed = &suppressedView{p.Cause, s.issueName(ctx, p.Issue), p.Note, p.At, p.Held}
	}
	for _, t := range e.Removed {
		v.Removed = append(v.Removed, removedView(t))
	}
	for _, x := range e.Newsletters {
		n := explainedView{
			Newsletter: x.Name, Cursor: x.Cursor, WillGet: len(x.WhyNot) == 0, WhyNot: x.WhyNot,
			Next: x.Next.Local, NextAt: x.Next.At, MailAt: x.Mail, More: x.More, Hour: -1,
		}
		if b := x.Subscription; b != nil {
			n.State, n.Source, n.ConsentAt, n.LeftAt, n.LeftBy = b.State, b.Source, b.ConsentAt, b.LeftAt, b.LeftBy
			n.Page = pageOf(b)
			n.PausedTill, n.Language, n.Topics, n.Cadence = b.PausedTill, b.Subscriber.Language, b.Topics, b.Cadence
			n.Hour, n.TimeZone, n.MaxItems = b.Hour, x.Zone.String(), b.MaxItems
		}
		for k := range x.Waiting {
			n.Waiting = append(n.Waiting, x.Waiting[k].Title)
		}
		v.Newsletters = append(v.Newsletters, n)
	}
	for _, p := range e.Got {
		v.Got = append(v.Got, pastView{
			Issue: fmt.Sprintf("%s/%d", p.Newsletter, p.Number), State: p.State.String(), At: p.At, DueAt: p.DueAt,
			Attempts: p.Attempts, Code: p.Code, Reply: p.Reply, Subject: p.Subject,
		})
	}
	for _, b := range e.Bounces {
		v.Bounces = append(v.Bounces, bounceView(b))
	}
	return v
}

func (s *site) tellExplanation(ctx context.Context, e jobs.Explanation) {
	zone := s.cfg.Site.TimeZone
	var l lines
	l.add("address", "%s", join(" · ", e.Email, e.Subscriber.Name)+map[bool]string{true: " · no subscriber"}[e.Subscriber.ID == 0])
	if p := e.Suppression; p != nil {
		l.add("suppressed", "since %s: %s", moment(p.At, zone), join(", ", string(p.Cause), s.issueName(ctx, p.Issue), p.Note,
			map[bool]string{true: "held for review"}[p.Held]))
	}
	for _, t := range e.Removed {
		from := "from every newsletter"
		if t.Newsletter != "" {
			from = "from " + t.Newsletter
		}
		l.add(t.Cause, "%s, %s", moment(t.At, zone), from)
	}
	for _, x := range e.Newsletters {
		s.explainNewsletter(&l, x)
	}
	s.tellLines(l)
	if len(e.Got) > 0 {
		s.printf("\nissues\n")
		rows := make([][]string, len(e.Got))
		for k, p := range e.Got {
			rows[k] = []string{fmt.Sprintf("  %s/%d", p.Newsletter, p.Number), s.howItWent(p), p.Subject}
		}
		s.table(nil, rows)
	}
	if len(e.Bounces) > 0 {
		s.printf("\ncame back\n")
		rows := make([][]string, len(e.Bounces))
		for k, b := range e.Bounces {
			rows[k] = []string{"  " + moment(b.At, zone), join(", ", string(b.Kind), string(b.Reason)), string(b.Outcome), s.issueName(ctx, b.Issue), b.Words}
		}
		s.table(nil, rows)
	}
}

func (s *site) explainNewsletter(l *lines, x jobs.ExplainedNewsletter) {
	zone := s.cfg.Site.TimeZone
	if b := x.Subscription; b != nil {
		since := ""
		switch {
		case b.State == newsletter.SubscriptionUnsubscribed:
			since = join(" ", moment(b.LeftAt, zone), "by "+b.LeftBy)
		case !b.ConsentAt.IsZero():
			since = "since " + moment(b.ConsentAt, zone)
		}
		l.add(x.Name, "%s", join(", ", join(" ", string(b.State), since), join(" on ", "from "+b.Source, pageOf(b)), b.Subscriber.Language, listed("topics ", b.Topics), chosen(x),
			s.paused(x)))
	}
	name := x.Name
	if x.Subscription != nil {
		name = ""
	}
	if len(x.WhyNot) > 0 {
		l.add(name, "gets nothing: %s", strings.Join(x.WhyNot, "; "))
		return
	}
	next := "with the next issue, which is sent by hand"
	if !x.Next.At.IsZero() {
		next = "next " + moment(x.Mail, x.Zone) + " in " + zoneName(x.Mail, x.Zone)
	}
	l.add(name, "will get %s, %s", count(len(x.Waiting)+x.More, "article"), next)
	for k := range x.Waiting {
		if k == 5 {
			l.add("", "  … and %d more", len(x.Waiting)+x.More-k)
			break
		}
		l.add("", "  %s", x.Waiting[k].Title)
	}
}

// pageOf returns where the form stood by which somebody subscribed; empty: there was none,
// or it is not known.
func pageOf(b *newsletter.Subscription) string {
	var proof newsletter.Consent
	if json.Unmarshal([]byte(b.Proof), &proof) != nil { // of an import, in words of another program
		return ""
	}
	return proof.Page
}

// chosen says how often, when and how much of a newsletter its owner wants; empty: as it
// comes.
func chosen(x jobs.ExplainedNewsletter) string {
	b := x.Subscription
	when, most := "", ""
	switch {
	case b.Hour >= 0:
		when = fmt.Sprintf("at %02d:00 in %s", b.Hour, x.Zone)
	case b.Subscriber.TimeZone != "":
		when = "time zone " + b.Subscriber.TimeZone
	}
	if b.MaxItems > 0 {
		most = "at most " + count(b.MaxItems, "article")
	}
	often := string(b.Cadence)
	if strings.HasSuffix(often, "day") {
		often = strings.ToUpper(often[:1]) + often[1:] + "s"
	}
	return join(", ", often, when, most)
}

// zoneName names a time zone; that of the machine as its clock does.
func zoneName(t time.Time, zone *time.Location) string {
	if zone == time.Local {
		return t.In(zone).Format("MST")
	}
	return zone.String()
}

// paused says until when somebody paused a newsletter, by their own clock; empty: they did not.
func (s *site) paused(x jobs.ExplainedNewsletter) string {
	till := x.Subscription.PausedTill
	if !till.After(s.clock()) {
		return ""
	}
	return "paused until " + join(" in ", moment(till, x.Zone), map[bool]string{true: x.Zone.String()}[x.Zone.String() != s.cfg.Site.TimeZone.String()])
}

func listed(what string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return what + strings.Join(list, ", ")
}

// howItWent says what became of a delivery.
func (s *site) howItWent(p store.PastDelivery) string {
	zone := s.cfg.Site.TimeZone
	said := join(" ", counted(p.Code, ""), p.Reply)
	if p.Code == 0 {
		said = p.Reply
	}
	switch p.State {
	case newsletter.Sent:
		return "sent " + moment(p.At, zone)
	case newsletter.Pending:
		switch {
		case p.Issue == newsletter.IssuePaused:
			return join(": ", "waits, the issue is paused", said)
		case p.Waits:
			return "waits for the canary"
		case p.Attempts > 0:
			return join(": ", "is tried again "+moment(p.DueAt, zone), said)
		}
		return join(" ", "is to be sent", moment(p.DueAt, zone))
	case newsletter.Sending:
		return "is being sent"
	case newsletter.Uncertain:
		return join(": ", "may have arrived "+moment(p.At, zone), said)
	}
	return join(": ", p.State.String()+" "+moment(p.At, zone), said)
}
