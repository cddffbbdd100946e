package publish_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store/storetest"
)

// TestOnlyWhatHoldsIt: an edit changes the feeds that hold the article, and no others.
func TestOnlyWhatHoldsIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testOnlyWhatHoldsIt)
}

func testOnlyWhatHoldsIt(t *testing.T, open opener) {
	s := newSiteOn(t, open)
	by := func(name string) func(*newsletter.Article) {
		return func(a *newsletter.Article) { a.Authors = []newsletter.Author{{Name: name}} }
	}
	in := func(section, language string) func(*newsletter.Article) {
		return func(a *newsletter.Article) { a.Section, a.Language = section, language }
	}
	s.put(
		article(1, tagged("Sea", "C++"), by("Ines Falk"), in("news/harbour", "en")),
		article(2, tagged("sea", "C"), by("Ines Falk"), in("news", "fr-CA")),
		article(3, tagged("Land"), by("Maëlle Quervidy"), in("", "fr")),
		article(4), article(5),
	)
	r, c := s.build()
	s.wrote(r, "/ /authors/ines-falk/ /authors/maëlle-quervidy/ /languages/en/ /languages/fr-ca/ /languages/fr/ /sections/news/ /sections/news/harbour/ /tags/c-2/ /tags/c/ /tags/land/ /tags/sea/")
	if f, ok := c.Of(publish.Tag, "SEA"); !ok || f.Items != 2 || f.Title != "The Harbour Letter: Sea" || f.Home != "https://news.example.org/tags/sea/" {
		t.Errorf("the feed of a tag: %+v", f)
	}
	if f, ok := c.Of(publish.Language, "fr"); !ok || f.Items != 2 || f.Title != "The Harbour Letter: français" {
		t.Errorf("the feed of a language, regions included: %+v", f)
	}
	r, _ = s.build()
	s.wrote(r, "")

	// The site's feed holds three: article 2 is not in it.
	s.put(article(2, tagged("sea", "C"), by("Ines Falk"), in("news", "fr-CA"), saying("Corrected.")))
	r, _ = s.build()
	s.wrote(r, "/authors/ines-falk/ /languages/fr-ca/ /languages/fr/ /sections/news/ /tags/c/ /tags/sea/")

	// From one tag to another.
	s.put(article(3, tagged("Sea"), by("Maëlle Quervidy"), in("", "fr")))
	r, c = s.build()
	s.wrote(r, "/ /authors/maëlle-quervidy/ /languages/fr/ /tags/sea/")
	if !slices.Equal(r.Removed, []string{"tags/land/feed.atom", "tags/land/feed.json", "tags/land/feed.rss"}) || !c.IsGone("/tags/land/feed.rss") {
		t.Errorf("removed %v, gone %v", r.Removed, c.Gone)
	}
	if _, err := os.Stat(filepath.Join(s.options.Dir, "tags", "land")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a feed that is no more: %v", err)
	}
	if got := files(t, s.options.Dir)["_redirects"]; !strings.Contains(got, "/tags/land/feed.rss /gone.txt 410\n") {
		t.Errorf("_redirects:\n%s", got)
	}
	// What comes back is no more gone.
	s.put(article(4, tagged("land")))
	if _, c = s.build(); c.IsGone("/tags/land/feed.rss") {
		t.Error("the tag is there again, and gone")
	}
}

// TestFollowedIsWalked: a build that follows changes leaves what one leaves that
// starts from nothing.
func TestFollowedIsWalked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testFollowedIsWalked)
}

func testFollowedIsWalked(t *testing.T, open opener) {
	s := newSiteOn(t, open, func(o *publish.Options) {
		o.Archives = publish.ArchivesAll
		o.Named = []publish.Selection{{Path: "feeds/boats", Title: "Boats", Select: newsletter.Selection{Tags: []string{"sea", "land"}}, Items: 2}}
	})
	r := rand.New(rand.NewPCG(3, 4))
	tags := []string{"Sea", "sea", "Land", "C", "C++", "écume"}
	any := func(n int) newsletter.Article {
		return article(n, func(a *newsletter.Article) {
			for range r.IntN(3) {
				a.Tags = append(a.Tags, tags[r.IntN(len(tags))])
			}
			a.Language = []string{"en", "fr", "fr-CA"}[r.IntN(3)]
			a.Section = []string{"", "news", "news/harbour"}[r.IntN(3)]
			a.Published = a.Published.Add(time.Duration(r.IntN(40)) * time.Hour)
			a.Draft = r.IntN(8) == 0
			if r.IntN(3) == 0 {
				a.Body = "see " + article(r.IntN(30)).File
			}
			if r.IntN(4) == 0 {
				a.Slug += "-moved"
			}
		})
	}
	var first []newsletter.Article
	for n := range 20 {
		first = append(first, any(n))
	}
	s.put(first...)
	for step := range 10 {
		s.now = s.now.Add(24 * time.Hour)
		for range 1 + r.IntN(3) {
			if r.IntN(4) == 0 {
				s.remove(article(r.IntN(30)).Key)
			} else {
				s.put(any(r.IntN(30)))
			}
		}
		_, c := s.build()
		fresh := t.TempDir()
		_, want := s.build(func(o *publish.Options) { o.Dir = fresh })
		if d := cmp.Diff(files(t, fresh), files(t, s.options.Dir)); d != "" {
			t.Fatalf("step %d (-from nothing +followed):\n%s", step, d)
		}
		if d := cmp.Diff(want.Feeds, c.Feeds); d != "" {
			t.Fatalf("step %d, catalogue (-from nothing +followed):\n%s", step, d)
		}
	}
}

