package web_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/web"
)

var (
	metaTag      = regexp.MustCompile(`<meta (?:property|name)="((?:og|article|twitter):[^"]+)" content="([^"]*)">`)
	canonicalTag = regexp.MustCompile(`<link rel="canonical" href="([^"]*)">`)
)

// previewed is what a page says to those who show previews of links, its canonical
// address under "canonical".
func previewed(t *testing.T, body string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range metaTag.FindAllStringSubmatch(body, -1) {
		if _, twice := out[m[1]]; twice && m[1] != "article:author" && m[1] != "article:tag" {
			t.Errorf("%s twice", m[1])
		}
		out[m[1]] = html.UnescapeString(m[2])
	}
	all := canonicalTag.FindAllStringSubmatch(body, -1)
	if len(all) != 1 {
		t.Errorf("%d canonical addresses", len(all))
		return out
	}
	out["canonical"] = html.UnescapeString(all[0][1])
	return out
}

// TestSocialPreviews: what chats and networks show of a link.
func TestSocialPreviews(t *testing.T) {
	t.Parallel()
	const nasty = `"Nasty" <script>alert(1)</script> & more`
	s := newSite(t, func(o *web.Options) {
		o.Newsletters[0].Description = nasty
		o.Site.Logo = "/files/logo.png"
	})
	image := &newsletter.Image{URL: "https://img.example.net/a.jpg?x=1&y=2", Alt: `A "net"`, Width: 1200, Height: 630}
	_, err := s.store.UpsertArticles(t.Context(), store.UpsertBatch{Source: "more", SiteURL: siteURL, Articles: []newsletter.Article{
		{Key: "n", Slug: "n", Title: nasty, Summary: nasty, Language: "pt-BR", Published: start.Add(-time.Hour), Format: newsletter.PlainText, Body: "x", Image: image},
	}}, s.clock())
	s.check(err)
	seq, err := s.store.HighestSeq(t.Context())
	s.check(err)
	issue, err := s.store.CreateIssue(t.Context(), store.NewIssue{
		Newsletter: "weekly", Hash: "h", Subject: nasty,
		Frozen: newsletter.Frozen{Newsletter: newsletter.FrozenNewsletter{Name: "weekly", TimeZone: "UTC"}},
		Articles: []newsletter.Article{
			{ID: "b", Seq: seq, Title: nasty, Image: image}, {ID: "a", Seq: 1, Title: "Mending", Image: &newsletter.Image{URL: "https://img.example.net/drawing.svg"}},
		},
	}, s.clock())
	s.check(err)
	for _, articles := range [][]int64{{1, seq}, {1}} {
		_, err = s.store.PutDigest(t.Context(), newsletter.Digest{Issue: issue.ID, Language: "en", Articles: articles, Subject: nasty, HTML: mailed("whole")})
		s.check(err)
	}
	s.check(s.store.FinishSeal(t.Context(), issue.ID, s.clock()))

	picture := map[string]string{
		"og:image": image.URL, "og:image:alt": image.Alt, "og:image:width": "1200", "og:image:height": "630", "twitter:card": "summary_large_image",
	}
	logo := map[string]string{"og:image": siteURL + "/files/logo.png", "og:image:alt": "The Letter", "twitter:card": "summary"}
	whole := map[string]string{
		"og:type": "article", "og:title": nasty, "og:description": "Mending · " + nasty, "og:url": siteURL + "/newsletters/weekly/issues/1",
		"canonical": siteURL + "/newsletters/weekly/issues/1", "og:locale": "en_US", "article:published_time": "2026-11-23T10:00:00Z",
	}
	for target, want := range map[string][]map[string]string{
		"/":                                     {picture, {"og:type": "website", "og:title": "The Letter", "og:description": "Unhurried reading.", "og:url": siteURL + "/", "canonical": siteURL + "/", "og:locale": "en_US"}},
		"/newsletters/weekly":                   {logo, {"og:type": "website", "og:title": "The Weekly", "og:description": nasty, "og:url": siteURL + "/newsletters/weekly", "canonical": siteURL + "/newsletters/weekly", "og:locale": "en_US"}},
		"/articles/n":                           {picture, {"og:type": "article", "og:title": nasty, "og:description": nasty, "og:url": siteURL + "/articles/n", "canonical": siteURL + "/articles/n", "og:locale": "pt_BR", "article:published_time": "2026-11-23T09:00:00Z"}},
		"/articles/soupe":                       {logo, {"og:type": "article", "og:title": "La soupe du vendredi", "og:description": "Pour six.", "og:url": siteURL + "/articles/soupe", "canonical": "https://cuisine.example.net/soupe", "og:locale": "fr_FR", "article:published_time": "2026-11-06T08:00:00Z", "article:section": "Cuisine"}},
		"/newsletters/weekly/issues/1":          {picture, whole},
		"/newsletters/weekly/issues/1?digest=2": {logo, whole, {"og:description": "Mending"}},
	} {
		body := text(t, s.get(target), 200)
		lacks(t, body, "<script>alert", "alert(1)</script>")
		all := map[string]string{"og:site_name": "The Letter"}
		for _, part := range want {
			for k, v := range part {
				all[k] = v
			}
		}
		if d := cmp.Diff(all, previewed(t, body)); d != "" {
			t.Errorf("%s (-want +got):\n%s", target, d)
		}
	}
}

