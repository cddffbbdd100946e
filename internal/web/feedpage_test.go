package web_test

import (
	"strings"
	"testing"
)

const (
	chromeAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
	safariAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
)

// TestFeedForPeople: who opens a feed in a browser sees a page; whatever feed
// readers say, they get the feed.
func TestFeedForPeople(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("feed.rss", "<rss/>")
	s.write("feed.json", `{"items": [{"title": "A <net>", "url": "https://letter.example.org/articles/mending-a-net", "summary": "Knots.", "date_published": "2026-11-02T08:00:00Z", "authors": [{"name": "Ada Reave"}]},
		{"title": "Soupe", "url": "https://other.example.net/s", "language": "fr"}]}`)
	for _, c := range []struct {
		name    string
		target  string
		headers []string
		page    bool
	}{
		{"Chrome", "", []string{"Accept", chromeAccept, "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate"}, true},
		{"Safari", "", []string{"Accept", safariAccept, "Sec-Fetch-Dest", "document"}, true},
		{"Firefox on plain HTTP", "", []string{"Accept", safariAccept, "Upgrade-Insecure-Requests", "1"}, true},
		{"HTML and nothing else", "", []string{"Accept", "text/html"}, true},
		{"HTML and XHTML", "", []string{"Accept", "application/xhtml+xml, text/html;q=0.9"}, true},
		{"with a campaign", "?utm_source=x", []string{"Accept", safariAccept, "Sec-Fetch-Dest", "document"}, true},
		{"asked for", "?format=html", nil, true},

		{"nothing", "", nil, false},
		{"anything", "", []string{"Accept", "*/*"}, false},
		{"empty", "", []string{"Accept", ""}, false},
		{"a script in a browser", "", []string{"Accept", "*/*", "Sec-Fetch-Dest", "empty"}, false},
		{"Miniflux", "", []string{"Accept", "application/xml, application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, text/html, */*;q=0.9"}, false},
		{"SimplePie", "", []string{"Accept", "application/atom+xml, application/rss+xml, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, text/html;q=0.7, unknown/unknown;q=0.1, application/unknown;q=0.1, */*;q=0.1"}, false},
		{"HTML as well", "", []string{"Accept", "text/html, application/rss+xml"}, false},
		{"HTML rather, in a reader", "", []string{"Accept", "text/html, application/rss+xml;q=0.9"}, false},
		{"a reader that copies a browser's Accept", "", []string{"Accept", chromeAccept, "User-Agent", "Mozilla/5.0"}, false},
		{"a script that copies more", "", []string{"Accept", chromeAccept, "Sec-Fetch-Dest", "empty", "Upgrade-Insecure-Requests", "1"}, false},
		{"in a frame", "", []string{"Accept", safariAccept, "Sec-Fetch-Dest", "iframe"}, false},
		{"no HTML", "", []string{"Accept", "text/html;q=0, */*", "Sec-Fetch-Dest", "document"}, false},
		{"anything rather than HTML", "", []string{"Accept", "text/html;q=0.5, */*;q=0.8", "Sec-Fetch-Dest", "document"}, false},
		{"text rather", "", []string{"Accept", "text/*, text/html", "Sec-Fetch-Dest", "document"}, false},
		{"the document asked for", "?format=rss", []string{"Accept", safariAccept, "Sec-Fetch-Dest", "document"}, false},
	} {
		r := s.get("/feed.rss"+c.target, c.headers...)
		body := text(t, r, 200)
		vary := strings.Join(r.Header.Values("Vary"), ", ")
		if !strings.Contains(vary, "Accept, ") && !strings.HasPrefix(vary, "Accept,") {
			t.Errorf("%s: Vary %q", c.name, vary)
		}
		if page := body != "<rss/>"; page != c.page {
			t.Errorf("%s: page %v", c.name, page)
			continue
		}
		if !c.page {
			continue
		}
		contains(t, body, `value="https://letter.example.org/feed.rss"`, "A &lt;net&gt;", `href="/articles/mending-a-net"`, "Ada Reave", "Français", `href="/feed.atom"`, `href="/feed.rss?format=rss"`, `href="/feeds"`)
		lacks(t, body, "<script")
		h := r.Header
		if h.Get("Content-Type") != "text/html; charset=utf-8" || !strings.HasPrefix(h.Get("Cache-Control"), "private") || h.Get("X-Robots-Tag") != "noindex" || !strings.Contains(vary, "Sec-Fetch-Dest") {
			t.Errorf("%s: %v", c.name, h)
		}
		if got := h.Values("Link"); len(got) == 0 || got[0] != `<https://letter.example.org/feed.rss>; rel="self"` {
			t.Errorf("%s: Link %q", c.name, got)
		}
	}
	// The tags of the page and of the feed are never those of one another.
	browser := []string{"Accept", safariAccept, "Sec-Fetch-Dest", "document"}
	feed, page := s.get("/feed.rss").Header.Get("Etag"), s.get("/feed.rss", browser...).Header.Get("Etag")
	text(t, s.get("/feed.rss", "If-None-Match", page), 200)
	text(t, s.get("/feed.rss", append(browser, "If-None-Match", feed)...), 200)
	text(t, s.get("/feed.rss", append(browser, "If-None-Match", page)...), 304)
	contains(t, text(t, s.get("/feed.rss", append(browser, "Accept-Language", "fr")...), 200), `<html lang="fr"`, "L’adresse de ce flux")
	text(t, s.get("/feed.atom", browser...), 404) // not built
}

func TestFeedList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := text(t, s.get("/feeds"), 200)
	contains(t, body, "<h1>Feeds</h1>", "All articles", `href="/feed.rss" type="application/rss+xml"`, `href="/feed.json"`, `href="/opml.xml"`, "The Letter")
	contains(t, text(t, s.get("/feeds", "Accept-Language", "fr"), 200), "<h1>Flux</h1>", "Tous à la fois")
	if r := s.get("/feeds/"); r.StatusCode != 301 || r.Header.Get("Location") != "/feeds" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	if r := s.get("/feed.rss/"); r.StatusCode != 301 || r.Header.Get("Location") != "/feed.rss" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}

func TestOPML(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.get("/opml.xml")
	contains(t, text(t, r, 200), `<opml version="2.0">`, `xmlUrl="https://letter.example.org/feed.rss"`, `text="The Letter"`)
	if got := r.Header.Get("Content-Type"); got != "text/x-opml; charset=utf-8" {
		t.Error(got)
	}
	if got := s.get("/opml.xml", "If-None-Match", r.Header.Get("Etag")).StatusCode; got != 304 {
		t.Error(got)
	}
}
