package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

func keysOf(articles []newsletter.Article) string {
	var keys []string
	for _, a := range articles {
		keys = append(keys, a.Key)
	}
	return strings.Join(keys, " ")
}

func TestUpsertKeepsEverything(t *testing.T) {
	each(t, func(b *bench) {
		want := newsletter.Article{
			Key: "posts/été.md", File: "posts/été.md", Slug: "ete", Permalink: "/2026/ete/", Aliases: []string{"/old/ete"},
			Title: "L’été « indien »", Summary: "Un résumé", Language: "fr", Section: "posts", Format: newsletter.HTML,
			Authors: []newsletter.Author{{Name: "A. Author", Email: "a@example.org", URL: "https://example.org/a"}, {Name: "B"}},
			Tags:    []string{"Saison", "Météo"}, Image: &newsletter.Image{URL: "/i.jpg", Alt: "i", Width: 3, Height: 4, Size: 5, Type: "image/jpeg", Caption: "c"},
			Enclosures: []newsletter.Enclosure{{URL: "/a.mp3", Type: "audio/mpeg", Size: 3 << 30, Duration: time.Minute}},
			Episode: &newsletter.Episode{
				Season: 1, Number: 2, Type: "bonus", Explicit: new(bool), ChaptersURL: "/c", Transcript: "/t",
				Chapters: []newsletter.Chapter{{Start: time.Second, Title: "c", URL: "https://example.org/c"}},
			},
			License: "https://example.org/l", Copyright: "©", Origin: &newsletter.Origin{URL: "https://example.net/a", Title: "o", Feed: "https://example.net/f", ID: "urn:x"},
			Published: day.Add(-48 * time.Hour), Updated: day.Add(-24 * time.Hour), Body: "<p>😀 \u00a0</p>\n",
		}
		up := b.upsert(want)
		equal(b, up, store.Upserted{Added: 1, Published: 1})
		want.ID = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://example.org\x00articles\x00posts/été.md")).String()
		want.Source, want.Revision, want.Seq = "articles", 1, 1
		equal(b, must(b.Article(ctx, want.ID))(b), want)
		equal(b, must(b.ArticleByKey(ctx, "articles", want.Key))(b), want)
		equal(b, must(b.ArticleByFile(ctx, "articles", want.File))(b), want)
		equal(b, must(b.ArticleBySlug(ctx, "ete"))(b), want)
		equal(b, must(b.Articles(ctx, store.ArticleQuery{Bodies: true}))(b), []newsletter.Article{want})
		listed := want
		listed.Body = ""
		equal(b, must(b.Articles(ctx, store.ArticleQuery{}))(b), []newsletter.Article{listed})
		for path, redirect := range map[string]bool{"/2026/ete/": false, "/articles/ete": true, "/old/ete": true} {
			a, r, err := b.ArticleByPath(ctx, path)
			b.ok(err)
			if a.ID != want.ID || r != redirect {
				b.Errorf("%s: %s, redirect %v", path, a.ID, r)
			}
		}
		_, _, err := b.ArticleByPath(ctx, "/nowhere")
		b.is(err, store.ErrNotFound)
		_, err = b.Article(ctx, "x")
		b.is(err, store.ErrNotFound)
	})
}

// What is taken away by hand is as if it had vanished, and others of its source are not
// touched.
func TestUnpublish(t *testing.T) {
	each(t, func(b *bench) {
		b.upsert(article("one"), article("two"))
		version := must(b.ArticlesVersion(ctx))(b)
		equal(b, must(b.Unpublish(ctx, "elsewhere", []string{article("one").Key}))(b), 0)
		equal(b, must(b.Unpublish(ctx, "articles", []string{article("one").Key, "nothing"}))(b), 1)
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{}))(b)), article("two").Key)
		if must(b.ArticlesVersion(ctx))(b) <= version {
			b.Error("nobody learns of it")
		}
		equal(b, must(b.Unpublish(ctx, "articles", []string{article("one").Key}))(b), 0)
		equal(b, b.upsert(article("one")), store.Upserted{Changed: 1})
	})
}