// TestDamage: a file that is not as it was left is made again, and only that.
func TestDamage(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) { o.Archives = publish.ArchivesMain })
	s.put(article(1, tagged("a")), article(2), article(3), article(4))
	s.build()
	want := files(t, s.options.Dir)
	at := func(name string) string { return filepath.Join(s.options.Dir, filepath.FromSlash(name)) }
	for _, f := range []func() error{
		func() error { return os.Remove(at("tags/a/feed.atom")) },
		func() error { return os.WriteFile(at("archive/1.rss"), []byte("x"), 0o600) },
		func() error { return os.Remove(at("opml.xml")) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := s.build()
	if d := cmp.Diff([]string{"archive/1.rss", "opml.xml", "tags/a/feed.atom"}, r.Written); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, files(t, s.options.Dir)); d != "" {
		t.Error(d)
	}
}

// TestFilesOfOthers: what Syndicate did not write stays.
func TestFilesOfOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(article(1, tagged("a", "b")))
	own := map[string]string{"_headers": "/*\n  X: y\n", "tags/a/index.html": "mine", "tags/a/feed.xml": "mine"}
	for name, text := range own {
		full := filepath.Join(s.options.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tags := range [][]string{{"a", "b"}, {"b"}, {}} {
		s.put(article(1, tagged(tags...)))
		r, err := publish.New(s.options).Build(t.Context())
		if err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "_headers") {
			t.Fatalf("%v, %v", r.Problems, err)
		}
	}
	got := files(t, s.options.Dir)
	for name, text := range own {
		if got[name] != text {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if _, ok := got["tags/a/feed.rss"]; ok {
		t.Error("the feed of a tag that is no more stands")
	}
}

// TestOneBadArticle: it goes out without its body, and the others as they are.
func TestOneBadArticle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	item := s.options.Item
	s.options.Item = func(ctx context.Context, a *newsletter.Article, full bool) (feeds.Item, []publish.Ref, error) {
		it, refs, err := item(ctx, a, full)
		if a.Title == "Article 2" {
			it.HTML, err = "", errors.New("2.md cannot be rendered")
		}
		return it, refs, err
	}
	s.put(article(1), article(2), article(3))
	r, err := publish.New(s.options).Build(t.Context())
	if err != nil || !slices.Equal(r.Problems, []string{"2.md cannot be rendered"}) {
		t.Fatalf("%v, %q", err, r.Problems)
	}
	f, err := gofeed.NewParser().ParseString(files(t, s.options.Dir)["feed.rss"])
	if err != nil || len(f.Items) != 3 {
		t.Fatalf("%v, %+v", err, f)
	}
	for _, it := range f.Items {
		if (it.Content == "") != (it.Title == "Article 2") {
			t.Errorf("%s: %q", it.Title, it.Content)
		}
	}
}

// TestTwins: they hold what the documents hold, change with them, and go when they are not wanted.
func TestTwins(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) { o.Compressed = true })
	s.put(article(1))
	s.build()
	check := func() {
		t.Helper()
		all := files(t, s.options.Dir)
		for _, name := range []string{"feed.rss", "feed.atom", "feed.json", "languages/en/feed.rss"} {
			if got := ungzip(t, all[name+".gz"]); got != all[name] {
				t.Errorf("%s.gz holds %d bytes of other content", name, len(got))
			}
			if got := unbrotli(t, all[name+".br"]); got != all[name] {
				t.Errorf("%s.br holds %d bytes of other content", name, len(got))
			}
		}
	}
	check()
	if r, _ := s.build(); len(r.Written) > 0 {
		t.Errorf("wrote %v though nothing changed", r.Written)
	}
	s.put(article(1, saying("Corrected.")))
	s.build()
	check()
	s.options.Compressed = false
	r, _ := s.build()
	if len(r.Written) > 0 || len(r.Removed) != 12 {
		t.Errorf("wrote %v, removed %v", r.Written, r.Removed)
	}
}

// TestRestoredDatabase: what a build remembers of a later time than the store's
// hides no change.
func TestRestoredDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testRestoredDatabase)
}

func testRestoredDatabase(t *testing.T, open opener) {
	s := newSiteOn(t, open)
	s.put(article(1), article(2))
	s.build()
	name := filepath.Join(s.options.Dir, ".syndicate.json")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	later := strings.Replace(string(data), `"version":1,`, `"version":1000,`, 1)
	if later == string(data) {
		t.Fatal("no version in the state")
	}
	if err := os.WriteFile(name, []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	s.put(article(2, saying("As it was.")))
	r, _ := s.build()
	s.wrote(r, "/ /languages/en/")
}
