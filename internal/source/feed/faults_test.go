package feed_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"syndicate/internal/source"
)

// What places answer that is no feed. Each gives one error that says what it is, and
// leaves everything as it was.
func TestNoFeed(t *testing.T) {
	t.Parallel()
	bomb := func() []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		fmt.Fprint(w, strings.Repeat(" ", 4<<20))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"empty", func(http.ResponseWriter, *http.Request) {}, "the answer is empty"},
		{"blank", text(rssType, " \n\n"), "the answer is empty"},
		{"a page", text("text/html", "<!doctype html><html><link rel=alternate type=application/rss+xml href=/x><h1>Parked"), "it is a page: it is neither RSS, Atom nor JSON Feed"},
		{"other XML", text("text/xml", "<?xml version='1.0'?><sitemap/>"), "it is neither RSS, Atom nor JSON Feed"},
		{"words", text(rssType, "Too many connections"), "it is neither RSS, Atom nor JSON Feed"},
		{"cut off", text(rssType, rss(posts(1, 9)...)[:800]), "it cannot be read as a feed: "},
		{"broken JSON", text("application/feed+json", `{"version": "https://jsonfeed.org/version/1.1", "items": [{`), "it cannot be read as a feed: "},
		{"gone", code(http.StatusGone), "it is gone for good: it answers 410 Gone; take it out of config.yaml"},
		{"not there", code(http.StatusNotFound), "it answers 404 Not Found"},
		{"broken", code(http.StatusInternalServerError), "it answers 500 Internal Server Error"},
		{"a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "its redirects do not end: they lead back to where they were (127.0.0.1"},
		{"to a private place", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, "it is not on the public internet: its address is 169.254.169.254"},
		{"a bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb)
		}, "the answer is too long: more than 1048576 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "/feed")
			p.shows(rssType, rss(posts(1, 3)...))
			p.visit()
			p.answers(test.answer)
			if f := p.visit(); !strings.HasPrefix(f.Error, test.want) || f.Emitted != "" || f.Vanished != nil {
				t.Fatalf("got %+v\nwant error %q", f, test.want)
			}
			p.shows(rssType, rss(posts(1, 4)...))
			p.now = p.now.Add(30 * 24 * time.Hour)
			if f := p.visit(); f.Emitted != "Post 4" || f.Error != "" {
				t.Fatalf("well again: %+v", f)
			}
		})
	}
}

func text(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, body)
	}
}

func code(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) }
}

// Whatever a document says of its characters, they are read as what they are.
func TestCharsets(t *testing.T) {
	t.Parallel()
	encoded := func(e encoding.Encoding, s string) string {
		b, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	doc := func(declared, title string) string {
		d := ""
		if declared != "" {
			d = `<?xml version="1.0" encoding="` + declared + `"?>`
		}
		return d + `<rss version="2.0"><channel><title>x</title><item><guid>1</guid><title>` + title + `</title></item></channel></rss>`
	}
	tests := []struct{ name, kind, body, want string }{
		{"UTF-8", "text/xml", doc("UTF-8", "Café €"), "Café €"},
		{"UTF-8 that says Latin-1", "text/xml; charset=iso-8859-1", doc("ISO-8859-1", "Café €"), "Café €"},
		{"UTF-8 with a mark", "text/xml", "\xEF\xBB\xBF" + doc("", "Café €"), "Café €"},
		{"Windows-1252 that says UTF-8", "text/xml; charset=utf-8", encoded(charmap.Windows1252, doc("UTF-8", "Café €")), "Café €"},
		{"Windows-1252 that says Latin-1", "text/xml", encoded(charmap.Windows1252, doc("ISO-8859-1", "Café €")), "Café €"},
		{"says nothing", "text/xml", encoded(charmap.Windows1252, doc("", "Café €")), "Café €"},
		{"only the server says", "text/xml; charset=koi8-r", encoded(charmap.KOI8R, doc("", "Лодка")), "Лодка"},
		{"server and document differ", "text/xml; charset=iso-8859-1", encoded(charmap.KOI8R, doc("koi8-r", "Лодка")), "Лодка"},
		{"shifts", "text/xml", encoded(japanese.ISO2022JP, doc("iso-2022-jp", "小さな船")), "小さな船"},
		{"UTF-16 with a mark", "text/xml", encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), doc("UTF-16", "Café €")), "Café €"},
		{"UTF-16 without", "text/xml", encoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), doc("UTF-16", "Café €")), "Café €"},
		{"mostly UTF-8", "text/xml", doc("UTF-8", "Café € \xFF Œuvre"), "Café € Œuvre"},
		{"control characters", "text/xml", doc("UTF-8", "Ca\x01f\x0Bé"), "Café"},
		{"an encoding that nobody knows", "text/xml", doc("klingon", "Café"), "Café"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "/feed")
			p.shows(test.kind, test.body)
			if f := p.visit(); f.Emitted != test.want || f.Error != "" || f.Problems != "" {
				t.Errorf("got %+v, want %q", f, test.want)
			}
		})
	}
}

