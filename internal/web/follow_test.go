package web_test

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/web"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

// newCountingSite is a site whose newsletters count what is given, with an issue of
// the weekly one that went out an hour ago.
func newCountingSite(t *testing.T, counts newsletter.Counts) (s *site, digest newsletter.Digest) {
	t.Helper()
	s = newSite(t, func(o *web.Options) {
		for i := range o.Newsletters {
			o.Newsletters[i].Counts = counts
		}
	})
	_, err := s.service.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly"})
	s.check(err)
	s.pass(time.Hour)
	digest, err = s.store.Digest(t.Context(), 1, 1)
	s.check(err)
	return s, digest
}

// addresses returns what a page links to and loads, on the site, each once.
func addresses(t *testing.T, page string) []string {
	t.Helper()
	var out []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			for _, a := range z.Token().Attr {
				path, ours := strings.CutPrefix(a.Val, siteURL)
				if ours && (a.Key == "href" || a.Key == "src") && !slices.Contains(out, path) {
					out = append(out, path)
				}
			}
		}
	}
}

func countedOnes(all []string) (links []string, image string) {
	for _, a := range all {
		if strings.HasPrefix(a, "/r/") {
			links = append(links, a)
		}
	}
	return links[:len(links)-1], links[len(links)-1] // the image comes last
}

// counted writes down what was counted and returns it.
func (s *site) counted() *jobs.CountsReport {
	s.t.Helper()
	s.check(s.service.SaveCounts(s.t.Context()))
	d, err := s.service.Inspect(s.t.Context(), 1)
	s.check(err)
	return d.Counts
}

func TestFollow(t *testing.T) {
	t.Parallel()
	s, d := newCountingSite(t, newsletter.Counts{Clicks: true, Opens: true})
	links, image := countedOnes(addresses(t, d.HTML))
	want := []string{"https://other.example.net/a/b", siteURL + "/articles/soupe", siteURL + "/food/bread/", siteURL + "/articles/mending-a-net"}
	if len(links) != len(want) {
		t.Fatalf("links %v", links)
	}
	for i, link := range links {
		for _, method := range []string{"GET", "HEAD"} {
			r := s.do(method, link, "", "User-Agent", browser)
			text(t, r, http.StatusFound)
			if got := r.Header.Get("Location"); got != want[i] {
				t.Errorf("%s leads to %s, not %s", link, got, want[i])
			}
			wantPrivate(t, r)
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		r := s.do(method, image, "", "User-Agent", browser)
		body := text(t, r, http.StatusOK)
		if r.Header.Get("Content-Type") != "image/gif" || method == "GET" && !strings.HasPrefix(body, "GIF89a") {
			t.Errorf("%v %q", r.Header, body)
		}
		wantPrivate(t, r)
	}
	for _, header := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		text(t, s.get(links[0], "User-Agent", browser, header, "prefetch;prerender"), http.StatusFound)
	}
	if r := s.do("POST", links[0], ""); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.StatusCode)
	}
	r := s.counted()
	if r.Clicks.People != 4 || r.Clicks.Kinds[newsletter.VisitorScanner] != 3 || r.Opens.People != 1 || r.Opens.Machines != 0 {
		t.Errorf("counted %+v", r)
	}

	// Nothing of it is told to who reads logs or figures, but the sums.
	logged := s.log.String()
	for _, a := range append(links, image) {
		lacks(t, logged, strings.TrimPrefix(a, "/r/"))
	}
	contains(t, logged, `route="GET /r/{link}"`)
	figures := text(t, s.get("/metrics", "remote", "127.0.0.1:1"), http.StatusOK)
	lacks(t, figures, "/r/", strings.TrimPrefix(image, "/r/"))
	contains(t, text(t, s.get("/robots.txt"), http.StatusOK), "Disallow: /r/\n")
}

