package web_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/web"
)

// add puts articles into the store.
func (s *site) add(articles ...newsletter.Article) {
	s.t.Helper()
	for i := range articles {
		a := &articles[i]
		a.Key, a.Slug, a.Title, a.Language, a.Format = fmt.Sprint("more", i), fmt.Sprint("more-", i), fmt.Sprint("More ", i), "en", newsletter.PlainText
		a.Published, a.Body = start.Add(-time.Duration(i+1)*time.Hour), fmt.Sprint("Text ", i)
	}
	_, err := s.store.UpsertArticles(s.t.Context(), store.UpsertBatch{Source: "more", SiteURL: siteURL, Articles: articles}, s.clock())
	s.check(err)
}

// TestFeedsOfLabels: each tag, author, section and language has feeds, and a page
// that leads to them.
func TestFeedsOfLabels(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.add(newsletter.Article{Tags: []string{"Été & <mer>"}, Section: "craft/knots", Authors: []newsletter.Author{{Name: "Zoë O’Hara"}}})
	s.publish()
	for _, c := range []struct{ page, heading, article string }{
		{"/tags/sea/", "Articles tagged sea", "Mending a net"},
		{"/tags/%C3%A9t%C3%A9-mer/", "Articles tagged Été &amp; &lt;mer&gt;", "More 0"},
		{"/authors/ada-reave/", "Articles by Ada Reave", "Mending a net"},
		{"/authors/zo%C3%AB-o-hara/", "Articles by Zoë O’Hara", "More 0"},
		{"/sections/craft/", "Articles in Craft", "Mending a net"},
		{"/sections/craft/knots/", "Articles in Craft › Knots", "More 0"},
		{"/languages/fr/", "Articles in Français", "La soupe du vendredi"},
		{"/feeds/knots/", "Knots &amp; bread", "Mending a net"},
	} {
		body := text(t, s.get(c.page), 200)
		contains(t, body, ">"+c.heading+"</h1>", c.article,
			`<link rel="alternate" type="application/rss+xml" title="`, `href="`+c.page+`feed.rss">`, `href="/feed.rss">`)
		lacks(t, body, "Elsewhere", "A draft", "⟦")
		if strings.Index(body, c.page+"feed.rss") > strings.Index(body, `href="/feed.rss"`) {
			t.Errorf("%s: the site's feed is named before its own", c.page)
		}
		for _, format := range []string{"rss", "atom", "json"} {
			r := s.get(c.page + "feed." + format)
			contains(t, text(t, r, 200), siteURL+c.page+"feed."+format)
			link := strings.Join(r.Header.Values("Link"), ", ")
			contains(t, link, "<"+siteURL+c.page+"feed."+format+`>; rel="self"`, `<https://hub.example.net/>; rel="hub"`, `rel="alternate"; type="text/html"`)
			if strings.Count(link, `rel="self"`) != 1 {
				t.Errorf("%s: %s", c.page, link)
			}
			if r := s.get(c.page+"feed."+format, "If-None-Match", r.Header.Get("Etag")); r.StatusCode != 304 {
				t.Errorf("%s: %d with its tag", c.page, r.StatusCode)
			}
		}
		if r := s.get(strings.TrimSuffix(c.page, "/") + "?page=1"); r.StatusCode != 301 || r.Header.Get("Location") != c.page+"?page=1" {
			t.Errorf("%s: %d %v", c.page, r.StatusCode, r.Header)
		}
		if r := s.do("POST", c.page, ""); r.StatusCode != 405 {
			t.Errorf("POST %s: %d", c.page, r.StatusCode)
		}
		contains(t, text(t, s.get(c.page+"feed.json?format=html"), 200), `value="`+siteURL+c.page+`feed.json"`, c.article)
	}
	contains(t, text(t, s.get("/articles/mending-a-net"), 200), `<a class="tag" href="/tags/sea/" rel="tag">sea</a>`)
	contains(t, text(t, s.get("/tags/sea/", "Accept-Language", "fr"), 200), "Articles sur le thème «\u00a0sea\u00a0»")
	contains(t, text(t, s.get("/newsletters/weekly"), 200), `title="The Weekly (Atom)" href="/newsletters/weekly/feed.atom">`)
	for _, target := range []string{"/tags/nothing/", "/tags/", "/tags", "/tags/nothing/feed.rss", "/tags/sea/feed.xml", "/tags/sea/?page=2", "/tags/sea/?page=x"} {
		text(t, s.get(target), 404)
	}

	body := text(t, s.get("/feeds"), 200)
	contains(t, body, "<h2>Tags</h2>", "<h2>Authors</h2>", "<h2>Sections</h2>", "<h2>Languages</h2>", "<h2>Selections</h2>", "Été &amp; &lt;mer&gt;", `href="/tags/%C3%A9t%C3%A9-mer/feed.atom"`, "Craft › Knots", "The Weekly", `lang="fr"`)
	var list struct {
		Outlines []struct {
			URL string `xml:"xmlUrl,attr"`
		} `xml:"body>outline"`
	}
	s.check(xml.Unmarshal([]byte(text(t, s.get("/opml.xml"), 200)), &list))
	if len(list.Outlines) < 12 {
		t.Fatalf("%d feeds in the OPML", len(list.Outlines))
	}
	for _, o := range list.Outlines {
		contains(t, text(t, s.get(strings.TrimPrefix(o.URL, siteURL)), 200), "<rss ")
	}
}

