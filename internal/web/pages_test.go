package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/web"
)

func TestHome(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.get("/")
	body := text(t, r, 200)
	contains(t, body,
		`<html lang="en" dir="ltr">`, "<title>The Letter</title>",
		`<a href="/articles/mending-a-net">Mending a net &amp; more</a>`, `<a href="/food/bread/">Bread</a>`,
		`<a href="https://other.example.net/a/b">Elsewhere</a>`, // on its own site
		`lang="fr"`, ">Français</span>", "Ada Reave and Tomas Brink", "2 November 2026",
		`src="/files/articles/net.png"`,
		`<link rel="alternate" type="application/rss+xml" title="The Letter (RSS)" href="/feed.rss">`,
		`type="application/atom+xml"`, `type="application/feed+json"`,
		`<link rel="canonical" href="https://letter.example.org/">`,
		`<a href="/newsletters/weekly">The Weekly</a>`, "Latest articles",
	)
	lacks(t, body, "A draft", "To be opened later", "<script", "⟦")
	if got := strings.Join(r.Header.Values("Link"), ", "); !strings.Contains(got, `</feed.atom>; rel="alternate"; type="application/atom+xml"`) {
		t.Errorf("Link: %s", got)
	}
	if got := r.Header.Get("Vary"); !strings.Contains(got, "Accept-Language") {
		t.Errorf("Vary: %s", got)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, c := range []struct{ target, accept, lang, words string }{
		{"/", "fr-CA, fr;q=0.9, en;q=0.5", "fr", "Derniers articles"},
		{"/", "de, en;q=0.5", "en", "Latest articles"},
		{"/", "de", "en", "Latest articles"},            // the site's
		{"/", "en;q=0.3, fr;q=0.8", "fr", "Derniers"},   // by weight
		{"/", "\xff;;;,", "en", "Latest articles"},      // nonsense
		{"/articles/soupe", "en", "fr", "6 novembre"},   // the article's
		{"/articles/mending-a-net", "fr", "en", "Back"}, // the article's
		{"/newsletters/quotidien", "en", "fr", "Numéros parus"},
		{"/newsletters/weekly", "fr", "en", "Past issues"},
	} {
		body := text(t, s.get(c.target, "Accept-Language", c.accept), 200)
		if c.words == "Back" {
			c.words = "All articles"
		}
		contains(t, body, `<html lang="`+c.lang+`"`, c.words)
	}
	text(t, s.get("/", "Accept-Language", strings.Repeat("a-b,", 10_000)), 200)
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var many []newsletter.Article
	for i := range 45 {
		many = append(many, newsletter.Article{Key: "n" + strings.Repeat("x", i), Slug: "n", Title: "Note", Language: "en", Published: start.AddDate(-1, 0, -i), Format: newsletter.PlainText, Body: strings.Repeat("y", i+1)})
	}
	_, err := s.store.UpsertArticles(t.Context(), store.UpsertBatch{Source: "notes", SiteURL: siteURL, Articles: many}, start)
	s.check(err)
	first, second, third := text(t, s.get("/"), 200), text(t, s.get("/?page=2"), 200), text(t, s.get("/?page=3"), 200)
	contains(t, first, `<link rel="next" href="/?page=2">`, "Page 1 of 3")
	contains(t, second, `<link rel="prev" href="/">`, `<link rel="next" href="/?page=3">`, `<link rel="canonical" href="https://letter.example.org/?page=2">`)
	contains(t, third, `<link rel="prev" href="/?page=2">`)
	lacks(t, first, `rel="prev"`)
	lacks(t, third, `rel="next"`)
	for _, bad := range []string{"0", "4", "-1", "x", "99999999999999999999", "1e3"} {
		text(t, s.get("/?page="+bad), 404)
	}
}

func TestArticle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := text(t, s.get("/articles/mending-a-net"), 200)
	contains(t, body,
		"<h1>Mending a net &amp; more</h1>", "First make the hole <strong>bigger</strong>.",
		`<link rel="canonical" href="https://letter.example.org/articles/mending-a-net">`,
		`<meta property="og:title" content="Mending a net &amp; more">`, `<meta property="og:type" content="article">`,
		`<meta property="og:image" content="https://letter.example.org/files/articles/net.png">`,
		`<meta property="article:published_time" content="2026-11-02T08:00:00Z">`, `<meta property="article:modified_time" content="2026-11-04T08:00:00Z">`,
		`<meta property="article:author" content="Ada Reave">`, `<meta property="article:tag" content="sea">`,
		"Updated 4 November 2026", `href="https://letter.example.org/food/bread/"`, // the reference to bread.md
		`<a class="newer" href="/food/bread/" rel="next">`,
		`class="standfirst"`, `alt="A net"`,
	)
	lacks(t, body, "alert(1)", "⟦", `rel="prev"`, "First published")

	body = text(t, s.get("/food/bread/"), 200)
	contains(t, body, `<link rel="canonical" href="https://letter.example.org/food/bread/">`, `href="/articles/mending-a-net" rel="prev"`)
	lacks(t, body, `class="standfirst"`) // the summary is only the first words

	// An article of another site is shown here too, and says where it lives.
	contains(t, text(t, s.get("/articles/elsewhere"), 200), `<link rel="canonical" href="https://other.example.net/a/b">`)
	// So does one that was on another site first; people share this page all the same.
	contains(t, text(t, s.get("/articles/soupe"), 200),
		`<link rel="canonical" href="https://cuisine.example.net/soupe">`, `<meta property="og:url" content="https://letter.example.org/articles/soupe">`,
		`D’abord publié sur <a href="https://cuisine.example.net/soupe">cuisine.example.net</a>`)
}

