package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"syndicate/internal/publish"
)

const sitemapAge = "public, max-age=3600"

// sitemap is the list of the site's pages for search engines (sitemaps.org), as it was
// made last. It is made when it is asked for, and anew when something changed.
type sitemap struct {
	mu    sync.Mutex
	of    sitemapKey
	first *document // nil: not made yet
	parts []publish.SitemapPart
}

// sitemapKey is what a sitemap was made of.
type sitemapKey struct {
	articles  int64 // their version
	catalogue *publish.Catalogue
	issues    string
}

// sitemapFile answers with the list, or with the index of its parts.
func (s *server) sitemapFile(w http.ResponseWriter, r *http.Request) error {
	first, _, err := s.sitemap(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", sitemapAge)
	return first.serve(w, r)
}

// partOfSitemap answers with a part, from 1.
func (s *server) partOfSitemap(part int) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		_, parts, err := s.sitemap(r.Context())
		if err != nil {
			return err
		}
		if part > len(parts) {
			return status(http.StatusNotFound)
		}
		h := w.Header()
		h.Set("Content-Type", "application/gzip")
		h.Set("Cache-Control", sitemapAge)
		serveTagged(w, r, parts[part-1].GZ)
		return nil
	}
}

// sitemap returns the list as it is now. Others who ask meanwhile wait for the one who
// makes it.
func (s *server) sitemap(ctx context.Context) (*document, []publish.SitemapPart, error) {
	m := &s.pages
	m.mu.Lock()
	defer m.mu.Unlock()
	now := sitemapKey{catalogue: s.directory().catalogue}
	var err error
	if now.articles, err = s.store.ArticlesVersion(ctx); err != nil {
		return nil, nil, err
	}
	if now.issues, err = s.o.Service.SitemapIssues(ctx); err != nil {
		return nil, nil, err
	}
	if m.first != nil && m.of == now {
		return m.first, m.parts, nil
	}
	file, parts, err := s.o.Service.Sitemap(ctx, now.catalogue)
	if err != nil {
		return nil, nil, err
	}
	m.of, m.parts, m.first = now, parts, newDocument("application/xml; charset=utf-8", file, time.Time{})
	return m.first, m.parts, nil
}
