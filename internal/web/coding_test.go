package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"syndicate/internal/web"
)

// decoded undoes the content coding of an answer.
func decoded(t *testing.T, r *http.Response) string {
	t.Helper()
	var in io.Reader = r.Body
	var err error
	switch c := r.Header.Get("Content-Encoding"); c {
	case "":
	case "gzip":
		in, err = gzip.NewReader(r.Body)
	case "br":
		in = brotli.NewReader(r.Body)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r.Body); err == nil {
			defer z.Close()
			in = z
		}
	default:
		t.Fatalf("Content-Encoding %q", c)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFeedCodings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	long := strings.Repeat("<item/>\n", 1000)
	s.write("feed.rss", long)
	s.write("feed.json", "{}") // not worth it
	tags := map[string]string{}
	for _, c := range []struct{ accept, coding string }{
		{"", ""},
		{"identity", ""},
		{"gzip", "gzip"},
		{"gzip, deflate", "gzip"},
		{"GZIP", "gzip"},
		{"x-gzip", "gzip"},
		{"gzip, deflate, br", "br"},
		{"gzip, deflate, br, zstd", "br"},
		{"br", "br"},
		{"zstd", "zstd"},
		{"zstd, gzip", "zstd"},
		{"br;q=0.5, gzip", "gzip"},
		{"br, gzip;q=0.5", "br"},
		{"gzip;q=0.2, identity;q=0.5", ""},
		{"gzip;q=0", ""},
		{"gzip; q=0.000", ""},
		{"gzip;q=x", ""},
		{"gzip;q=NaN", ""},
		{"*", "br"},
		{"*;q=0", ""},
		{"br;q=0, zstd;q=0, *", "gzip"},
		{"gzip;q=0, *", "br"},
		{"deflate, compress", ""},
		{",;,=;q", ""},
	} {
		var headers []string
		if c.accept != "" {
			headers = []string{"Accept-Encoding", c.accept}
		}
		r := s.get("/feed.rss", headers...)
		if got := r.Header.Get("Content-Encoding"); got != c.coding {
			t.Errorf("%q: %q, want %q", c.accept, got, c.coding)
		}
		if got := r.Header.Get("Vary"); got != "Accept, Accept-Encoding, A-IM, Origin" {
			t.Errorf("%q: Vary %q", c.accept, got)
		}
		tag := r.Header.Get("Etag")
		if old := tags[c.coding]; old != "" && old != tag {
			t.Errorf("%q: tag %s, before %s", c.accept, tag, old)
		}
		tags[c.coding] = tag
		b, err := io.ReadAll(r.Body)
		s.check(err)
		if int64(len(b)) != r.ContentLength || c.coding != "" && len(b) > len(long)/10 {
			t.Errorf("%q: %d bytes, Content-Length %d", c.accept, len(b), r.ContentLength)
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		if decoded(t, r) != long {
			t.Errorf("%q: other bytes", c.accept)
		}
		if r := s.get("/feed.rss", append(headers, "If-None-Match", tag)...); r.StatusCode != 304 || r.Header.Get("Etag") != tag {
			t.Errorf("%q: %d with its own tag", c.accept, r.StatusCode)
		}
	}
	seen := map[string]string{}
	for coding, tag := range tags {
		if other, twice := seen[tag]; twice || strings.HasPrefix(tag, "W/") {
			t.Errorf("%q and %q have the tag %s", coding, other, tag)
		}
		seen[tag] = coding
	}
	if r := s.get("/feed.json", "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" || text(t, r, 200) != "{}" {
		t.Errorf("two bytes: %v", r.Header)
	}
}

// TestFeedMemory: what is held has a bound, and what was given up is there again
// when it is asked for.
func TestFeedMemory(t *testing.T) {
	t.Parallel()
	const most = 250_000
	s := newSite(t, func(o *web.Options) { o.FeedMemory = most })
	random := rand.New(rand.NewPCG(1, 2))
	bodies := map[string]string{}
	for _, name := range []string{"feed.rss", "feed.atom", "feed.json"} {
		b := make([]byte, 60_000)
		for i := range b {
			b[i] = 'a' + byte(random.IntN(16))
		}
		bodies[name] = string(b)
		s.write(name, bodies[name])
	}
	tags := map[string]string{}
	for range 3 {
		for name, body := range bodies {
			for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
				r := s.get("/"+name, "Accept-Encoding", coding)
				if decoded(t, r) != body {
					t.Fatalf("%s in %s: other bytes", name, coding)
				}
				tag := r.Header.Get("Etag")
				if old := tags[name+coding]; old != "" && old != tag {
					t.Errorf("%s in %s: tag %s, before %s", name, coding, tag, old)
				}
				tags[name+coding] = tag
				if r := s.get("/"+name, "Accept-Encoding", coding, "If-None-Match", tag); r.StatusCode != 304 {
					t.Errorf("%s in %s: %d with its tag", name, coding, r.StatusCode)
				}
				if held := s.gauge("syndicate_feed_bytes_held"); held > most || held < 60_000 {
					t.Fatalf("%d bytes are held", held)
				}
			}
		}
		for name := range bodies { // a newer edition gives the room of the old one back
			bodies[name] = "x" + bodies[name]
			s.write(name, bodies[name])
			clear(tags)
		}
		s.pass(time.Second)
	}
	for name := range bodies {
		s.check(os.Remove(filepath.Join(s.dir, name)))
		s.pass(time.Second)
		text(t, s.get("/"+name), 404)
	}
	if held := s.gauge("syndicate_feed_bytes_held"); held != 0 {
		t.Errorf("%d bytes are held of nothing", held)
	}
}

// gauge reads a figure from /metrics.
func (s *site) gauge(name string) (n int64) {
	s.t.Helper()
	b, err := io.ReadAll(s.get("/metrics", "remote", "127.0.0.1:1").Body)
	s.check(err)
	_, after, ok := strings.Cut(string(b), "\n"+name+" ")
	if !ok {
		s.t.Fatalf("no %s in\n%s", name, b)
	}
	line, _, _ := strings.Cut(after, "\n")
	n, err = strconv.ParseInt(line, 10, 64)
	s.check(err)
	return n
}

// TestFeedAtOnce: many who come at once for a feed that nobody asked for before
// get the same.
func TestFeedAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	long := strings.Repeat("<entry/>\n", 10_000)
	s.write("feed.atom", long)
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			if got := decoded(t, s.get("/feed.atom", "Accept-Encoding", []string{"br", "zstd", "gzip", "identity"}[i%4])); got != long {
				t.Errorf("%d bytes instead of %d", len(got), len(long))
			}
		})
	}
	all.Wait()
}
