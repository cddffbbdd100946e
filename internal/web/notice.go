package web

import (
	"net/http"
	"strconv"
	"strings"

	"syndicate/internal/store"
)

// noticeView is the page of an error, or of a mailed link that does not work.
type noticeView struct {
	Code     int
	Heading  string
	Text     string
	Guess    *card           // what may have been meant, nil: no idea
	Articles []card          // the latest, where they help
	About    *newsletterLink // what it is about, nil: no newsletter
}

// notice answers with the page of a status. A page that was not found offers
// what may have been meant and what is new.
func (s *server) notice(w http.ResponseWriter, r *http.Request, code int) error {
	p := s.newPage(preferred(w, r)...)
	p.Hidden = true
	v := noticeView{Code: code}
	key := "error." + strconv.Itoa(code)
	heading, err := p.words.Text(key + ".title")
	if err != nil { // no words for it: those of its class
		key = "error.400"
		if code >= 500 {
			key = "error.500"
		}
		heading = p.words.T(key + ".title")
	}
	v.Heading, v.Text = heading, p.words.T(key+".text")
	if (code == http.StatusNotFound || code == http.StatusGone) && !strings.HasPrefix(routeOf(r), "GET /files/") {
		ctx := r.Context()
		if slug := guess(r.URL.Path); slug != "" && code == http.StatusNotFound {
			if a, err := s.store.ArticleBySlug(ctx, slug); err == nil {
				c := s.card(ctx, &a, p.Language)
				v.Guess = &c
			}
		}
		if latest, err := s.store.Articles(ctx, store.ArticleQuery{Limit: 5}); err == nil {
			v.Articles = s.cards(ctx, latest, p.Language)
		}
	}
	p.Title, p.View = v.Heading, v
	return s.show(w, r, code, "notice.html", p)
}
