package web_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
)

// TestConditionalFeed is the matrix of RFC 9110 13.2.2.
func TestConditionalFeed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("feed.atom", strings.Repeat("<entry/>", 500))
	written := time.Date(2026, 11, 20, 9, 30, 15, 250_000_000, time.UTC)
	s.check(os.Chtimes(filepath.Join(s.dir, "feed.atom"), written, written))
	plain, zipped := s.get("/feed.atom"), s.get("/feed.atom", "Accept-Encoding", "gzip")
	tag, zipTag, modified := plain.Header.Get("Etag"), zipped.Header.Get("Etag"), plain.Header.Get("Last-Modified")
	if modified != "Fri, 20 Nov 2026 09:30:15 GMT" || !strings.HasPrefix(tag, `"`) || tag == zipTag {
		t.Fatalf("ETag %s and %s, Last-Modified %s", tag, zipTag, modified)
	}
	older, newer := "Fri, 20 Nov 2026 09:30:14 GMT", "Fri, 20 Nov 2026 09:30:16 GMT"
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"nothing", nil, 200},
		{"its tag", []string{"If-None-Match", tag}, 304},
		{"its tag, weak", []string{"If-None-Match", "W/" + tag}, 304},
		{"its tag in a list", []string{"If-None-Match", `"a,b", W/"c" ,` + tag}, 304},
		{"its tag in a second line", []string{"If-None-Match", `"a"`, "If-None-Match", tag}, 304},
		{"any", []string{"If-None-Match", "* "}, 304},
		{"any and more", []string{"If-None-Match", "*x"}, 200},
		{"any behind a tag", []string{"If-None-Match", `"x", *`}, 200},
		{"any before a tag", []string{"If-None-Match", `*, "x"`}, 200},
		{"any in a second line", []string{"If-None-Match", `"x"`, "If-None-Match", "*"}, 200},
		{"another tag", []string{"If-None-Match", `"other"`}, 200},
		{"a tag without quotes", []string{"If-None-Match", strings.Trim(tag, `"`)}, 200},
		{"an unfinished tag", []string{"If-None-Match", tag[:len(tag)-1]}, 200},
		{"an empty tag", []string{"If-None-Match", ""}, 200},
		{"the tag of the other coding", []string{"If-None-Match", zipTag}, 200},
		{"the tag of this coding", []string{"If-None-Match", zipTag, "Accept-Encoding", "gzip, br;q=0.9"}, 304},
		{"its date", []string{"If-Modified-Since", modified}, 304},
		{"a newer date", []string{"If-Modified-Since", newer}, 304},
		{"an older date", []string{"If-Modified-Since", older}, 200},
		{"no date", []string{"If-Modified-Since", "yesterday"}, 200},
		{"a date and more", []string{"If-Modified-Since", modified + "; length=4000"}, 200},
		{"two dates", []string{"If-Modified-Since", modified, "If-Modified-Since", modified}, 200},
		{"a date of another zone", []string{"If-Modified-Since", "Fri, 20 Nov 2026 10:30:15 +0100"}, 200},
		{"a date without a day", []string{"If-Modified-Since", "20 Nov 2026 09:30:15 GMT"}, 200},
		{"seconds", []string{"If-Modified-Since", "1795167015"}, 200},
		{"a date to come", []string{"If-Modified-Since", "Fri, 20 Nov 2099 09:30:15 GMT"}, 304},
		{"before all dates", []string{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}, 200},
		{"asctime", []string{"If-Modified-Since", "Fri Nov 20 09:30:15 2026"}, 304},
		{"RFC 850", []string{"If-Modified-Since", "Friday, 20-Nov-26 09:30:15 GMT"}, 304},
		{"tag wins, new", []string{"If-None-Match", `"other"`, "If-Modified-Since", modified}, 200},
		{"tag wins, same", []string{"If-None-Match", tag, "If-Modified-Since", older}, 304},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			r := s.do(method, "/feed.atom", "", c.headers...)
			if r.StatusCode != c.want {
				t.Errorf("%s %s: %d, want %d", method, c.name, r.StatusCode, c.want)
			}
			if r.StatusCode == 304 {
				if text(t, r, 304) != "" || r.Header.Get("Etag") == "" || r.Header.Get("Cache-Control") == "" || r.Header.Get("Vary") == "" || r.Header.Get("Last-Modified") == "" {
					t.Errorf("%s %s: 304 with %v", method, c.name, r.Header)
				}
				if r.Header.Get("Content-Encoding") != "" {
					t.Errorf("%s %s: 304 with a content coding", method, c.name)
				}
			}
		}
	}
}

