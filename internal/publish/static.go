package publish

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Files beside the feeds.
const (
	opmlFile      = "opml.xml"
	headersFile   = "_headers"   // Netlify, Cloudflare Pages
	redirectsFile = "_redirects" // Netlify, Cloudflare Pages, GitLab Pages
	goneFile      = "gone.txt"   // what is no more, one path a line
)

// static writes the files beside the feeds. One that somebody else put there is
// left alone; one that would be empty is none.
func (b *Builder) static(ctx context.Context, p *plan, next *state, w *writer, r *Report) error {
	c := next.catalogue()
	opml, err := OPML(b.o.Site.Title, b.o.Site.URL, c)
	if err != nil {
		return err
	}
	gone := goneList(c)
	if err := w.folder(); err != nil {
		return err
	}
	if err := b.sitemap(ctx, p, next, w); err != nil {
		return err
	}
	for _, x := range []struct {
		name string
		data []byte
	}{
		{opmlFile, opml},
		{goneFile, gone},
		{headersFile, headers(c)},
		{redirectsFile, redirects(c)},
	} {
		if len(x.data) == 0 {
			continue
		}
		if !w.claim(x.name) {
			r.Problems = append(r.Problems, fmt.Sprintf("%s in %s was not made by Syndicate and is left as it is", x.name, path.Base(b.o.Dir)))
			continue
		}
		if err := w.write(x.name, Hash(x.data), func() ([]byte, error) { return x.data, nil }); err != nil {
			return fmt.Errorf("writing %s: %w", x.name, err)
		}
		w.static[x.name] = true
	}
	return nil
}

// sitemap writes the list of pages for search engines, and its parts where it is long. A
// site whose pages are made by another program may have one by that: it is left alone. It
// says which pages there are now, also where feeds are held.
func (b *Builder) sitemap(ctx context.Context, p *plan, next *state, w *writer) error {
	if !p.lists {
		for name := range w.old {
			if isSitemap(name) {
				w.static[name] = true
			}
		}
		return nil
	}
	listed := listing{Version: next.Version, Issues: next.Issues, At: b.o.Now()}
	if !w.claim(SitemapFile) {
		next.Listed = listed
		return nil
	}
	file, parts, pages, err := b.listPages(ctx, next.catalogue())
	if err != nil {
		return err
	}
	listed.Pages = pages
	next.Listed = listed
	put := func(name string, data []byte) error {
		w.static[name] = true
		if err := w.write(name, Hash(data), func() ([]byte, error) { return data, nil }); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		return nil
	}
	for i, part := range parts { // before what names them
		if err := put(SitemapPartFile(i+1), part.GZ); err != nil {
			return err
		}
	}
	return put(SitemapFile, file)
}

// isSitemap reports whether a name is of the list of pages, or of a part of it.
func isSitemap(name string) bool {
	_, part := SitemapPartOf(name)
	return part || name == SitemapFile
}

func damagedSitemap(damaged map[string]bool) bool {
	for name := range damaged {
		if isSitemap(name) {
			return true
		}
	}
	return false
}

type (
	opmlDocument struct {
		XMLName  xml.Name      `xml:"opml"`
		Version  string        `xml:"version,attr"`
		Title    string        `xml:"head>title"`
		Outlines []opmlOutline `xml:"body>outline"`
	}
	opmlOutline struct {
		Type        string `xml:"type,attr"` // "rss" whatever the format (the spec's word for a feed)
		Text        string `xml:"text,attr"`
		Title       string `xml:"title,attr"`
		Description string `xml:"description,attr,omitempty"`
		Language    string `xml:"language,attr,omitempty"`
		Category    string `xml:"category,attr,omitempty"`
		XMLURL      string `xml:"xmlUrl,attr"`
		HTMLURL     string `xml:"htmlUrl,attr"`
	}
)

// OPML lists the feeds for readers to import (opml.org/spec2.opml), each once, as
// RSS, which every reader knows.
func OPML(title, siteURL string, c *Catalogue) ([]byte, error) {
	d := opmlDocument{Version: "2.0", Title: title}
	for i := range c.Feeds {
		f := &c.Feeds[i]
		category := "/" + string(f.Kind)
		if f.Kind == Site {
			category = ""
		}
		d.Outlines = append(d.Outlines, opmlOutline{
			Type: "rss", Text: f.Title, Title: f.Title, Description: f.Description, Language: f.Language, Category: category,
			XMLURL: Document{Feed: f, Format: RSS}.URL(siteURL), HTMLURL: f.Home,
		})
	}
	data, err := xml.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the list of feeds: %w", err)
	}
	return append(append([]byte(xml.Header), data...), '\n'), nil
}

// headers says what static hosts are to answer with. Patterns, not files: hosts
// take some hundred rules.
func headers(c *Catalogue) []byte {
	var b bytes.Buffer
	age := int(maxAge.Seconds())
	for _, x := range []struct {
		pattern string
		format  Format
	}{{"/*.rss", RSS}, {"/*.atom", Atom}, {"/feed.json", JSON}, {"/*/feed.json", JSON}} {
		fmt.Fprintf(&b, "%s\n  Content-Type: %s; charset=utf-8\n  Cache-Control: public, max-age=%d\n  Access-Control-Allow-Origin: *\n  X-Content-Type-Options: nosniff\n", x.pattern, x.format.MediaType(), age)
	}
	if slices.ContainsFunc(c.Feeds, func(f Feed) bool { return f.Pages > 0 }) {
		fmt.Fprintf(&b, "/*/archive/*.json\n  Content-Type: %[1]s; charset=utf-8\n  Access-Control-Allow-Origin: *\n/archive/*.json\n  Content-Type: %[1]s; charset=utf-8\n  Access-Control-Allow-Origin: *\n", JSON.MediaType())
	}
	fmt.Fprintf(&b, "/%s\n  Content-Type: text/x-opml; charset=utf-8\n", opmlFile)
	return b.Bytes()
}

// redirects leads from former addresses to new ones, and answers 410 for what is
// no more, where a host can.
func redirects(c *Catalogue) []byte {
	var b bytes.Buffer
	for _, from := range slices.Sorted(maps.Keys(c.Moved)) {
		fmt.Fprintf(&b, "%s %s 301\n", escaped(from), escaped(c.Moved[from]))
	}
	for _, folder := range c.Gone {
		for _, format := range Formats {
			fmt.Fprintf(&b, "%s /%s 410\n", escaped("/"+(&Feed{Path: folder}).File(format)), goneFile)
		}
	}
	return b.Bytes()
}

// goneList lists what is no more, for hosts that take such a list, and to read.
func goneList(c *Catalogue) []byte {
	var b bytes.Buffer
	if len(c.Gone) > 0 {
		b.WriteString("# These feeds are no more (410).\n")
	}
	for _, folder := range c.Gone {
		for _, format := range Formats {
			b.WriteString("/" + (&Feed{Path: folder}).File(format) + "\n")
		}
	}
	return b.Bytes()
}

// escaped writes a path as it stands in an address; an address stays.
func escaped(p string) string {
	if !strings.HasPrefix(p, "/") {
		return p
	}
	return (&url.URL{Path: p}).EscapedPath()
}
