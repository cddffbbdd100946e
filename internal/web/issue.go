package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
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
	issueStyle  = "<style>.personal{display:none!important}</style>"
	privateHead = `<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">`
	barStyle    = `margin:0;padding:2px 12px;text-align:center;font:14px/1.6 -apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif`
	barLink     = `<a href="%s"%s style="display:inline-block;padding:11px 10px;color:inherit">%s</a>`
)

// Where the head of a mail ends, and where it begins and ceases to be seen.
var (
	headEndTag = regexp.MustCompile(`(?i)</head\s*>`)
	bodyTag    = regexp.MustCompile(`(?i)<body(\s[^>]*)?>`)
	bodyEndTag = regexp.MustCompile(`(?i)</body\s*>`)
)

// issue shows an issue of a public archive: the digest that the link of a mail names,
// else the one that most readers of the newsletter's language got, with nothing
// personal in it.
func (s *server) issue(w http.ResponseWriter, r *http.Request) error {
	n, err := s.named(r)
	if err != nil {
		return err
	}
	if n.Archive != newsletter.ArchivePublic {
		return s.notForAll(w, r, n)
	}
	i, err := s.issueNumbered(r, n)
	if err != nil {
		return err
	}
	digest, err := strconv.Atoi(r.URL.Query().Get("digest"))
	if err != nil {
		digest = 0
	}
	return s.showIssue(w, r, n, i, digest, s.publicArchive(n.Name))
}

// issueNumbered returns the issue that the path of a request names.
func (s *server) issueNumbered(r *http.Request, n newsletter.Newsletter) (newsletter.Issue, error) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 1 || strconv.Itoa(number) != r.PathValue("number") {
		return newsletter.Issue{}, status(http.StatusNotFound)
	}
	i, err := s.issueOut(r.Context(), n.Name, false, number)
	if !errors.Is(err, store.ErrNotFound) {
		return i, err
	}
	rehearsal, cerr := s.rehearses(r.Context(), n.Name)
	if cerr != nil || !rehearsal {
		return i, errors.Join(err, cerr)
	}
	return s.issueOut(r.Context(), n.Name, true, number)
}

// issueOut returns an issue that came out, or was cancelled half-way: the mails
// that went out before link to it. store.ErrNotFound for any other.
func (s *server) issueOut(ctx context.Context, name string, rehearsal bool, number int) (newsletter.Issue, error) {
	i, err := s.store.IssueByNumber(ctx, name, rehearsal, number)
	if err != nil {
		return i, err
	}
	return i, s.cameOut(ctx, &i)
}

// cameOut is store.ErrNotFound for an issue that nobody got.
func (s *server) cameOut(ctx context.Context, i *newsletter.Issue) error {
	if i.Out() {
		return nil
	}
	if i.State == newsletter.IssueCancelled {
		if t, err := s.store.IssueTally(ctx, i.ID); err != nil || t.Sent > 0 {
			return err
		}
	}
	return store.ErrNotFound
}