// TestIssueAsItWasMailed: a link that names its digest shows that one; any other, and
// one that names none, what most readers got.
func TestIssueAsItWasMailed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for n := 1; n <= 4; n++ {
		s.send("weekly", false, fmt.Sprint("No. ", n),
			newsletter.Digest{Language: "fr", Articles: []int64{1, 2, 3}, HTML: mailed(fmt.Sprint("numéro ", n))},
			newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: mailed(fmt.Sprint("short ", n))},
			newsletter.Digest{Language: "en", Articles: []int64{1, 2}, HTML: mailed(fmt.Sprint("whole ", n))})
	}
	cancelled := s.compose("weekly", false, "Cancelled", false)
	_, err := s.store.Cancel(t.Context(), cancelled.ID, "wrong")
	s.check(err)
	s.send("weekly", false, "No. 6", newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: mailed("six")})
	for query, want := range map[string]string{
		"": "whole 2", "?digest=2": "short 2", "?digest=1": "numéro 2", "?digest=3": "whole 2", "?digest=4": "whole 2", "?digest=0": "whole 2", "?digest=-1": "whole 2", "?digest=x": "whole 2", "?digest=99999999999999999999": "whole 2",
	} {
		r := s.get("/newsletters/weekly/issues/2" + query)
		contains(t, text(t, r, 200), "<p>"+want+" ")
		if got := r.Header.Get("Link"); got != `<https://letter.example.org/newsletters/weekly/issues/2>; rel="canonical"` {
			t.Errorf("%s: Link: %s", query, got)
		}
	}
	for number, want := range map[int][2]string{1: {"", "2"}, 2: {"1", "3"}, 4: {"3", "6"}, 6: {"4", ""}} {
		body := text(t, s.get(fmt.Sprint("/newsletters/weekly/issues/", number)), 200)
		for i, rel := range []string{"prev", "next"} {
			link := `href="/newsletters/weekly/issues/` + want[i] + `" rel="` + rel + `"`
			if got := strings.Count(body, link); want[i] != "" && got != 2 || want[i] == "" && strings.Contains(body, `rel="`+rel+`"`) {
				t.Errorf("issue %d: %s is there %d times", number, link, got)
			}
		}
		if strings.Count(body, `<a href="/newsletters/weekly" `) != 2 {
			t.Errorf("issue %d does not lead to all", number)
		}
	}
	contains(t, text(t, s.get("/newsletters/weekly/issues/2?digest=1"), 200), " Précédent</a>", ">Suivant ", "Tous les numéros", `<nav aria-label="Numéros parus" lang="fr" dir="ltr"`)
}

