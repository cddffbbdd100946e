package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// site is a site on a real store, at a time that stands still.
type site struct {
	t       *testing.T
	clock   *clock
	store   *store.Store
	options jobs.Options
	files   fstest.MapFS
	outbox  string
	n       int         // articles so far
	paused  atomic.Bool // issue 1 was, see untilPaused
}

// newSite returns a site with the newsletter "weekly", on SQLite.
func newSite(t *testing.T) *site {
	t.Helper()
	dsn := storetest.SQLite(t)
	return newSiteOn(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, dsn, o...) })
}

func newSiteOn(t *testing.T, open func(...storetest.Option) *store.Store) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{at: time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)}, files: fstest.MapFS{}, outbox: t.TempDir()}
	s.store = open(func(o *store.Options) { o.Now = s.clock.now })
	s.options = jobs.Options{
		Store:     s.store,
		Site:      newsletter.Site{Title: "The Harbour Letter", URL: "https://news.example.org", Language: "en", Location: time.UTC, PostalAddress: "1 Quay"},
		OutboxDir: s.outbox,
		SiteFS:    s.files,
		Builtin:   os.DirFS("../../templates"),
		Delivery: jobs.DeliveryOptions{
			Chunk: 10, SealBatch: 7, Lease: 20 * time.Second, Grace: 20 * time.Second,
			BackoffFirst: 100 * time.Millisecond, BackoffMax: time.Second, GiveUpAfter: time.Hour,
		},
		OfflineLinks: true, // but for the tests of links
		Log:          slog.New(slog.DiscardHandler),
		Now:          s.clock.now,
	}
	if testing.Verbose() {
		s.options.Log = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s.newsletter("weekly")
	return s
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// newsletter adds a newsletter.
func (s *site) newsletter(name string, set ...func(*newsletter.Newsletter)) {
	n := newsletter.Newsletter{
		Name: name, Title: "The Harbour Letter, " + name, From: mail.Address{Name: "Harbour", Address: name + "@news.example.org"},
		Location: time.UTC, Language: "en", Min: 1, Max: 20, Missed: newsletter.MissedOnce, Intro: "intros/" + name + ".md",
	}
	for _, f := range set {
		f(&n)
	}
	s.options.Newsletters = append(s.options.Newsletters, n)
}

// edit changes the newsletter weekly.
func (s *site) edit(set func(*newsletter.Newsletter)) { set(&s.options.Newsletters[0]) }

// service returns a new service, as a new process would have.
func (s *site) service(set ...func(*jobs.Options)) *jobs.Service {
	s.t.Helper()
	o := s.options
	o.Newsletters = slices.Clone(o.Newsletters)
	for _, f := range set {
		f(&o)
	}
	v, err := jobs.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func withRelay(relays ...mailer.Relay) func(*jobs.Options) {
	return func(o *jobs.Options) { o.Relays = relays }
}

// article publishes an article and returns its title.
func (s *site) article(set ...func(*newsletter.Article)) string {
	s.t.Helper()
	s.n++
	a := newsletter.Article{
		Key: fmt.Sprintf("a%d.md", s.n), File: fmt.Sprintf("a%d.md", s.n), Title: fmt.Sprintf("Tide table number %03d", s.n), Summary: fmt.Sprintf("Summary %d.", s.n),
		Language: "en", Format: newsletter.Markdown, Body: strings.Repeat("Water rises and falls. ", 100), Published: s.clock.now().Add(-time.Hour + time.Duration(s.n)*time.Second),
		Slug: fmt.Sprintf("tide-%d", s.n),
	}
	for _, f := range set {
		f(&a)
	}
	_, err := s.store.UpsertArticles(s.t.Context(), store.UpsertBatch{Source: "articles", SiteURL: s.options.Site.URL, Articles: []newsletter.Article{a}}, s.clock.now())
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Title
}

func tagged(tags ...string) func(*newsletter.Article) {
	return func(a *newsletter.Article) { a.Tags = tags }
}

// subscribe adds subscribers to weekly and returns their addresses.
func (s *site) subscribe(count int, set ...func(*newsletter.Line)) []string {
	s.t.Helper()
	var out []string
	for i := range count {
		line := newsletter.Line{Email: fmt.Sprintf("reader%d-%s@example.org", i, s.unique())}
		for _, f := range set {
			f(&line)
		}
		r, err := s.store.AddSubscriber(s.t.Context(), "weekly", line, "cli", s.clock.now())
		if err != nil || r != store.Created {
			s.t.Fatalf("adding %s: %v %v", line.Email, r, err)
		}
		out = append(out, line.Email)
	}
	slices.Sort(out)
	return out
}

func (s *site) unique() string {
	s.n++
	return fmt.Sprint(s.n)
}

func wanting(topics ...string) func(*newsletter.Line) {
	return func(l *newsletter.Line) { l.Topics = &topics }
}

func speaking(language string) func(*newsletter.Line) {
	return func(l *newsletter.Line) { l.Language = &language }
}

// run runs the whole job and fails on an error.
func (s *site) run(v *jobs.Service) jobs.RunReport {
	s.t.Helper()
	return s.runWith(v, jobs.RunOptions{})
}

func (s *site) runWith(v *jobs.Service, o jobs.RunOptions) jobs.RunReport {
	s.t.Helper()
	r, err := v.Run(s.t.Context(), o)
	if err != nil {
		s.t.Fatalf("run: %v", err)
	}
	return r
}

// issue returns the only issue of a report.
func (s *site) issue(r jobs.RunReport) jobs.IssueReport {
	s.t.Helper()
	if len(r.Issues) != 1 {
		s.t.Fatalf("%d issues in the report, want 1: %+v", len(r.Issues), r)
	}
	return r.Issues[0]
}

// counts checks how an issue stands.
func (s *site) counts(i jobs.IssueReport, state newsletter.IssueState, sent, failed, deferred, uncertain int) {
	s.t.Helper()
	if i.Issue.State != state || i.Sent != sent || i.Failed != failed || i.Deferred != deferred || i.Uncertain != uncertain {
		s.t.Errorf("issue %d is %s (%s), %d sent, %d failed, %d deferred, %d uncertain; want %s, %d, %d, %d, %d",
			i.Issue.Number, i.Issue.State, i.Issue.Reason, i.Sent, i.Failed, i.Deferred, i.Uncertain, state, sent, failed, deferred, uncertain)
	}
}

// same checks that messages went to just these addresses, each once.
func same(t *testing.T, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("mail went to\n%v\nwant\n%v", got, want)
	}
}

// eventually waits for a condition that another goroutine brings about, however slow
// the machine is.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		}
	}
}