// Whatever people have at hand leads to an article, also to one that is not public.
func TestLookUpArticle(t *testing.T) {
	each(t, func(b *bench) {
		draft, gone := article("draft"), article("gone")
		draft.Draft, draft.Slug = true, "half-done"
		b.upsert(draft, gone, article("here"))
		must(b.FinishListing(ctx, "articles", nil, []string{gone.Key}, b.Now()))(b)
		id := must(b.ArticleByKey(ctx, "articles", gone.Key))(b).ID
		for _, c := range []struct {
			names      []string
			key, state string
		}{
			{[]string{"half-done"}, draft.Key, "draft"},
			{[]string{"nothing", draft.File}, draft.Key, "draft"},
			{[]string{gone.Key}, gone.Key, "unpublished"},
			{[]string{id}, gone.Key, "unpublished"},
			{[]string{gone.Slug, "half-done"}, draft.Key, "draft"}, // what is still there goes first
		} {
			a, state, err := b.LookUpArticle(ctx, c.names...)
			b.ok(err)
			equal(b, a.Key+" "+state, c.key+" "+c.state)
		}
		_, _, err := b.LookUpArticle(ctx, "nothing")
		b.is(err, store.ErrNotFound)
	})
}

func TestUpsertAgain(t *testing.T) {
	each(t, func(b *bench) {
		b.upsert(article("a"), article("b"))
		before := must(b.ArticleByKey(ctx, "articles", "a"))(b)
		version := must(b.ArticlesVersion(ctx))(b)

		equal(b, b.upsert(article("a"), article("b")), store.Upserted{Unchanged: 2})
		if v := must(b.ArticlesVersion(ctx))(b); v != version {
			b.Errorf("version moved from %d to %d for nothing", version, v)
		}
		moved := article("a", func(a *newsletter.Article) { a.File = "elsewhere/a" }) // its key comes from its front matter
		equal(b, b.upsert(moved), store.Upserted{Unchanged: 1})
		if a := must(b.ArticleByFile(ctx, "articles", "elsewhere/a"))(b); a.ID != before.ID || a.Revision != 1 {
			b.Errorf("%+v", a)
		}

		b.Advance(time.Hour)
		equal(b, b.upsert(article("a", func(a *newsletter.Article) { a.Body = "Another body" })), store.Upserted{Changed: 1})
		want := before
		want.Revision, want.Updated, want.Body = 2, b.Now(), "Another body"
		equal(b, must(b.ArticleByKey(ctx, "articles", "a"))(b), want)
		if v := must(b.ArticlesVersion(ctx))(b); v <= version {
			b.Error("the version did not move")
		}

		given := b.Now().Add(-time.Minute)
		b.upsert(article("a", func(a *newsletter.Article) { a.Title, a.Updated = "Third", given }))
		if a := must(b.ArticleByKey(ctx, "articles", "a"))(b); a.Revision != 3 || !a.Updated.Equal(given) || a.Seq != before.Seq {
			b.Errorf("%+v", a)
		}
	})
}

