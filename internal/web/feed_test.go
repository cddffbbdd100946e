package web_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFeeds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := text(t, s.get("/feed.rss"), 404)
	contains(t, body, "not been built yet", "syndicate build")

	for name, want := range map[string]string{
		"feed.rss": "application/rss+xml; charset=utf-8", "feed.atom": "application/atom+xml; charset=utf-8", "feed.json": "application/feed+json; charset=utf-8",
	} {
		s.write(name, "the bytes of "+name)
		s.pass(time.Second)
		r := s.get("/"+name, "Origin", "https://reader.example")
		if body := text(t, r, 200); body != "the bytes of "+name {
			t.Errorf("%s: %q", name, body)
		}
		for header, want := range map[string]string{
			"Content-Type": want, "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=300",
			"Access-Control-Allow-Origin": "*", "Set-Cookie": "",
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s %q, want %q", name, header, got, want)
			}
		}
		if got := r.Header.Values("Link"); len(got) == 0 || got[0] != "<"+siteURL+"/"+name+`>; rel="self"` {
			t.Errorf("%s: Link %q", name, got)
		}
	}
	for name, want := range map[string]string{"feed.rss": "", "feed.json": "*"} { // programs need not ask
		r := s.get("/" + name)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != want || !strings.Contains(r.Header.Get("Vary"), "Origin") {
			t.Errorf("%s: %v", name, r.Header)
		}
	}
	r := s.do("OPTIONS", "/feed.json", "", "Origin", "https://reader.example", "Access-Control-Request-Headers", "if-none-match")
	if r.StatusCode != 204 || !strings.Contains(r.Header.Get("Access-Control-Allow-Headers"), "If-None-Match") {
		t.Errorf("preflight: %d %v", r.StatusCode, r.Header)
	}
}

// TestFeedChangesTwiceInASecond: a date does not tell two versions of one second
// apart, so there is none before that second is over.
func TestFeedChangesTwiceInASecond(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	second := s.clock().Truncate(time.Second)
	date := second.Format(http.TimeFormat)
	put := func(body string, after time.Duration) {
		t.Helper()
		s.write("feed.rss", body)
		s.check(os.Chtimes(filepath.Join(s.dir, "feed.rss"), second.Add(after), second.Add(after)))
	}
	put("one", 0)
	r := s.get("/feed.rss", "If-Modified-Since", date)
	if body := text(t, r, 200); body != "one" || r.Header.Get("Last-Modified") != "" || r.Header.Get("Etag") == "" {
		t.Errorf("%q with %v", body, r.Header)
	}
	put("two", 900*time.Millisecond)
	s.pass(999 * time.Millisecond) // the file was not looked at again
	if r = s.get("/feed.rss"); text(t, r, 200) != "one" || r.Header.Get("Last-Modified") != "" {
		t.Errorf("%v", r.Header)
	}
	s.pass(time.Millisecond)
	r = s.get("/feed.rss")
	if body := text(t, r, 200); body != "two" || r.Header.Get("Last-Modified") != date {
		t.Errorf("%q with %v", body, r.Header)
	}
	if r = s.get("/feed.rss", "If-Modified-Since", date); r.StatusCode != 304 {
		t.Errorf("status %d", r.StatusCode)
	}
}

