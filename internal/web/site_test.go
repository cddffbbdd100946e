package web_test

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
	"syndicate/internal/web"
)

// site is a whole site with a real store, as the handler sees it.
type site struct {
	t       testing.TB
	store   *store.Store
	service *jobs.Service
	handler http.Handler
	options web.Options
	builtin fs.FS
	dir     string // public/
	outbox  string
	relays  []mailer.Relay // none: all is a rehearsal
	log     *syncBuffer

	mu     sync.Mutex
	now    time.Time
	closed sync.Once
}

const siteURL = "https://letter.example.org"

// start is when the tests begin.
var start = time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC)

// newSite opens a store with some articles, two newsletters and two subscribers.
func newSite(t testing.TB, change ...func(*web.Options)) *site {
	t.Helper()
	return newSiteOn(t, storetest.SQLite(t), change...)
}

func newSiteOn(t testing.TB, dsn string, change ...func(*web.Options)) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "public"), outbox: filepath.Join(t.TempDir(), "outbox"), log: &syncBuffer{}, now: start}
	ctx := t.Context()
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	s.store, err = store.Open(ctx, store.Options{DSN: dsn, Log: log, Now: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)

	weekly := newsletter.Newsletter{
		Name: "weekly", Title: "The Weekly", Description: "All of it, on Mondays.", From: mail.Address{Name: "The Editors", Address: "editors@example.org"},
		Schedule: "0 7 * * MON", Location: time.UTC, Language: "en", Min: 1, Max: 20,
	}
	daily := newsletter.Newsletter{
		Name: "quotidien", Title: "Le Quotidien", Description: "Chaque matin.", From: mail.Address{Name: "La rédaction", Address: "redaction@example.org"},
		Location: time.UTC, Language: "fr", Min: 1, Max: 20,
	}
	o := web.Options{
		Store:       s.store,
		Site:        newsletter.Site{Title: "The Letter", Description: "Unhurried reading.", URL: siteURL, Language: "en", Location: time.UTC},
		Newsletters: []newsletter.Newsletter{weekly, daily},
		FeedsDir:    s.dir,
		Builtin:     os.DirFS("../../templates"),
		Version:     "test",
		Log:         log,
		Now:         s.clock,
	}
	for _, f := range change {
		f(&o)
	}
	s.serveWith(o)
	s.seed(ctx, o.Newsletters)
	return s
}

// serveWith makes the service and the handler, as a new process does.
func (s *site) serveWith(o web.Options) {
	s.t.Helper()
	var err error
	o.Service, err = jobs.New(jobs.Options{
		Store: s.store, Site: o.Site, Newsletters: o.Newsletters, WebURL: o.WebURL, Feeds: feedOptions(s.dir), Builtin: o.Builtin, OutboxDir: s.outbox, Log: o.Log, Now: s.clock,
		Relays: s.relays, OfflineLinks: true,
	})
	s.check(err)
	s.service, s.builtin, s.options = o.Service, o.Builtin, o
	s.handler, err = web.New(s.t.Context(), o)
	s.check(err)
}

// again is the site after a restart with other options.
func (s *site) again(change func(*web.Options)) {
	s.t.Helper()
	o := s.options
	o.Newsletters = slices.Clone(o.Newsletters)
	change(&o)
	s.serveWith(o)
}

// feedOptions: the feeds have hubs, former addresses, and a selection of the
// operator's own.
func feedOptions(dir string) jobs.FeedOptions {
	return jobs.FeedOptions{
		Dir: dir, Items: 50, Full: true, Hubs: []string{"self", "https://hub.example.net/"},
		Named: []publish.Selection{{Path: "feeds/knots", Title: "Knots & bread", Select: newsletter.Selection{Tags: []string{"craft"}}}},
		Moved: map[string]string{"/index.xml": "/feed.rss", "/tags/été/feed.xml": "/tags/sea/feed.atom", "/away.xml": "https://other.example.net/feed"},
	}
}