func TestItemsThatMisbehave(t *testing.T) {
	t.Parallel()
	const day = "Mon, 23 Nov 2026 08:00:00 GMT"
	tests := []struct {
		name    string
		entries []entry
		want    found
		keys    int
	}{
		{"no ids", []entry{{link: "https://x.example/a", title: "A"}, {link: "https://x.example/b", title: "B"}}, found{Emitted: "A, B"}, 2},
		{"no ids and no links", []entry{{title: "A", date: day}, {title: "B", date: day}, {text: "only a text"}}, found{Emitted: "A, B, only a text"}, 3},
		{"nothing at all", []entry{{title: "A"}, {}, {date: day}}, found{Emitted: "A", Problems: "2 items have neither title nor text nor link, and stay out"}, 1},
		{
			"one id for all",
			[]entry{{id: "x", link: "https://x.example/a", title: "A"}, {id: "x", link: "https://x.example/b", title: "B"}},
			found{Emitted: "A, B", Problems: "1 id is given to several items that differ; they are told apart by their links"},
			2,
		},
		{"one link for all", []entry{{id: "1", link: "https://x.example/", title: "A"}, {id: "2", link: "https://x.example/", title: "B"}}, found{Emitted: "A, B"}, 2},
		{"one link for all and no ids", []entry{{link: "https://x.example/", title: "A", date: day}, {link: "https://x.example/", title: "B", date: day}}, found{Emitted: "A, B"}, 2},
		{
			"the same twice",
			[]entry{{id: "1", link: "https://x.example/a", title: "A"}, {id: "1", link: "https://x.example/a", title: "A"}},
			found{Emitted: "A", Problems: "it names 1 item twice; each is taken once"},
			1,
		},
		{
			"dates that are none",
			[]entry{{id: "1", title: "A", date: "yesterday"}, {id: "2", title: "B", date: "31/31/2026"}},
			found{Emitted: "A, B", Problems: "2 items have dates that are none; the time at which they were seen first is taken"},
			2,
		},
		{"dates to come and of old", []entry{{id: "1", title: "A", date: "Mon, 01 Jan 2096 00:00:00 GMT"}, {id: "2", title: "B", date: "Thu, 01 Jan 1970 00:00:00 GMT"}}, found{Emitted: "A, B"}, 2},
		{"a very long id", []entry{{id: strings.Repeat("x", 5000), title: "A"}}, found{Emitted: "A"}, 1},
		{"a link that is a script", []entry{{id: "1", link: "javascript:alert(1)", title: "A"}}, found{Emitted: "A"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "/feed")
			p.shows(rssType, rss(test.entries...))
			if f := p.visit(); fmt.Sprint(f) != fmt.Sprint(test.want) {
				t.Errorf("got %+v\nwant %+v", f, test.want)
			}
			if len(p.stored) != test.keys {
				t.Errorf("%d articles, want %d", len(p.stored), test.keys)
			}
			for k, a := range p.stored {
				if a.Published.After(p.now) || a.Published.Before(p.now.Add(-48*time.Hour)) || len(k) > 300 || strings.HasPrefix(a.Permalink, "javascript") {
					t.Errorf("%s: %s %s", k, a.Published, a.Permalink)
				}
			}
			// The same an hour later: nothing is new, and what was wrong is said still.
			if f := p.visit(); f.Emitted != "" || f.Problems != test.want.Problems || f.Error != "" {
				t.Errorf("again: %+v", f)
			}
		})
	}
}

