package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// issuePolicy is for a digest as it was mailed, with its styles inside.
const issuePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"

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
	issues, rehearsal, err := s.publicIssues(ctx, n.Name)
	if err != nil {
		return err
	}
	if len(issues) == 0 {
		return status(http.StatusNotFound)
	}
	i, err := s.store.IssueByNumber(ctx, n.Name, rehearsal, number)
	if err != nil {
		return err
	}
	if !isPublic(i) {
		return status(http.StatusNotFound)
	}
	digests, err := s.store.Digests(ctx, i.ID)
	if err != nil {
		return err
	}
	d, ok := leading(digests, n.Language)
	if !ok {
		return store.ErrNotFound
	}
	about := s.o.WebURL + "/newsletters/" + url.PathEscape(n.Name)
	body := []byte(strings.NewReplacer(
		newsletter.PlaceholderUnsubscribe, about,
		newsletter.PlaceholderPreferences, about,
		newsletter.PlaceholderName, "",
		newsletter.PlaceholderAddress, "…",
	).Replace(d.HTML))

	h := w.Header()
	h.Set("Content-Security-Policy", issuePolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", cmp.Or(d.Language, n.Language, s.site.Language))
	h.Set("Cache-Control", "public, no-cache")
	h.Add("Link", "<"+s.site.URL+issuePath(n.Name, number)+`>; rel="canonical"`)
	if rehearsal {
		h.Set("X-Robots-Tag", "noindex")
	}
	tag := `W/"` + hashOf(body) + `"`
	h.Set("Etag", tag)
	if notModified(r, tag, time.Time{}) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		w.Write(body)
	}
	return nil
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