// publish builds the feeds.
func (s *site) publish() {
	s.t.Helper()
	_, err := s.service.Publish(s.t.Context())
	s.check(err)
	s.pass(time.Second)
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// pass lets time pass.
func (s *site) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// close closes the store, once.
func (s *site) close() {
	s.closed.Do(func() { s.check(s.store.Close()) })
}

func (s *site) seed(ctx context.Context, newsletters []newsletter.Newsletter) {
	s.t.Helper()
	day := func(n int) time.Time { return time.Date(2026, time.November, n, 8, 0, 0, 0, time.UTC) }
	author := []newsletter.Author{{Name: "Ada Reave"}, {Name: "Tomas Brink"}}
	_, err := s.store.UpsertArticles(ctx, store.UpsertBatch{Source: "articles", SiteURL: siteURL, Articles: []newsletter.Article{
		{
			Key: "net.md", File: "net.md", Slug: "mending-a-net", Title: "Mending a net & more", Summary: "A hole is a lot of knots that are missing.", Language: "en", Section: "craft",
			Authors: author, Tags: []string{"craft", "sea"}, Aliases: []string{"/craft/net-mending", "/2026/09/nets.html", "/articles/old-nets"}, Published: day(2), Updated: day(4),
			Format: newsletter.Markdown, Body: "First make the hole **bigger**.\n\nSee [bread](bread.md) and <script>alert(1)</script>.\n",
			Image: &newsletter.Image{URL: "net.png", Alt: "A net"},
		},
		{
			Key: "bread.md", File: "bread.md", Slug: "bread", Permalink: "/food/bread/", Title: "Bread", Summary: "Flour and time.", Language: "en", Section: "food",
			Published: day(5), Format: newsletter.Markdown, Body: "Flour and time.\n\nThen heat.\n",
		},
		{
			Key: "soupe.md", File: "soupe.md", Slug: "soupe", Title: "La soupe du vendredi", Summary: "Pour six.", Language: "fr", Section: "cuisine",
			Published: day(6), Format: newsletter.Markdown, Body: "Des poireaux.\n", Origin: &newsletter.Origin{URL: "https://cuisine.example.net/soupe"},
		},
		{
			Key: "elsewhere.md", File: "elsewhere.md", Slug: "elsewhere", Permalink: "https://other.example.net/a/b", Title: "Elsewhere", Summary: "Lives on another site.", Language: "en",
			Published: day(7), Format: newsletter.Markdown, Body: "Text.\n",
		},
		{Key: "draft.md", File: "draft.md", Slug: "draft", Title: "A draft", Language: "en", Draft: true, Published: day(8), Format: newsletter.Markdown, Body: "Not yet.\n"},
		{Key: "later.md", File: "later.md", Slug: "later", Title: "To be opened later", Language: "en", Published: day(30), Format: newsletter.Markdown, Body: "Later.\n"},
	}}, s.clock())
	s.check(err)
	for _, n := range newsletters {
		_, err := s.store.SyncNewsletter(ctx, n.Name, true, s.clock())
		s.check(err)
		_, err = s.store.SyncNewsletter(ctx, n.Name, false, s.clock())
		s.check(err)
	}
	french := "fr"
	for _, x := range []struct {
		newsletter string
		line       newsletter.Line
	}{
		{"weekly", newsletter.Line{N: 2, Email: "marguerite@example.org"}},
		{"quotidien", newsletter.Line{N: 2, Email: "marguerite@example.org", Language: &french}},
		{"weekly", newsletter.Line{N: 3, Email: "other@example.org"}},
	} {
		_, err := s.store.AddSubscriber(ctx, x.newsletter, x.line, "cli", s.clock())
		s.check(err)
	}
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// subscriber returns somebody's subscription.
func (s *site) subscriber(email, name string) newsletter.Subscription {
	s.t.Helper()
	who, err := s.store.SubscriberByEmail(s.t.Context(), email)
	s.check(err)
	sub, err := s.store.Subscription(s.t.Context(), who.ID, name)
	s.check(err)
	return sub
}

// link returns the path of a mailed link, "/unsubscribe/…" or "/preferences/…".
func (s *site) link(purpose newsletter.Purpose, email, name string) string {
	s.t.Helper()
	sub := s.subscriber(email, name)
	token := s.store.Keyring().Token(newsletter.Claim{Purpose: purpose, Subscriber: sub.Subscriber.ID, Issue: 1, Newsletter: name}, sub.Subscriber.Email)
	if purpose == newsletter.PurposePreferences {
		return "/preferences/" + token
	}
	return "/unsubscribe/" + token
}

// write puts a file into public/.
func (s *site) write(name, text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, filepath.FromSlash(name))
	s.check(os.MkdirAll(filepath.Dir(file), 0o755))
	tmp := file + ".tmp"
	s.check(os.WriteFile(tmp, []byte(text), 0o600))
	s.check(os.Rename(tmp, file))
}

// do sends a request straight to the handler. Headers are name, value pairs.
func (s *site) do(method, target, body string, headers ...string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, "https://letter.example.org"+target, strings.NewReader(body))
	r.TLS = nil
	r.RemoteAddr = "203.0.113.7:1234"
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "remote" {
			r.RemoteAddr = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

func (s *site) get(target string, headers ...string) *http.Response {
	s.t.Helper()
	return s.do("GET", target, "", headers...)
}

// post sends a form as a browser does.
func (s *site) post(target string, fields url.Values, headers ...string) *http.Response {
	s.t.Helper()
	return s.do("POST", target, fields.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

// text reads an answer and wants its status.
func text(t *testing.T, r *http.Response, want int) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != want {
		t.Fatalf("status %d, want %d:\n%.600s", r.StatusCode, want, b)
	}
	return string(b)
}

func contains(t *testing.T, body string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(body, p) {
			t.Errorf("%q is missing in:\n%.1500s", p, body)
		}
	}
}

func lacks(t *testing.T, body string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(body, p) {
			t.Errorf("%q is in:\n%.1500s", p, body)
		}
	}
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
