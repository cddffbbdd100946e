package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/source"
	"syndicate/internal/source/remote"
	"syndicate/internal/store"
)

// statusCommand says how the site stands.
func statusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say what runs, what is next, what failed and why",
		Args:  arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			v, err := s.status(ctx)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(v)
			}
			s.tellStatus(v)
			return nil
		}),
	}
}

// statusView is the status in JSON.
type statusView struct {
	Site        string             `json:"site"`
	Store       string             `json:"store"`
	Serving     bool               `json:"serving"` // a daemon answers on web.listen
	Rehearsal   bool               `json:"rehearsal"`
	Articles    map[string]int     `json:"articles"`
	Newest      time.Time          `json:"newest,omitzero"`
	NextRelease time.Time          `json:"next_release,omitzero"`
	Sources     []sourceStatus     `json:"sources"`
	Newsletters []newsletterStatus `json:"newsletters"`
	Open        []issueView        `json:"open"`            // issues
	Links       string             `json:"links,omitempty"` // why no issue may go out: its links lead elsewhere
	Relays      []jobs.RelayState  `json:"relays"`
	Groups      []jobs.GroupState  `json:"groups"` // whose receivers push back
	Suppressed  int                `json:"suppressed"`
	Retention   []forgotten        `json:"retention"`           // what is kept no longer, as it went last
	Hub         *hubStatus         `json:"hub,omitempty"`       // where feeds have hubs
	Pushes      []pushStatus       `json:"pushes,omitempty"`    // of sources, by their hubs
	Feeds       []publish.Hold     `json:"feeds,omitempty"`     // that are held
	Mailboxes   []mailboxStatus    `json:"mailboxes,omitempty"` // that bounces arrive in
	Blocks      jobs.BlockState    `json:"blocks"`              // mails that receivers refused within a day because of the sender
	SignUps     jobs.SignUpState   `json:"signups"`
	Letters     int                `json:"letters"` // on request, that are held

	linksHint string
}

type sourceStatus struct {
	Name      string    `json:"name"`
	CheckedAt time.Time `json:"checked_at,omitzero"`
	Error     string    `json:"error,omitempty"`
	Failing   time.Time `json:"failing,omitzero"`   // since when, of a source elsewhere
	Failures  int       `json:"failures,omitempty"` // since then
	Held      string    `json:"held,omitempty"`
	Next      time.Time `json:"next,omitzero"` // visit, of a source elsewhere
}

type newsletterStatus struct {
	Name        string         `json:"name"`
	Subscribers map[string]int `json:"subscribers"` // by state
	Next        string         `json:"next,omitempty"`
	NextAt      time.Time      `json:"next_at,omitzero"`
	Last        string         `json:"last,omitempty"` // the last occurrence
	Outcome     string         `json:"outcome,omitempty"`
	Issue       string         `json:"issue,omitempty"` // that came of it
	Note        string         `json:"note,omitempty"`
	QuietUntil  time.Time      `json:"quiet_until,omitzero"`
}