// showIssue answers with the page of an issue, in an archive.
func (s *server) showIssue(w http.ResponseWriter, r *http.Request, n newsletter.Newsletter, i newsletter.Issue, digest int, in archive) error {
	ctx := r.Context()
	d, err := s.digest(ctx, &i, digest, in.language, n.Language)
	if err != nil {
		return err
	}
	if d.HTML, err = s.o.Service.Uncounted(ctx, d); err != nil {
		return err
	}
	before, after, err := s.store.BesideIssue(ctx, i)
	if err != nil {
		return err
	}
	head := privateHead
	if !in.private {
		if head, err = s.issueHead(ctx, n, &i, &d); err != nil {
			return err
		}
	}
	about := s.o.WebURL + "/newsletters/" + n.Name
	words := i18n.For(d.Language, n.Language, s.site.Language)
	body := []byte(strings.NewReplacer(
		newsletter.PlaceholderUnsubscribe, about,
		newsletter.PlaceholderPreferences, about,
		newsletter.PlaceholderWeb, about,
		newsletter.PlaceholderName, "", // nobody in particular: what stands there for those without a name
		newsletter.PlaceholderNameEnd, "",
		newsletter.PlaceholderAddress, "…",
	).Replace(onTheWeb(d.HTML, head+issueStyle, issueLinks(words, in, before, after), words)))

	h := w.Header()
	h.Set("Content-Security-Policy", issuePolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", cmp.Or(d.Language, n.Language, s.site.Language))
	if in.private {
		h.Set("Cache-Control", "private, no-cache")
		serveTagged(w, r, body)
		return nil
	}
	h.Add("Link", "<"+s.site.URL+issuePath(n.Name, i.Number)+`>; rel="canonical"`)
	linkFeeds(w, s.issueFeeds(n))
	if i.Rehearsal {
		h.Set("X-Robots-Tag", "noindex")
	}
	servePublic(w, r, body, body)
	return nil
}

// digest returns a digest of an issue by its number. Where that is 0, or there is no
// such digest, it is the one that most readers of the languages got, as far as can be
// told.
func (s *server) digest(ctx context.Context, i *newsletter.Issue, n int, languages ...string) (newsletter.Digest, error) {
	if n > 0 {
		d, err := s.store.Digest(ctx, i.ID, n)
		if !errors.Is(err, store.ErrNotFound) {
			return d, err
		}
	}
	digests, err := s.store.Digests(ctx, i.ID)
	if err != nil {
		return newsletter.Digest{}, err
	}
	lead, ok := leading(digests, languages...)
	if !ok {
		return newsletter.Digest{}, store.ErrNotFound
	}
	return s.store.Digest(ctx, i.ID, lead.N)
}

// onTheWeb adds to a mail, where it has a head and a body: to the head, and links at its
// beginning and end.
func onTheWeb(mail, head, links string, words *i18n.Words) string {
	attributes := ` lang="` + words.Language() + `" dir="` + i18n.Direction(words.Language()) + `" style="` + barStyle + `">`
	if at := headEndTag.FindStringIndex(mail); at != nil {
		mail = mail[:at[0]] + head + mail[at[0]:]
	}
	if ends := bodyEndTag.FindAllStringIndex(mail, -1); len(ends) > 0 {
		at := ends[len(ends)-1][0]
		mail = mail[:at] + "<p" + attributes + links + "</p>" + mail[at:]
	}
	if at := bodyTag.FindStringIndex(mail); at != nil {
		bar := `<nav aria-label="` + html.EscapeString(words.T("newsletter.archive")) + `"` + attributes + `<span style="display:block;padding:8px 0 0">` + html.EscapeString(words.T("newsletter.preview")) + "</span>" + links + "</nav>"
		mail = mail[:at[1]] + bar + mail[at[1]:]
	}
	return mail
}

// issueLinks lead from an issue to the others.
func issueLinks(words *i18n.Words, in archive, before, after int) string {
	text := func(key string) string { return html.EscapeString(words.T(key)) }
	var b strings.Builder
	link := func(to, rel, label string) { fmt.Fprintf(&b, barLink, html.EscapeString(to), rel, label) }
	if before > 0 {
		link(in.issue(before), ` rel="prev"`, `<span aria-hidden="true">‹</span> `+text("article.previous"))
	}
	link(in.list, "", text("newsletter.all_issues"))
	if after > 0 {
		link(in.issue(after), ` rel="next"`, text("article.next")+` <span aria-hidden="true">›</span>`)
	}
	return b.String()
}

// leading returns the digest with the most articles among those of the first of the
// languages that has one, or among all if none has.
func leading(digests []newsletter.Digest, languages ...string) (newsletter.Digest, bool) {
	if len(digests) == 0 {
		return newsletter.Digest{}, false
	}
	place := func(d newsletter.Digest) int {
		if d.Language == "" {
			return 0
		}
		at := slices.IndexFunc(languages, func(l string) bool { return l != "" && newsletter.LanguageWithin(d.Language, l) })
		if at < 0 {
			return len(languages)
		}
		return at
	}
	return slices.MaxFunc(digests, func(a, b newsletter.Digest) int {
		return cmp.Or(cmp.Compare(place(b), place(a)), cmp.Compare(len(a.Articles), len(b.Articles)), cmp.Compare(b.N, a.N))
	}), true
}