// TestCountsInMetrics: the sums are of what went out for real, and say so.
func TestCountsInMetrics(t *testing.T) {
	t.Parallel()
	s, d := newCountingSite(t, newsletter.Counts{Clicks: true, Opens: true})
	figures := func(digest newsletter.Digest) string {
		links, _ := countedOnes(addresses(t, digest.HTML))
		text(t, s.get(links[0], "User-Agent", browser), http.StatusFound)
		s.check(s.service.SaveCounts(t.Context()))
		s.pass(time.Minute) // they are asked for no more often
		return text(t, s.get("/metrics", "remote", "127.0.0.1:1"), http.StatusOK)
	}
	lacks(t, figures(d), "_clicks_total", "_opens_total")

	c, err := mailer.StartCatcher(mailer.CatcherOptions{Dir: t.TempDir()})
	s.check(err)
	t.Cleanup(func() { s.check(c.Close()) })
	relay := c.Relay()
	relay.Connections = 1
	s.relays = []mailer.Relay{relay}
	s.again(func(*web.Options) {})
	_, err = s.service.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly"})
	s.check(err)
	s.pass(time.Hour)
	d, err = s.store.Digest(t.Context(), 2, 1)
	s.check(err)
	contains(t, figures(d), "# HELP syndicate_clicks_total Clicks on counted links of issues, but for rehearsals, ",
		`syndicate_clicks_total{newsletter="weekly",by="person"} 1`+"\n")
}

// TestFollowForged: only what we made leads anywhere, and never where its maker
// wants.
func TestFollowForged(t *testing.T) {
	t.Parallel()
	s, d := newCountingSite(t, newsletter.Counts{Clicks: true, Opens: true})
	links, _ := countedOnes(addresses(t, d.HTML))
	name := strings.TrimPrefix(links[0], "/r/")
	keys := s.store.Keyring()
	sub := s.subscriber(her, "weekly")
	token := keys.Token(newsletter.Claim{Purpose: newsletter.PurposeUnsubscribe, Subscriber: sub.Subscriber.ID, Issue: 1, Newsletter: "weekly"}, her)
	for _, bad := range []string{
		"", "x", name[1:], name[:len(name)-1], name + "A", strings.ToUpper(name), name[:5] + "%0A" + name[5:], "https:%2F%2Fevil.example.net", "%2F%2Fevil.example.net", token,
		keys.Link(1, 999), keys.Link(2, 1), keys.Link(1<<40, 0), newsletter.PreviewToken, strings.Repeat("A", 5000),
	} {
		for _, method := range []string{"GET", "HEAD"} {
			r := s.do(method, "/r/"+bad, "", "User-Agent", browser)
			if r.StatusCode != http.StatusNotFound || r.Header.Get("Location") != "" {
				t.Errorf("%s /r/%.60s: %d %s", method, bad, r.StatusCode, r.Header.Get("Location"))
			}
		}
	}
	text(t, s.get("/r/"+name+"?url=https://evil.example.net", "User-Agent", browser), http.StatusFound) // a query is nobody's business
	text(t, s.get("/r/"+name+").%0A", "User-Agent", browser), http.StatusFound)                         // nor what a mail program adds
	if r := s.counted(); r.Clicks.People != 2 || r.Clicks.Machines != 0 || r.Opens.People+r.Opens.Machines != 0 {
		t.Errorf("counted %+v", r)
	}
}

// TestFollowScanner: whoever opens everything in a mail changes nothing, and is not
// taken for a reader.
func TestFollowScanner(t *testing.T) {
	t.Parallel()
	s, d := newCountingSite(t, newsletter.Counts{Clicks: true, Opens: true})
	unsubscribe, preferences := s.link(newsletter.PurposeUnsubscribe, her, "weekly"), s.link(newsletter.PurposePreferences, her, "weekly")
	const page = "/newsletters/weekly/issues/1"
	mail := strings.NewReplacer(newsletter.PlaceholderUnsubscribe, siteURL+unsubscribe, newsletter.PlaceholderPreferences, siteURL+preferences,
		newsletter.PlaceholderWeb, siteURL+page).Replace(d.HTML)
	before := s.state()
	all := addresses(t, mail)
	if !slices.Contains(all, unsubscribe) || !slices.Contains(all, preferences) || !slices.Contains(all, page) {
		t.Fatalf("the links of a person lead elsewhere: %v", all)
	}
	for _, method := range []string{"HEAD", "GET", "GET"} {
		for _, a := range all {
			r := s.do(method, a, "", "User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Proofpoint-URL-Defense")
			if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode >= 500 {
				t.Errorf("%s %s: %d %v", method, a, r.StatusCode, err)
			}
		}
	}
	s.wantState(before)
	r := s.counted()
	if r.Clicks.People+r.Opens.People != 0 || r.Clicks.Machines != 2*int64(len(r.Links)) || r.Opens.Machines != 2 {
		t.Errorf("counted %+v", r)
	}
}