// Feeds tell of corrections: of what people read, not of addresses, labels and dates.
func TestCorrections(t *testing.T) {
	changes := map[string]struct {
		change    func(*newsletter.Article)
		corrected bool
	}{
		"nothing":   {func(*newsletter.Article) {}, false},
		"alias":     {func(a *newsletter.Article) { a.Aliases = []string{"/was"} }, false},
		"slug":      {func(a *newsletter.Article) { a.Slug = "elsewhere" }, false},
		"permalink": {func(a *newsletter.Article) { a.Permalink = "/p" }, false},
		"tags":      {func(a *newsletter.Article) { a.Tags = []string{"sea"} }, false},
		"section":   {func(a *newsletter.Article) { a.Section = "sea" }, false},
		"date":      {func(a *newsletter.Article) { a.Published = day.Add(-time.Hour) }, false},
		"title":     {func(a *newsletter.Article) { a.Title = "x" }, true},
		"summary":   {func(a *newsletter.Article) { a.Summary = "x" }, true},
		"body":      {func(a *newsletter.Article) { a.Body = "x" }, true},
		"authors":   {func(a *newsletter.Article) { a.Authors = []newsletter.Author{{Name: "x"}} }, true},
		"image":     {func(a *newsletter.Article) { a.Image = &newsletter.Image{URL: "/x"} }, true},
		"enclosure": {func(a *newsletter.Article) { a.Enclosures = []newsletter.Enclosure{{URL: "/x"}} }, true},
		"licence":   {func(a *newsletter.Article) { a.License = "https://example.org/l" }, true},
	}
	each(t, func(b *bench) {
		for name, c := range changes {
			b.upsert(article(name))
			before := must(b.ArticleByKey(ctx, "articles", name))(b)
			b.Advance(time.Hour)
			b.upsert(article(name, c.change))
			after := must(b.ArticleByKey(ctx, "articles", name))(b)
			if corrected := after.Updated.Equal(b.Now()); corrected != c.corrected || !corrected && !after.Updated.Equal(before.Updated) {
				b.Errorf("%s: updated %v, before %v, now %v", name, after.Updated, before.Updated, b.Now())
			}
		}
	})
}

// Every field of an article counts as a change, but for its place.
func TestUpsertSeesEveryChange(t *testing.T) {
	changes := map[string]func(*newsletter.Article){
		"slug": func(a *newsletter.Article) { a.Slug = "x" }, "permalink": func(a *newsletter.Article) { a.Permalink = "/x" },
		"aliases": func(a *newsletter.Article) { a.Aliases = []string{"/x"} }, "title": func(a *newsletter.Article) { a.Title = "x" },
		"summary": func(a *newsletter.Article) { a.Summary = "x" }, "language": func(a *newsletter.Article) { a.Language = "fr" },
		"section": func(a *newsletter.Article) { a.Section = "x" }, "author": func(a *newsletter.Article) { a.Authors = []newsletter.Author{{Name: "x"}} },
		"tags": func(a *newsletter.Article) { a.Tags = []string{"x"} }, "image": func(a *newsletter.Article) { a.Image = &newsletter.Image{} },
		"enclosure": func(a *newsletter.Article) { a.Enclosures = []newsletter.Enclosure{{}} }, "published": func(a *newsletter.Article) { a.Published = day.Add(-time.Minute) },
		"updated": func(a *newsletter.Article) { a.Updated = day }, "draft": func(a *newsletter.Article) { a.Draft = true },
		"format": func(a *newsletter.Article) { a.Format = newsletter.HTML }, "body": func(a *newsletter.Article) { a.Body = "x" },
		"episode": func(a *newsletter.Article) { a.Episode = &newsletter.Episode{} }, "chapters": func(a *newsletter.Article) {
			a.Episode = &newsletter.Episode{Chapters: []newsletter.Chapter{{Title: "x"}}}
		},
		"license": func(a *newsletter.Article) { a.License = "x" }, "copyright": func(a *newsletter.Article) { a.Copyright = "x" },
		"origin":     func(a *newsletter.Article) { a.Origin = &newsletter.Origin{URL: "x"} },
		"empty body": func(a *newsletter.Article) { a.Body = "" },
	}
	each(t, func(b *bench) {
		for name, change := range changes {
			b.upsert(article(name))
			if up := b.upsert(article(name, change)); up.Changed != 1 {
				b.Errorf("%s: %+v", name, up)
			}
			if got, want := must(b.ArticleByKey(ctx, "articles", name))(b), article(name, change); got.Body != want.Body || got.Revision != 2 {
				b.Errorf("%s: %+v", name, got)
			}
		}
	})
}

