package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"syndicate/internal/intake"
	"syndicate/internal/newsletter"
	"syndicate/internal/web"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("feed.rss", "<rss/>")
	s.write("files/a.png", "png")
	for _, target := range []string{
		"/", "/articles/soupe", "/nothing", "/newsletters/weekly", "/feed.rss", "/feed.rss?format=html", "/files/a.png", "/unsubscribe/x", "/healthz", "/assets/site.css", "/favicon.svg", "/robots.txt",
		s.link(newsletter.PurposeUnsubscribe, her, "weekly"),
	} {
		h := s.get(target, "Accept", "text/html, */*").Header // to a feed, what a browser may show
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Set-Cookie": "", "Strict-Transport-Security": ""} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: no %s in %q", target, part, csp)
			}
		}
		if strings.Contains(csp, "script-src") || strings.Contains(csp, "unsafe-eval") {
			t.Errorf("%s: scripts in %q", target, csp)
		}
		if h.Get("Content-Type") == "" || h.Get("Cache-Control") == "" {
			t.Errorf("%s: %v", target, h)
		}
	}
	csp := s.get("/").Header.Get("Content-Security-Policy")
	for _, part := range []string{"style-src 'self'", "img-src * data:", "form-action 'self'", "base-uri 'none'"} {
		contains(t, csp, part)
	}
	lacks(t, csp, "unsafe-inline")
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	for _, c := range []struct{ method, target, allow string }{
		{"POST", "/", "GET, HEAD"},
		{"DELETE", "/articles/soupe", "GET, HEAD"},
		{"PUT", "/feed.rss", "GET, HEAD, OPTIONS"},
		{"POST", "/files/a.png", "GET, HEAD"},
		{"PUT", link, "GET, HEAD, POST"},
		{"DELETE", link, "GET, HEAD, POST"},
		{"POST", "/nothing", "GET, HEAD"},
		{"TRACE", "/", "GET, HEAD"},
		{"BREW", "/", "GET, HEAD"},
	} {
		r := s.do(c.method, c.target, "")
		if r.StatusCode != 405 || r.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q; want 405 and %q", c.method, c.target, r.StatusCode, r.Header.Get("Allow"), c.allow)
		}
	}
	s.wantState(nobodyLeft)

	// It is a page, for people, in their language.
	for _, target := range []string{"/", link, "/feed.rss", "/articles/soupe"} {
		r := s.do("PUT", target, "", "Accept-Language", "fr")
		contains(t, text(t, r, 405), `<html lang="fr"`, "Impossible ici", `href="/"`)
	}
	if r := s.do("POST", "//articles", ""); r.StatusCode/100 != 3 || r.Header.Get("Location") != "/articles" {
		t.Errorf("%d to %q", r.StatusCode, r.Header.Get("Location"))
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	long := oneClick + "&x=" + strings.Repeat("y", 70_000)
	text(t, s.do("POST", link, long, "Content-Type", formType), 413)
	text(t, s.do("POST", link, "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n"+strings.Repeat("y", 70_000)+"\r\n--b--", "Content-Type", "multipart/form-data; boundary=b"), 413)
	text(t, s.do("POST", link, "--b", "Content-Type", "multipart/form-data; boundary=b"), 400)
	text(t, s.do("POST", link, "%zz", "Content-Type", formType), 400)
	s.wantState(nobodyLeft)
}

