package publish_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/mmcdole/gofeed/atom"

	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store/storetest"
)

func ungzip(t *testing.T, data string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, r)
}

func unbrotli(t *testing.T, data string) string {
	t.Helper()
	return readAll(t, brotli.NewReader(strings.NewReader(data)))
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// chain follows a feed from the document that people subscribe to through its
// archive, and returns the titles it meets and the documents.
func chain(t *testing.T, all map[string]string, name string) (titles, documents []string) {
	t.Helper()
	for name != "" {
		f, err := (&atom.Parser{}).Parse(strings.NewReader(all[name]))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		documents = append(documents, name)
		for _, e := range f.Entries {
			if !slices.Contains(titles, e.Title) {
				titles = append(titles, e.Title)
			}
		}
		name = ""
		for _, l := range f.Links {
			if l.Rel == "prev-archive" {
				name = strings.TrimPrefix(l.Href, "https://news.example.org/")
			}
		}
	}
	slices.Sort(titles)
	return titles, documents
}

func TestArchive(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testArchive)
}

func testArchive(t *testing.T, open opener) {
	s := newSiteOn(t, open, func(o *publish.Options) { o.Archives = publish.ArchivesMain })
	complete := func(want int) {
		t.Helper()
		titles, documents := chain(t, files(t, s.options.Dir), "feed.atom")
		if len(titles) != want {
			t.Errorf("the chain %v has %d articles, want %d: %v", documents, len(titles), want, titles)
		}
	}
	var list []newsletter.Article
	for n := range 8 {
		list = append(list, article(10+n))
	}
	s.put(list[:5]...)
	s.build()
	if lone := files(t, s.options.Dir)["archive/1.atom"]; strings.Contains(lone, "fh:archive>") || !strings.Contains(lone, `rel="current"`) {
		t.Errorf("a page without neighbours:\n%s", lone)
	}
	s.put(list...)
	_, c := s.build()
	if f, _ := c.At(""); f.Pages != 2 {
		t.Errorf("%d pages, want 2: three articles each, and two that are in none yet", f.Pages)
	}
	complete(8)
	before := files(t, s.options.Dir)
	if !strings.Contains(before["archive/1.atom"], "<fh:archive>") || !strings.Contains(before["archive/2.rss"], "<fh:archive>") {
		t.Error("archives are not marked")
	}

	// An article of long ago comes in today: it is not among the newest, in no page
	// yet, and all the same where readers find it.
	s.put(article(1))
	_, c = s.build()
	complete(9)
	after := files(t, s.options.Dir)
	if f, _ := c.At(""); f.Pages != 3 || after["archive/1.atom"] != before["archive/1.atom"] {
		t.Errorf("%d pages; an old page changed with a new article", f.Pages)
	}
	if strings.ReplaceAll(after["archive/2.atom"], "  <link href=\"https://news.example.org/archive/3.atom\" rel=\"next-archive\" type=\"application/atom+xml\"></link>\n", "") != before["archive/2.atom"] {
		t.Errorf("the newest page got more than its successor's address:\n%s", after["archive/2.atom"])
	}

	// A corrected article changes its page, an unpublished one leaves it smaller.
	s.put(article(11, saying("Corrected.")))
	r, _ := s.build()
	if slices.Contains(r.Written, "archive/2.atom") || !slices.Contains(r.Written, "archive/1.atom") || slices.Contains(r.Written, "feed.atom") {
		t.Errorf("wrote %v", r.Written)
	}
	s.remove("11.md")
	r, c = s.build()
	if !slices.Contains(r.Written, "archive/1.atom") || slices.Contains(r.Written, "archive/2.atom") {
		t.Errorf("wrote %v", r.Written)
	}
	if f, _ := c.At(""); f.Pages != 3 {
		t.Errorf("%d pages, want 3", f.Pages)
	}
	complete(8)

	// No archives any more: the pages go.
	r, c = s.build(func(o *publish.Options) { o.Archives = publish.ArchivesNone })
	if f, _ := c.At(""); f.Pages != 0 || len(r.Removed) != 9 {
		t.Errorf("%d pages, removed %v", f.Pages, r.Removed)
	}
	// Back again, where they were.
	_, c = s.build()
	if f, _ := c.At(""); f.Pages != 3 {
		t.Errorf("%d pages, want 3", f.Pages)
	}
	complete(8)
}

// TestMovedAndNamed: a selection of the operator's, and where feeds were before.
func TestMovedAndNamed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testMovedAndNamed)
}

func testMovedAndNamed(t *testing.T, open opener) {
	s := newSiteOn(t, open, func(o *publish.Options) {
		o.Moved = map[string]string{"/index.xml": "/feed.rss", "/été.xml": "https://elsewhere.example.org/x"}
		o.Named = []publish.Selection{{Path: "podcast", Title: "Boats", Language: "fr", Select: newsletter.Selection{Tags: []string{"boats"}}, Items: 1}}
		o.Newsletters = []newsletter.Newsletter{{Name: "weekly", Title: "Weekly", Language: "en"}}
		o.Rhythm = map[string]time.Duration{"weekly": 7 * 24 * time.Hour}
	})
	s.put(article(1, tagged("boats")), article(2, tagged("Boats")), article(3))
	_, c := s.build()
	if to, ok := c.MovedTo("/index.xml"); !ok || to != "/feed.rss" {
		t.Errorf("moved to %q", to)
	}
	f, ok := c.At("podcast")
	if !ok || f.Items != 1 || f.Language != "fr" || f.Title != "Boats" {
		t.Errorf("named: %+v", f)
	}
	if f, ok = c.Of(publish.Newsletter, "weekly"); !ok || f.MaxAge != 3*time.Hour+30*time.Minute || f.Path != "newsletters/weekly" {
		t.Errorf("newsletter: %+v", f)
	}
	all := files(t, s.options.Dir)
	if want := "/index.xml /feed.rss 301\n/%C3%A9t%C3%A9.xml https://elsewhere.example.org/x 301\n"; all["_redirects"] != want {
		t.Errorf("_redirects:\n%s", all["_redirects"])
	}
	if strings.Contains(all["podcast/feed.json"], "content_html") || !strings.Contains(all["podcast/feed.json"], "Article 2") {
		t.Errorf("a feed of summaries:\n%s", all["podcast/feed.json"])
	}
	s.options.Named = nil
	if _, c = s.build(); !c.IsGone("/podcast/feed.rss") {
		t.Error("a named feed that is no more is not gone")
	}
}