// TestIssuePages: many issues are listed in pages.
func TestIssuePages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for n := 1; n <= 51; n++ {
		s.send("weekly", false, fmt.Sprintf("Subject %d.", n), newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: "x"})
	}
	first, second := text(t, s.get("/newsletters/weekly"), 200), text(t, s.get("/newsletters/weekly?page=2"), 200)
	contains(t, first, "Subject 51.", "Subject 2.", "Page 1 of 2", `<link rel="next" href="/newsletters/weekly?page=2">`)
	lacks(t, first, "Subject 1.")
	contains(t, second, "Subject 1.", `<link rel="prev" href="/newsletters/weekly">`, `<link rel="canonical" href="https://letter.example.org/newsletters/weekly?page=2">`)
	lacks(t, second, "Subject 2.", `rel="next"`)
	for _, page := range []string{"0", "3", "x", "-1"} {
		text(t, s.get("/newsletters/weekly?page="+page), 404)
	}
}

// TestSitemap: search engines find every page that everybody may read, each once, by an
// address that answers.
func TestSitemap(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchiveNone))
	s.board(1)
	s.send("quotidien", true, "Rehearsed", newsletter.Digest{Language: "fr", Articles: []int64{1}, HTML: "x"})
	s.publish()
	contains(t, text(t, s.get("/robots.txt"), 200), "Disallow: /read/\n", "\nSitemap: https://letter.example.org/sitemap.xml\n")
	read := func() (map[string]string, string) {
		r := s.get("/sitemap.xml")
		var list struct {
			XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
			URLs    []struct {
				Loc     string `xml:"loc"`
				LastMod string `xml:"lastmod"`
			} `xml:"url"`
		}
		s.check(xml.Unmarshal([]byte(text(t, r, 200)), &list))
		if got := r.Header.Get("Content-Type"); got != "application/xml; charset=utf-8" {
			t.Errorf("Content-Type: %s", got)
		}
		found := map[string]string{}
		for _, u := range list.URLs {
			if _, twice := found[u.Loc]; twice {
				t.Errorf("%s is there twice", u.Loc)
			}
			found[u.Loc] = u.LastMod
			path, ok := strings.CutPrefix(u.Loc, siteURL)
			if r := s.get(path); !ok || r.StatusCode != 200 || r.Header.Get("X-Robots-Tag") != "" {
				t.Errorf("%s: %d %v", u.Loc, r.StatusCode, r.Header)
			}
		}
		return found, r.Header.Get("Etag")
	}
	found, tag := read()
	for _, path := range []string{"/", "/feeds", "/newsletters/weekly", "/newsletters/quotidien", "/newsletters/board", "/articles/mending-a-net", "/food/bread/", "/tags/sea/", "/authors/ada-reave/", "/sections/craft/", "/languages/fr/"} {
		if _, ok := found[siteURL+path]; !ok {
			t.Errorf("%s is missing in %v", path, found)
		}
	}
	for address := range found {
		for _, not := range []string{"issues", "elsewhere", "soupe", "draft", "later", "other.example.net", "feed."} {
			if strings.Contains(address, not) {
				t.Errorf("%s is there", address)
			}
		}
	}
	if got := found[siteURL+"/articles/mending-a-net"]; got != "2026-11-04T08:00:00Z" {
		t.Errorf("changed at %q", got)
	}
	if r := s.get("/sitemap.xml", "If-None-Match", tag); r.StatusCode != 304 {
		t.Errorf("%d with its tag", r.StatusCode)
	}
	for _, target := range []string{"/sitemap-1.xml.gz", "/sitemap-0.xml.gz", "/sitemap-x.xml.gz", "/sitemap-.xml.gz"} {
		text(t, s.get(target), 404)
	}
	s.send("weekly", false, "The first", newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: "x"})
	s.add(newsletter.Article{})
	after, other := read()
	if _, ok := after[siteURL+"/newsletters/weekly/issues/1"]; !ok || after[siteURL+"/articles/more-0"] == "" || other == tag {
		t.Errorf("what is new is missing in %v", after)
	}
}

// leaving is the context of a request that ends while its answer is made.
type leaving struct{ context.Context }