func TestProxies(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	for _, c := range []struct {
		remote, proto, hsts string
	}{
		{"10.0.0.1:1", "https", "max-age=31536000"},
		{"10.0.0.1:1", "http", ""},
		{"203.0.113.1:1", "https", ""},
		{"[fd00::1]:1", "HTTPS", "max-age=31536000"},
		{"[::ffff:10.0.0.1]:1", "https", "max-age=31536000"},
		{"@", "https", ""},
	} {
		if got := s.get("/", "remote", c.remote, "X-Forwarded-Proto", c.proto).Header.Get("Strict-Transport-Security"); got != c.hsts {
			t.Errorf("%s %s: HSTS %q, want %q", c.remote, c.proto, got, c.hsts)
		}
	}
	// Behind a proxy the client is counted, not the proxy, whatever the client claims.
	for i := range 60 {
		text(t, s.get("/unsubscribe/x", "remote", "10.0.0.1:1", "X-Forwarded-For", "1.2.3."+base(i%10)+", 198.51.100.1, 10.0.0.2"), 404)
	}
	text(t, s.get("/unsubscribe/x", "remote", "10.0.0.1:1", "X-Forwarded-For", "198.51.100.1"), 429)
	text(t, s.get("/unsubscribe/x", "remote", "10.0.0.1:1", "X-Forwarded-For", "198.51.100.2"), 404)
	text(t, s.get("/unsubscribe/x", "remote", "198.51.100.1:1", "X-Forwarded-For", "198.51.100.9"), 429)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var health struct {
		OK   bool   `json:"ok"`
		Site string `json:"site"`
	}
	r := s.get("/healthz")
	s.check(json.Unmarshal([]byte(text(t, r, 200)), &health))
	if !health.OK || health.Site == "" || health.Site != s.store.SiteID() || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v %v", health, r.Header)
	}
	contains(t, text(t, s.get("/readyz"), 200), `"ready":true`)
	s.close()
	contains(t, text(t, s.get("/readyz"), 503), `"ready":false`)
	text(t, s.get("/healthz"), 200)
	contains(t, text(t, s.get("/"), 500), "Something broke on our side")
	lacks(t, text(t, s.get(s.linkLike()), 500), "sql")
}

// linkLike is a link whose token is read, so that the store is asked.
func (s *site) linkLike() string {
	token := s.store.Keyring().Token(newsletter.Claim{Purpose: newsletter.PurposeUnsubscribe, Subscriber: 1, Newsletter: "weekly"}, her)
	return "/unsubscribe/" + token
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.Mail = intake.New(intake.Options{}) })
	s.get("/")
	s.get("/nothing")
	body := text(t, s.get("/metrics", "remote", "127.0.0.1:9"), 200)
	contains(t, body,
		`syndicate_build_info{version="test",go="go`, `syndicate_http_requests_total{class="2xx"} 1`, `syndicate_http_requests_total{class="4xx"} 1`,
		`syndicate_articles{state="public"} 4`, `syndicate_subscriptions{newsletter="weekly",state="confirmed"} 2`, "syndicate_issues_open 0", "syndicate_store_up 1",
		"syndicate_mail_taken_total 0", `syndicate_mail_refused_total{why="recipient"} 0`,
		"syndicate_hub_subscriptions 0", "syndicate_hub_subscriptions_behind 0", `syndicate_hub_calls_total{purpose="document",result="failed"} 0`,
	)
	for _, line := range strings.Split(strings.TrimSpace(body), "\n") {
		if name, value, ok := strings.Cut(line, " "); !ok || !strings.HasPrefix(line, "# ") && (!strings.HasPrefix(name, "syndicate_") || strings.Trim(value, "0123456789") != "") {
			t.Errorf("not a line of the text format: %q", line)
		}
	}
	for _, c := range []struct {
		headers []string
		want    int
	}{
		{[]string{"remote", "192.168.1.9:1"}, 200},
		{[]string{"remote", "[::1]:1"}, 200},
		{[]string{"remote", "203.0.113.1:1"}, 403},
		{[]string{"remote", "127.0.0.1:1", "X-Forwarded-For", "127.0.0.1"}, 403}, // a proxy nobody trusts
		{[]string{"remote", "127.0.0.1:1", "Forwarded", "for=203.0.113.1"}, 403},
	} {
		if got := s.get("/metrics", c.headers...).StatusCode; got != c.want {
			t.Errorf("%v: %d, want %d", c.headers, got, c.want)
		}
	}
}

func TestRobotsAndIcon(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	contains(t, text(t, s.get("/robots.txt"), 200), "User-agent: *\n", "Disallow: /unsubscribe/\n", "Disallow: /preferences/\n")
	r := s.get("/favicon.svg")
	contains(t, text(t, r, 200), "<svg")
	if r.Header.Get("Content-Type") != "image/svg+xml" {
		t.Error(r.Header)
	}
	if r := s.get("/favicon.ico"); r.StatusCode != 302 || r.Header.Get("Location") != "/favicon.svg" {
		t.Error(r.StatusCode, r.Header)
	}
}

