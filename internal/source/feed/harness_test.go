package feed_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
)

// place is a server elsewhere, a source that reads from it, and what a store would
// keep.
type place struct {
	t      *testing.T
	server *httptest.Server
	source *remote.Source
	client *fetch.Client

	mu    sync.Mutex
	serve http.HandlerFunc // what it answers at the moment
	asked []string         // paths

	now      time.Time
	state    []byte
	accepted bool
	stored   map[string]newsletter.Article // by key
}

// start opens a place whose source is asked for path.
func start(t *testing.T, path string, change ...func(*place, *remote.Options)) *place {
	t.Helper()
	p := &place{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), stored: map[string]newsletter.Article{}}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		serve := p.serve
		p.asked = append(p.asked, r.URL.Path)
		p.mu.Unlock()
		serve(w, r)
	}))
	t.Cleanup(p.server.Close)
	clock := func() time.Time { return p.now }
	p.client = fetch.New(fetch.Options{Private: []string{"127.0.0.1"}, Limit: 1 << 20, Now: clock})
	o := remote.Options{Name: "quay", Backlog: 1000, Detect: func(string) string { return "en" }, Now: clock}
	for _, c := range change {
		c(p, &o)
	}
	p.source = remote.New(o, feed.NewReader(feed.Options{URL: p.server.URL + path, Client: p.client, Now: clock}))
	return p
}

// answers sets what the place answers from now on.
func (p *place) answers(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serve = h
}

// shows answers with a document.
func (p *place) shows(kind, body string) {
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, body)
	})
}

// file answers with one of testdata.
func (p *place) file(name, kind string) {
	p.t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		p.t.Fatal(err)
	}
	p.shows(kind, string(b))
}

// requests returns what was asked for since the last time.
func (p *place) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// found is what a visit found.
type found struct {
	Emitted  string // titles, in order
	Held     string
	Problems string
	Error    string
	Vanished []string
}

// visit lists the source an hour later, and keeps what comes.
func (p *place) visit() found {
	p.t.Helper()
	p.now = p.now.Add(time.Hour)
	return p.list(source.Now)
}

func (p *place) list(mode source.Mode) (f found) {
	p.t.Helper()
	ctx := context.Background()
	l, err := p.source.List(ctx, source.Ask{State: p.state, Accepted: p.accepted, Mode: mode})
	if err != nil {
		f.Error = err.Error()
		if failure, ok := err.(*source.Failure); ok && failure.State != nil { //nolint:errorlint // List returns it as it is
			p.state = failure.State
		}
		return f
	}
	var titles []string
	err = l.Read(ctx, func(batch []newsletter.Article) error {
		for _, a := range batch {
			titles = append(titles, a.Title)
			p.stored[a.Key] = a
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(titles) != l.Changed {
		p.t.Errorf("%d articles were promised, %d came", l.Changed, len(titles))
	}
	if state, changed := l.State(nil); changed {
		p.state = state
	}
	p.accepted = false
	var problems []string
	for _, x := range l.Problems() {
		if x.File != "quay" || !x.Warning {
			p.t.Errorf("problem %+v", x)
		}
		problems = append(problems, x.Message)
	}
	return found{Emitted: strings.Join(titles, ", "), Held: l.Held, Problems: strings.Join(problems, "\n"), Vanished: slices.Clone(l.Vanished)}
}

// entry is an item of a feed that is written here.
type entry struct{ id, link, title, date, text string }

// rss writes a feed.
func rss(entries ...entry) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>Quay</title><link>https://quay.example/</link>`)
	for _, e := range entries {
		b.WriteString("<item>")
		for _, field := range [][2]string{{"guid", e.id}, {"link", e.link}, {"title", e.title}, {"pubDate", e.date}, {"description", e.text}} {
			if field[1] != "" {
				fmt.Fprintf(&b, "<%s>%s</%s>", field[0], strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(field[1]), field[0])
			}
		}
		b.WriteString("</item>")
	}
	return b.String() + "</channel></rss>"
}

// posts are n entries, the newest first, of which the oldest has the number from.
func posts(from, n int) []entry {
	var list []entry
	for i := from + n - 1; i >= from; i-- {
		at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
		list = append(list, entry{
			id: fmt.Sprintf("id-%d", i), link: fmt.Sprintf("https://quay.example/%d", i), title: fmt.Sprintf("Post %d", i),
			date: at.Format(time.RFC1123Z), text: fmt.Sprintf("<p>This is post number %d, and it has a text that is long enough to know it by, even when all else changes.</p>", i),
		})
	}
	return list
}

const rssType = "application/rss+xml"