func (leaving) Err() error { return context.Canceled }

// TestSitemapAborted: a client that goes while the list is made leaves nobody half of it.
func TestSitemapAborted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.publish()
	r := httptest.NewRequest(http.MethodGet, siteURL+"/sitemap.xml", http.NoBody)
	s.handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(leaving{context.Background()}))
	contains(t, text(t, s.get("/sitemap.xml"), 200), "/food/bread/", "/articles/mending-a-net")
}

// TestGoneArticle: what was public once and was taken away answers 410 at all of its
// addresses; what nobody could read, 404.
func TestGoneArticle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	paths := []string{"/articles/mending-a-net", "/articles/old-nets", "/craft/net-mending", "/craft/net-mending/", "/2026/09/nets.html", "/food/bread/", "/food/bread", "/articles/bread"}
	for _, p := range paths {
		if r := s.get(p); r.StatusCode >= 400 {
			t.Fatalf("%s: %d", p, r.StatusCode)
		}
	}
	_, err := s.store.Unpublish(t.Context(), "articles", []string{"net.md", "bread.md", "draft.md", "later.md"})
	s.check(err)
	for _, p := range paths {
		for _, method := range []string{"GET", "HEAD"} {
			if r := s.do(method, p, ""); r.StatusCode != 410 || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %d %v", method, p, r.StatusCode, r.Header)
			}
		}
	}
	contains(t, text(t, s.get("/articles/mending-a-net"), 410), "No longer here", "This page was taken down.", "Latest articles", `<meta name="robots" content="noindex">`)
	contains(t, text(t, s.get("/food/bread/", "Accept-Language", "fr"), 410), `<html lang="fr"`)
	for _, p := range []string{"/articles/draft", "/articles/later", "/articles/never", "/never", "/articles/%00"} {
		text(t, s.get(p), 404)
	}
	s.seed(t.Context(), nil) // they are back
	for _, p := range paths {
		if r := s.get(p); r.StatusCode >= 400 {
			t.Errorf("%s: %d after it came back", p, r.StatusCode)
		}
	}
}

// TestHomeForm: the front page has the form of the newsletter that takes sign-ups, or,
// where several do, leads to theirs.
func TestHomeForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := text(t, s.get("/"), 200)
	contains(t, body, `<a class="button quiet" href="/newsletters/weekly#subscribe" lang="en" aria-label="Subscribe to The Weekly">Subscribe</a>`, `href="/newsletters/quotidien#subscribe"`)
	lacks(t, body, "<form")
	contains(t, text(t, s.get("/newsletters/weekly"), 200), `id="subscribe"`)

	only := func(o *web.Options) { o.Newsletters[1].Closed = true }
	for name, s := range map[string]*site{
		"one open":                   newSite(t, only),
		"one open and a private one": newSite(t, only, withBoard(newsletter.ArchivePrivate)),
	} {
		r := s.get("/")
		body := text(t, r, 200)
		contains(t, body, `<section id="subscribe" class="panel">`, "Subscribe to The Weekly", `action="/newsletters/weekly/subscribe"`, `name="made"`, `<a href="/newsletters/quotidien">`)
		lacks(t, body, "#subscribe\"", "/quotidien/subscribe")
		s.pass(time.Second)
		if again := s.get("/", "If-None-Match", r.Header.Get("Etag")); again.StatusCode != 304 {
			t.Errorf("%s: %d with its own tag", name, again.StatusCode)
		}
		s.pass(time.Minute)
		made := regexp.MustCompile(`name="made" value="([^"]+)"`).FindStringSubmatch(body)
		contains(t, text(t, s.post("/newsletters/weekly/subscribe", map[string][]string{"email": {"new@example.net"}, "language": {"en"}, "made": {made[1]}, "website": {""}}), 200), "Look into your mailbox")
	}
	none := newSite(t, only, func(o *web.Options) { o.Newsletters[0].Closed = true })
	body = text(t, none.get("/"), 200)
	lacks(t, body, "<form", "subscribe\"")
}