// TestLinkToADraft: where a draft will be is the author's secret.
func TestLinkToADraft(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := s.store.UpsertArticles(t.Context(), store.UpsertBatch{Source: "articles", SiteURL: siteURL, Articles: []newsletter.Article{
		{Key: "linking.md", File: "linking.md", Slug: "linking", Title: "Linking", Language: "en", Published: start, Format: newsletter.Markdown, Body: "[one](soon.md), [two](next.md), [three](bread.md)"},
		{Key: "soon.md", File: "soon.md", Slug: "secret-draft", Title: "Soon", Language: "en", Draft: true, Format: newsletter.Markdown, Body: "x"},
		{Key: "next.md", File: "next.md", Slug: "secret-plan", Title: "Next", Language: "en", Published: start.AddDate(0, 0, 1), Format: newsletter.Markdown, Body: "x"},
	}}, start)
	s.check(err)
	body := text(t, s.get("/articles/linking"), 200)
	contains(t, body, "/food/bread/")
	lacks(t, body, "secret")
}

// TestPathsInFrench: paths with letters outside ASCII and with spaces are stored
// escaped, and browsers escape them in more than one way.
func TestPathsInFrench(t *testing.T) {
	t.Parallel()
	for base, site := range map[string]*site{
		"":           newSite(t),
		"/caf%C3%A9": newSite(t, func(o *web.Options) { o.Site.URL = "https://example.org/café" }),
	} {
		_, err := site.store.UpsertArticles(t.Context(), store.UpsertBatch{Source: "articles", SiteURL: siteURL, Articles: []newsletter.Article{{
			Key: "ete.md", File: "ete.md", Slug: "ete", Permalink: "/2026/%C3%A9t%C3%A9/", Aliases: []string{"/l%27%C3%A9t%C3%A9%20%C3%A0%20la%20mer.html"},
			Title: "Été", Language: "fr", Published: start, Format: newsletter.Markdown, Body: "Chaud.",
		}}}, start)
		site.check(err)
		const lives = "/2026/%C3%A9t%C3%A9/"
		for target, location := range map[string]string{
			lives: "", "/2026/%c3%a9t%c3%a9/": "", "/2026/%C3%A9t%C3%A9": base + lives, "/articles/ete": base + lives,
			"/l%27%C3%A9t%C3%A9%20%C3%A0%20la%20mer.html": base + lives, "/l'%C3%A9t%C3%A9%20%C3%A0%20la%20mer.html": base + lives,
		} {
			r := site.get(base + target)
			if got := r.Header.Get("Location"); got != location || (r.StatusCode == 200) != (location == "") {
				t.Errorf("%s%s: %d %q, want %q", base, target, r.StatusCode, got, location)
			}
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, c := range []struct {
		target   string
		status   int
		location string
	}{
		{"/articles/bread", 301, "/food/bread/"},
		{"/articles/bread/", 301, "/food/bread/"},
		{"/food/bread", 301, "/food/bread/"},
		{"/food/bread/", 200, ""},
		{"/craft/net-mending", 301, "/articles/mending-a-net"},
		{"/craft/net-mending/", 301, "/articles/mending-a-net"},
		{"/2026/09/nets.html", 301, "/articles/mending-a-net"},
		{"/articles/old-nets", 301, "/articles/mending-a-net"},
		{"/articles/mending-a-net/", 301, "/articles/mending-a-net"},
		{"/newsletters/weekly/", 301, "/newsletters/weekly"},
		{"/feed.rss/", 301, "/feed.rss"},
		{"/healthz/?x=1", 301, "/healthz?x=1"},
		{"/articles/draft", 404, ""},
		{"/articles/later", 404, ""},
		{"/articles/", 302, "/"},
		{"/articles", 302, "/"},
		{"/newsletters", 302, "/"},
		{"/newsletters/weekly/issues", 302, "/newsletters/weekly"},
		{"/newsletters/weekly/issues/", 301, "/newsletters/weekly/issues"},
		{"/newsletters/none/issues", 404, ""},
		{"/articles/%00", 404, ""},
		{"/%ff%fe", 404, ""},
		{"/newsletters/none", 404, ""},
		{"/newsletters/weekly/issues/1", 404, ""},
		{"/newsletters/weekly/issues/01", 404, ""},
		{"/newsletters/weekly/issues/x", 404, ""},
		{"/" + strings.Repeat("a", 5000), 404, ""},
		{"/.git/config", 404, ""},
		{"/a//b", 307, "/a/b"}, // tidied by net/http
		{"//evil.example/x", 307, "/evil.example/x"},
	} {
		r := s.get(c.target)
		if r.StatusCode != c.status || r.Header.Get("Location") != c.location {
			t.Errorf("%.80s: %d %q, want %d %q", c.target, r.StatusCode, r.Header.Get("Location"), c.status, c.location)
		}
	}
}

func TestNotFoundHelps(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := text(t, s.get("/2019/04/Mending-A-Net.html"), 404)
	contains(t, body, "Page not found", "Did you mean this?", `<a href="/articles/mending-a-net">`, "Latest articles", "Elsewhere", `<meta name="robots" content="noindex">`)
	lacks(t, text(t, s.get("/nothing/like/it"), 404), "Did you mean this?")
	contains(t, text(t, s.get("/rien", "Accept-Language", "fr"), 404), "Page introuvable")
}

func TestNewsletter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := text(t, s.get("/newsletters/weekly"), 200)
	contains(t, body, "<h1 lang=\"en\">The Weekly</h1>", "All of it, on Mondays.", "Monday 30 November 2026", "The first issue has not been sent yet.", "The Editors")
	contains(t, body, `<form class="settings" method="post" action="/newsletters/weekly/subscribe">`, "/newsletters/weekly/embed")
	lacks(t, body, "editors@example.org", "marguerite")
	lacks(t, text(t, s.get("/newsletters/quotidien"), 200), "Prochain numéro") // by hand only
}

// send makes an issue that is out.
func (s *site) send(name string, rehearsal bool, subject string, digests ...newsletter.Digest) newsletter.Issue {
	s.t.Helper()
	ctx := s.t.Context()
	i := s.compose(name, rehearsal, subject, false)
	for _, d := range digests {
		d.Issue = i.ID
		_, err := s.store.PutDigest(ctx, d)
		s.check(err)
	}
	s.check(s.store.FinishSeal(ctx, i.ID, s.clock()))
	i, err := s.store.Issue(ctx, i.ID)
	s.check(err)
	return i
}

func (s *site) compose(name string, rehearsal bool, subject string, approval bool) newsletter.Issue {
	s.t.Helper()
	i, err := s.store.CreateIssue(s.t.Context(), store.NewIssue{
		Newsletter: name, Rehearsal: rehearsal, Hash: subject, Subject: subject, Approval: approval,
		Frozen: newsletter.Frozen{Newsletter: newsletter.FrozenNewsletter{Name: name, TimeZone: "UTC"}},
	}, s.clock())
	s.check(err)
	return i
}

func TestIssues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	html := "<!DOCTYPE html><html><head><style>p{color:red}</style></head><BODY class=\"page\"><p>Hello " + newsletter.PlaceholderName + "</p>" +
		`<a href="` + newsletter.PlaceholderUnsubscribe + `">u</a> <a href="` + newsletter.PlaceholderPreferences + `">p</a> for ` + newsletter.PlaceholderAddress + "</body></html>"

	s.send("weekly", true, "A rehearsal", newsletter.Digest{Language: "en", Articles: []int64{1}, Subject: "A rehearsal", HTML: html, Text: "x"})
	body := text(t, s.get("/newsletters/weekly"), 200)
	contains(t, body, "A rehearsal", `href="/newsletters/weekly/issues/1"`, "these issues went to nobody")
	r := s.get("/newsletters/weekly/issues/1")
	body = text(t, r, 200)
	contains(t, body, "<style>p{color:red}</style>", `href="`+siteURL+`/newsletters/weekly"`)
	// What the web adds: nothing personal, and a way to the other issues.
	contains(t, body, ".personal{display:none!important}</style></head>", `<BODY class="page"><nav aria-label="Past issues" `, `<a href="/newsletters/weekly" `, "All issues</a>")
	lacks(t, body, "SYNDICATEx", "/unsubscribe/", "/preferences/")
	if r.Header.Get("X-Robots-Tag") != "noindex" {
		t.Error("a rehearsal can be indexed")
	}
	if csp := r.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || strings.Contains(csp, "allow-scripts") {
		t.Errorf("CSP of an issue: %s", csp)
	}

	// A real issue ends the rehearsal; of its digests the one in the newsletter's
	// language with the most articles stands in the archive.
	s.send("weekly", false, "The first",
		newsletter.Digest{Language: "fr", Articles: []int64{1, 2, 3}, HTML: "fr 3"},
		newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: "en 1"},
		newsletter.Digest{Language: "en", Articles: []int64{1, 2}, HTML: "en 2"})
	body = text(t, s.get("/newsletters/weekly"), 200)
	contains(t, body, "The first")
	lacks(t, body, "A rehearsal")
	r = s.get("/newsletters/weekly/issues/1")
	if body := text(t, r, 200); body != "en 2" || r.Header.Get("X-Robots-Tag") != "" || r.Header.Get("Content-Language") != "en" {
		t.Errorf("%q %v", body, r.Header)
	}

	// What is not out is nobody's business.
	sealing := s.compose("weekly", false, "In the making", false)
	awaiting := s.compose("weekly", false, "Awaited", true)
	lacks(t, text(t, s.get("/newsletters/weekly"), 200), "In the making", "Awaited")
	for _, i := range []newsletter.Issue{sealing, awaiting} {
		_, err := s.store.PutDigest(t.Context(), newsletter.Digest{Issue: i.ID, Language: "en", Articles: []int64{1}, HTML: "secret"})
		s.check(err)
		if r := s.get("/newsletters/weekly/issues/" + string('0'+rune(i.Number))); r.StatusCode != 404 {
			t.Errorf("issue %d (%s): %d", i.Number, i.State, r.StatusCode)
		}
	}
}

