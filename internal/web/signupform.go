package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
)

const (
	formUse     = "sign-up"
	formLeast   = 2 * time.Second // between seeing a form and sending it: nobody types faster
	maxTopics   = 30              // that a form offers
	maxFormPage = 200             // bytes of what names the page where a form stood
)

// signUpForm is the form that subscribes to a newsletter.
type signUpForm struct {
	Newsletter string // title
	Lang       string // of the title
	Action     string // where the form goes
	Email      string // as it was typed before
	Problem    string // why it was not taken, for people; empty: nothing is wrong
	Stamp      string // of which words it is and when it was made, signed
	Page       string // where it stands, see asked
	Language   string // of the mail, where there is no choice
	Languages  []choice
	Topics     []choice
	Counts     string // what is counted of the newsletter's mails; empty: nothing is
}

// asked is what somebody typed.
type asked struct {
	email, language string
	topics          []string
	source          string
	page            string // where the form stood: a path of this site, or another site; empty: not known
	form            string // version of the words of the one on our pages, empty: it was another
	trapped         bool   // by the field that people do not see
	hasty           bool   // sent sooner than anybody types
}

// form makes the form of a newsletter, in the language of the page, filled in as it
// was before.
func (s *server) form(n newsletter.Newsletter, p *page, typed asked, made time.Time) *signUpForm {
	version := s.shown[shownForm{n.Name, p.Language, false}]
	p.stamp = s.stampForm(version, made)
	f := &signUpForm{
		Newsletter: n.Title, Lang: n.Language, Action: s.base + signUpPath(n.Name), Email: typed.email,
		Stamp: p.stamp, Page: typed.page, Language: p.Language, Counts: countsNote(n, p.words),
	}
	wanted := typed.language
	if wanted == "" {
		wanted = p.Language
	}
	if all := s.languages(); len(all) > 1 {
		for _, tag := range all {
			f.Languages = append(f.Languages, choice{Value: tag, Label: languageName(tag), Lang: tag, Chosen: newsletter.LanguageWithin(wanted, tag)})
		}
	}
	if tags := n.Select.Tags; len(tags) > 1 {
		for _, tag := range tags[:min(len(tags), maxTopics)] {
			f.Topics = append(f.Topics, choice{Value: tag, Label: tag, Chosen: slices.Contains(typed.topics, strings.ToLower(tag))})
		}
	}
	return f
}

// stampForm says, signed, which words a form has and when it was made.
func (s *server) stampForm(version string, made time.Time) string {
	return version + "." + s.store.Keyring().Stamp(formUse+" "+version, made)
}

// languages returns those that mail may be in: the site speaks them, and there are
// words for them.
func (s *server) languages() []string {
	var out []string
	for _, tag := range i18n.Languages() {
		spoken := newsletter.LanguageWithin(s.site.Language, tag) ||
			slices.ContainsFunc(s.o.Newsletters, func(n newsletter.Newsletter) bool { return newsletter.LanguageWithin(n.Language, tag) })
		if spoken {
			out = append(out, tag)
		}
	}
	return out
}

// readForm reads what somebody typed, whatever they or their program sent.
func (s *server) readForm(r *http.Request, n newsletter.Newsletter) (asked, error) {
	if err := form(r); err != nil {
		return asked{}, err
	}
	typed := asked{email: strings.TrimSpace(r.PostForm.Get("email")), trapped: r.PostForm.Get("website") != "", source: "embed", page: siteOf(r)}
	if len(typed.email) > 320 {
		typed.email = ""
	}
	if language := r.PostForm.Get("language"); slices.Contains(s.languages(), language) {
		typed.language = language
	}
	for _, tag := range n.Select.Tags {
		if slices.ContainsFunc(r.PostForm["topics"], func(t string) bool { return strings.EqualFold(t, tag) }) {
			typed.topics = append(typed.topics, strings.ToLower(tag))
		}
	}
	version, stamp, _ := strings.Cut(r.PostForm.Get("made"), ".")
	if made, ours := s.store.Keyring().ReadStamp(formUse+" "+version, stamp); ours {
		typed.source, typed.form = "form", version
		typed.page = s.ownPageOf(r)
		typed.hasty = s.now().Sub(made) < formLeast
	}
	return typed, nil
}

// siteOf returns the site on which a form stood, as far as the browser tells; its paths
// may say more than is to be kept.
func siteOf(r *http.Request) string {
	for _, told := range []string{r.Header.Get("Origin"), r.Referer()} {
		u, err := url.Parse(told)
		if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			return formPage(u.Scheme + "://" + u.Host)
		}
	}
	return ""
}

// ownPageOf returns the page of this site on which a form of ours stood: what the form
// says, else what the browser does. One that was sent from elsewhere and is shown again
// says where it was.
func (s *server) ownPageOf(r *http.Request) string {
	u, err := url.Parse(r.PostForm.Get("page"))
	switch {
	case err != nil || u.User != nil:
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return formPage(u.EscapedPath())
	case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "":
		return formPage(u.Scheme + "://" + u.Host)
	}
	if u, err = url.Parse(r.Referer()); err == nil && u.Host != "" && (u.Host == r.Host || strings.HasPrefix(s.o.WebURL+"/", u.Scheme+"://"+u.Host+"/")) {
		return formPage(u.EscapedPath())
	}
	return siteOf(r)
}

// formPage bounds what names a page.
func formPage(page string) string {
	if len(page) > maxFormPage || strings.ContainsFunc(page, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return page
}

// countsNote says what is counted of a newsletter's mails; empty: nothing is.
func countsNote(n newsletter.Newsletter, w *i18n.Words) string {
	what := n.Counts.What()
	if what == "" {
		return ""
	}
	return w.T("signup.counts_" + what)
}

// subscribeURL is the page with the form of a newsletter; empty: it has none.
func (s *server) subscribeURL(name string) string {
	if n, err := s.o.Service.Newsletter(name); err != nil || n.Closed {
		return ""
	}
	return s.base + signUpPath(name)
}

func signUpPath(name string) string { return "/newsletters/" + url.PathEscape(name) + "/subscribe" }
