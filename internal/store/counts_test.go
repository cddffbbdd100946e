package store_test

import (
	"sync"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestCounts: what nodes count adds up, and is told by newsletter.
func TestCounts(t *testing.T) {
	each(t, func(b *bench) {
		b.publish(2)
		b.subscribe("weekly", 1)
		i := b.compose("weekly")
		rehearsed := b.compose("weekly", func(n *store.NewIssue) { n.Rehearsal = true })
		equal(b, must(b.Counts(ctx, i.ID))(b), nil)
		equal(b, must(b.CountTotals(ctx))(b), nil)
		b.ok(b.AddCounts(ctx, nil))

		const rounds = 20
		var nodes sync.WaitGroup
		for node := range 3 {
			s := b.again()
			nodes.Go(func() {
				for range rounds {
					counts := []newsletter.Count{
						{Issue: i.ID, Link: 1, By: newsletter.VisitorPerson, N: 1},
						{Issue: i.ID, Link: 2, By: newsletter.VisitorScanner, N: 2},
						{Issue: i.ID, Link: 0, By: newsletter.VisitorApple, N: 3},
						{Issue: rehearsed.ID, Link: 1, By: newsletter.VisitorPerson, N: 1},
					}
					if node == 1 { // another order
						counts[0], counts[3] = counts[3], counts[0]
					}
					if err := s.AddCounts(ctx, counts); err != nil {
						b.Error(err)
					}
				}
			})
		}
		nodes.Wait()
		equal(b, must(b.Counts(ctx, i.ID))(b), []newsletter.Count{
			{Issue: i.ID, Link: 0, By: newsletter.VisitorApple, N: 3 * 3 * rounds},
			{Issue: i.ID, Link: 1, By: newsletter.VisitorPerson, N: 3 * rounds},
			{Issue: i.ID, Link: 2, By: newsletter.VisitorScanner, N: 3 * 2 * rounds},
		})
		equal(b, must(b.CountTotals(ctx))(b), []store.CountTotal{
			{Newsletter: "weekly", By: newsletter.VisitorPerson, N: 3 * rounds},
			{Newsletter: "weekly", By: newsletter.VisitorScanner, N: 3 * 2 * rounds},
			{Newsletter: "weekly", Opens: true, By: newsletter.VisitorApple, N: 3 * 3 * rounds},
		})
	})
}

// TestCountedIssue: what links need to know of an issue, as it was frozen.
func TestCountedIssue(t *testing.T) {
	each(t, func(b *bench) {
		seq := b.publish(1)
		b.subscribe("weekly", 1)
		i := b.compose("weekly", func(n *store.NewIssue) { n.Frozen.Site.URL = "https://old.example.org" })
		equal(b, must(b.CountedIssue(ctx, i.ID))(b), store.CountedIssue{Newsletter: "weekly", SiteURL: "https://old.example.org"})
		b.Advance(time.Minute)
		b.seal(i, 10)
		began := must(b.CountedIssue(ctx, i.ID))(b).Began
		if !began.Equal(b.Now()) {
			b.Errorf("it began at %v, not %v", began, b.Now())
		}
		was := must(b.FrozenArticle(ctx, i.ID, seq))(b)
		b.upsert(article(was.Key, func(a *newsletter.Article) { a.Slug, a.Permalink = was.Slug, "/elsewhere" }))
		equal(b, must(b.FrozenArticle(ctx, i.ID, seq))(b), was)
		_, err := b.CountedIssue(ctx, i.ID+1)
		b.is(err, store.ErrNotFound)
		_, err = b.FrozenArticle(ctx, i.ID, seq+1)
		b.is(err, store.ErrNotFound)
		_, err = b.FrozenArticle(ctx, i.ID+1, seq)
		b.is(err, store.ErrNotFound)
	})
}
