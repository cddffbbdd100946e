package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// BenchmarkPages answers from a store of 20,000 articles.
func BenchmarkPages(b *testing.B) {
	s := newSite(b)
	body := strings.Repeat("Some words of an *article* that has [links](https://example.org) in it.\n\n", 80)
	for i := 0; i < 20_000; i += 500 {
		batch := make([]newsletter.Article, 500)
		for k := range batch {
			n := i + k
			batch[k] = newsletter.Article{
				Key: fmt.Sprint(n), Slug: fmt.Sprint("n", n), Title: fmt.Sprint("Note ", n), Summary: "A note.", Language: "en", Tags: []string{"a", "b"},
				Published: start.Add(time.Duration(n-100_000) * time.Minute), Format: newsletter.Markdown, Body: body + fmt.Sprint(n),
			}
		}
		_, err := s.store.UpsertArticles(b.Context(), store.UpsertBatch{Source: "notes", SiteURL: siteURL, Articles: batch}, start)
		s.check(err)
	}
	s.write("feed.rss", strings.Repeat("<item/>\n", 50_000))
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	tag := s.get("/feed.rss").Header.Get("Etag")
	for name, target := range map[string]string{
		"home": "/", "home 500": "/?page=500", "article": "/articles/n10000", "newest": "/articles/n19999", "missing": "/a/b", "feed": "/feed.rss", "feed unchanged": "/feed.rss", "unsubscribe": link,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest("GET", target, http.NoBody)
				if name == "feed unchanged" {
					r.Header.Set("If-None-Match", tag)
				}
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, r)
				if w.Code >= 500 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