func TestSeqFollowsPublication(t *testing.T) {
	each(t, func(b *bench) {
		at := func(d time.Duration) func(*newsletter.Article) {
			return func(a *newsletter.Article) { a.Published = day.Add(d) }
		}
		b.upsert(article("late", at(-time.Minute)), article("early", at(-time.Hour)), article("draft", func(a *newsletter.Article) { a.Draft = true }),
			article("soon", at(time.Hour)), article("undated", func(a *newsletter.Article) { a.Published = time.Time{} }))
		seq := func(key string) int64 { return must(b.ArticleByKey(ctx, "articles", key))(b).Seq }
		equal(b, []int64{seq("early"), seq("late"), seq("undated"), seq("draft"), seq("soon")}, []int64{1, 2, 3, 0, 0})
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{}))(b)), "undated late early")
		if a := must(b.ArticleByKey(ctx, "articles", "undated"))(b); !a.Published.Equal(day) {
			b.Errorf("undated: published %v", a.Published)
		}

		// An undated one keeps its first-seen date, a draft gets its at release.
		b.Advance(time.Minute)
		b.upsert(article("undated", func(a *newsletter.Article) { a.Published, a.Title = time.Time{}, "New" }), article("draft"))
		if a := must(b.ArticleByKey(ctx, "articles", "undated"))(b); !a.Published.Equal(day) || a.Seq != 3 {
			b.Errorf("undated: published %v", a.Published)
		}
		if seq("draft") != 4 {
			b.Error(seq("draft"))
		}

		equal(b, must(b.NextRelease(ctx))(b), day.Add(time.Hour))
		equal(b, must(b.ReleaseDue(ctx, day.Add(59*time.Minute)))(b), 0)
		version := must(b.ArticlesVersion(ctx))(b)
		equal(b, must(b.ReleaseDue(ctx, day.Add(time.Hour)))(b), 1)
		equal(b, seq("soon"), 5)
		if must(b.ArticlesVersion(ctx))(b) == version {
			b.Error("a release did not move the version")
		}
		equal(b, must(b.NextRelease(ctx))(b), time.Time{})

		// Back to draft and out again: the seq stays.
		b.upsert(article("late", at(-time.Minute), func(a *newsletter.Article) { a.Draft = true }))
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{State: "draft"}))(b)), "late")
		b.upsert(article("late", at(-time.Minute)))
		equal(b, seq("late"), 2)
	})
}