// TestFeedChanges: a rebuilt feed is noticed within a second, and looked for at
// most that often.
func TestFeedChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("feed.rss", "one")
	want := func(body string) {
		t.Helper()
		if got := text(t, s.get("/feed.rss"), 200); got != body {
			t.Errorf("%q, want %q", got, body)
		}
	}
	want("one")
	s.write("feed.rss", "two")
	want("one")
	s.pass(time.Second)
	want("two")
	// The same size and the same time, but another file.
	info, err := os.Stat(filepath.Join(s.dir, "feed.rss"))
	s.check(err)
	s.write("feed.rss", "six")
	s.check(os.Chtimes(filepath.Join(s.dir, "feed.rss"), info.ModTime(), info.ModTime()))
	s.pass(time.Second)
	want("six")
	s.check(os.Remove(filepath.Join(s.dir, "feed.rss")))
	s.pass(time.Second)
	text(t, s.get("/feed.rss"), 404)
	s.write("feed.rss", "seven")
	want("seven") // a missing file is looked for each time
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	text(t, s.get("/files/articles/a.png"), 404) // before the first build
	s.write("feed.rss", "<rss/>")
	s.write("secret.txt", "secret")
	s.write("picture.png", "secret")
	s.write("files/articles/a.png", "0123456789")
	s.write("files/articles/b.SVG", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
	s.write("files/articles/c.html", "<script>alert(1)</script>")
	s.write("files/articles/d", "no extension")
	s.write("files/articles/e.pdf", "%PDF")
	s.write("files/articles/.hidden.png", "secret")
	s.write("files/.git/x.png", "secret")
	s.write("files/articles/été à la mer.png", "français")
	s.check(os.Mkdir(filepath.Join(s.dir, "files", "folder.png"), 0o755))
	s.check(os.Symlink("../../picture.png", filepath.Join(s.dir, "files", "articles", "escape.png")))
	s.check(os.Symlink("a.png", filepath.Join(s.dir, "files", "articles", "inside.png")))

	r := s.get("/files/articles/a.png")
	if text(t, r, 200) != "0123456789" || r.Header.Get("Content-Type") != "image/png" || r.Header.Get("X-Content-Type-Options") != "nosniff" ||
		r.Header.Get("Accept-Ranges") != "bytes" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Error(r.Header)
	}
	tag := r.Header.Get("Etag")
	for _, c := range []struct {
		headers []string
		status  int
		body    string
	}{
		{[]string{"Range", "bytes=2-4"}, 206, "234"},
		{[]string{"Range", "bytes=-3"}, 206, "789"},
		{[]string{"Range", "bytes=2-4", "If-Range", tag}, 206, "234"},
		{[]string{"Range", "bytes=2-4", "If-Range", `"old"`}, 200, "0123456789"},
		{[]string{"If-None-Match", tag}, 304, ""},
	} {
		if r := s.get("/files/articles/a.png", c.headers...); text(t, r, c.status) != c.body {
			t.Errorf("%v: other bytes", c.headers)
		}
	}
	text(t, s.get("/files/articles/a.png", "Range", "bytes=20-30"), 416)
	text(t, s.get("/files/articles/inside.png"), 200)
	text(t, s.get("/files/articles/%C3%A9t%C3%A9%20%C3%A0%20la%20mer.png"), 200)
	if r := s.get("/files/articles/b.SVG"); r.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasSuffix(r.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Error(r.Header)
	}
	if r := s.get("/files/articles/e.pdf"); strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Error("Chromium shows no PDF in a sandbox")
	}
	for _, target := range []string{
		"/files/", "/files", "/files/articles", "/files/articles/", "/files/folder.png", "/files/folder.png/", "/files/articles/c.html", "/files/articles/d",
		"/files/articles/none.png", "/files/articles/.hidden.png", "/files/.git/x.png", "/files/articles/escape.png",
		"/files/..%2fpicture.png", "/files/%2e%2e%2fpicture.png", "/files/articles/..%2f..%2fpicture.png", "/files/..%5cpicture.png", "/files/%2e%2e%5cpicture.png",
		"/files/%2fetc%2fpasswd.png", "/files//etc/x.png", "/files/a%00.png", "/files/articles/a.png%00", "/files/" + strings.Repeat("a", 5000) + ".png",
		"/files/articles/a.png/x.png", "/files/../picture.png", "/files/articles/%2e%2e/%2e%2e/picture.png", "/secret.txt", "/picture.png",
	} {
		r := s.get(target)
		if r.StatusCode/100 == 3 { // tidied by net/http: what does it lead to?
			r = s.get(r.Header.Get("Location"))
		}
		b, err := io.ReadAll(r.Body)
		s.check(err)
		if r.StatusCode != http.StatusNotFound || strings.Contains(string(b), "secret") {
			t.Errorf("%.60s: %d %.60q", target, r.StatusCode, b)
		}
	}
}