func TestStylesheet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, after, ok := strings.Cut(text(t, s.get("/"), 200), `<link rel="stylesheet" href="`)
	target, _, ok2 := strings.Cut(after, `"`)
	if !ok || !ok2 {
		t.Fatal("no style sheet")
	}
	r := s.get(target)
	contains(t, text(t, r, 200), "prefers-color-scheme: dark")
	if got := r.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") || r.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v", r.Header)
	}
	if size := len(text(t, s.get(target), 200)); size > 14_000 {
		t.Errorf("the style sheet has %d bytes", size)
	}
	for _, old := range []string{"/assets/site.css", "/assets/site.css?v=old"} {
		if got := s.get(old).Header.Get("Cache-Control"); strings.Contains(got, "immutable") {
			t.Errorf("%s: %s", old, got)
		}
	}
	text(t, s.get("/assets/home.html"), 404)
}

// TestLog: no line holds a token, an address or a path of a reader.
func TestLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	s.get(link)
	s.do("POST", link, oneClick, "Content-Type", formType)
	s.get("/articles/soupe?secret=1")
	s.get("/unsubscribe/forged-token")
	s.close()
	s.get(link) // fails
	log := s.log.String()
	contains(t, log, `route="GET /unsubscribe/{token}"`, `route="POST /unsubscribe/{token}"`, "status=500")
	lacks(t, log, strings.TrimPrefix(link, "/unsubscribe/"), her, "marguerite", "secret", "forged-token", "203.0.113.7")
}

// TestPanics: a template that panics is answered and logged; the server lives on.
func TestPanics(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := &panicking{httptest.NewRecorder()}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/healthz", http.NoBody)
	func() {
		defer func() {
			if v := recover(); v != any(http.ErrAbortHandler) {
				t.Errorf("recovered %v", v)
			}
		}()
		s.handler.ServeHTTP(w, r)
	}()
	contains(t, s.log.String(), "level=ERROR msg=panic", `route="GET /healthz"`, "runtime error: ")
	text(t, s.get("/"), 200)
}

type panicking struct{ *httptest.ResponseRecorder }

func (p *panicking) Write([]byte) (int, error) {
	return int(p.Body.Bytes()[1<<20]), nil // there are fewer
}

// TestCancelled: a reader who has gone is not an error.
func TestCancelled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", http.NoBody))
	lacks(t, s.log.String(), "level=ERROR")
}

func TestNewServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	srv := web.NewServer(s.handler, web.Timeouts{Read: 3 * time.Second}, nil)
	if srv.ReadTimeout != 3*time.Second || srv.ReadHeaderTimeout != 3*time.Second || srv.WriteTimeout <= 0 || srv.IdleTimeout <= 0 || srv.MaxHeaderBytes <= 0 {
		t.Errorf("%+v", srv)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	s.write("files/a.png", strings.Repeat("0", 1<<20))
	r, err := http.Get("http://" + l.Addr().String() + "/files/a.png")
	s.check(err)
	if n := len(text(t, r, 200)); n != 1<<20 {
		t.Errorf("%d bytes", n)
	}
	r, err = http.Post("http://"+l.Addr().String()+s.link(newsletter.PurposeUnsubscribe, her, "weekly"), formType, strings.NewReader(oneClick))
	s.check(err)
	text(t, r, 200)
	s.wantState(sheLeft)
	r, err = http.PostForm("http://"+l.Addr().String()+"/", url.Values{})
	s.check(err)
	text(t, r, 405)
	s.check(srv.Shutdown(t.Context()))
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	file := func(name, text string) func(*web.Options) {
		return func(o *web.Options) { o.Templates = fstest.MapFS{"web/" + name: {Data: []byte(text)}} }
	}
	// A site may change one file and keep the others.
	s := newSite(t, file("notice.html", "\ufeff{{define \"main\"}}<h1>Mine: {{.View.Heading}}</h1>{{end}}\r\n"))
	contains(t, text(t, s.get("/nothing"), 404), "<h1>Mine: Page not found</h1>", `<header class="masthead">`)
	s = newSite(t, file("site.css", "body{}"))
	if got := text(t, s.get("/assets/site.css"), 200); got != "body{}" {
		t.Error(got)
	}

	for name, c := range map[string]struct{ file, text, want string }{
		"syntax":          {"home.html", "{{define \"main\"}}\n{{if}}\n{{end}}", "templates/web/home.html:2: missing value for if"},
		"function":        {"layout.html", "\n\n{{nope}}", "templates/web/layout.html:3: function \"nope\" not defined"},
		"field":           {"home.html", "{{define \"main\"}}\n\n{{.View.Nope}}{{end}}", "templates/web/home.html:3:7: <.View.Nope>"},
		"field of a card": {"home.html", "{{define \"main\"}}\n{{range .View.Articles}}\n{{.Nope}}{{end}}{{end}}", "templates/web/home.html:3:2: "},
		"words":           {"notice.html", "{{define \"main\"}}{{t \"no.such\"}}{{end}}", "templates/web/notice.html:1:19: <t \"no.such\">: there are no words"},
		"attribute":       {"article.html", "{{define \"main\"}}<a href=\"{{.Home}}>{{end}}", "templates/web/layout.html: \"\\\"\" in attribute name"}, // where it shows
		"part":            {"newsletter.html", "{{define \"main\"}}{{template \"nope\"}}{{end}}", "templates/web/newsletter.html:1:"},
		"latin-1":         {"home.html", "{{define \"main\"}}\xe9{{end}}", "templates/web/home.html: the file is not UTF-8"},
		"too large":       {"site.css", strings.Repeat("x", 1_100_000), "templates/web/site.css: a template of 1 MB is not read"},
		"endless":         {"home.html", "{{define \"main\"}}{{template \"main\" .}}{{end}}", "templates/web/home.html:1:"},
		"immense":         {"home.html", "{{define \"big\"}}" + strings.Repeat("x", 100_000) + "{{if .}}{{template \"big\" .}}{{end}}{{end}}{{define \"main\"}}{{template \"big\" .}}{{end}}", "templates/web/home.html: prints more than 16 MB"},
	} {
		o := web.Options{Store: s.store, Service: s.service, Site: newsletter.Site{Title: "x", URL: siteURL, Language: "en"}, Builtin: s.builtin}
		file(c.file, c.text)(&o)
		if _, err := web.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) || strings.HasPrefix(err.Error(), "template") != strings.HasPrefix(c.want, "template") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A page that loops for ever and prints nothing is stopped. (If it were not, this
// test would not end.)
func TestEndlessPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := web.Options{Store: s.store, Service: s.service, Site: newsletter.Site{Title: "x", URL: siteURL, Language: "en"}, Builtin: s.builtin}
	o.Templates = fstest.MapFS{"web/home.html": {Data: []byte("{{define \"main\"}}\n{{range 9000000000000000}}{{end}}{{end}}")}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := web.New(ctx, o)
	if want := "templates/web/"; err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %s", err, want)
	}
}

// FuzzPaths: no path makes the server fail, and redirects stay here.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{"/", "/articles/bread", "/food/bread", "/craft/net-mending/", "//a", "/\\evil", "/%2f%2fevil.example", "/files/..%2f", "/articles/%00", "/newsletters/x/issues/1", "/?page=2", "/unsubscribe/AXU"} {
		f.Add(seed)
	}
	s := newSite(f)
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || u.Host != "" {
			t.Skip()
		}
		r := httptest.NewRequest("GET", "http://letter.example.org/", http.NoBody)
		r.URL, r.RequestURI = u, target
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%q: %d", target, w.Code)
		}
		if to := w.Header().Get("Location"); to != "" {
			l, err := url.Parse(to)
			if err != nil || l.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
				t.Errorf("%q leads to %q", target, to)
			}
		}
	})
}