// Whatever is published concurrently, a reader that has seen seq n never finds a
// lower one later.
func TestSeqSurfacesInOrder(t *testing.T) {
	each(t, func(b *bench) {
		stores := []*store.Store{b.Store, b.again(), b.again()}
		errs := make(chan error, len(stores))
		for w, s := range stores {
			go func() {
				for i := range 20 {
					_, err := s.UpsertArticles(ctx, store.UpsertBatch{Source: fmt.Sprint(w), SiteURL: "https://example.org", Articles: []newsletter.Article{article(fmt.Sprintf("%d-%d", w, i))}}, day)
					if err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
		}
		var highest int64
		known := map[int64]bool{}
		look := func() {
			limit := highest
			for _, a := range must(b.Articles(ctx, store.ArticleQuery{}))(b) {
				if a.Seq <= limit && !known[a.Seq] {
					b.Errorf("seq %d surfaced after %d", a.Seq, limit)
				}
				known[a.Seq] = true
				highest = max(highest, a.Seq)
			}
		}
		for done := 0; done < len(stores); {
			select {
			case err := <-errs:
				b.ok(err)
				done++
			default:
				look()
			}
		}
		look()
		equal(b, len(known), 60)
		equal(b, highest, 60)
	})
}

func TestSlugs(t *testing.T) {
	each(t, func(b *bench) {
		same := func(a *newsletter.Article) { a.Slug = "same" }
		b.upsert(article("k0", same), article("k1", same))
		b.upsert(article("k2", same))
		slug := func(key string) string { return must(b.ArticleByKey(ctx, "articles", key))(b).Slug }
		equal(b, []string{slug("k0"), slug("k1"), slug("k2")}, []string{"same", "same-2", "same-3"})

		// A change elsewhere does not move a suffixed slug; another wish does, and
		// the old address keeps leading there, after further changes too.
		b.upsert(article("k1", same, func(a *newsletter.Article) { a.Title = "New" }))
		equal(b, slug("k1"), "same-2")
		b.upsert(article("k1", func(a *newsletter.Article) { a.Slug = "other" }))
		equal(b, slug("k1"), "other")
		b.upsert(article("k1", func(a *newsletter.Article) { a.Slug, a.Title = "other", "Newer" }))
		a, redirect, err := b.ArticleByPath(ctx, "/articles/same-2")
		b.ok(err)
		if a.Key != "k1" || !redirect {
			b.Errorf("%s %v", a.Key, redirect)
		}

		// However many want the same.
		var many []newsletter.Article
		for i := range 60 {
			many = append(many, article(fmt.Sprintf("m%d", i), same))
		}
		b.upsert(many[:30]...)
		b.upsert(many[30:]...)
		seen := map[string]bool{}
		for _, a := range must(b.Articles(ctx, store.ArticleQuery{}))(b) {
			if seen[a.Slug] || a.Slug == "" {
				b.Errorf("slug %q twice", a.Slug)
			}
			seen[a.Slug] = true
		}
		equal(b, len(seen), 63)
	})
}

func TestMoves(t *testing.T) {
	each(t, func(b *bench) {
		b.upsert(article("old/by-body"), article("old/by-link", func(a *newsletter.Article) { a.Permalink = "/p" }), article("stays"), article("gone"))
		id := func(key string) string { return must(b.ArticleByKey(ctx, "articles", key))(b).ID }
		body, link, gone := id("old/by-body"), id("old/by-link"), id("gone")
		vanished := map[string]bool{"old/by-body": true, "old/by-link": true, "gone": true}
		moved := []newsletter.Article{
			article("new/by-body", func(a *newsletter.Article) { a.Body = "The body of old/by-body.\n" }),
			article("new/by-link", func(a *newsletter.Article) { a.Permalink, a.Body = "/p", "Rewritten" }),
			article("copy", func(a *newsletter.Article) { a.Body = "The body of stays.\n" }), // of one that did not vanish
			article("empty", func(a *newsletter.Article) { a.Body = "" }),
		}
		up := must(b.UpsertArticles(ctx, store.UpsertBatch{Source: "articles", SiteURL: "https://example.org", Vanished: vanished, Articles: moved}, b.Now()))(b)
		equal(b, up, store.Upserted{Added: 2, MovedFrom: []string{"old/by-body", "old/by-link"}, Published: 2})
		equal(b, []string{id("new/by-body"), id("new/by-link")}, []string{body, link})
		if a := must(b.ArticleByKey(ctx, "articles", "new/by-body"))(b); a.Seq == 0 || a.Seq > 4 {
			b.Errorf("a move took a new seq: %d", a.Seq)
		}

		// A new article at the old place is another one.
		b.upsert(article("old/by-body", func(a *newsletter.Article) { a.Body = "Quite another" }))
		if id("old/by-body") == body {
			b.Error("two articles of one id")
		}

		// One that was unpublished and turns up elsewhere later is the same.
		equal(b, must(b.FinishListing(ctx, "articles", nil, []string{"gone"}, b.Now()))(b), 1)
		up = b.upsert(article("back", func(a *newsletter.Article) { a.Body = "The body of gone.\n" }))
		equal(b, up.MovedFrom, []string{"gone"})
		equal(b, id("back"), gone)
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{State: "unpublished"}))(b)), "")
	})
}

