package web_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
)

// feedOf writes a feed's document as Syndicate does, with these items.
func feedOf(name string, items ...string) string {
	var b strings.Builder
	switch name {
	case "feed.rss":
		b.WriteString("<?xml version=\"1.0\"?>\n<rss version=\"2.0\"><channel><title>T > \"item\"</title><!-- <item> --><item2/>\n")
		for _, it := range items {
			fmt.Fprintf(&b, "  <item>\n<guid isPermaLink='false'>%s</guid><title><![CDATA[</item><item>]]></title><enclosure url=\"a>b\"/></item>\n", it)
		}
		b.WriteString("</channel></rss>\n")
	case "feed.atom":
		b.WriteString("<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><title>T</title>\n")
		for _, it := range items {
			fmt.Fprintf(&b, "<entry xml:lang=\"en\"><id>%s</id><source><entry/></source></entry>\n", it)
		}
		b.WriteString("</feed>")
	case "feed.json":
		var list []string
		for _, it := range items {
			list = append(list, fmt.Sprintf(`{"id": %q, "title": "]}\"[{", "authors": [{"name": "\\"}]}`, it))
		}
		b.WriteString(`{"version": "https://jsonfeed.org/version/1.1", "authors": [{"items": []}], "title": "\"items\": [", "items": [` + strings.Join(list, ",\n  ") + `], "next": {"items": [1]}}`)
	}
	return b.String()
}

// idsOf reads a feed back.
func idsOf(t *testing.T, name, body string) string {
	t.Helper()
	if name == "feed.json" {
		if !json.Valid([]byte(body)) {
			t.Fatalf("no JSON: %s", body)
		}
	} else if d := xml.NewDecoder(strings.NewReader(body)); d != nil {
		for {
			if _, err := d.Token(); err == io.EOF { //nolint:errorlint // as it is documented
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, body)
			}
		}
	}
	f, err := gofeed.NewParser().ParseString(body)
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	var ids []string
	for _, it := range f.Items {
		ids = append(ids, it.GUID)
	}
	return strings.Join(ids, " ")
}

// TestDelta: a reader that sends A-IM: feed gets only what its edition lacked.
func TestDelta(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"feed.rss", "feed.atom", "feed.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			build := func(items ...string) (tag string) {
				s.write(name, feedOf(name, items...))
				s.pass(time.Second)
				r := s.get("/"+name, "A-IM", "feed")
				if got := idsOf(t, name, text(t, r, 200)); got != strings.Join(items, " ") || r.Header.Get("IM") != "" {
					t.Fatalf("without a tag: %s %v", got, r.Header)
				}
				return r.Header.Get("Etag")
			}
			first := build("c", "b", "a")
			second := build("d", "c", "b2", "a") // b was edited: it has other bytes
			third := build("e", "d", "c", "b2")  // a fell out
			same := build("e", "c", "b2")        // d was taken away
			for _, c := range []struct {
				have, ids string
				status    int
			}{
				{first, "e b2", 226},
				{strings.TrimSuffix(first, `"`) + `-gz"`, "e b2", 226},
				{"W/" + first, "e b2", 226},
				{`"x,y", ` + second, "e", 226},
				{third, "", 226},
				{same, "", 304},
				{same + ", " + first, "", 304},
				{`"unknown"`, "e c b2", 200},
			} {
				r := s.get("/"+name, "A-IM", "vcdiff;q=0.5, Feed", "If-None-Match", c.have)
				body := text(t, r, c.status)
				if c.status != 304 {
					if got := idsOf(t, name, body); got != c.ids {
						t.Errorf("%s: %q, want %q", c.have, got, c.ids)
					}
				}
				if r.Header.Get("Etag") != same || !strings.Contains(r.Header.Get("Vary"), "A-IM") {
					t.Errorf("%s: %v", c.have, r.Header)
				}
				if c.status == 226 && (r.Header.Get("IM") != "feed" || !strings.HasPrefix(r.Header.Get("Cache-Control"), "no-store") || !strings.Contains(c.have, r.Header.Get("Delta-Base")) ||
					len(r.Header.Values("Link")) < 2 || r.Header.Get("Content-Type") == "") {
					t.Errorf("%s: %v", c.have, r.Header)
				}
				// Who does not ask for it gets everything.
				for _, im := range []string{"", "feed;q=0", "vcdiff", "feeds"} {
					if c.status == 226 {
						if r := s.get("/"+name, "A-IM", im, "If-None-Match", c.have); idsOf(t, name, text(t, r, 200)) != "e c b2" {
							t.Errorf("A-IM %q: %v", im, r.Header)
						}
					}
				}
			}
			head := s.do("HEAD", "/"+name, "", "A-IM", "feed", "If-None-Match", first)
			if head.StatusCode != 226 || text(t, head, 226) != "" {
				t.Errorf("HEAD: %d", head.StatusCode)
			}
		})
	}
}

// TestDeltaIsNeverWrong: what is not as Syndicate writes it, or is all new, is sent
// whole, and editions of long ago are forgotten.
func TestDeltaIsNeverWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	build := func(name, body string) (tag string) {
		s.write(name, body)
		s.pass(time.Second)
		return s.get("/" + name).Header.Get("Etag")
	}
	for name, broken := range map[string][]string{
		"feed.rss":  {"", "<rss><channel><item>", "<rss></channel></rss></x>", "<!DOCTYPE rss [<!ENTITY a '<item/>'>]><rss/>", "<rss a='>", "<rss><![CDATA[", "text", "<", "<>", "</>"},
		"feed.atom": {"<feed><!--", "<feed><?x", "<feed/><"},
		"feed.json": {"", "[]", `{"items": [`, `{"items": [], "items": []}`, `{"items": [[1]]}`, `{"a`, `{"items": []}}`, `"items": []`},
	} {
		for _, body := range broken {
			tag := build(name, body)
			build(name, body+" ")
			if r := s.get("/"+name, "A-IM", "feed", "If-None-Match", tag); text(t, r, 200) != body+" " {
				t.Errorf("%s %q: other bytes", name, body)
			}
		}
	}
	tag := build("feed.rss", feedOf("feed.rss", "a"))
	build("feed.rss", feedOf("feed.rss", "b"))
	text(t, s.get("/feed.rss", "A-IM", "feed", "If-None-Match", tag), 200) // it has nothing of this one
	build("feed.rss", feedOf("feed.rss", "b", "a"))
	text(t, s.get("/feed.rss", "A-IM", "feed", "If-None-Match", tag), 226)
	for i := range 8 {
		build("feed.rss", feedOf("feed.rss", fmt.Sprint(i), "a"))
	}
	text(t, s.get("/feed.rss", "A-IM", "feed", "If-None-Match", tag), 200)
	// Compressed, as the whole would be.
	build("feed.rss", feedOf("feed.rss", strings.Repeat("z", 500), "7", "a"))
	r := s.get("/feed.rss", "A-IM", "feed", "If-None-Match", build("feed.rss", feedOf("feed.rss", "7", "a")))
	text(t, r, 304)
	tag = r.Header.Get("Etag")
	build("feed.rss", feedOf("feed.rss", strings.Repeat("z", 500), "7", "a"))
	r = s.get("/feed.rss", "A-IM", "feed", "If-None-Match", tag, "Accept-Encoding", "gzip")
	if r.StatusCode != 226 || r.Header.Get("Content-Encoding") != "gzip" || idsOf(t, "feed.rss", decoded(t, r)) != strings.Repeat("z", 500) {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}