// TestIssueCancelledHalfWay: mails that went out before link to the issue's page.
func TestIssueCancelledHalfWay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := t.Context()
	s.send("weekly", true, "A rehearsal", newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: "rehearsed"})
	i, err := s.store.CreateIssue(ctx, store.NewIssue{
		Newsletter: "weekly", Hash: "h", Subject: "Half", Horizon: 1000,
		Frozen: newsletter.Frozen{Newsletter: newsletter.FrozenNewsletter{Name: "weekly", TimeZone: "UTC"}},
	}, s.clock())
	s.check(err)
	n, err := s.store.PutDigest(ctx, newsletter.Digest{Issue: i.ID, Language: "en", Articles: []int64{1}, HTML: "half"})
	s.check(err)
	all, through, err := s.store.NextGroups(ctx, i, 0, 1000, s.clock())
	s.check(err)
	digestOf := map[newsletter.Group]int{}
	for _, g := range all {
		digestOf[g.Group] = n
	}
	_, err = s.store.SealBatch(ctx, i.ID, 0, through, digestOf, 1, s.clock())
	s.check(err)
	s.check(s.store.FinishSeal(ctx, i.ID, s.clock()))
	l, err := s.store.LeaseChunk(ctx, "w", false, time.Minute, false)
	s.check(err)
	ledger := store.NewLedger(ctx, s.store)
	defer ledger.Close()
	s.check(ledger.Settle(ctx, store.Settlement{Chunk: l.Chunk, N: l.Rows[0].N, Fence: l.Fence, State: newsletter.Sent}))
	_, err = s.store.Cancel(ctx, i.ID, "wrong picture")
	s.check(err)
	if body := text(t, s.get("/newsletters/weekly/issues/1"), 200); body != "half" {
		t.Errorf("got %q", body)
	}
	lacks(t, text(t, s.get("/newsletters/weekly"), 200), "Half")

	nobody := s.compose("weekly", false, "Nobody got it", false)
	_, err = s.store.Cancel(ctx, nobody.ID, "wrong picture")
	s.check(err)
	text(t, s.get("/newsletters/weekly/issues/2"), 404)
}

