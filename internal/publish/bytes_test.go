package publish_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store/storetest"
)

// withAll makes a site have every kind of file that there is.
func withAll(o *publish.Options) {
	o.Archives, o.Compressed, o.Hubs = publish.ArchivesAll, true, []string{"https://hub.example.net/"}
	o.Named = []publish.Selection{{Path: "brief", Title: "In brief", Items: 5}}
	o.Moved = map[string]string{"/index.xml": "/feed.rss", "/b.xml": "/feed.atom", "/a.xml": "https://elsewhere.example.org/x"}
	o.Newsletters = []newsletter.Newsletter{{Name: "weekly", Title: "Weekly", Language: "en"}}
}

// fill takes articles in, and one of their tags away again.
func (s *site) fill() {
	s.Helper()
	var list []newsletter.Article
	for n := range 11 {
		list = append(list, article(n, tagged([][]string{{"Sea", "C++"}, {"sea"}, {"Land", "C"}, nil}[n%4]...), func(a *newsletter.Article) {
			a.Authors = []newsletter.Author{{Name: []string{"Ines Falk", "Maëlle Quervidy"}[n%2]}}
			a.Section, a.Language = []string{"", "news/harbour"}[n%2], []string{"en", "fr", "fr-CA"}[n%3]
		}))
	}
	gone := list[10]
	gone.Tags = []string{"Gone", "Never"}
	s.put(append(slices.Clone(list[:10]), gone)...)
	s.build()
	s.now = s.now.Add(time.Hour)
	s.put(list[10])
	s.build()
}

// TestOtherDaysSameBytes: nothing of the day, of the engine or of the store is in
// what is built, in no kind of file.
func TestOtherDaysSameBytes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testOtherDaysSameBytes)
}

func testOtherDaysSameBytes(t *testing.T, open opener) {
	s := newSiteOn(t, open, withAll)
	s.fill()
	want := files(t, s.options.Dir)
	for _, name := range []string{
		"feed.rss", "feed.atom.gz", "feed.json.br", "archive/1.atom", "tags/sea/archive/1.json", "brief/feed.rss", "newsletters/weekly/feed.atom", "opml.xml", "_headers", "_redirects", "gone.txt", "sitemap.xml",
	} {
		if want[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	s.now = s.now.Add(72 * time.Hour)
	later := t.TempDir()
	s.build(func(o *publish.Options) { o.Dir = later })
	if d := cmp.Diff(want, files(t, later)); d != "" {
		t.Errorf("three days later (-then +now):\n%s", d)
	}
	anew := newSite(t, withAll)
	anew.now = s.now
	anew.fill()
	if d := cmp.Diff(want, files(t, anew.options.Dir)); d != "" {
		t.Errorf("of a store made anew (-then +now):\n%s", d)
	}
}

// TestOneEdit: a correction changes the documents that hold the article, with their
// twins, and no other file is so much as touched.
func TestOneEdit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testOneEdit)
}

func testOneEdit(t *testing.T, open opener) {
	s := newSiteOn(t, open, withAll)
	s.fill()
	for _, n := range []int{9, 1} { // in what people subscribe to, and in archives only
		s.now = s.now.Add(24 * time.Hour)
		a, err := s.store.ArticleByFile(t.Context(), "articles", article(n).File)
		if err != nil {
			t.Fatal(err)
		}
		before, stood := files(t, s.options.Dir), s.stats()
		a.Body, a.Updated = "Corrected.", time.Time{}
		s.put(a)
		r, _ := s.build()
		after, stands := files(t, s.options.Dir), s.stats()
		var want []string
		for name, was := range before {
			plain := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".br")
			holds := strings.Contains(before[plain], a.ID) || name == publish.SitemapFile // which says when it changed
			if holds {
				want = append(want, name)
			}
			if changed := after[name] != was; changed != holds {
				t.Errorf("article %d: %s changed: %t, it holds it: %t", n, name, changed, holds)
			}
			if !holds && (!os.SameFile(stood[name], stands[name]) || !stood[name].ModTime().Equal(stands[name].ModTime())) {
				t.Errorf("article %d: %s was touched", n, name)
			}
		}
		slices.Sort(want)
		if d := cmp.Diff(want, r.Written); d != "" || len(want) < 9 || len(r.Removed) > 0 {
			t.Errorf("article %d (-holds it +written):\n%s\nremoved %v", n, d, r.Removed)
		}
	}
}

// stats looks at all files in public/.
func (s *site) stats() map[string]os.FileInfo {
	s.Helper()
	out := map[string]os.FileInfo{}
	for name := range files(s.T, s.options.Dir) {
		info, err := os.Stat(filepath.Join(s.options.Dir, filepath.FromSlash(name)))
		if err != nil {
			s.Fatal(err)
		}
		out[name] = info
	}
	return out
}
