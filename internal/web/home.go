package web

import (
	"net/http"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// homeView is the front page: a page of the latest articles.
type homeView struct {
	Lead     *card  // on the first page, else nil
	Articles []card // the others
	Total    int
	Page     int // from 1
	Pages    int
	Form     *signUpForm // of the one newsletter that takes sign-ups; nil: none does, or several do
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
	v.Form = s.onlyForm(p)
	p.View = v
	p.paged("/", s, v.Page, v.Pages)
	if v.Page > 1 {
		p.Title = p.words.T("page.page_of", "page", v.Page, "pages", v.Pages)
	}
	x := social{kind: "website", title: s.site.Title, description: s.site.Description, url: p.Canonical, language: p.Language}
	if len(articles) > 0 {
		x.image = s.pictureOf(r.Context(), &articles[0])
	}
	p.Meta = s.social(x)
	linkFeeds(w, p.Feeds)
	return s.show(w, r, http.StatusOK, "home.html", p)
}

// onlyForm returns the form of the newsletter that takes sign-ups, if it is the only
// one; several have theirs on their own pages.
func (s *server) onlyForm(p *page) *signUpForm {
	var open []newsletter.Newsletter
	for _, n := range s.o.Newsletters {
		if !n.Closed && n.Archive != newsletter.ArchivePrivate {
			open = append(open, n)
		}
	}
	if len(open) != 1 {
		return nil
	}
	for i := range p.Newsletters { // it is here already
		p.Newsletters[i].SubscribeURL = ""
	}
	return s.form(open[0], p, asked{page: s.base + "/"}, s.now())
}

// toHome leads those who cut an address short to the page that lists articles and
// newsletters.
func (s *server) toHome(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, s.base+"/", http.StatusFound)
	return nil
}