func TestSelections(t *testing.T) {
	each(t, func(b *bench) {
		set := func(at int, language, section, author string, tags ...string) func(*newsletter.Article) {
			return func(a *newsletter.Article) {
				a.Published, a.Language, a.Section, a.Tags = day.Add(time.Duration(at)*time.Minute-time.Hour), language, section, tags
				if author != "" {
					a.Authors = []newsletter.Author{{Name: author}}
				}
			}
		}
		all := []newsletter.Article{
			article("a", set(1, "en", "news", "Éva", "Go")), article("b", set(2, "en-GB", "news/local", "Éva", "SQL", "go")), article("c", set(3, "fr", "", "Zoé", "sql")),
			article("d", set(4, "eng", "newsroom", "")), article("e", set(5, "fr-CA", "Économie/Été", "éva", "Go", "other", "GO")),
		}
		b.upsert(all...)
		b.upsert(article("x", set(6, "en", "news", "Éva", "go"), func(a *newsletter.Article) { a.Draft = true }))
		for _, sel := range []newsletter.Selection{
			{},
			{Tags: []string{"go"}},
			{Tags: []string{"GO", "sql"}},
			{Languages: []string{"en"}},
			{Languages: []string{"FR", "en-gb"}},
			{Authors: []string{"ÉVA"}},
			{Sections: []string{"News"}},
			{Sections: []string{"économie"}},
			{Sections: []string{"news/local"}},
			{Tags: []string{"go"}, Languages: []string{"en"}, Authors: []string{"éva"}},
			{Tags: []string{"go"}, Authors: []string{"Zoé", "éva"}},
			{Tags: []string{"nothing"}},
			{Tags: []string{"go", "sql"}, Sections: []string{"news", "économie"}},
		} {
			var want []newsletter.Article
			for i := len(all) - 1; i >= 0; i-- {
				if sel.Matches(&all[i]) {
					want = append(want, all[i])
				}
			}
			got := must(b.Articles(ctx, store.ArticleQuery{Select: sel}))(b)
			if keysOf(got) != keysOf(want) {
				b.Errorf("%+v: got %s, want %s", sel, keysOf(got), keysOf(want))
			}
			if n := must(b.CountArticles(ctx, store.ArticleQuery{Select: sel}))(b); n != len(want) {
				b.Errorf("%+v: count %d", sel, n)
			}
		}
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{Limit: 2, Offset: 1}))(b)), "d c")
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{Offset: 3}))(b)), "b a")
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{After: 2, Through: 4}))(b)), "d c")
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{Through: 1}))(b)), "a")
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{State: "all"}))(b)), "x e d c b a")
		_, err := b.Articles(ctx, store.ArticleQuery{State: "odd"})
		if err == nil {
			b.Error("an odd state was taken")
		}

		labels := func(kind string) string { return fmt.Sprint(must(b.Labels(ctx, kind))(b)) }
		equal(b, labels("tag"), "[{Go 3} {SQL 2} {other 1}]")
		equal(b, labels("language"), "[{en 1} {en-GB 1} {eng 1} {fr 1} {fr-CA 1}]")
		_, err = b.Labels(ctx, "odd")
		if err == nil {
			b.Error("an odd kind was taken")
		}
		// Labels go with their article and come back.
		b.ok(second(b.FinishListing(ctx, "articles", nil, []string{"a", "e"}, b.Now())))
		equal(b, labels("tag"), "[{SQL 2} {go 1}]")
		b.upsert(all[0])
		equal(b, labels("tag"), "[{Go 2} {SQL 2}]")
	})
}

// What a source had before it was added is everywhere but in newsletters, and its
// next visit is remembered with its state.
func TestSourcesElsewhere(t *testing.T) {
	each(t, func(b *bench) {
		b.upsert(article("old", func(a *newsletter.Article) { a.Backlog = true }), article("new"))
		equal(b, must(b.CountArticles(ctx, store.ArticleQuery{}))(b), 2)
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{News: true}))(b)), "new")
		b.upsert(article("old", func(a *newsletter.Article) { a.Title = "Corrected" })) // does not make it news
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{News: true}))(b)), "new")

		equal(b, must(b.NextVisit(ctx, []string{"quay"}))(b), time.Time{})
		b.ok(b.PlanSource(ctx, "quay", []byte("one"), day.Add(time.Hour)))
		b.ok(b.PlanSource(ctx, "pier", nil, day.Add(time.Minute)))
		b.ok(b.PlanSource(ctx, "quay", nil, day.Add(2*time.Hour)))
		equal(b, must(b.NextVisit(ctx, []string{"quay", "articles"}))(b), day.Add(2*time.Hour))
		st := must(b.SourceState(ctx, "quay"))(b)
		equal(b, string(st.State)+" "+st.Due.Format(time.RFC3339), "one "+day.Add(2*time.Hour).Format(time.RFC3339))
	})
}

func second[T any](_ T, err error) error { return err }