func TestUnderAPath(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) {
		o.Site.URL = "https://example.org/letter"
		o.Site.Icon, o.Site.Logo = "/icon.png", "/files/articles/logo.png"
	})
	for _, target := range []string{"/letter/", "/letter", "/"} { // a proxy may take the path away
		contains(t, text(t, s.get(target), 200), `href="/letter/articles/mending-a-net"`, `href="/letter/feed.rss"`, `href="/letter/assets/site.css?v=`, `src="/letter/files/articles/net.png"`, `href="/letter/icon.png"`, `<img src="/letter/files/articles/logo.png" alt="The Letter">`)
	}
	for target, want := range map[string]string{
		"/letter/articles/bread": "/letter/food/bread/", "/articles/bread": "/letter/food/bread/", "/letter/food/bread": "/letter/food/bread/",
		"/letter/newsletters/weekly/": "/letter/newsletters/weekly", "/letter//x": "/letter/x", "/letterhead": "", "/favicon.ico": "/letter/icon.png",
	} {
		if got := s.get(target).Header.Get("Location"); got != want {
			t.Errorf("%s → %q, want %q", target, got, want)
		}
	}
	contains(t, text(t, s.get("/letter/food/bread/"), 200), `<link rel="canonical" href="https://example.org/letter/food/bread/">`)
	link := s.link(newsletter.PurposeUnsubscribe, "other@example.org", "weekly")
	contains(t, text(t, s.get("/letter"+link), 200), `action="/letter`+link+`"`)
}

