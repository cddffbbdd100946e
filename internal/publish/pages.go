package publish

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// The names of a sitemap's files, below public/ and below the site's address.
const (
	SitemapFile = "sitemap.xml"
	partPrefix  = "sitemap-"
	partSuffix  = ".xml.gz"
)

// SitemapPartFile returns the name of a part, from 1.
func SitemapPartFile(part int) string { return partPrefix + strconv.Itoa(part) + partSuffix }

// SitemapPartOf returns which part a name is of; false: of none.
func SitemapPartOf(name string) (part int, ok bool) {
	part, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, partPrefix), partSuffix))
	return part, err == nil && part > 0 && name == SitemapPartFile(part)
}

// Listed reports whether the site has a page with all articles of the feed.
func (f *Feed) Listed() bool {
	return f.Kind == Tag || f.Kind == Author || f.Kind == Section || f.Kind == Language
}

// PagePath is the path of the page that lists what is in the feed.
func (f *Feed) PagePath() string { return (&url.URL{Path: "/" + f.Path + "/"}).EscapedPath() }

// Sitemap lists the pages that search engines may find, as they are now: none behind a
// link, none that says it is a copy of another. c are the feeds.
func (b *Builder) Sitemap(ctx context.Context, c *Catalogue) (file []byte, parts []SitemapPart, err error) {
	file, parts, _, err = b.listPages(ctx, c)
	return file, parts, err
}

// listPages is Sitemap, and says how many pages there are.
func (b *Builder) listPages(ctx context.Context, c *Catalogue) (file []byte, parts []SitemapPart, pages int, err error) {
	list := NewSitemap(b.most)
	if err := b.addPages(ctx, list, c); err != nil {
		return nil, nil, 0, fmt.Errorf("listing the pages of the site: %w", err)
	}
	file, parts, err = list.Finish(func(part int) string { return address(b.o.Site.URL, SitemapPartFile(part)) })
	return file, parts, list.all, err
}

// listing is what is known of the sitemap that a build left.
type listing struct {
	Version int64     `json:"version"` // of the articles in it
	Issues  string    `json:"issues"`  // hash of the issues in it
	Pages   int       `json:"pages"`
	At      time.Time `json:"at"` // when it was made
}

// A long list takes longer than the feeds that change with an article, and search engines
// come for it once a day: it is made anew every so often.
const (
	pagesAtOnce  = 5000 // up to so many are listed by each build
	listingEvery = time.Hour
)

// listingDue reports whether a build makes the sitemap again.
func (b *Builder) listingDue(l listing) bool {
	age := b.o.Now().Sub(l.At)
	return l.Pages <= b.atOnce || age >= listingEvery || age < 0
}

// SitemapIssues changes whenever an issue comes out, or is cancelled, that is listed.
func (b *Builder) SitemapIssues(ctx context.Context) (string, error) {
	var print strings.Builder
	for _, n := range b.o.Newsletters { // those whose issues everybody may read
		q := listedIssues(n.Name)
		count, err := b.o.Store.CountIssues(ctx, q)
		if err != nil {
			return "", err
		}
		q.Limit = 1
		last, err := b.o.Store.Issues(ctx, q)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&print, "%s %d", n.Name, count)
		for _, i := range last {
			fmt.Fprintf(&print, " %d", i.ID)
		}
		print.WriteByte('\n')
	}
	return print.String(), nil
}

func listedIssues(name string) store.IssueQuery {
	rehearsal := false
	return store.IssueQuery{Newsletter: name, Rehearsal: &rehearsal, Out: true}
}

func (b *Builder) addPages(ctx context.Context, list *Sitemap, c *Catalogue) error {
	site := b.o.Site.URL
	list.Add(site+"/", time.Time{})
	list.Add(site+"/feeds", time.Time{})
	for _, name := range b.pages {
		list.Add(address(site, newslettersFolder+"/"+name), time.Time{})
	}
	for _, n := range b.o.Newsletters {
		issues, err := b.o.Store.Issues(ctx, listedIssues(n.Name))
		if err != nil {
			return err
		}
		for _, i := range issues {
			list.Add(address(site, newslettersFolder+"/"+n.Name+"/issues/"+strconv.Itoa(i.Number)), i.SealedAt)
		}
	}
	for i := range c.Feeds {
		if f := &c.Feeds[i]; f.Listed() {
			list.Add(site+f.PagePath(), f.Updated)
		}
	}
	err := b.o.Store.WalkPages(ctx, func(p store.Page) bool {
		a := newsletter.Article{Slug: url.PathEscape(p.Slug), Permalink: p.Permalink}
		if page := a.URL(site); !p.Syndicated && strings.HasPrefix(page, site+"/") {
			list.Add(page, p.Updated)
		}
		return ctx.Err() == nil
	})
	return cmp.Or(err, ctx.Err()) // half a walk is not the list
}