// A label that very many articles have is answered another way.
func TestSelectionOfACommonLabel(t *testing.T) {
	each(t, func(b *bench) {
		var batch []newsletter.Article
		for i := range 2100 {
			batch = append(batch, article(fmt.Sprintf("k%04d", i), func(a *newsletter.Article) {
				a.Tags, a.Published = []string{"Common"}, day.Add(-time.Duration(i)*time.Minute)
			}))
		}
		b.upsert(batch...)
		b.upsert(article("without"))
		q := store.ArticleQuery{Select: newsletter.Selection{Tags: []string{"common"}}, Limit: 3}
		equal(b, keysOf(must(b.Articles(ctx, q))(b)), "k0000 k0001 k0002")
		equal(b, must(b.CountArticles(ctx, q))(b), 2100)
	})
}

func TestListings(t *testing.T) {
	each(t, func(b *bench) {
		st := must(b.SourceState(ctx, "articles"))(b)
		equal(b, st, store.SourceState{Name: "articles"})
		b.upsert(article("a"), article("b"))
		equal(b, must(b.FinishListing(ctx, "articles", []byte("state 1"), nil, day))(b), 0)
		b.ok(b.FailSource(ctx, "articles", "it is unreadable", day.Add(time.Minute)))
		st = must(b.SourceState(ctx, "articles"))(b)
		equal(b, st, store.SourceState{Name: "articles", State: []byte("state 1"), CheckedAt: day, FailedAt: day.Add(time.Minute), Error: "it is unreadable"})

		_, err := b.PruneArticles(ctx, "articles")
		b.is(err, store.ErrNotFound)
		b.ok(b.HoldSource(ctx, "articles", "2 of 2 vanished", 2, day))
		equal(b, must(b.PruneArticles(ctx, "articles"))(b), 2)
		st = must(b.SourceState(ctx, "articles"))(b)
		equal(b, st, store.SourceState{Name: "articles", State: []byte("state 1"), CheckedAt: day, Held: "2 of 2 vanished", HeldCount: 2, Accepted: true})

		before := must(b.ArticleByKey(ctx, "articles", "a"))(b)
		version := must(b.ArticlesVersion(ctx))(b)
		equal(b, must(b.FinishListing(ctx, "articles", nil, []string{"a", "never was"}, day))(b), 1)
		st = must(b.SourceState(ctx, "articles"))(b)
		equal(b, st, store.SourceState{Name: "articles", State: []byte("state 1"), CheckedAt: day})
		equal(b, keysOf(must(b.Articles(ctx, store.ArticleQuery{}))(b)), "b")
		_, err = b.ArticleBySlug(ctx, "a")
		b.is(err, store.ErrNotFound)
		if must(b.ArticlesVersion(ctx))(b) == version {
			b.Error("the version did not move")
		}
		equal(b, must(b.FinishListing(ctx, "articles", nil, []string{"a"}, day))(b), 0)

		b.upsert(article("a")) // the file is back
		after := must(b.ArticleByKey(ctx, "articles", "a"))(b)
		if d := cmp.Diff(before, after); d != "" {
			b.Error(d)
		}
	})
}

func TestValues(t *testing.T) {
	each(t, func(b *bench) {
		_, err := b.Value(ctx, "k")
		b.is(err, store.ErrNotFound)
		b.ok(b.SetValue(ctx, "k", []byte{0, 1}))
		b.ok(b.SetValue(ctx, "k", []byte{2}))
		equal(b, must(b.Value(ctx, "k"))(b), []byte{2})
		b.ok(b.SetValue(ctx, "k", nil))
		_, err = b.Value(ctx, "k")
		b.is(err, store.ErrNotFound)
	})
}

func TestArticleWithoutKey(t *testing.T) {
	each(t, func(b *bench) {
		_, err := b.UpsertArticles(ctx, store.UpsertBatch{Source: "articles", Articles: []newsletter.Article{{File: "x.md"}}}, day)
		if err == nil || !strings.Contains(err.Error(), "x.md") {
			b.Error(err)
		}
	})
}