// TestFollowOff: what is not counted any more leads on all the same.
func TestFollowOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := s.service.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly"})
	s.check(err)
	s.pass(time.Hour)
	keys := s.store.Keyring()
	text(t, s.get("/r/"+keys.Link(1, 1), "User-Agent", browser), http.StatusFound)
	text(t, s.get("/r/"+keys.Link(1, newsletter.OpensImage), "User-Agent", browser), http.StatusOK)
	s.check(s.service.SaveCounts(t.Context()))
	all, err := s.store.Counts(t.Context(), 1)
	s.check(err)
	if len(all) != 0 {
		t.Errorf("counted %+v", all)
	}
	lacks(t, text(t, s.get("/metrics", "remote", "127.0.0.1:1"), http.StatusOK), "_clicks_total", "_opens_total")
}

// TestFollowedPermalink: an article that stands at such a path is shown.
func TestFollowedPermalink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := s.store.UpsertArticles(t.Context(), store.UpsertBatch{Source: "articles", SiteURL: siteURL, Articles: []newsletter.Article{{
		Key: "r.md", Slug: "rope", Permalink: "/r/rope", Title: "A rope", Language: "en", Published: start.Add(-time.Hour), Format: newsletter.Markdown, Body: "Text.\n",
	}}}, start)
	s.check(err)
	contains(t, text(t, s.get("/r/rope"), http.StatusOK), "A rope")
}

// TestCountedOnTheWeb: the page of an issue has links that lead straight to the
// articles, and no image: reading it on the web is no opening of mail.
func TestCountedOnTheWeb(t *testing.T) {
	t.Parallel()
	s, _ := newCountingSite(t, newsletter.Counts{Clicks: true, Opens: true})
	body := text(t, s.get("/newsletters/weekly/issues/1"), http.StatusOK)
	lacks(t, body, "/r/", `width="1"`)
	contains(t, body, `href="`+siteURL+`/articles/mending-a-net"`, `href="https://other.example.net/a/b"`, `<p class="personal"`)
	plain, _ := newCountingSite(t, newsletter.Counts{})
	note := regexp.MustCompile(`<p class="personal" style="[^"]*">[^<]*not recorded[^<]*</p>`)
	if off := text(t, plain.get("/newsletters/weekly/issues/1"), http.StatusOK); note.ReplaceAllString(body, "") != off {
		t.Errorf("counting changed the page of an issue:\n%s\n%s", body, off)
	}
}

// TestCountsTold: whoever subscribes, or looks at what they subscribed to, is told.
func TestCountsTold(t *testing.T) {
	t.Parallel()
	const clicks, opens, both = "links to articles in its mails are followed is counted", "its mails are opened is counted", "its mails are opened and the links"
	for _, c := range []struct {
		counts newsletter.Counts
		want   string
	}{{newsletter.Counts{}, ""}, {newsletter.Counts{Clicks: true}, clicks}, {newsletter.Counts{Opens: true}, opens}, {newsletter.Counts{Clicks: true, Opens: true}, both}} {
		s := newSite(t, func(o *web.Options) { o.Newsletters[0].Counts = c.counts })
		for _, page := range []string{"/newsletters/weekly", "/newsletters/weekly/subscribe", "/newsletters/weekly/embed", s.link(newsletter.PurposePreferences, other, "weekly")} {
			body := text(t, s.get(page), http.StatusOK)
			if c.want != "" {
				contains(t, body, c.want)
			} else {
				lacks(t, body, "counted")
			}
		}
		lacks(t, text(t, s.get("/newsletters/quotidien"), http.StatusOK), "comptés", "comptées")
	}
	s := newSite(t, func(o *web.Options) { o.Newsletters[1].Counts = newsletter.Counts{Clicks: true, Opens: true} })
	for _, page := range []string{"/newsletters/quotidien", s.link(newsletter.PurposePreferences, her, "quotidien")} {
		contains(t, text(t, s.get(page), http.StatusOK), "Les ouvertures de ses messages et les clics")
	}
}
