package web

import (
	"cmp"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

// A network signs no more than signUps addresses up within signUpsPer; what goes
// beyond that in a day is passed over later.
const (
	signUps    = 30
	signUpsPer = time.Minute
)

// subscribeView is the page of a sign-up form, or what follows it.
type subscribeView struct {
	State         string // "form", "sent", "closed"
	Newsletter    string // title
	Lang          string // of the title
	NewsletterURL string
	Form          *signUpForm
	Email         string      // as typed
	Meant         string      // the address that may have been meant, empty: no idea
	Again         *signUpForm // to sign that one up
}

// subscribePage answers with the form alone.
func (s *server) subscribePage(w http.ResponseWriter, r *http.Request) error {
	n, p, err := s.toSubscribe(w, r)
	if err != nil {
		return err
	}
	return s.showForm(w, r, http.StatusOK, n, p, asked{page: s.base + signUpPath(n.Name)}, "")
}

// subscribe takes a sign-up from a form of the site or of another one. Nothing is
// looked up here: each address gets the same answer after the same work.
func (s *server) subscribe(w http.ResponseWriter, r *http.Request) error {
	n, p, err := s.toSubscribe(w, r)
	if err != nil {
		return err
	}
	if n.Closed {
		return s.showForm(w, r, http.StatusForbidden, n, p, asked{}, "")
	}
	if err := s.mayAsk(w, r); err != nil {
		return err
	}
	typed, err := s.readForm(r, n)
	if err != nil {
		return err
	}
	if typed.language != "" {
		p = s.private(typed.language)
	}
	address, err := roster.Address(typed.email)
	switch {
	case err != nil:
		return s.showForm(w, r, http.StatusUnprocessableEntity, n, p, typed, p.words.T("signup.invalid"))
	case typed.hasty && !typed.trapped:
		return s.showForm(w, r, http.StatusOK, n, p, typed, p.words.T("signup.again"))
	case !typed.trapped:
		if err := s.o.Service.SignUp(r.Context(), n.Name, address, s.signUpOf(r, n, p, typed)); err != nil {
			return err
		}
	}
	v := subscribeView{State: "sent", Newsletter: n.Title, Lang: n.Language, NewsletterURL: s.base + "/newsletters/" + url.PathEscape(n.Name), Email: typed.email}
	if v.Meant = roster.Meant(address); v.Meant != "" {
		meant := typed
		meant.email = v.Meant
		v.Again = s.form(n, p, meant, s.now().Add(-formLeast))
	}
	p.Title, p.View = p.words.T("signup.sent"), v
	return s.show(w, r, http.StatusOK, "subscribe.html", p)
}

// mayAsk counts a form with which a client has mail sent, and refuses it where there were
// enough.
func (s *server) mayAsk(w http.ResponseWriter, r *http.Request) error {
	client, now := s.client(r), s.now()
	if wait, over := s.signing.over(client, now); over {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		return status(http.StatusTooManyRequests)
	}
	s.signing.add(client, now)
	return nil
}

// signUpOf is the proof of what was asked for.
func (s *server) signUpOf(r *http.Request, n newsletter.Newsletter, p *page, typed asked) newsletter.SignUp {
	u := newsletter.SignUp{
		At: s.now().UTC().Truncate(time.Second), Source: typed.source, Page: typed.page, Form: cmp.Or(typed.form, s.shown[shownForm{n.Name, p.Language, true}]),
		Network: s.networkOf(r), Language: typed.language, Topics: typed.topics,
	}
	if newsletter.LanguageWithin(n.Language, u.Language) { // the newsletter's, whatever that will be
		u.Language = ""
	}
	return u
}

// toSubscribe returns the newsletter of a request and a page in its language, or in
// the one that the form names.
func (s *server) toSubscribe(w http.ResponseWriter, r *http.Request) (newsletter.Newsletter, *page, error) {
	n, err := s.o.Service.Newsletter(r.PathValue("newsletter"))
	if err != nil {
		return n, nil, err
	}
	w.Header().Set("Cache-Control", "no-store")
	return n, s.private(n.Language), nil
}

// private returns a page that is for one person.
func (s *server) private(languages ...string) *page {
	p := s.newPage(languages...)
	p.Private = true
	return p
}

func (s *server) showForm(w http.ResponseWriter, r *http.Request, code int, n newsletter.Newsletter, p *page, typed asked, problem string) error {
	v := subscribeView{State: "form", Newsletter: n.Title, Lang: n.Language, NewsletterURL: s.base + "/newsletters/" + url.PathEscape(n.Name)}
	made := s.now()
	if problem != "" { // they have seen it long enough
		made = made.Add(-formLeast)
	}
	if v.Form = s.form(n, p, typed, made); n.Closed {
		v.State, v.Form = "closed", nil
	} else {
		v.Form.Problem = problem
	}
	p.Title, p.View = p.words.T("signup.title", "newsletter", n.Title), v
	return s.show(w, r, code, "subscribe.html", p)
}

// embedView is the page that shows the form for other sites.
type embedView struct {
	Newsletter, Lang, NewsletterURL string
	HTML                            string // to be copied
	Lines                           int
}

// embed shows the form as plain HTML that works on any page of any site, without
// scripts, cookies or anything loaded from here.
func (s *server) embed(w http.ResponseWriter, r *http.Request) error {
	n, err := s.o.Service.Newsletter(r.PathValue("newsletter"))
	if err != nil {
		return err
	}
	if n.Closed {
		return status(http.StatusNotFound)
	}
	p := s.newPage(n.Language)
	p.Hidden = true
	snippet := s.snippet(n, p)
	p.Title = p.words.T("signup.embed")
	p.View = embedView{n.Title, n.Language, s.base + "/newsletters/" + url.PathEscape(n.Name), snippet, strings.Count(snippet, "\n") + 1}
	return s.show(w, r, http.StatusOK, "embed.html", p)
}

// snippet is the form for other sites.
func (s *server) snippet(n newsletter.Newsletter, p *page) string {
	text := func(key string, args ...any) string { return html.EscapeString(p.words.T(key, args...)) }
	id := "newsletter-" + n.Name
	note := ""
	if counts := countsNote(n, p.words); counts != "" {
		note = "\n<p><small>" + html.EscapeString(counts) + "</small></p>"
	}
	return fmt.Sprintf(`<form method="post" action="%s" accept-charset="utf-8" lang="%s">
<p>%s</p>
<p><label for="%s">%s</label>
<input id="%s" type="email" name="email" autocomplete="email" required></p>
<p hidden><label>%s <input name="website" tabindex="-1" autocomplete="off"></label></p>
<input type="hidden" name="language" value="%s">
<p><button>%s</button></p>%s
</form>`,
		html.EscapeString(s.o.WebURL+signUpPath(n.Name)), p.Language, text("signup.text", "newsletter", n.Title), id, text("signup.email"), id,
		text("signup.trap"), p.Language, text("signup.button"), note)
}