func (s *site) status(ctx context.Context) (statusView, error) {
	o, err := s.store.Overview(ctx)
	if err != nil {
		return statusView{}, err
	}
	v := statusView{
		Site: s.cfg.Site.Title, Store: s.cfg.Store.String(), Serving: s.serving(ctx), Rehearsal: s.service.Rehearsal(),
		Articles: o.Articles, Newest: o.Newest, NextRelease: o.NextRelease, Suppressed: o.Suppressed,
		Sources: []sourceStatus{}, Newsletters: []newsletterStatus{}, Open: []issueView{}, Relays: []jobs.RelayState{}, Groups: []jobs.GroupState{},
		Feeds: s.service.HeldFeeds(),
	}
	for _, src := range o.Sources {
		if !slices.ContainsFunc(s.options.Sources, func(have source.Source) bool { return have.Name() == src.Name }) {
			continue // it was taken out of the configuration
		}
		x := sourceStatus{Name: src.Name, CheckedAt: src.CheckedAt, Error: src.Error, Held: src.Held, Next: src.Due}
		if x.Error != "" && !s.isFolder(x.Name) {
			st, err := s.store.SourceState(ctx, x.Name)
			if err != nil {
				return v, err
			}
			x.Failing, x.Failures = remote.Failing(st.State)
		}
		v.Sources = append(v.Sources, x)
	}
	relays, groups, err := s.service.Limits(ctx)
	if err != nil {
		return v, err
	}
	v.Relays, v.Groups = append(v.Relays, relays...), append(v.Groups, groups...)
	if err := s.service.CheckLinks(ctx); err != nil {
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
		v.Links, v.linksHint = message(err), hintFor(err)
	}
	for _, i := range o.Open {
		r, err := s.service.IssueReport(ctx, i.ID)
		if err != nil {
			return v, err
		}
		v.Open = append(v.Open, viewIssue(r))
	}
	if v.Hub, err = s.hubStatus(ctx); err != nil {
		return v, err
	}
	if v.Pushes, err = s.pushStatuses(ctx); err != nil {
		return v, err
	}
	if v.Retention, err = s.forgotten(ctx); err != nil {
		return v, err
	}
	boxes, err := s.service.Mailboxes(ctx)
	if err != nil {
		return v, err
	}
	v.Mailboxes = mailboxStatuses(boxes)
	held, err := s.store.HeldLetters(ctx, v.Rehearsal, 0)
	if err != nil {
		return v, err
	}
	v.Letters = len(held)
	if v.SignUps, err = s.service.SignUpState(ctx); err != nil {
		return v, err
	}
	if v.Blocks, err = s.blocks(ctx); err != nil {
		return v, err
	}
	next := s.service.NextDue(s.clock())
	for _, n := range s.options.Newsletters {
		v.Newsletters = append(v.Newsletters, s.newsletterStatus(ctx, n, o.Subscribers, next))
	}
	return v, nil
}

func (s *site) newsletterStatus(ctx context.Context, n newsletter.Newsletter, counts []store.SubscriberCount, next []jobs.NextDue) newsletterStatus {
	v := newsletterStatus{Name: n.Name, Subscribers: map[string]int{}, QuietUntil: s.service.QuietUntil(n)}
	for _, c := range counts {
		if c.Newsletter == n.Name {
			v.Subscribers[string(c.State)] += c.Count
			v.Subscribers["suppressed"] += c.Suppressed
		}
	}
	for _, d := range next {
		if d.Newsletter == n.Name {
			v.Next, v.NextAt = d.Local, d.At
		}
	}
	if last, err := s.store.LastOccurrence(ctx, n.Name, s.service.Rehearsal()); err == nil {
		v.Last, v.Outcome, v.Note = last.Local, last.Outcome, last.Note
		if name := s.issueName(ctx, last.Issue); name != "" {
			v.Issue = name
		}
	}
	return v
}

