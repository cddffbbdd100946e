package feed_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"syndicate/internal/fetch"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
)

// FuzzFeed reads any bytes as a feed.
// Whatever they are: articles are whole, clean and safe, and the next visit finds
// nothing new.
func FuzzFeed(f *testing.F) {
	files, err := filepath.Glob("testdata/harbour.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "text/xml")
	}
	f.Add([]byte(rss(posts(1, 3)...)), "application/rss+xml; charset=utf-16")
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1","items":[{"id":null},{"attachments":[{}]},null]}`), "application/json")
	f.Add([]byte(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><item rdf:about="x"><title>&lt;</title></item></rdf:RDF>`), "")
	f.Add([]byte(rss(entry{id: "a\x01b", title: "<b>x</b> & &amp;lt;", text: `<p title="]]>">&#0;<a href="java
script:x">x</a>`, date: "Mon, 99 Foo 0000"})), "text/html")

	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		document := feed.Document{Response: &fetch.Response{URL: "https://quay.example/feed", Body: data, Header: http.Header{"Content-Type": {contentType}}}}
		now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		o := remote.Options{Name: "quay", Backlog: 3, Detect: func(string) string { return "en" }, Now: func() time.Time { return now }}
		src := remote.New(o, document)
		l, err := src.List(context.Background(), source.Ask{})
		if err != nil {
			return
		}
		keys := map[string]bool{}
		err = l.Read(context.Background(), func(batch []newsletter.Article) error {
			for i := range batch {
				checkArticle(t, &batch[i], now)
				if keys[batch[i].Key] {
					t.Errorf("two articles have the key %q", batch[i].Key)
				}
				keys[batch[i].Key] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		state, _ := l.State(nil)
		now = now.Add(48 * time.Hour)
		again, err := src.List(context.Background(), source.Ask{State: state})
		if err != nil {
			t.Fatalf("the same again: %v", err)
		}
		if again.Changed > 0 || again.Held != "" {
			t.Errorf("the same again: %d changed, held: %s", again.Changed, again.Held)
		}
	})
}

func checkArticle(t *testing.T, a *newsletter.Article, now time.Time) {
	t.Helper()
	if a.Key == "" || len(a.Key) > 255 || a.Title == "" || a.Language == "" || a.Published.IsZero() || a.Published.After(now) || a.Updated.After(now.Add(time.Hour)) {
		t.Errorf("article %+v", a)
	}
	for _, text := range []string{a.Key, a.Title, a.Summary, a.Body, a.Permalink, a.Slug, strings.Join(a.Tags, "")} {
		if !utf8.ValidString(text) || markup.Clean(text) != text {
			t.Errorf("not clean: %q", text)
		}
	}
	if a.Permalink != "" && !strings.HasPrefix(a.Permalink, "http://") && !strings.HasPrefix(a.Permalink, "https://") {
		t.Errorf("permalink %q", a.Permalink)
	}
	if a.Format == newsletter.HTML {
		again, err := markup.Render(a.Format, a.Body, nil)
		if err != nil || strings.Contains(strings.ToLower(again), "<script") {
			t.Errorf("the body renders as %q, %v", again, err)
		}
	}
}
