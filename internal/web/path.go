package web

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"syndicate/internal/store"
)

// maxPath bounds, in bytes, a path that is looked up.
const maxPath = 1024

// byPath answers what no other route does: it finds the article whose permalink or
// former path the request's is, with or without a slash at the end. A page of ours
// with one slash too many is redirected.
func (s *server) byPath(w http.ResponseWriter, r *http.Request) error {
	if !isPath(r.URL.Path) {
		return status(http.StatusNotFound)
	}
	// Escaped in one way, as paths are stored: /été comes as %C3%A9t%C3%A9 or %c3%a9t%c3%a9.
	asked := (&url.URL{Path: r.URL.Path}).EscapedPath()
	other := asked + "/"
	if trimmed := strings.TrimRight(asked, "/"); trimmed != asked {
		other = trimmed
	}
	// A permalink may be stored with the site's address in front.
	for _, try := range []string{asked, other, s.site.URL + asked, s.site.URL + other} {
		a, redirect, err := s.store.ArticleByPath(r.Context(), try)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if !redirect && strings.HasSuffix(try, asked) {
			return s.showArticle(w, r, &a)
		}
		to := s.localURL(&a)
		if u, err := url.Parse(to); err == nil && u.Host == "" && u.EscapedPath() == s.base+asked {
			return s.showArticle(w, r, &a) // it is there already: no circle
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
		return nil
	}
	if trimmed := strings.TrimRight(r.URL.Path, "/"); trimmed != r.URL.Path && trimmed != "" && s.isOurs(r, trimmed) {
		to := url.URL{Path: trimmed, RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, s.base+to.String(), http.StatusMovedPermanently)
		return nil
	}
	if s.directory().catalogue.WasHome(r.URL.Path) { // of a tag that no article has any more
		return status(http.StatusGone)
	}
	was, err := s.store.WasArticle(r.Context(), asked, other, s.site.URL+asked, s.site.URL+other, r.URL.Path)
	if err != nil {
		return err
	}
	if was {
		return status(http.StatusGone)
	}
	return status(http.StatusNotFound)
}

// isPath reports whether s can be a path, or a part of one, that a store knows.
func isPath(s string) bool {
	return len(s) <= maxPath && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// isOurs reports whether a feed, or a route other than the catch-all, takes the path.
func (s *server) isOurs(r *http.Request, p string) bool {
	if s.find(p) != nil {
		return true
	}
	probe := &http.Request{Method: r.Method, Host: r.Host, URL: &url.URL{Path: p}}
	_, pattern := s.mux.Handler(probe)
	return pattern != "" && pattern != catchAll
}

// guess returns a slug that a mistyped or foreign address may mean: its last
// part without the extension.
func guess(asked string) string {
	name := path.Base(strings.TrimRight(asked, "/"))
	name = strings.TrimSuffix(name, path.Ext(name))
	if len(name) > 200 || name == "." || name == "/" || !isPath(name) {
		return ""
	}
	return strings.ToLower(name)
}