// TestConditionalPages: pages have weak tags, and a page that changed is sent.
func TestConditionalPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("weekly", false, "The first", newsletter.Digest{Language: "en", Articles: []int64{1, 2}, HTML: mailed("whole")}, newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: mailed("short")})
	for _, target := range []string{"/", "/articles/soupe", "/newsletters/weekly", "/newsletters/weekly/issues/1", "/newsletters/weekly/issues/1?digest=2"} {
		r := s.get(target)
		tag := r.Header.Get("Etag")
		if !strings.HasPrefix(tag, `W/"`) {
			t.Fatalf("%s: ETag %q", target, tag)
		}
		s.pass(time.Second) // of which the page does not tell
		if r := s.get(target, "If-None-Match", tag); r.StatusCode != 304 || text(t, r, 304) != "" || r.Header.Get("Etag") != tag {
			t.Errorf("%s: %d with its own tag", target, r.StatusCode)
		}
	}
	tag := s.get("/").Header.Get("Etag")
	s.pass(10 * 24 * 60 * 60 * 1e9)
	_, err := s.store.ReleaseDue(t.Context(), s.clock())
	s.check(err)
	contains(t, text(t, s.get("/", "If-None-Match", tag), 200), "To be opened later")
}

// TestPageCompression: pages are compressed for those who take it, but for what
// is one person's.
func TestPageCompression(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("weekly", false, "The first", newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: strings.Repeat("<p>Hello</p>", 100)})
	for _, target := range []string{"/", "/articles/soupe", "/newsletters/weekly", "/newsletters/weekly/issues/1"} {
		plain := text(t, s.get(target), 200)
		r := s.get(target, "Accept-Encoding", "gzip")
		if r.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Fatalf("%s: %v", target, r.Header)
		}
		z, err := gzip.NewReader(r.Body)
		s.check(err)
		b, err := io.ReadAll(z)
		s.check(err)
		if string(b) != plain || r.ContentLength >= int64(len(plain)) {
			t.Errorf("%s: %d bytes instead of %d", target, r.ContentLength, len(plain))
		}
	}
	for _, target := range []string{s.link(newsletter.PurposeUnsubscribe, "other@example.org", "weekly"), s.link(newsletter.PurposePreferences, "other@example.org", "weekly")} {
		if r := s.get(target, "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" {
			t.Errorf("a page with a secret in it is compressed")
		}
	}
}