// A 304 without a body, and a 200 with the same bytes, change nothing and leave what
// was said of the feed.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	body := rss(entry{title: "A"}, entry{})
	conditional := 0
	p.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			conditional++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, body)
	})
	if f := p.visit(); f.Emitted != "A" || f.Problems == "" {
		t.Fatalf("%+v", f)
	}
	if f := p.visit(); f.Emitted != "" || f.Error != "" || f.Problems == "" || conditional != 1 {
		t.Fatalf("304: %+v, %d conditional requests", f, conditional)
	}
	p.shows(rssType, body)
	if f := p.visit(); f.Emitted != "" || f.Error != "" || f.Problems == "" {
		t.Fatalf("the same bytes: %+v", f)
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	steps := []struct {
		after  time.Duration
		mode   source.Mode
		answer http.HandlerFunc
		asked  bool
	}{
		{0, source.WhenDue, text(rssType, rss(posts(1, 1)...)), true},
		{29 * time.Minute, source.WhenDue, nil, false},
		{5 * time.Minute, source.WhenDue, nil, true}, // half an hour, and a tenth of its own
		{time.Second, source.Now, nil, false},
		{time.Minute, source.Now, nil, true},
		{time.Second, source.Told, nil, true},
		{time.Hour, source.Nobody, nil, false},
		{0, source.WhenDue, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=7200")
			fmt.Fprint(w, rss(posts(1, 2)...))
		}, true},
		{110 * time.Minute, source.WhenDue, nil, false},
		{30 * time.Minute, source.WhenDue, code(http.StatusServiceUnavailable), true},
		{4 * time.Minute, source.WhenDue, nil, false},
		{2 * time.Minute, source.WhenDue, nil, true},
		{9 * time.Minute, source.WhenDue, nil, false}, // twice as long
		{2 * time.Minute, source.WhenDue, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "10000")
			w.WriteHeader(http.StatusTooManyRequests)
		}, true},
		{9999 * time.Second, source.Now, nil, false}, // nobody is above that
		{time.Second, source.WhenDue, code(http.StatusGone), true},
		{23 * time.Hour, source.WhenDue, nil, false},
		{time.Hour, source.WhenDue, text(rssType, rss(posts(1, 3)...)), true},
	}
	for i, s := range steps {
		if s.answer != nil {
			p.answers(s.answer)
		}
		p.now = p.now.Add(s.after)
		f := p.list(s.mode)
		if asked := len(p.requests()) > 0; asked != s.asked {
			t.Fatalf("step %d: asked %t, want %t (%+v)", i, asked, s.asked, f)
		}
	}
	if len(p.stored) != 3 {
		t.Errorf("%d articles in the end, want 3", len(p.stored))
	}
}

// A failure is told by every listing until the place answers again.
func TestFailureStands(t *testing.T) {
	t.Parallel()
	p := start(t, "/feed")
	p.answers(code(http.StatusBadGateway))
	first := p.visit()
	if second := p.list(source.WhenDue); second.Error != first.Error || first.Error == "" {
		t.Errorf("first %+v, then %+v", first, second)
	}
	p.shows(rssType, rss(posts(1, 1)...))
	if f := p.visit(); f.Error != "" || f.Emitted != "Post 1" {
		t.Errorf("well again: %+v", f)
	}
}
