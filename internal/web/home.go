package web

import (
	"net/http"
	"strconv"

	"syndicate/internal/store"
)

const (
	perPage  = 20
	maxPages = 10_000
)

// homeView is the front page: a page of the latest articles.
type homeView struct {
	Lead     *card  // on the first page, else nil
	Articles []card // the others
	Total    int
	Page     int // from 1
	Pages    int
}

// home shows the latest articles, newsletters and feeds.
func (s *server) home(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	n := 1
	if v := r.URL.Query().Get("page"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 1 || n > maxPages {
			return status(http.StatusNotFound)
		}
	}
	total, err := s.store.CountArticles(ctx, store.ArticleQuery{})
	if err != nil {
		return err
	}
	pages := max(1, (total+perPage-1)/perPage)
	if n > pages {
		return status(http.StatusNotFound)
	}
	articles, err := s.store.Articles(ctx, store.ArticleQuery{Limit: perPage, Offset: (n - 1) * perPage})
	if err != nil {
		return err
	}
	p := s.newPage(preferred(w, r)...)
	v := homeView{Articles: s.cards(ctx, articles, p.Language), Total: total, Page: n, Pages: pages}
	if n == 1 && len(v.Articles) > 0 {
		v.Lead, v.Articles = &v.Articles[0], v.Articles[1:]
		v.Lead.First = true
	}
	p.View = v
	p.Canonical = s.site.URL + pageQuery("/", n)
	if n > 1 {
		p.Newer = s.base + pageQuery("/", n-1)
		p.Title = p.words.T("page.page_of", "page", n, "pages", pages)
	}
	if n < pages {
		p.Older = s.base + pageQuery("/", n+1)
	}
	p.Meta = []meta{{"og:type", "website"}, {"og:title", s.site.Title}, {"og:url", p.Canonical}}
	for _, f := range p.Feeds {
		w.Header().Add("Link", "<"+f.URL+`>; rel="alternate"; type="`+f.Type+`"; title="`+f.Name+`"`)
	}
	return s.show(w, r, http.StatusOK, "home.html", p)
}

// pageQuery adds the number of a page to a path; the first has none.
func pageQuery(path string, n int) string {
	if n <= 1 {
		return path
	}
	return path + "?page=" + strconv.Itoa(n)
}

// toHome leads those who cut an address short to the page that lists articles and
// newsletters.
func (s *server) toHome(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, s.base+"/", http.StatusFound)
	return nil
}
