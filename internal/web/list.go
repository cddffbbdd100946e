package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
)

const (
	perPage  = 20
	maxPages = 10_000
)

// listView is a page of the articles with a tag, by an author, in a section or in a
// language, newest first.
type listView struct {
	Heading  string
	Articles []card
	Total    int
	Page     int // from 1
	Pages    int
	Feeds    []feedLink // of these articles
}

// listed returns the feed whose page the path is, with or without a slash at the
// end.
func (s *server) listed(path string) *publish.Feed {
	f, ok := s.directory().catalogue.At(strings.Trim(path, "/"))
	if !ok {
		return nil
	}
	switch f.Kind {
	case publish.Tag, publish.Author, publish.Section, publish.Language, publish.Named:
		return f
	}
	return nil // the others have pages of their own
}

// list shows what a feed holds, and further back than it does.
func (s *server) list(f *publish.Feed) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		place := "/" + f.Path + "/"
		if r.URL.Path != place {
			http.Redirect(w, r, s.base+(&url.URL{Path: place, RawQuery: r.URL.RawQuery}).String(), http.StatusMovedPermanently)
			return nil
		}
		q, ok := selected(f)
		if !ok { // only its documents say what is in it
			return s.feedPage(w, r, s.feedDocument(publish.Document{Feed: f, Format: publish.RSS}))
		}
		p := s.newPage(preferred(w, r)...)
		v := listView{Heading: heading(f, p.words), Feeds: s.feedLinks(f)}
		articles, err := s.pageOf(r, q, &v.Page, &v.Pages, &v.Total)
		if err != nil {
			return err
		}
		v.Articles = s.cards(r.Context(), articles, p.Language)
		p.paged(f.PagePath(), s, v.Page, v.Pages)
		p.Title, p.View, p.Own = v.Heading, v, v.Feeds
		if v.Page > 1 {
			p.Title += " · " + p.words.T("page.page_of", "page", v.Page, "pages", v.Pages)
		}
		p.Description = f.Description
		p.Meta = s.social(social{kind: "website", title: v.Heading, description: f.Description, url: p.Canonical, language: p.Language})
		linkFeeds(w, v.Feeds)
		return s.show(w, r, http.StatusOK, "list.html", p)
	}
}

// sectionTitle is what readers see of a section and those around it:
// "sea-and-sky/tides" is "Sea and sky › Tides".
func sectionTitle(section string) string {
	parts := strings.Split(section, "/")
	for i := range parts {
		parts[i] = i18n.SectionName(parts[i])
	}
	return strings.Join(parts, " › ")
}

// selected returns the articles of a feed; false where that is not to be told from
// its kind and label.
func selected(f *publish.Feed) (q store.ArticleQuery, ok bool) {
	one := []string{f.Label}
	switch f.Kind {
	case publish.Tag:
		q.Select.Tags = one
	case publish.Author:
		q.Select.Authors = one
	case publish.Section:
		q.Select.Sections = one
	case publish.Language:
		q.Select.Languages = one
	default:
		return q, false
	}
	return q, true
}

// heading says what the articles of a feed have in common.
func heading(f *publish.Feed, words *i18n.Words) string {
	switch f.Kind {
	case publish.Tag:
		return words.T("feeds.tag", "tag", f.Label)
	case publish.Author:
		return words.T("feeds.author", "author", f.Label)
	case publish.Section:
		return words.T("feeds.section", "section", sectionTitle(f.Label))
	case publish.Language:
		return words.T("feeds.language", "language", languageName(f.Label))
	}
	return f.Title
}

// pageOf reads the articles of the page that ?page= asks for, and fills in its
// number, how many there are, and how many articles all have.
func (s *server) pageOf(r *http.Request, q store.ArticleQuery, page, pages, total *int) ([]newsletter.Article, error) {
	asked, err := askedPage(r)
	if err != nil {
		return nil, err
	}
	n, err := s.store.CountArticles(r.Context(), q)
	if err != nil {
		return nil, err
	}
	*page, *total, *pages = asked, n, pagesOf(n, perPage)
	if *page > *pages {
		return nil, status(http.StatusNotFound)
	}
	q.Limit, q.Offset = perPage, (*page-1)*perPage
	return s.store.Articles(r.Context(), q)
}

// askedPage returns the number of the page that ?page= asks for, 1 where nothing does.
func askedPage(r *http.Request) (int, error) {
	v := r.URL.Query().Get("page")
	if v == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxPages {
		return 0, status(http.StatusNotFound)
	}
	return n, nil
}

// pagesOf is how many pages a list has: one at least.
func pagesOf(total, perPage int) int { return max(1, (total+perPage-1)/perPage) }

// paged fills in the addresses of a page of a list and of the pages beside it.
func (p *page) paged(path string, s *server, n, pages int) {
	p.Canonical = s.site.URL + pageQuery(path, n)
	p.beside(s.base+path, n, pages)
}

// beside fills in the addresses of the pages beside one of a list.
func (p *page) beside(list string, n, pages int) {
	if n > 1 {
		p.Newer = pageQuery(list, n-1)
	}
	if n < pages {
		p.Older = pageQuery(list, n+1)
	}
}

// pageQuery adds the number of a page to a path; the first has none.
func pageQuery(path string, n int) string {
	if n <= 1 {
		return path
	}
	return path + "?page=" + strconv.Itoa(n)
}
