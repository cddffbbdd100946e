package web_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"syndicate/internal/web"
)

// TestUntrustedProxy: a proxy that nobody trusts is told of, once. It stands for all
// visitors, so that limits for each of them are none of its; and no proof names it.
func TestUntrustedProxy(t *testing.T) {
	t.Parallel()
	const told = "web.trusted_proxies"
	for peer, want := range map[string]int{"127.0.0.1:1": 1, "[::1]:1": 1, "10.1.2.3:1": 1, "192.168.7.7:1": 1, "203.0.113.9:1": 0} {
		t.Run(peer, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			text(t, s.get("/", "remote", peer), 200)
			if strings.Contains(s.log.String(), told) {
				t.Error("nobody was passed on")
			}
			for n := range 40 {
				fields := url.Values{"email": {fmt.Sprintf("p%d@example.net", n)}}
				r := s.post("/newsletters/weekly/subscribe", fields, "remote", peer, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", n))
				if limited := r.StatusCode == 429; r.StatusCode != 200 && !limited || limited != (want == 0 && n >= 30) {
					t.Errorf("sign-up %d: %d", n, r.StatusCode)
				}
			}
			all, err := s.store.SignUps(t.Context(), 0, 100)
			s.check(err)
			for _, u := range all {
				if known := u.Network != ""; known != (want == 0) {
					t.Errorf("network %q", u.Network)
				}
			}
			if n := strings.Count(s.log.String(), told); n != want {
				t.Errorf("told %d times", n)
			}
		})
	}
}

// TestTrustedProxy: one that is trusted names the visitors.
func TestTrustedProxy(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	text(t, s.post("/newsletters/weekly/subscribe", url.Values{"email": {newcomer}}, "remote", "127.0.0.1:1", "X-Forwarded-For", "198.51.100.7"), 200)
	all, err := s.store.SignUps(t.Context(), 0, 100)
	s.check(err)
	if len(all) != 1 || all[0].Network != "198.51.100.0/24" || strings.Contains(s.log.String(), "web.trusted_proxies") {
		t.Errorf("%+v\n%s", all, s.log.String())
	}
}
