package publish

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"
)

// The bounds of one file (sitemaps.org): more pages, or more bytes before it is
// compressed, are parted.
const (
	SitemapPages = 50_000
	sitemapBytes = 45_000_000 // of 50 MB
)

const (
	sitemapNamespace = ` xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"`
	sitemapHead      = xml.Header + "<urlset" + sitemapNamespace + ">\n"
	sitemapFoot      = "</urlset>\n"
)

// Sitemap lists pages for search engines (sitemaps.org/protocol.html). Pages are
// added one by one; only the part that is being filled is held as it is.
type Sitemap struct {
	most  int
	part  bytes.Buffer
	pages int // in part
	all   int // pages
	parts []SitemapPart
	last  time.Time // the last change in part
	err   error
}

// SitemapPart is a part of a list that is too long for one file.
type SitemapPart struct {
	GZ      []byte
	Changed time.Time // the last page of it that did, zero: unknown
}

// NewSitemap returns a list in parts of at most so many pages.
func NewSitemap(most int) *Sitemap { return &Sitemap{most: most} }

// Add adds the absolute address of a page; changed may be zero.
func (m *Sitemap) Add(page string, changed time.Time) {
	if m.pages == m.most || m.part.Len() > sitemapBytes {
		m.close()
	}
	if m.pages == 0 {
		m.part.WriteString(sitemapHead)
	}
	m.pages++
	m.all++
	m.part.WriteString("<url>")
	sitemapEntry(&m.part, page, changed)
	m.part.WriteString("</url>\n")
	if changed.After(m.last) {
		m.last = changed
	}
}

func sitemapEntry(b *bytes.Buffer, address string, changed time.Time) {
	b.WriteString("<loc>")
	_ = xml.EscapeText(b, []byte(address)) // a buffer takes everything
	b.WriteString("</loc>")
	if !changed.IsZero() {
		b.WriteString("<lastmod>" + changed.UTC().Format(time.RFC3339) + "</lastmod>")
	}
}

// close compresses the part that is full.
func (m *Sitemap) close() {
	m.part.WriteString(sitemapFoot)
	gz, err := gzipped(m.part.Bytes())
	if err != nil && m.err == nil {
		m.err = err
	}
	m.parts = append(m.parts, SitemapPart{gz, m.last})
	m.part.Reset()
	m.pages, m.last = 0, time.Time{}
}

// Finish returns the file that stands first: the list itself or, where that is too
// long, an index of its parts. name gives the address of a part, from 1.
func (m *Sitemap) Finish(name func(part int) string) (file []byte, parts []SitemapPart, err error) {
	if len(m.parts) == 0 {
		if m.pages == 0 {
			m.part.WriteString(sitemapHead)
		}
		m.part.WriteString(sitemapFoot)
		return m.part.Bytes(), nil, nil
	}
	if m.pages > 0 {
		m.close()
	}
	if m.err != nil {
		return nil, nil, fmt.Errorf("compressing the sitemap: %w", m.err)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + "<sitemapindex" + sitemapNamespace + ">\n")
	for i, p := range m.parts {
		b.WriteString("<sitemap>")
		sitemapEntry(&b, name(i+1), p.Changed)
		b.WriteString("</sitemap>\n")
	}
	b.WriteString("</sitemapindex>\n")
	return b.Bytes(), m.parts, nil
}
