package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
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
