package store_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// manyArticles makes articles of 6 KB, as a source would.
func manyArticles(from, n int) []newsletter.Article {
	body := strings.Repeat("Lorem ipsum dolor sit amet, consectetur adipiscing elit. ", 105)
	out := make([]newsletter.Article, n)
	for i := range out {
		k := from + i
		name := fmt.Sprintf("posts/%04d/article-%06d", k/1000, k)
		out[i] = newsletter.Article{
			Key: name + ".md", File: name + ".md", Slug: fmt.Sprintf("article-%06d", k), Title: fmt.Sprintf("Article number %d", k),
			Summary: body[:200], Language: "en", Section: "posts", Format: newsletter.Markdown,
			Tags: []string{"one", fmt.Sprintf("tag-%d", k%100), fmt.Sprintf("topic-%d", k%7)}, Authors: []newsletter.Author{{Name: fmt.Sprintf("Author %d", k%20)}},
			Published: day.Add(-time.Duration(k*7919%100000) * time.Minute), Body: fmt.Sprintf("%d %s", k, body),
		}
	}
	return out
}

// BenchmarkUpsertArticles stores new articles of 6 KB in batches of 512.
func BenchmarkUpsertArticles(b *testing.B) {
	for _, total := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(total), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := storetest.Open(b, storetest.SQLite(b))
				runtime.GC()
				b.StartTimer()
				for from := 0; from < total; from += 512 {
					b.StopTimer()
					batch := manyArticles(from, min(512, total-from))
					b.StartTimer()
					if _, err := s.UpsertArticles(ctx, store.UpsertBatch{Source: "articles", SiteURL: "https://example.org", Articles: batch}, day); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "articles/s")
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MB-sys")
		})
	}
}
