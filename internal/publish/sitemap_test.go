package publish_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
)

type sitemapPage struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod"`
}

// sitemapOf reads a file of a sitemap: pages, or parts.
func sitemapOf(t *testing.T, data []byte) (pages, parts []sitemapPage) {
	t.Helper()
	var doc struct {
		XMLName xml.Name
		Pages   []sitemapPage `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 url"`
		Parts   []sitemapPage `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemap"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		t.Fatalf("%v in %.300s", err, data)
	}
	if doc.XMLName.Space != "http://www.sitemaps.org/schemas/sitemap/0.9" {
		t.Errorf("of the namespace %q", doc.XMLName.Space)
	}
	return doc.Pages, doc.Parts
}

// TestSitemapParts: more pages than one file takes are in parts, each page in one.
func TestSitemapParts(t *testing.T) {
	t.Parallel()
	name := func(n int) string { return fmt.Sprintf("https://news.example.org/sitemap-%d.xml.gz", n) }
	for count, parts := range map[int]int{0: 0, 1: 0, 3: 0, 4: 2, 6: 2, 7: 3} {
		m := publish.NewSitemap(3)
		for n := range count {
			changed := time.Time{}
			if n%2 == 1 {
				changed = day.Add(time.Duration(n) * time.Hour)
			}
			m.Add(fmt.Sprintf("https://news.example.org/été/%d?a=1&b=<2>", n), changed)
		}
		file, files, err := m.Finish(name)
		if err != nil {
			t.Fatal(err)
		}
		pages, index := sitemapOf(t, file)
		if len(index) != parts || len(files) != parts || parts > 0 && len(pages) > 0 {
			t.Fatalf("%d pages are in %d parts, named %d; want %d", count, len(files), len(index), parts)
		}
		for i, f := range files {
			z, err := gzip.NewReader(bytes.NewReader(f.GZ))
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			in, _ := sitemapOf(t, data)
			if len(in) == 0 || len(in) > 3 || index[i].Loc != name(i+1) {
				t.Errorf("part %d at %s has %d pages", i+1, index[i].Loc, len(in))
			}
			last := ""
			for _, p := range in {
				last = max(last, p.LastMod)
			}
			if index[i].LastMod != last {
				t.Errorf("part %d changed %q, want %q", i+1, index[i].LastMod, last)
			}
			pages = append(pages, in...)
		}
		if len(pages) != count {
			t.Fatalf("%d pages of %d", len(pages), count)
		}
		for n, p := range pages {
			want := ""
			if n%2 == 1 {
				want = day.Add(time.Duration(n) * time.Hour).Format(time.RFC3339)
			}
			if p.Loc != fmt.Sprintf("https://news.example.org/été/%d?a=1&b=<2>", n) || p.LastMod != want {
				t.Errorf("page %d: %+v", n, p)
			}
		}
	}
}

// TestSitemapIsBuilt: the list of pages stands beside the feeds, in parts where it is long,
// and goes with what it lists; one that somebody else made is left alone.
func TestSitemapIsBuilt(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) {
		o.Newsletters = []newsletter.Newsletter{
			{Name: "weekly", Title: "Weekly", Language: "en"},
			{Name: "quiet", Title: "Quiet", Language: "en", Archive: newsletter.ArchiveNone},
			{Name: "board", Title: "Board", Language: "en", Archive: newsletter.ArchivePrivate},
		}
	})
	s.put(article(1, tagged("Sea")), article(2), article(3, func(a *newsletter.Article) { a.Origin = &newsletter.Origin{URL: "https://elsewhere.example.org/3"} }))
	s.build()
	const site = "https://news.example.org"
	want := []string{
		site + "/", site + "/articles/article-1", site + "/articles/article-2", site + "/feeds", site + "/languages/en/",
		site + "/newsletters/quiet", site + "/newsletters/weekly", site + "/tags/sea/",
	}
	listed := func() []string {
		t.Helper()
		pages, _ := sitemapOf(t, []byte(files(t, s.options.Dir)["sitemap.xml"]))
		var all []string
		for _, p := range pages {
			all = append(all, p.Loc)
		}
		slices.Sort(all)
		return all
	}
	if d := cmp.Diff(want, listed()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	// In parts of three; later in one file again.
	build := func(most int) publish.Report {
		t.Helper()
		b := publish.New(s.options)
		b.SetSitemapPages(most)
		r, err := b.Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	s.put(article(4))
	build(3)
	var all []string
	built := files(t, s.options.Dir)
	_, parts := sitemapOf(t, []byte(built["sitemap.xml"]))
	for n := range parts {
		name := publish.SitemapPartFile(n + 1)
		z, err := gzip.NewReader(strings.NewReader(built[name]))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		data, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		pages, _ := sitemapOf(t, data)
		for _, p := range pages {
			all = append(all, p.Loc)
		}
		if parts[n].Loc != site+"/"+name {
			t.Errorf("part %d is at %s", n+1, parts[n].Loc)
		}
	}
	slices.Sort(all)
	if d := cmp.Diff(slices.Insert(slices.Clone(want), 3, site+"/articles/article-4"), all); d != "" || len(parts) != 3 {
		t.Errorf("in %d parts (-want +got):\n%s", len(parts), d)
	}
	s.remove(article(4).Key)
	if r := build(50); !slices.Equal(r.Removed, []string{"sitemap-1.xml.gz", "sitemap-2.xml.gz", "sitemap-3.xml.gz"}) {
		t.Errorf("removed %v", r.Removed)
	}
	if d := cmp.Diff(want, listed()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	// Somebody else's.
	other := newSite(t)
	theirs := filepath.Join(other.options.Dir, "sitemap.xml")
	if err := os.WriteFile(theirs, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	other.put(article(1))
	if other.build(); files(t, other.options.Dir)["sitemap.xml"] != "theirs" {
		t.Error("a sitemap that another program made was overwritten")
	}
}

// TestLongSitemap: a long list is made anew every hour, and at once where it is damaged; a
// short one by each build.
func TestLongSitemap(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	build := func() publish.Report {
		t.Helper()
		b := publish.New(s.options)
		b.SetPagesAtOnce(3)
		r, err := b.Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	names := func(n int) bool {
		t.Helper()
		return strings.Contains(files(t, s.options.Dir)["sitemap.xml"], fmt.Sprintf("/article-%d<", n))
	}
	s.put(article(1), article(2))
	build()
	s.now = s.now.Add(59 * time.Minute)
	s.put(article(3))
	if build(); names(3) || !names(2) {
		t.Error("a long list was made anew before the hour was over")
	}
	s.now = s.now.Add(time.Minute)
	if r := build(); !slices.Equal(r.Written, []string{"sitemap.xml"}) || !names(3) {
		t.Errorf("an hour later, when nothing else changed: wrote %v", r.Written)
	}
	if r := build(); len(r.Written) > 0 {
		t.Errorf("nothing changed, and %v were written", r.Written)
	}
	s.put(article(4))
	build()
	if err := os.Remove(filepath.Join(s.options.Dir, "sitemap.xml")); err != nil {
		t.Fatal(err)
	}
	if build(); !names(4) {
		t.Error("a list that was lost is not there again")
	}
	s.put(article(5))
	if s.build(); !names(5) { // the list is short for it
		t.Error("a short list is not what there is")
	}
}
