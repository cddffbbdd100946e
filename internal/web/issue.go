package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// issuePolicy is for a digest as it was mailed, with its styles inside.
const issuePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"

// What the web adds to a mail: nothing personal is shown, and there is a way to
// the other issues. It has the colours of the browser, which go with any template.
const (
	issueStyle = "<style>.personal{display:none!important}</style>"
	issueBar   = `<p style="margin:0;padding:6px 16px;text-align:center;font:14px/1.6 -apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">%s <a href="%s" style="display:inline-block;padding:11px 0;color:inherit">%s</a></p>`
)

// bodyTag is where a mail begins to be seen.
var bodyTag = regexp.MustCompile(`(?i)<body(\s[^>]*)?>`)

// issue shows an issue in the browser: the digest that most readers of the
// newsletter's language got, with nothing personal in it.
func (s *server) issue(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	n, err := s.o.Service.Newsletter(r.PathValue("newsletter"))
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 1 || strconv.Itoa(number) != r.PathValue("number") {
		return status(http.StatusNotFound)
	}
	_, rehearsal, err := s.publicIssues(ctx, n.Name)
	if err != nil {
		return err
	}
	i, err := s.issueOut(ctx, n.Name, false, number)
	if err == nil {
		rehearsal = false
	} else if rehearsal && errors.Is(err, store.ErrNotFound) {
		i, err = s.issueOut(ctx, n.Name, true, number)
	}
	if err != nil {
		return err
	}
	digests, err := s.store.Digests(ctx, i.ID)
	if err != nil {
		return err
	}
	lead, ok := leading(digests, n.Language)
	if !ok {
		return store.ErrNotFound
	}
	d, err := s.store.Digest(ctx, i.ID, lead.N)
	if err != nil {
		return err
	}
	about := s.o.WebURL + "/newsletters/" + url.PathEscape(n.Name)
	body := []byte(strings.NewReplacer(
		newsletter.PlaceholderUnsubscribe, about,
		newsletter.PlaceholderPreferences, about,
		newsletter.PlaceholderName, "", // nobody in particular: what stands there for those without a name
		newsletter.PlaceholderNameEnd, "",
		newsletter.PlaceholderAddress, "…",
	).Replace(onTheWeb(d.HTML, s.base+"/newsletters/"+url.PathEscape(n.Name), i18n.For(d.Language, n.Language, s.site.Language))))

	h := w.Header()
	h.Set("Content-Security-Policy", issuePolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", cmp.Or(d.Language, n.Language, s.site.Language))
	h.Add("Link", "<"+s.site.URL+issuePath(n.Name, number)+`>; rel="canonical"`)
	if rehearsal {
		h.Set("X-Robots-Tag", "noindex")
	}
	servePublic(w, r, body)
	return nil
}

// issueOut returns an issue that is public, or was cancelled half-way: the mails
// that went out before link to it. store.ErrNotFound for any other.
func (s *server) issueOut(ctx context.Context, name string, rehearsal bool, number int) (newsletter.Issue, error) {
	i, err := s.store.IssueByNumber(ctx, name, rehearsal, number)
	if err != nil || isPublic(i) {
		return i, err
	}
	if i.State == newsletter.IssueCancelled {
		if t, err := s.store.IssueTally(ctx, i.ID); err != nil || t.Sent > 0 {
			return i, err
		}
	}
	return i, store.ErrNotFound
}

// onTheWeb adds issueStyle and issueBar to a mail, where it has a head and a body.
func onTheWeb(mail, newsletterURL string, words *i18n.Words) string {
	bar := fmt.Sprintf(issueBar, html.EscapeString(words.T("newsletter.preview")), html.EscapeString(newsletterURL), html.EscapeString(words.T("newsletter.all_issues")))
	mail = strings.Replace(mail, "</head>", issueStyle+"</head>", 1)
	if at := bodyTag.FindStringIndex(mail); at != nil {
		mail = mail[:at[1]] + bar + mail[at[1]:]
	}
	return mail
}

// leading returns the digest with the most articles among those of the
// newsletter's language, or among all if there is none.
func leading(digests []newsletter.Digest, language string) (newsletter.Digest, bool) {
	if len(digests) == 0 {
		return newsletter.Digest{}, false
	}
	own := func(d newsletter.Digest) int {
		if d.Language == "" || newsletter.LanguageWithin(d.Language, language) {
			return 1
		}
		return 0
	}
	return slices.MaxFunc(digests, func(a, b newsletter.Digest) int {
		return cmp.Or(cmp.Compare(own(a), own(b)), cmp.Compare(len(a.Articles), len(b.Articles)), cmp.Compare(b.N, a.N))
	}), true
}
