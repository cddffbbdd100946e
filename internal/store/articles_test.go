package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

var (
	ctx = context.Background()
	day = time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC)
)

// article makes a public article.
func article(key string, set ...func(*newsletter.Article)) newsletter.Article {
	a := newsletter.Article{
		Key: key, File: key, Slug: key, Title: "About " + key, Summary: "Short", Language: "en", Format: newsletter.Markdown,
		Published: day.Add(-time.Hour), Body: "The body of " + key + ".\n",
	}
	for _, f := range set {
		f(&a)
	}
	return a
}

func upsert(t *testing.T, s *store.Store, now time.Time, articles ...newsletter.Article) store.Upserted {
	t.Helper()
	up, err := s.UpsertArticles(ctx, store.UpsertBatch{Source: "articles", SiteURL: "https://example.org", Articles: articles}, now)
	if err != nil {
		t.Fatal(err)
	}
	return up
}

func TestSmoke(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := open()
		up := upsert(t, s, day, article("a"), article("b"))
		if up.Added != 2 || up.Published != 2 {
			t.Fatalf("%+v", up)
		}
		got, err := s.Articles(ctx, store.ArticleQuery{Bodies: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 {
			t.Fatal(got)
		}
		for _, a := range got {
			fmt.Printf("%+v\n", a)
		}
	})
}
