package store_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// changedSeqs returns what changed after a version, and whether it is public.
func (b *bench) changedSeqs(after int64) map[int64]bool {
	b.Helper()
	out := map[int64]bool{}
	for _, c := range must(b.ChangedArticles(ctx, after, 100))(b) {
		out[c.Seq] = c.Public
	}
	return out
}

func TestChangedArticles(t *testing.T) {
	each(t, func(b *bench) {
		article := func(n int, body string) newsletter.Article {
			return newsletter.Article{
				Key: fmt.Sprintf("%d.md", n), File: fmt.Sprintf("%d.md", n), Slug: fmt.Sprint(n), Title: "T", Language: "en", Format: newsletter.Markdown,
				Tags: []string{"Sea"}, Published: day.Add(time.Duration(n) * time.Minute).Add(-time.Hour), Body: body,
			}
		}
		b.upsert(article(1, "one"), article(2, "two"), article(3, "three"))
		v := must(b.ArticlesVersion(ctx))(b)
		equal(b, b.changedSeqs(0), map[int64]bool{1: true, 2: true, 3: true})
		equal(b, b.changedSeqs(v), map[int64]bool{})

		b.upsert(article(1, "one"), article(2, "two, corrected"))
		equal(b, b.changedSeqs(v), map[int64]bool{2: true})
		equal(b, must(b.Stamps(ctx, store.ArticleQuery{}))(b), []store.Stamp{{Seq: 3, Changed: v}, {Seq: 2, Changed: v + 1}, {Seq: 1, Changed: v}})

		// Taken away, and changed again where nobody sees it: still news to who has not looked.
		v = must(b.ArticlesVersion(ctx))(b)
		gone := article(1, "one")
		gone.Draft = true
		b.upsert(gone)
		gone.Body = "one, drafted"
		b.upsert(gone)
		must(b.FinishListing(ctx, "articles", nil, []string{"3.md"}, b.Now()))(b)
		equal(b, b.changedSeqs(v), map[int64]bool{1: false, 3: false})

		later := article(4, "four")
		later.Published = day.Add(time.Hour)
		b.upsert(later)
		v = must(b.ArticlesVersion(ctx))(b)
		equal(b, b.changedSeqs(v), map[int64]bool{})
		b.Advance(2 * time.Hour)
		must(b.ReleaseDue(ctx, b.Now()))(b)
		equal(b, b.changedSeqs(v), map[int64]bool{4: true})

		var walked []int64
		b.ok(b.WalkArticles(ctx, func(x *store.Labelled) bool {
			walked = append(walked, x.Article.Seq)
			equal(b, x.Tags, []string{"Sea"})
			return true
		}))
		equal(b, walked, []int64{4, 2})
		equal(b, must(b.LabelOf(ctx, "tag", "sea"))(b), store.Label{Name: "Sea", Count: 2})
		equal(b, must(b.LabelOf(ctx, "tag", "land"))(b), store.Label{})
		found := must(b.ArticlesBySeq(ctx, []int64{1, 2, 4, 9}, true))(b)
		if len(found) != 2 || found[0].Body == "" {
			b.Errorf("by seq: %+v", found)
		}
	})
}

func TestFeedsKeepTheirPlaces(t *testing.T) {
	each(t, func(b *bench) {
		fresh := []store.NewFeed{
			{Kind: "site", Path: "", ID: "urn:uuid:1"},
			{Kind: "tag", Label: "c", Path: "tags/c", ID: "urn:uuid:2"},
			{Kind: "tag", Label: "c++", Path: "tags/c", ID: "urn:uuid:3"},
		}
		want := []store.Feed{
			{Path: "", Kind: "site", ID: "urn:uuid:1", Pages: []int64{}},
			{Path: "tags/c", Kind: "tag", Label: "c", ID: "urn:uuid:2", Pages: []int64{}},
			{Path: "tags/c-2", Kind: "tag", Label: "c++", ID: "urn:uuid:3", Pages: []int64{}},
		}
		equal(b, must(b.KeepFeeds(ctx, fresh, nil, nil, b.Now()))(b), want)
		fresh[1].ID, fresh[1].Path = "urn:uuid:4", "tags/other"
		want[1].Gone = true
		equal(b, must(b.KeepFeeds(ctx, fresh, nil, []string{"tags/c"}, b.Now()))(b), want)
		equal(b, must(b.Feeds(ctx))(b), want)
		want[1].Gone = false
		equal(b, must(b.KeepFeeds(ctx, nil, []string{"tags/c"}, nil, b.Now()))(b), want)

		equal(b, must(b.AddFeedPages(ctx, "tags/c", 0, []int64{50, 110}))(b), []int64{50, 110})
		equal(b, must(b.AddFeedPages(ctx, "tags/c", 0, []int64{51}))(b), []int64{50, 110})
		equal(b, must(b.AddFeedPages(ctx, "tags/c", 2, []int64{160}))(b), []int64{50, 110, 160})
		_, err := b.AddFeedPages(ctx, "tags/x", 0, nil)
		b.is(err, store.ErrNotFound)
	})
}