// TestDemands: If-Match and If-Unmodified-Since (RFC 9110 13.2.2, steps 1 and 2) are
// of no use to readers, but mean something.
func TestDemands(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("feed.json", `{"items": [`+strings.Repeat(" ", 500)+`]}`)
	written := time.Date(2026, 11, 20, 9, 30, 15, 0, time.UTC)
	s.check(os.Chtimes(filepath.Join(s.dir, "feed.json"), written, written))
	const older, same = "Fri, 20 Nov 2026 09:30:14 GMT", "Fri, 20 Nov 2026 09:30:15 GMT"
	tag, zipTag := s.get("/feed.json").Header.Get("Etag"), s.get("/feed.json", "Accept-Encoding", "gzip").Header.Get("Etag")
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"its tag", []string{"If-Match", tag}, 200},
		{"its tag in a list", []string{"If-Match", `"a", ` + tag}, 200},
		{"its tag, weak", []string{"If-Match", "W/" + tag}, 412},
		{"the tag of the other coding", []string{"If-Match", zipTag}, 412},
		{"the tag of this coding", []string{"If-Match", zipTag, "Accept-Encoding", "gzip"}, 200},
		{"another tag", []string{"If-Match", `"other"`}, 412},
		{"any", []string{"If-Match", "*"}, 200},
		{"its date", []string{"If-Unmodified-Since", same}, 200},
		{"an older date", []string{"If-Unmodified-Since", older}, 412},
		{"no date", []string{"If-Unmodified-Since", "never"}, 200},
		{"tag wins", []string{"If-Match", tag, "If-Unmodified-Since", older}, 200},
		{"it has this one", []string{"If-Match", tag, "If-None-Match", tag}, 304},
		{"before what it has", []string{"If-Match", `"other"`, "If-None-Match", tag}, 412},
		{"before what it has, by date", []string{"If-Unmodified-Since", older, "If-Modified-Since", same}, 412},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			r := s.do(method, "/feed.json", "", c.headers...)
			if r.StatusCode != c.want {
				t.Errorf("%s %s: %d, want %d", method, c.name, r.StatusCode, c.want)
			}
			if r.StatusCode == 412 && (r.Header.Get("Etag") != "" || r.Header.Get("Cache-Control") != "no-store") {
				t.Errorf("%s %s: 412 with %v", method, c.name, r.Header)
			}
		}
	}
	opml := s.get("/opml.xml").Header.Get("Etag")
	for condition, want := range map[string]int{opml: 200, `"other"`: 412} {
		if r := s.get("/opml.xml", "If-Match", condition); opml == "" || r.StatusCode != want {
			t.Errorf("the list of feeds, If-Match %s: %d, want %d", condition, r.StatusCode, want)
		}
	}
}

// TestParts: nobody needs a part of a feed; who asks for one gets all of it, which
// RFC 9110 14.2 allows.
func TestParts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("feed.rss", "0123456789")
	tag := s.get("/feed.rss").Header.Get("Etag")
	for _, headers := range [][]string{{"Range", "bytes=2-4"}, {"Range", "bytes=20-30"}, {"Range", "bytes=2-4", "If-Range", tag}, {"Range", "bytes=2-4", "If-Range", `"other"`}, {"Range", "x"}} {
		r := s.get("/feed.rss", headers...)
		if text(t, r, 200) != "0123456789" || r.Header.Get("Accept-Ranges") == "bytes" || r.Header.Get("Content-Range") != "" {
			t.Errorf("%v: %v", headers, r.Header)
		}
	}
	text(t, s.get("/feed.rss", "Range", "bytes=2-4", "If-None-Match", tag), 304)
}

// TestHeadIsGet: HEAD says what GET would, in every coding, and sends nothing.
func TestHeadIsGet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	long := strings.Repeat("<item/>\n", 1000)
	s.write("feed.rss", long)
	s.pass(time.Second)
	for _, coding := range []string{"", "gzip", "br", "zstd", "gzip;q=0", "identity;q=0, gzip", "identity;q=0, *;q=0.1", "*;q=0, gzip", "identity;q=0"} {
		get, head := s.get("/feed.rss", "Accept-Encoding", coding), s.do("HEAD", "/feed.rss", "", "Accept-Encoding", coding)
		if decoded(t, get) != long || text(t, head, 200) != "" {
			t.Errorf("%q: other bytes", coding)
		}
		if d := cmp.Diff(get.Header, head.Header); d != "" || head.Header.Get("Content-Length") == "" {
			t.Errorf("%q (-GET +HEAD):\n%s", coding, d)
		}
		if refused := strings.HasPrefix(coding, "identity;q=0,") || strings.HasPrefix(coding, "*;q=0"); refused && get.Header.Get("Content-Encoding") == "" {
			t.Errorf("%q: sent as it is", coding)
		}
	}
}

// TestNoDocumentNoCondition: that a feed moved, is gone, or is asked for too often, is
// said whatever the client has.
func TestNoDocumentNoCondition(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.add(newsletter.Article{Tags: []string{"brief"}})
	s.publish()
	tag := s.get("/tags/brief/feed.atom").Header.Get("Etag")
	s.add(newsletter.Article{}) // it has the tag no more
	s.publish()
	for _, condition := range [][]string{
		nil,
		{"If-None-Match", tag},
		{"If-None-Match", "*"},
		{"If-Modified-Since", "Fri, 20 Nov 2099 09:30:15 GMT"},
		{"If-Match", `"other"`},
		{"A-IM", "feed", "If-None-Match", tag},
		{"Range", "bytes=0-1"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for target, want := range map[string]int{"/tags/brief/feed.atom": 410, "/index.xml": 301, "/tags/brief/": 410, "/tags/never/feed.rss": 404} {
				r := s.do(method, target, "", condition...)
				if r.StatusCode != want || r.Header.Get("Etag") != "" || r.Header.Get("Last-Modified") != "" {
					t.Errorf("%s %s with %q: %d %v, want %d", method, target, condition, r.StatusCode, r.Header, want)
				}
			}
		}
	}
	for range 121 {
		s.get("/feed.rss")
	}
	for _, condition := range [][]string{nil, {"If-None-Match", `"other"`}, {"A-IM", "feed", "If-None-Match", `"other"`}} {
		r := s.get("/feed.rss", condition...)
		if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); r.StatusCode != 429 || err != nil || seconds < 1 || seconds > 3600 {
			t.Errorf("%q: %d %v", condition, r.StatusCode, r.Header)
		}
	}
}
