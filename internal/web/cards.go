package web

import (
	"context"
	"net/url"
	"path"
	"strings"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
)

// card is an article as lists show it.
type card struct {
	Title, Summary, URL string
	Section             string // as readers see it
	Authors             []string
	Published           time.Time // in the site's zone
	ImageURL, ImageAlt  string    // empty: none
	ImageWidth          int       // pixels, 0: unknown
	ImageHeight         int
	Language            string // where it differs from the page's, else empty
	LanguageName        string // with Language
	First               bool   // at the top of its page: its image is wanted at once
}

// cards turns articles into what a page in that language shows of them.
func (s *server) cards(ctx context.Context, articles []newsletter.Article, pageLanguage string) []card {
	out := make([]card, len(articles))
	for i := range articles {
		out[i] = s.card(ctx, &articles[i], pageLanguage)
	}
	return out
}

func (s *server) card(ctx context.Context, a *newsletter.Article, pageLanguage string) card {
	c := card{
		Title: titleOf(a), Summary: a.Summary, URL: s.localURL(a), Section: i18n.SectionName(a.Section),
		Authors: authorNames(a), Published: a.Published.In(s.site.Location),
	}
	c.Language, c.LanguageName = foreign(a.Language, pageLanguage)
	if a.Image != nil {
		c.ImageURL, c.ImageAlt = s.nearURL(s.o.Service.ImageURL(ctx, a)), a.Image.Alt
		c.ImageWidth, c.ImageHeight = a.Image.Width, a.Image.Height
	}
	return c
}

// titleOf is the article's title; an untitled note is called by its day.
func titleOf(a *newsletter.Article) string {
	if a.Title == "" {
		return a.Published.Format(time.DateOnly)
	}
	return a.Title
}

func authorNames(a *newsletter.Article) []string {
	var names []string
	for _, x := range a.Authors {
		if x.Name != "" {
			names = append(names, x.Name)
		}
	}
	return names
}

// localURL is where a reader of these pages finds the article: here, by path, or
// where its permalink says if that is another site.
func (s *server) localURL(a *newsletter.Article) string {
	if a.Permalink == "" {
		return s.base + "/articles/" + url.PathEscape(a.Slug)
	}
	return s.nearURL(a.URL(s.site.URL))
}

// nearURL makes an absolute address of the site itself a path, so that pages
// work under any name by which the server is reached.
func (s *server) nearURL(abs string) string {
	rest, ok := strings.CutPrefix(abs, s.site.URL)
	if !ok || rest != "" && rest[0] != '/' || strings.HasPrefix(rest, "//") {
		return abs
	}
	if rest == "" {
		rest = "/"
	}
	return s.base + rest
}

// isSVG reports whether an image's address is of a drawing, which previews of
// links do not show.
func isSVG(image string) bool {
	u, err := url.Parse(image)
	return err == nil && strings.EqualFold(path.Ext(u.Path), ".svg")
}
