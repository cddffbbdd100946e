package web

import (
	"net/http"

	"syndicate/internal/store"
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
	var v homeView
	articles, err := s.pageOf(r, store.ArticleQuery{}, &v.Page, &v.Pages, &v.Total)
	if err != nil {
		return err
	}
	p := s.newPage(preferred(w, r)...)
	v.Articles = s.cards(r.Context(), articles, p.Language)
	if v.Page == 1 && len(v.Articles) > 0 {
		v.Lead, v.Articles = &v.Articles[0], v.Articles[1:]
		v.Lead.First = true
	}
	p.View = v
	p.paged("/", s, v.Page, v.Pages)
	if v.Page > 1 {
		p.Title = p.words.T("page.page_of", "page", v.Page, "pages", v.Pages)
	}
	p.Meta = []meta{{"og:type", "website"}, {"og:title", s.site.Title}, {"og:url", p.Canonical}}
	linkFeeds(w, p.Feeds)
	return s.show(w, r, http.StatusOK, "home.html", p)
}

// toHome leads those who cut an address short to the page that lists articles and
// newsletters.
func (s *server) toHome(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, s.base+"/", http.StatusFound)
	return nil
}