func (s *site) tellStatus(v statusView) {
	zone := s.cfg.Site.TimeZone
	var l lines
	running := "no serve runs here"
	if v.Serving {
		running = "serve runs on " + s.cfg.Web.Listen
	}
	l.add("site", "%s · %s · %s", v.Site, v.Store, running)
	l.add("articles", "%s", join(", ", counted(v.Articles["public"], "public")+none(v.Articles["public"], "none public"),
		counted(v.Articles["draft"], newsletter.Plural(v.Articles["draft"], "draft")), counted(v.Articles["scheduled"], "scheduled")))
	if !v.NextRelease.IsZero() {
		l.add("", "the next one comes out %s", moment(v.NextRelease, zone))
	}
	for _, n := range v.Newsletters {
		next := "sent by hand only"
		if n.Next != "" {
			next = "next " + s.local(n.Name, n.Next)
		}
		l.add(n.Name, "%s", join(" · ", count(n.Subscribers["confirmed"], "subscriber"), counted(n.Subscribers["pending"], "to confirm"),
			counted(n.Subscribers["suppressed"], "suppressed"), next))
		if !n.QuietUntil.IsZero() {
			l.add("", "quiet until %s: no message is begun", moment(n.QuietUntil, zone))
		}
		if n.Outcome != "" {
			l.add("", "last %s: %s", s.local(n.Name, n.Last), join(", ", join(" ", n.Outcome, n.Issue), n.Note))
		}
	}
	if n := v.SignUps.Waiting; n > 0 {
		l.add("sign-ups", "%s to be answered", counted(n, map[bool]string{true: "waits", false: "wait"}[n == 1]))
	}
	for _, i := range v.Open {
		l.add("issue", "%s/%d · %s · %s", i.Newsletter, i.Number, join(": ", string(i.State), i.Reason),
			join(", ", number(i.Sent)+" sent", counted(i.Deferred, "to go"), counted(i.Failed, "failed"), counted(i.Uncertain, "uncertain")))
		for _, f := range i.Deferrals {
			l.add("", "to be tried again: %s", f.line())
		}
	}
	if v.Rehearsal {
		l.add("relay", "none: a rehearsal, mail goes to %s/", shown(s.options.OutboxDir))
	}
	tellLimits(&l, v.Relays)
	s.tellHub(&l, v.Hub)
	s.tellPushes(&l, v.Pushes)
	tellForgotten(&l, v.Retention, zone)
	s.tellMailboxes(&l, v.Mailboxes)
	tellBlocks(&l, v.Blocks)
	s.tellLines(l)
	if v.Links != "" {
		s.warn("", "mail is held back, but for --offline-links: "+v.Links, v.linksHint)
	}
	s.warnLimits(v)
	if v.Letters > 0 {
		s.warn("letters", count(v.Letters, "letter")+" may have arrived, held for you", "syndicate letters list")
	}
	if v.SignUps.Full() {
		s.warn("sign-ups", fmt.Sprintf("%s within a day: as many as may be, what is more is passed over", number(v.SignUps.Today)),
			"signup.per_day in config.yaml; if they are an attack, signup: closed at a newsletter takes its form away")
	}
	s.warnHeld(v.Feeds)
	s.warnHub(v.Hub)
	s.warnMailboxes(v.Mailboxes)
	for _, src := range v.Sources {
		if src.Error != "" {
			s.warn(src.Name, src.failure(zone), "")
		}
		if src.Held != "" {
			s.warn(src.Name, src.Held, heldHint(src.Name, !strings.Contains(src.Held, "vanished from")))
		}
	}
}

// failure says why a source cannot be read, and for how long.
func (s *sourceStatus) failure(zone *time.Location) string {
	if s.Failures == 0 {
		return s.Error
	}
	times := "once"
	if s.Failures > 1 {
		times = number(s.Failures) + " times"
	}
	return fmt.Sprintf("%s (%s since %s; it is asked again at %s)", s.Error, times, moment(s.Failing, zone), moment(s.Next, zone))
}

// local writes the wall clock of a newsletter, with its zone where that is not the
// site's, in which all other times are.
func (s *site) local(name, clock string) string {
	clock = strings.Replace(clock, "T", " ", 1)
	n, err := s.service.Newsletter(name)
	if clock == "" || err != nil || n.Location.String() == s.cfg.Site.TimeZone.String() {
		return clock
	}
	return clock + " (" + n.Location.String() + ")"
}

func none(n int, text string) string {
	if n == 0 {
		return text
	}
	return ""
}

// serving asks whether a daemon of this very site answers on web.listen.
func (s *site) serving(ctx context.Context) bool {
	host, port, err := net.SplitHostPort(s.cfg.Web.Listen)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	id, err := jobs.SiteAt(ctx, nil, "http://"+net.JoinHostPort(host, port))
	return err == nil && id == s.store.SiteID()
}
