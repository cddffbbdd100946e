package publish_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"testing"
	"time"

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
