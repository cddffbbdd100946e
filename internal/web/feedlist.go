package web

import (
	"net/http"

	"syndicate/internal/publish"
)

// feedListView is the page of all feeds.
type feedListView struct {
	Groups []feedGroup
	OPML   string // address of the list that readers import
}

// feedGroup is the feeds of a kind.
type feedGroup struct {
	Heading string
	Feeds   []feedRow
}

// feedRow is a feed in a list.
type feedRow struct {
	Title, Description string
	Lang               string // of these, where it differs from the page's, else empty
	Home               string // the page that it is about
	Links              []feedLink
}

// feedKinds are the kinds of feeds as the page lists them, and the words above them.
var feedKinds = []struct {
	kind  publish.Kind
	words string
}{
	{publish.Site, "feeds.all"},
	{publish.Newsletter, "site.newsletters"},
	{publish.Named, "feeds.selections"},
	{publish.Section, "feeds.sections"},
	{publish.Tag, "article.tags"},
	{publish.Author, "feeds.authors"},
	{publish.Language, "feeds.languages"},
}

// feedList shows all feeds by kind.
func (s *server) feedList(w http.ResponseWriter, r *http.Request) error {
	c := s.directory().catalogue
	p := s.newPage(preferred(w, r)...)
	v := feedListView{OPML: s.base + "/opml.xml"}
	for _, k := range feedKinds {
		g := feedGroup{Heading: p.words.T(k.words)}
		for f := range c.Kind(k.kind) {
			row := feedRow{Title: shortName(f), Home: s.nearURL(f.Home), Links: s.feedLinks(f)}
			if k.kind == publish.Site || k.kind == publish.Newsletter || k.kind == publish.Named {
				row.Description = f.Description
				row.Lang, _ = foreign(f.Language, p.Language)
			}
			g.Feeds = append(g.Feeds, row)
		}
		if len(g.Feeds) > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
	p.View, p.Title = v, p.words.T("feeds.heading")
	p.Description = p.words.T("feeds.text", "site", s.site.Title)
	p.Canonical = s.site.URL + "/feeds"
	linkFeeds(w, p.Feeds)
	return s.show(w, r, http.StatusOK, "feeds.html", p)
}

// shortName is what a feed is called among others of its kind.
func shortName(f *publish.Feed) string {
	switch f.Kind {
	case publish.Tag, publish.Author:
		return f.Label
	case publish.Section:
		return sectionTitle(f.Label)
	case publish.Language:
		return languageName(f.Label)
	}
	return f.Title
}