// TestHead: HEAD answers what GET does, without the body.
func TestHead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("feed.rss", "<rss/>")
	s.write("files/a.png", "png")
	for _, target := range []string{
		"/", "/articles/soupe", "/food/bread/", "/articles/bread", "/nothing", "/newsletters/weekly", "/feed.rss", "/feed.atom", "/files/a.png", "/files/b.png", "/opml.xml", "/sitemap.xml", "/newsletters/weekly/issues",
		"/robots.txt", "/favicon.svg", "/favicon.ico", "/healthz", "/readyz", "/assets/site.css", "/unsubscribe/x", s.link(newsletter.PurposeUnsubscribe, "other@example.org", "weekly"),
		s.link(newsletter.PurposePreferences, "other@example.org", "weekly"),
	} {
		g, h := s.get(target), s.do("HEAD", target, "")
		if g.StatusCode != h.StatusCode {
			t.Errorf("%s: GET %d, HEAD %d", target, g.StatusCode, h.StatusCode)
		}
		if d := cmp.Diff(without(g.Header), without(h.Header)); d != "" {
			t.Errorf("%s: headers differ (-GET +HEAD):\n%s", target, d)
		}
	}
}

func without(h http.Header) http.Header {
	h = h.Clone()
	h.Del("Retry-After")
	return h
}
