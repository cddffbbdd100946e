package web

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
)

// articleView is one article.
type articleView struct {
	card
	Lang        string        // of its texts, BCP 47
	HTML        template.HTML // sanitised
	Updated     time.Time     // zero: not since it was published, or on the same day
	Minutes     int           // of reading, 0: not shown
	Caption     string        // of the image
	ShowImage   bool          // the body does not show it already
	ShowSummary bool          // it is not the beginning of the body
	Tags        []string
	TagLinks    []tagLink // the same, with their pages
	Media       []media
	Origin      *origin // where it was first, nil: here
	Older       *card   // nil: none
	Newer       *card
}

// tagLink is a tag and the page that lists what has it.
type tagLink struct {
	Name string
	URL  string // empty: there is none (yet)
}

// tagLinks finds the pages of tags.
func (s *server) tagLinks(tags []string) []tagLink {
	c := s.directory().catalogue
	links := make([]tagLink, len(tags))
	for i, t := range tags {
		links[i].Name = t
		if f, ok := c.Of(publish.Tag, t); ok {
			links[i].URL = s.base + f.PagePath()
		}
	}
	return links
}

// origin is where a syndicated article was published first.
type origin struct{ URL, Title string }

// hostOf is what an address is called that has no other name.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// media is a file that goes with an article.
type media struct {
	URL, Type string
	Name      string // of the file
	Kind      string // audio, video or other
	Size      int64  // bytes, 0: unknown
}

// article shows the article of a slug. One whose permalink is elsewhere on the
// site lives there.
func (s *server) article(w http.ResponseWriter, r *http.Request) error {
	slug := r.PathValue("slug")
	if !isPath(slug) {
		return status(http.StatusNotFound)
	}
	a, err := s.store.ArticleBySlug(r.Context(), slug)
	if errors.Is(err, store.ErrNotFound) {
		return s.byPath(w, r) // a former path may look like a slug
	}
	if err != nil {
		return err
	}
	if a.Permalink != "" && strings.HasPrefix(s.localURL(&a), s.base+"/") {
		http.Redirect(w, r, s.localURL(&a), http.StatusMovedPermanently)
		return nil
	}
	return s.showArticle(w, r, &a)
}

// scrollable lets people scroll by the keyboard, too, what may be wider than a phone.
var scrollable = strings.NewReplacer("<pre>", `<pre tabindex="0">`, "<pre ", `<pre tabindex="0" `, "<table>", `<table tabindex="0">`, "<table ", `<table tabindex="0" `)

// showArticle answers with the page of an article.
func (s *server) showArticle(w http.ResponseWriter, r *http.Request, a *newsletter.Article) error {
	ctx := r.Context()
	html, err := s.o.Service.ArticleHTML(ctx, a)
	if err != nil {
		return err
	}
	p := s.newPage(a.Language)
	v := articleView{
		card: s.card(ctx, a, p.Language), Lang: a.Language, HTML: template.HTML(scrollable.Replace(html)), //nolint:gosec // sanitised by markup
		Minutes: a.ReadingMinutes(), Tags: a.Tags, TagLinks: s.tagLinks(a.Tags), Media: s.media(ctx, a),
	}
	if u := a.Updated.In(s.site.Location); u.Format(time.DateOnly) > v.Published.Format(time.DateOnly) {
		v.Updated = u
	}
	v.ShowSummary = a.Summary != "" && !beginsWith(markup.Text(html), a.Summary)
	if a.Image != nil {
		v.Caption = a.Image.Caption
		image := s.o.Service.ImageURL(ctx, a)
		v.ShowImage = image != "" && !strings.Contains(html, template.HTMLEscapeString(image))
	}
	if v.Older, v.Newer, err = s.neighbours(ctx, a, p.Language); err != nil {
		return err
	}
	if o := a.Origin; o != nil && o.URL != "" {
		v.Origin = &origin{o.URL, cmp.Or(o.Title, hostOf(o.URL))}
	}
	p.View, p.Title, p.Description = v, v.Title, a.Summary
	p.Canonical = s.o.Service.ArticleURL(a)
	p.Meta = s.articleMeta(ctx, a, p)
	if v.Origin != nil {
		p.Canonical = v.Origin.URL // for search engines; people share this page
	}
	return s.show(w, r, http.StatusOK, "article.html", p)
}

// beginsWith reports whether a summary is only the first words of a text, as it
// is where the author wrote none.
func beginsWith(text, summary string) bool {
	start := strings.Fields(strings.TrimSuffix(summary, "…"))
	have := strings.Fields(text[:min(len(text), 4*len(summary)+200)])
	return len(have) >= len(start) && slices.Equal(start, have[:len(start)])
}

// articleMeta is what those who show previews of links want to know.
func (s *server) articleMeta(ctx context.Context, a *newsletter.Article, p *page) []meta {
	x := social{
		kind: "article", title: titleOf(a), description: a.Summary, url: p.Canonical, language: a.Language,
		image: s.pictureOf(ctx, a), published: a.Published,
	}
	if a.Updated.After(a.Published) {
		x.modified = a.Updated
	}
	m := s.social(x)
	for _, name := range authorNames(a) {
		m = append(m, meta{"article:author", name})
	}
	if a.Section != "" {
		m = append(m, meta{"article:section", i18n.SectionName(a.Section)})
	}
	for _, t := range a.Tags {
		m = append(m, meta{"article:tag", t})
	}
	return m
}

// media returns the article's files with their addresses.
func (s *server) media(ctx context.Context, a *newsletter.Article) []media {
	var out []media
	for _, e := range a.Enclosures {
		// An enclosure's reference is resolved as that of an image would be.
		stand := *a
		stand.Image = &newsletter.Image{URL: e.URL}
		m := media{URL: s.nearURL(s.o.Service.ImageURL(ctx, &stand)), Type: e.Type, Size: e.Size, Kind: "other"}
		m.Name = fileName(m.URL)
		if kind, _, _ := strings.Cut(e.Type, "/"); kind == "audio" || kind == "video" {
			m.Kind = kind
		}
		if m.URL != "" {
			out = append(out, m)
		}
	}
	return out
}

// fileName returns the last part of an address.
func fileName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return path.Base(u.Path)
}

// window is how many articles before and after in the store are looked at for
// the neighbours. Articles are stored nearly in order of publication, so the
// true neighbours are among them but for those added long after their date.
const window = 32

// neighbours returns the articles published before and after one, of its language.
func (s *server) neighbours(ctx context.Context, a *newsletter.Article, pageLanguage string) (older, newer *card, err error) {
	q := store.ArticleQuery{After: max(0, a.Seq-1-window), Through: a.Seq + window}
	if a.Language != "" {
		q.Select.Languages = []string{a.Language}
	}
	near, err := s.store.Articles(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	var before, after *newsletter.Article
	for i := range near { // newest first
		switch o := &near[i]; cmp.Or(o.Published.Compare(a.Published), cmp.Compare(o.Seq, a.Seq)) {
		case 1:
			after = o
		case -1:
			if before == nil {
				before = o
			}
		}
	}
	for _, x := range []struct {
		from *newsletter.Article
		to   **card
	}{{before, &older}, {after, &newer}} {
		if x.from != nil {
			c := s.card(ctx, x.from, pageLanguage)
			*x.to = &c
		}
	}
	return older, newer, nil
}
