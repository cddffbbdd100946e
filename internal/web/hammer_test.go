package web_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"syndicate/internal/web"
)

// TestHammering: a client that takes everything again and again has to wait; who
// asks with conditions, HEAD, other clients and other feeds do not.
func TestHammering(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	s.write("feed.rss", "<rss/>")
	s.write("feed.atom", "<feed/>")
	tag := s.get("/feed.rss", "remote", "192.0.2.9:1").Header.Get("Etag")
	const burst = 120
	for range burst {
		text(t, s.get("/feed.rss", "remote", "[2001:db8:1:2::1]:1"), 200)
	}
	r := s.get("/feed.rss", "remote", "[2001:db8:1:2::ffff]:1") // of the same network
	contains(t, text(t, r, 429), "If-None-Match")
	if wait, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || wait < 5 || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", r.Header)
	}
	text(t, s.get("/feed.rss", "remote", "[2001:db8:1:2::1]:1", "If-None-Match", `"old"`), 429)
	for range 2 * burst {
		text(t, s.get("/feed.rss", "remote", "[2001:db8:1:2::1]:1", "If-None-Match", tag), 304)
		text(t, s.do("HEAD", "/feed.rss", "", "remote", "[2001:db8:1:2::1]:1"), 200)
	}
	text(t, s.get("/feed.rss", "remote", "[2001:db8:1:3::1]:1"), 200)
	text(t, s.get("/feed.atom", "remote", "[2001:db8:1:2::1]:1"), 200)
	s.pass(5 * time.Second)
	text(t, s.get("/feed.rss", "remote", "[2001:db8:1:2::1]:1"), 200)
	text(t, s.get("/feed.rss", "remote", "[2001:db8:1:2::1]:1"), 429)
	s.pass(-time.Hour) // the clock is set back
	text(t, s.get("/feed.rss", "remote", "[2001:db8:1:2::1]:1"), 200)

	// A proxy that names no client stands for all; one that does is not counted.
	for i := range 2 * burst {
		for _, remote := range []string{"127.0.0.1:1", "[::1]:1", "192.168.1.1:1"} {
			text(t, s.get("/feed.rss", "remote", remote), 200)
		}
		text(t, s.get("/feed.rss", "remote", "10.0.0.1:1", "X-Forwarded-For", fmt.Sprint("198.51.100.", i%250)), 200)
	}
}
