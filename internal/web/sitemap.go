package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
)

const (
	sitemapPath = "/sitemap.xml"
	partPrefix  = "/sitemap-"
	partSuffix  = ".xml.gz"
	sitemapAge  = "public, max-age=3600"
)

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

// sitemapPart returns the number of the part that a path names.
func sitemapPart(path string) (int, bool) {
	rest, ok := strings.CutPrefix(path, partPrefix)
	number, ok2 := strings.CutSuffix(rest, partSuffix)
	n, err := strconv.Atoi(number)
	return n, ok && ok2 && err == nil && n > 0 && strconv.Itoa(n) == number
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
	if now.issues, err = s.issuesPrint(ctx); err != nil {
		return nil, nil, err
	}
	if m.first != nil && m.of == now {
		return m.first, m.parts, nil
	}
	list := publish.NewSitemap(publish.SitemapPages)
	if err := s.addPages(ctx, list, now.catalogue); err != nil {
		return nil, nil, err
	}
	file, parts, err := list.Finish(func(part int) string { return s.site.URL + partPrefix + strconv.Itoa(part) + partSuffix })
	if err != nil {
		return nil, nil, err
	}
	m.of, m.parts, m.first = now, parts, newDocument("application/xml; charset=utf-8", file, time.Time{})
	return m.first, m.parts, nil
}

// published is the query for the issues of a newsletter that search engines may find.
func published(name string) store.IssueQuery {
	rehearsal := false
	return store.IssueQuery{Newsletter: name, Rehearsal: &rehearsal, Out: true}
}

// issuesPrint changes whenever an issue comes out, or is cancelled.
func (s *server) issuesPrint(ctx context.Context) (string, error) {
	var b strings.Builder
	for _, n := range s.o.Newsletters {
		if n.Archive != newsletter.ArchivePublic {
			continue
		}
		q := published(n.Name)
		count, err := s.store.CountIssues(ctx, q)
		if err != nil {
			return "", err
		}
		q.Limit = 1
		last, err := s.store.Issues(ctx, q)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s %d", n.Name, count)
		for _, i := range last {
			fmt.Fprintf(&b, " %d", i.ID)
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// addPages adds the pages that may be found: none behind a link, none that says it is a
// copy of another.
func (s *server) addPages(ctx context.Context, list *publish.Sitemap, c *publish.Catalogue) error {
	site := s.site.URL
	list.Add(site+"/", time.Time{})
	list.Add(site+"/feeds", time.Time{})
	for _, n := range s.o.Newsletters {
		if n.Archive == newsletter.ArchivePrivate {
			continue
		}
		list.Add(site+"/newsletters/"+url.PathEscape(n.Name), time.Time{})
		if n.Archive != newsletter.ArchivePublic {
			continue
		}
		issues, err := s.store.Issues(ctx, published(n.Name))
		if err != nil {
			return err
		}
		for _, i := range issues {
			list.Add(site+issuePath(n.Name, i.Number), i.SealedAt)
		}
	}
	for i := range c.Feeds {
		f := &c.Feeds[i]
		if _, ok := selected(f); ok {
			list.Add(site+pageOfFeed(f), f.Updated)
		}
	}
	err := s.store.WalkPages(ctx, func(p store.Page) bool {
		a := newsletter.Article{Slug: url.PathEscape(p.Slug), Permalink: p.Permalink}
		if address := a.URL(site); !p.Syndicated && strings.HasPrefix(address, site+"/") {
			list.Add(address, p.Updated)
		}
		return ctx.Err() == nil
	})
	return cmp.Or(err, ctx.Err()) // half a walk is not the list
}
