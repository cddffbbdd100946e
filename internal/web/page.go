package web

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
)

// page is what every page says, and its own view.
type page struct {
	Site        newsletter.Site
	Language    string // BCP 47, of the words around the content
	Direction   string // ltr or rtl
	Title       string // plain text; empty: the site's
	Description string
	Canonical   string // absolute, empty: none
	Private     bool   // behind a mailed link: not indexed, not kept, no referrer
	Hidden      bool   // not to be indexed
	Home        string // address of the front page
	Stylesheet  string
	Icon        string
	Logo        string     // empty: none
	Feeds       []feedLink // of the whole site
	Own         []feedLink // of what the page is about
	FeedList    string     // address of the page of all feeds
	Newsletters []newsletterLink
	Meta        []meta // Open Graph
	Newer       string // rel=prev, empty: none
	Older       string // rel=next, empty: none
	View        any

	words *i18n.Words
	stamp string // of a form on it, which is another one each time; empty: none
}

// feedLink is a feed as pages link it.
type feedLink struct {
	Name string // RSS, Atom, JSON Feed
	Type string // media type
	URL  string

	Title string // of the feed; empty: the site's
}

// TypeAttr is the type attribute as it stands: html/template writes + as a
// reference, which readers that look for feeds by pattern do not know.
func (f feedLink) TypeAttr() template.HTMLAttr {
	return template.HTMLAttr(`type="` + f.Type + `"`) //nolint:gosec // constants
}

// newsletterLink is a newsletter as pages link it.
type newsletterLink struct {
	Title, Description, URL string
	SubscribeURL            string    // the form; empty: nobody can sign up
	Language                string    // where it differs from the page's, else empty
	LanguageName            string    // with Language
	Next                    time.Time // due, in its own zone; zero: unknown
}

// meta is a property for those who show previews of links.
type meta struct{ Property, Content string }

// IsName reports whether it is written as a name, as those of Twitter are.
func (m meta) IsName() bool { return strings.HasPrefix(m.Property, "twitter:") }

// newPage fills in what pages have in common. The words are those of the first
// known language.
func (s *server) newPage(languages ...string) *page {
	words := i18n.For(append(languages, s.site.Language)...)
	p := &page{
		Site: s.site, Language: words.Language(), Direction: i18n.Direction(words.Language()),
		Description: s.site.Description, Home: s.base + "/", FeedList: s.base + "/feeds",
		Stylesheet: s.base + "/assets/" + stylesheet + "?v=" + s.assets[stylesheet].hash,
		Icon:       s.siteFile(s.site.Icon), Logo: s.siteFile(s.site.Logo), words: words,
	}
	if p.Icon == "" {
		p.Icon = s.base + "/favicon.svg?v=" + s.assets[icon].hash
	}
	if f, ok := s.directory().catalogue.At(""); ok {
		p.Feeds = s.feedLinks(f)
	}
	now := s.now()
	for _, n := range s.o.Newsletters {
		if n.Archive == newsletter.ArchivePrivate { // it is listed nowhere
			continue
		}
		l := newsletterLink{Title: n.Title, Description: n.Description, URL: s.base + "/newsletters/" + url.PathEscape(n.Name), Next: s.nextIssue(n, now)}
		l.Language, l.LanguageName = foreign(n.Language, p.Language)
		if !n.Closed {
			l.SubscribeURL = l.URL + "#subscribe"
		}
		p.Newsletters = append(p.Newsletters, l)
	}
	return p
}

// siteFile returns the address of a site path under the site's own path;
// absolute addresses and "" stay.
func (s *server) siteFile(ref string) string {
	if strings.HasPrefix(ref, "/") && !strings.HasPrefix(ref, "//") {
		return s.base + ref
	}
	return ref
}

// show renders a page and answers with it, or with 304 where the reader has it.
func (s *server) show(w http.ResponseWriter, r *http.Request, code int, name string, p *page) error {
	body, err := s.views.render(r.Context(), name, p)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Language)
	if p.Private {
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
	}
	if p.Private || p.Hidden {
		h.Set("X-Robots-Tag", "noindex")
	}
	if code == http.StatusOK && !p.Private {
		same := body
		if p.stamp != "" { // a page with an older stamp is as good
			same = bytes.ReplaceAll(body, []byte(p.stamp), nil)
		}
		servePublic(w, r, body, same)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
	return nil
}

// preferred returns the languages a browser asks for, best first, and notes in
// the answer that it depends on them.
func preferred(w http.ResponseWriter, r *http.Request) []string {
	addVary(w.Header(), "Accept-Language")
	value := r.Header.Get("Accept-Language")
	if len(value) > 200 { // longer ones are not written by browsers
		return nil
	}
	tags, _, err := language.ParseAcceptLanguage(value)
	if err != nil {
		return nil
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.String()
	}
	return names
}

// foreign returns the language, and its own name for itself, where it is another
// than the page's.
func foreign(tag, page string) (lang, name string) {
	if tag == "" || newsletter.LanguageWithin(tag, page) || newsletter.LanguageWithin(page, tag) {
		return "", ""
	}
	return tag, languageName(tag)
}