// TestListPages: lists of more than twenty articles have pages.
func TestListPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	many := make([]newsletter.Article, 45)
	for i := range many {
		many[i].Tags = []string{"many"}
	}
	s.add(many...)
	s.publish()
	first, third := text(t, s.get("/tags/many/"), 200), text(t, s.get("/tags/many/?page=3"), 200)
	contains(t, first, "45 articles", `<link rel="next" href="/tags/many/?page=2">`, "Page 1 of 3", "More 0<", `<link rel="canonical" href="https://letter.example.org/tags/many/">`)
	contains(t, third, `<link rel="prev" href="/tags/many/?page=2">`, "More 44<", `<link rel="canonical" href="https://letter.example.org/tags/many/?page=3">`)
	lacks(t, third, `rel="next"`)
	text(t, s.get("/tags/many/?page=4"), 404)
}

// TestMovedAndGone: readers are led from former addresses, and told what is no more.
func TestMovedAndGone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.add(newsletter.Article{Tags: []string{"brief"}})
	s.publish()
	for from, to := range map[string]string{
		"/index.xml": "/feed.rss", "/tags/%C3%A9t%C3%A9/feed.xml": "/tags/sea/feed.atom", "/away.xml": "https://other.example.net/feed",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			r := s.do(method, from, "")
			if r.StatusCode != 301 || r.Header.Get("Location") != to || !strings.Contains(r.Header.Get("Cache-Control"), "max-age") {
				t.Errorf("%s %s: %d %v", method, from, r.StatusCode, r.Header)
			}
		}
	}
	text(t, s.get("/tags/brief/feed.atom"), 200)
	s.add(newsletter.Article{}) // it has the tag no more
	s.publish()
	for _, format := range []string{"rss", "atom", "json"} {
		text(t, s.get("/tags/brief/feed."+format), 410)
	}
	for _, page := range []string{"/tags/brief/", "/tags/brief"} {
		text(t, s.get(page), 410)
	}
	text(t, s.get("/tags/never/"), 404)
	s.add(newsletter.Article{Tags: []string{"brief"}})
	s.publish()
	contains(t, text(t, s.get("/tags/brief/feed.atom"), 200), "More 0")
}

// TestArchivePages: what is older than a feed is on pages of its archive.
func TestArchivePages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.add(make([]newsletter.Article, 120)...)
	s.publish()
	r := s.get("/archive/1.atom")
	contains(t, text(t, r, 200), "More 119", siteURL+"/archive/1.atom")
	if r.Header.Get("Cache-Control") != "public, max-age=3600" || r.Header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Errorf("%v", r.Header)
	}
	text(t, s.get("/archive/1.atom", "If-None-Match", r.Header.Get("Etag")), 304)
	body := text(t, s.get("/archive/1.atom?format=html"), 200)
	contains(t, body, "page 1 of the archive", `href="/feed.atom"`)
	lacks(t, body, "<input")
	text(t, s.get("/archive/9.atom"), 404)
}

// TestFeedsUnderAPath: a site below a path has its feeds there, whether a proxy
// takes the path away or not.
func TestFeedsUnderAPath(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.Site.URL = "https://example.org/la lettre" })
	s.publish()
	for _, base := range []string{"", "/la%20lettre"} {
		text(t, s.get(base+"/tags/sea/feed.rss"), 200)
		contains(t, text(t, s.get(base+"/tags/sea/"), 200), `href="/la%20lettre/tags/sea/feed.rss"`)
		if r := s.get(base + "/index.xml"); r.Header.Get("Location") != "/la%20lettre/feed.rss" {
			t.Errorf("%q: %v", base, r.Header)
		}
	}
}

// TestFeedsFollowTheCatalogue: feeds that come up while the site is served are
// served, and those in memory are made ready before anybody asks.
func TestFeedsFollowTheCatalogue(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.publish()
	text(t, s.get("/tags/new/feed.rss"), 404)
	old := text(t, s.get("/feed.rss"), 200)
	s.add(newsletter.Article{Tags: []string{"new"}})
	_, err := s.service.Publish(context.WithoutCancel(t.Context()))
	s.check(err)
	contains(t, text(t, s.get("/tags/new/feed.rss"), 200), "More 0")
	lacks(t, old, "More 0")
	for !strings.Contains(text(t, s.get("/feed.rss"), 200), "More 0") { // who makes it ready keeps nobody waiting
		s.pass(time.Second)
	}
}
