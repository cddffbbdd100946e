package store_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

func TestWasArticle(t *testing.T) {
	each(t, func(b *bench) {
		aliased := func(a *newsletter.Article) { a.Aliases, a.Permalink = []string{"/old/one"}, "/new/one/" }
		b.upsert(article("one", aliased), article("two"), article("draft", func(a *newsletter.Article) { a.Draft = true }))
		paths := []string{"/articles/one", "/articles/two", "/old/one", "/new/one/"}
		was := func(path string) bool { return must(b.WasArticle(ctx, "/nothing", path))(b) }
		for _, p := range append(paths, "/articles/draft", "/articles/none") {
			if was(p) {
				b.Errorf("%s is gone before its time", p)
			}
		}
		must(b.Unpublish(ctx, "articles", []string{"one", "two", "draft"}))(b)
		for _, p := range paths {
			if !was(p) {
				b.Errorf("%s is not known to be gone", p)
			}
		}
		for _, p := range []string{"/articles/draft", "/articles/none", "/old/two", "", "/articles/"} {
			if was(p) {
				b.Errorf("%q is taken for an article that is gone", p)
			}
		}
		equal(b, must(b.WasArticle(ctx))(b), false)
		b.upsert(article("one", aliased))
		equal(b, was("/articles/one") || was("/old/one") || was("/new/one/"), false)
	})
}

func TestWalkPages(t *testing.T) {
	each(t, func(b *bench) {
		at := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
		b.upsert(
			article("one", func(a *newsletter.Article) { a.Published, a.Updated = at(-9), at(-2) }),
			article("two", func(a *newsletter.Article) {
				a.Published, a.Updated, a.Permalink = at(-8), at(-8), "/two/"
				a.Origin = &newsletter.Origin{URL: "https://elsewhere.example.net/two"}
			}),
			article("draft", func(a *newsletter.Article) { a.Draft = true }),
		)
		var got []store.Page
		b.ok(b.WalkPages(ctx, func(p store.Page) bool { got = append(got, p); return true }))
		equal(b, got, []store.Page{{Slug: "two", Permalink: "/two/", Updated: at(-8), Syndicated: true}, {Slug: "one", Updated: at(-2)}})
		n := 0
		b.ok(b.WalkPages(ctx, func(store.Page) bool { n++; return false }))
		equal(b, n, 1)
	})
}

// TestIssuesOut: what came out is listed and counted, page by page, and each knows those
// beside it.
func TestIssuesOut(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 1)
		real, rehearsed := false, true
		out := func(rehearsal *bool) store.IssueQuery {
			return store.IssueQuery{Newsletter: "weekly", Rehearsal: rehearsal, Out: true}
		}
		var all []newsletter.Issue
		for n := 1; n <= 6; n++ { // sent, cancelled, sent, awaiting, paused when sealed, being sealed
			b.publish(1)
			i := b.compose("weekly", func(x *store.NewIssue) { x.Approval = n == 4 })
			switch n {
			case 2:
				must(b.Cancel(ctx, i.ID, "wrong"))(b)
			case 1, 3, 5:
				b.ok(b.FinishSeal(ctx, i.ID, b.Now()))
			}
			all = append(all, i)
		}
		b.publish(1)
		b.compose("weekly", func(x *store.NewIssue) { x.Rehearsal = true })
		numbers := func(q store.IssueQuery) string {
			s := ""
			for _, i := range must(b.Issues(ctx, q))(b) {
				if got := must(b.Issue(ctx, i.ID))(b); got.Out() != q.Out && q.Out {
					b.Errorf("issue %d is %s", i.Number, i.State)
				}
				s += fmt.Sprint(i.Number, " ")
			}
			return s
		}
		equal(b, numbers(out(&real)), "5 3 1 ")
		equal(b, numbers(out(&rehearsed)), "")
		equal(b, must(b.CountIssues(ctx, out(&real)))(b), 3)
		equal(b, must(b.CountIssues(ctx, out(&rehearsed)))(b), 0)
		equal(b, must(b.CountIssues(ctx, store.IssueQuery{Newsletter: "weekly"}))(b), 7)
		q := out(&real)
		q.Limit, q.Offset = 2, 1
		equal(b, numbers(q), "3 1 ")
		for i, want := range [][2]int{{0, 3}, {1, 3}, {1, 5}, {3, 5}, {3, 0}, {5, 0}} {
			before, after, err := b.BesideIssue(ctx, all[i])
			b.ok(err)
			equal(b, [2]int{before, after}, want)
		}
		i := all[0]
		i.Rehearsal = true
		before, after, err := b.BesideIssue(ctx, i)
		b.ok(err)
		equal(b, [2]int{before, after}, [2]int{})
	})
}
