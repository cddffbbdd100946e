package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"syndicate/internal/newsletter"
)

// embedded returns the form that a newsletter offers to other sites, as it is copied.
func embedded(t *testing.T, page string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<textarea id="embed"[^>]*>(.*)</textarea>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no form in\n%s", page)
	}
	return html.UnescapeString(m[1])
}

// TestCrossSite follows somebody from a form on another site to the one click of a mail
// program: no request has a cookie or an origin of ours, and no answer wants any.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve()
	elsewhere := []string{"Origin", "null", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	answered := func(r *http.Response) string {
		t.Helper()
		if r.Header.Get("Set-Cookie") != "" || r.Header.Get("Location") != "" {
			t.Errorf("%v", r.Header)
		}
		return text(t, r, 200)
	}
	form := embedded(t, text(t, s.get("/newsletters/weekly/embed"), 200))
	lacks(t, form, "<script", "<link", "<img", "<iframe", "style=")
	action := regexp.MustCompile(`action="` + regexp.QuoteMeta(siteURL) + `([^"]+)"`).FindStringSubmatch(form)
	if action == nil || !strings.Contains(form, `method="post"`) {
		t.Fatalf("the form goes nowhere:\n%s", form)
	}
	fields := url.Values{}
	for _, m := range regexp.MustCompile(`<input[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?`).FindAllStringSubmatch(form, -1) {
		fields.Set(m[1], m[2])
	}
	fields.Set("email", newcomer)
	contains(t, answered(s.post(action[1], fields, elsewhere...)), "Look into your mailbox")

	link := s.mail(1).path(t, "confirm")
	contains(t, answered(s.post(link, url.Values{"confirm": {"1"}}, elsewhere...)), "Welcome")
	if got := s.subscriber(newcomer, "weekly"); got.State != newsletter.SubscriptionConfirmed || got.Source != "embed" {
		t.Errorf("%+v", got)
	}
	leave := s.link(newsletter.PurposeUnsubscribe, newcomer, "weekly")
	if body := answered(s.do("POST", leave, oneClick, append(elsewhere, "Content-Type", formType)...)); body != "Unsubscribed.\n" {
		t.Errorf("%q", body)
	}
	if got := s.subscriber(newcomer, "weekly"); got.State != newsletter.SubscriptionUnsubscribed || got.LeftBy != "one-click" {
		t.Errorf("%+v", got)
	}
}

// TestEmbeddedFormInBrowser signs up on a page of another origin that holds nothing but
// the copied form, with the keyboard, where scripts are switched off.
func TestEmbeddedFormInBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := newSample(t)
	s.serve()
	before := len(s.mails())
	var page string
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer") // then the origin is null
		fmt.Fprint(w, page)
	}))
	t.Cleanup(host.Close)
	for n, c := range []struct{ name, email, sent string }{
		{"weekly", "nadia@example.net", "Look into your mailbox"},
		{"quotidien", "noemie@example.net", "Regardez dans votre boîte aux lettres"},
	} {
		page = "<!DOCTYPE html><title>Elsewhere</title><h1>Elsewhere</h1>" + embedded(t, text(t, s.get("/newsletters/"+c.name+"/embed"), 200))
		tab, cancel := chromedp.NewContext(browser)
		t.Cleanup(cancel)
		s.check(chromedp.Do(tab, scripts(false), chromedp.Navigate(host.URL), chromedp.WaitReady("input[type=email]")))
		s.check(chromedp.Do(tab, chromedp.Focus("input[type=email]"), chromedp.KeyEvent(c.email), chromedp.KeyEvent("\r"), chromedp.WaitReady("main h1")))
		heading, err := chromedp.Run(tab, chromedp.Text("main h1"))
		s.check(err)
		if heading != c.sent {
			t.Errorf("the heading is %q, want %q", heading, c.sent)
		}
		link := s.mail(before+n+1).pathAt(t, s.url, "confirm")
		text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)
		if got := s.subscriber(c.email, c.name); got.State != newsletter.SubscriptionConfirmed || got.Source != "embed" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
