package web

import (
	"context"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"syndicate/internal/newsletter"
)

// maxPreview is how much of a description previews of links have use for, in runes.
const maxPreview = 300

// social is what those who show previews of links want to know of a page (ogp.me).
type social struct {
	kind                string // "website" or "article"
	title, description  string // plain text
	url                 string // canonical
	language            string // BCP 47
	image               picture
	published, modified time.Time // zero: unknown
}

// picture is an image with an absolute address; without one it is none.
type picture struct {
	url, alt      string
	width, height int // pixels, 0: unknown
}

// social returns the properties, without those that have nothing in them.
func (s *server) social(x social) []meta {
	m := []meta{
		{"og:type", x.kind},
		{"og:site_name", s.site.Title},
		{"og:title", x.title},
		{"og:description", shortened(x.description)},
		{"og:url", x.url},
		{"og:locale", locale(x.language)},
	}
	card := "summary_large_image"
	if x.image.url == "" {
		card, x.image = "summary", s.logo()
	}
	m = append(m, meta{"og:image", x.image.url}, meta{"og:image:alt", x.image.alt})
	if x.image.width > 0 && x.image.height > 0 {
		m = append(m, meta{"og:image:width", strconv.Itoa(x.image.width)}, meta{"og:image:height", strconv.Itoa(x.image.height)})
	}
	m = append(m, meta{"twitter:card", card}, meta{"article:published_time", when(x.published)}, meta{"article:modified_time", when(x.modified)})
	return slices.DeleteFunc(m, func(x meta) bool { return x.Content == "" })
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// locale writes a language as language_TERRITORY, with the territory that most of its
// readers live in where it names none.
func locale(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return ""
	}
	base, _ := t.Base()
	region, _ := t.Region()
	return base.String() + "_" + region.String()
}

// shortened cuts a text at a word.
func shortened(text string) string {
	r := []rune(text)
	if len(r) <= maxPreview {
		return text
	}
	cut := string(r[:maxPreview-1])
	if at := strings.LastIndexByte(cut, ' '); at > 0 {
		cut = cut[:at]
	}
	return strings.TrimRight(cut, " ,;:.–-") + "…"
}

// logo is the site's; previews show no drawings.
func (s *server) logo() picture {
	logo := s.site.Logo
	if logo == "" || isSVG(logo) {
		return picture{}
	}
	if strings.HasPrefix(logo, "/") && !strings.HasPrefix(logo, "//") {
		logo = s.site.URL + logo
	}
	return picture{url: logo, alt: s.site.Title}
}

// pictureOf returns the image of an article.
func (s *server) pictureOf(ctx context.Context, a *newsletter.Article) picture {
	image := s.o.Service.ImageURL(ctx, a)
	if image == "" || isSVG(image) {
		return picture{}
	}
	return picture{image, a.Image.Alt, a.Image.Width, a.Image.Height}
}

// issueHead is what search engines and those who show previews want to know of an
// issue, for the head of its mail.
func (s *server) issueHead(ctx context.Context, n newsletter.Newsletter, i *newsletter.Issue, d *newsletter.Digest) (string, error) {
	_, frozen, err := s.store.FrozenIssue(ctx, i.ID)
	if err != nil {
		return "", err
	}
	x := social{
		kind: "article", title: d.Subject, description: n.Description, url: s.site.URL + issuePath(n.Name, i.Number),
		language: d.Language, published: i.CreatedAt,
	}
	var titles []string
	for _, seq := range d.Articles {
		at := slices.IndexFunc(frozen, func(a newsletter.Article) bool { return a.Seq == seq })
		if at < 0 {
			continue
		}
		a := &frozen[at]
		if a.Title != "" {
			titles = append(titles, a.Title)
		}
		if x.image.url == "" && a.Image != nil && a.Image.URL != "" && !isSVG(a.Image.URL) { // absolute since it is frozen
			x.image = picture{a.Image.URL, a.Image.Alt, a.Image.Width, a.Image.Height}
		}
	}
	if len(titles) > 0 {
		x.description = strings.Join(titles, " · ")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<link rel="canonical" href="%s">`, html.EscapeString(x.url))
	for _, f := range s.issueFeeds(n) {
		fmt.Fprintf(&b, `<link rel="alternate" type="%s" title="%s (%s)" href="%s">`, f.Type, html.EscapeString(f.Title), f.Name, html.EscapeString(f.URL))
	}
	if x.description != "" {
		fmt.Fprintf(&b, `<meta name="description" content="%s">`, html.EscapeString(shortened(x.description)))
	}
	for _, m := range s.social(x) {
		attribute := "property"
		if m.IsName() {
			attribute = "name"
		}
		fmt.Fprintf(&b, `<meta %s="%s" content="%s">`, attribute, m.Property, html.EscapeString(m.Content))
	}
	return b.String(), nil
}
