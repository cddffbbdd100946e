package jobs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/jobs"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
	"syndicate/internal/store"
)

// elsewhere is a feed on another server that the site reads.
type elsewhere struct {
	url string

	mu   sync.Mutex
	code int
	body string
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	e := &elsewhere{code: http.StatusOK}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		w.WriteHeader(e.code)
		fmt.Fprint(w, e.body)
	}))
	t.Cleanup(s.Close)
	e.url = s.URL
	return e
}

// shows answers with an RSS feed of posts from one number down to another, whose ids
// begin with a prefix.
func (e *elsewhere) shows(prefix string, from, to int) {
	var b strings.Builder
	b.WriteString(`<rss version="2.0"><channel><title>Quay</title>`)
	for i := from; i >= to; i-- {
		fmt.Fprintf(&b, `<item><guid isPermaLink="false">%s%d</guid><link>https://quay.example/%d</link><title>Post %d</title><pubDate>%s</pubDate><description>Text of %d.</description></item>`,
			prefix, i, i, i, time.Date(2026, 5, 1, i, 0, 0, 0, time.UTC).Format(time.RFC1123Z), i)
	}
	b.WriteString(`</channel></rss>`)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.code, e.body = http.StatusOK, b.String()
}

func (e *elsewhere) fails(code int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.code, e.body = code, ""
}

func (e *elsewhere) source(s *site) source.Source {
	client := fetch.New(fetch.Options{Private: []string{"127.0.0.1"}, Now: s.clock.now})
	o := remote.Options{Name: "quay", Backlog: 2, Language: "en", Now: s.clock.now}
	return remote.New(o, feed.NewReader(feed.Options{URL: e.url, Client: client, Now: s.clock.now}))
}

// ids returns the ids of the public articles by their titles.
func (s *site) ids() map[string]string {
	s.t.Helper()
	list, err := s.store.Articles(s.t.Context(), store.ArticleQuery{})
	if err != nil {
		s.t.Fatal(err)
	}
	ids := map[string]string{}
	for _, a := range list {
		ids[a.Title] = a.ID
	}
	return ids
}

// TestFeedFromElsewhere: of what a feed has at first only the newest is news; when it
// changes all its ids nobody is sent anything until an operator looked, and then
// nothing again.
func TestFeedFromElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := newElsewhere(t)
	e.shows("a", 10, 1)
	v := s.service(func(o *jobs.Options) { o.Sources = []source.Source{e.source(s)} })
	s.subscribe(1)
	ingest := func() jobs.SourceReport {
		t.Helper()
		s.clock.add(time.Hour)
		in, err := v.Ingest(t.Context(), source.Now)
		if err != nil {
			t.Fatal(err)
		}
		return in.Sources[0]
	}
	next := func() string {
		t.Helper()
		p, err := v.Preview(t.Context(), "weekly")
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, g := range p.Groups {
			for _, a := range g.Articles {
				titles = append(titles, a.Title)
			}
			if g.More > 0 {
				titles = append(titles, fmt.Sprintf("%d more", g.More))
			}
		}
		return strings.Join(titles, ", ")
	}
	if r := ingest(); r.Added != 10 || r.Total != 10 || r.Held != "" || r.Error != "" {
		t.Fatalf("%+v", r)
	}
	if got := next(); got != "Post 10, Post 9" {
		t.Errorf("the first issue would have %s", got)
	}
	before := s.ids()

	e.shows("b", 11, 1)
	for range 2 {
		if r := ingest(); r.Added+r.Changed != 0 || !r.New || !strings.HasPrefix(r.Held, "10 of 11 articles have other ids") {
			t.Fatalf("%+v", r)
		}
	}
	st, err := s.store.SourceState(t.Context(), "quay")
	if err != nil || st.HeldCount != 11 || st.Due.IsZero() {
		t.Fatalf("%+v, %v", st, err)
	}
	if got := next(); got != "Post 10, Post 9" {
		t.Errorf("while it is held the issue would have %s", got)
	}
	if _, err := s.store.PruneArticles(t.Context(), "quay"); err != nil {
		t.Fatal(err)
	}
	if r := ingest(); r.Added != 1 || r.Held != "" {
		t.Fatalf("accepted: %+v", r)
	}
	after := s.ids()
	for title, id := range before {
		if after[title] != id {
			t.Errorf("%s is another article now", title)
		}
	}
	if len(after) != 11 {
		t.Errorf("%d articles, want 11", len(after))
	}
	if got := next(); got != "Post 10, Post 9" { // Post 11 is older than the hold
		t.Errorf("accepted, the issue would have %s", got)
	}

	e.fails(http.StatusServiceUnavailable)
	if r := ingest(); r.Error != "it answers 503 Service Unavailable" || r.Next.IsZero() {
		t.Fatalf("%+v", r)
	}
	if len(s.ids()) != 11 {
		t.Error("a failure took articles away")
	}
	// It may be over soon. What fails for more than a day is broken.
	if r, err := v.Ingest(t.Context(), source.WhenDue); err != nil || !r.Sources[0].Passing || len(r.Failed()) != 0 {
		t.Errorf("between visits: %+v, %v", r, err)
	}
	s.clock.add(24 * time.Hour)
	if r := ingest(); r.Error == "" || r.Passing {
		t.Errorf("a day later: %+v", r)
	}
	if r, err := v.Ingest(t.Context(), source.WhenDue); err != nil || len(r.Failed()) != 1 {
		t.Errorf("between visits: %+v, %v", r, err)
	}
	e.shows("b", 12, 3)
	if r := ingest(); r.Added != 1 || r.Error != "" || r.Unpublished != 0 {
		t.Fatalf("%+v", r)
	}
}

// TestServeFromElsewhere: the daemon reads a feed when that is due, and not before.
func TestServeFromElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := newElsewhere(t)
	e.shows("a", 2, 1)
	public := t.TempDir()
	v := s.service(func(o *jobs.Options) {
		o.Sources = []source.Source{e.source(s)}
		o.Feeds = jobs.FeedOptions{Dir: public, Full: true}
	})
	s.serve(v)
	in := func(text string) bool {
		data, err := os.ReadFile(filepath.Join(public, "feed.json"))
		return err == nil && strings.Contains(string(data), `"`+text+`"`)
	}
	eventually(t, "the feed's articles are in ours", func() bool { return in("Post 2") })
	due := func() time.Time {
		at, err := s.store.NextVisit(t.Context(), []string{"quay"})
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	eventually(t, "the next visit is planned", func() bool { return due().After(s.clock.now()) })
	e.shows("a", 3, 1)
	s.clock.add(due().Sub(s.clock.now()))
	v.Wake()
	eventually(t, "the new article came in", func() bool { return in("Post 3") })
}
