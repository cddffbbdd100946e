package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzFeedRequest: whatever a client says of what it has, takes and is, it gets a feed,
// a part of it that is one, a page, or the word that nothing changed; and never that to
// a tag which is not the document's.
func FuzzFeedRequest(f *testing.F) {
	f.Add("", "", "gzip, br;q=0.5", "", "", "")
	f.Add(`W/"x", "y`, "Thu, 26 Nov 2026 08:00:00 GMT", "*;q=0", "text/html,*/*;q=0.8", "feed, vcdiff;q=0.1", "document")
	f.Add("*", "yesterday", "zstd;q=2;q=x, identity;q=0", "application/xml;q=1.0000", "FEED;q=0", "empty")
	s := newSite(f)
	const one, two = "urn:uuid:1", "urn:uuid:2"
	s.write("feed.atom", feedOf("feed.atom", one))
	old := s.get("/feed.atom").Header.Get("Etag")
	s.write("feed.atom", feedOf("feed.atom", two, one))
	s.pass(time.Second)
	tag := s.get("/feed.atom").Header.Get("Etag")
	f.Add(old, "", "", "", "feed", "")
	f.Add(tag, "", "", "", "feed", "")
	f.Fuzz(func(t *testing.T, match, since, coding, accept, manipulation, dest string) {
		r := httptest.NewRequest(http.MethodGet, "http://letter.example.org/feed.atom", http.NoBody)
		r.RemoteAddr = "127.0.0.1:1" // whoever hammers from elsewhere is sent away
		for name, value := range map[string]string{
			"If-None-Match": match, "If-Modified-Since": since, "Accept-Encoding": coding, "Accept": accept, "A-Im": manipulation, "Sec-Fetch-Dest": dest,
		} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		h := w.Header()
		switch plain := h.Get("Content-Encoding") == ""; {
		case w.Code == http.StatusNotModified:
			if w.Body.Len() > 0 {
				t.Errorf("a body with 304: %q", w.Body)
			}
		case w.Code == http.StatusIMUsed:
			if ids := idsOf(t, "feed.atom", w.Body.String()); plain && ids != two {
				t.Errorf("only %s is new to it, and it got %s", two, ids)
			}
		case w.Code != http.StatusOK:
			t.Errorf("status %d", w.Code)
		case h.Get("Content-Type") == "application/atom+xml; charset=utf-8":
			if ids := idsOf(t, "feed.atom", w.Body.String()); plain && ids != two+" "+one {
				t.Errorf("it got %s", ids)
			}
		case h.Get("Content-Type") != "text/html; charset=utf-8":
			t.Errorf("it got %s", h.Get("Content-Type"))
		}
		if w.Code == http.StatusNotModified && match != "" && match != "*" && !strings.Contains(match, strings.Trim(tag, `"`)) {
			t.Errorf("304 to %q, and the tag is %s", match, tag)
		}
	})
}
