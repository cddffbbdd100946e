package web_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"syndicate/internal/store"
	"syndicate/internal/web"
)

// TestHub: what subscribers ask is taken or refused at once, with a reason; what
// they may ask in a time is bounded.
func TestHub(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const topic = siteURL + "/feed.atom"
	_, err := s.store.Announce(t.Context(), []store.Document{{URL: topic, Name: "feed.atom", Hash: "x"}}, nil, store.TopicPace{})
	s.check(err)
	ask := func(pairs ...string) url.Values {
		form := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {"https://reader.example.com/push"}}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	waiting := func(want int) {
		t.Helper()
		st, err := s.service.HubState(t.Context())
		s.check(err)
		if st.Waiting != want {
			t.Errorf("%d requests wait, want %d", st.Waiting, want)
		}
	}
	if body := text(t, s.post("/hub", ask()), 202); body != "" {
		t.Errorf("the answer is %q", body)
	}
	waiting(1)
	contains(t, text(t, s.post("/hub", ask("hub.topic", "https://elsewhere.example.org/feed.atom")), 404), "no feed of this site")
	contains(t, text(t, s.post("/hub", ask("hub.mode", "publish")), 400), "hub.mode")
	contains(t, text(t, s.post("/hub", ask("hub.callback", "gopher://reader.example.com/")), 400), "hub.callback")
	contains(t, text(t, s.post("/hub", ask("hub.secret", strings.Repeat("x", 201))), 400), "hub.secret")
	text(t, s.post("/hub", ask("hub.secret", strings.Repeat("x", 100_000))), 413)
	contains(t, text(t, s.do("POST", "/hub?"+ask().Encode(), ""), 400), "hub.mode") // the query is not the form
	contains(t, text(t, s.get("/hub"), 200), "WebSub")
	waiting(1)
	if r := s.post("/hub", ask("hub.secret", "never to be logged", "hub.callback", "https://reader.example.com/secret-path")); r.StatusCode != 202 {
		t.Errorf("status %d", r.StatusCode)
	}
	lacks(t, s.log.String(), "never to be logged", "secret-path")

	for range 300 {
		s.post("/hub", ask("hub.mode", "x"), "remote", "198.51.100.1:5")
	}
	r := s.post("/hub", ask(), "remote", "198.51.100.1:6")
	contains(t, text(t, r, 429), "too many")
	if r.Header.Get("Retry-After") == "" {
		t.Error("it is not told when to come back")
	}
	text(t, s.post("/hub", ask(), "remote", "198.51.100.2:5"), 202)
}

// TestHubBehindProxy: who comes through a proxy that nobody trusts may be anybody. What
// one client may have is not used up for all, neither in a minute nor for good.
func TestHubBehindProxy(t *testing.T) {
	t.Parallel()
	const topic = siteURL + "/feed.atom"
	trust := func(o *web.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
	for _, c := range []struct {
		peer  string
		known bool // who asks
		set   []func(*web.Options)
	}{
		{"127.0.0.1:1", false, nil},
		{"10.1.2.3:1", false, nil},
		{"10.1.2.3:1", true, []func(*web.Options){trust}},
		{"203.0.113.9:1", true, nil},
	} {
		s := newSite(t, c.set...)
		_, err := s.store.Announce(t.Context(), []store.Document{{URL: topic, Name: "feed.atom", Hash: "x"}}, nil, store.TopicPace{})
		s.check(err)
		ask := func(mode, host string) *http.Response {
			return s.post("/hub", url.Values{"hub.mode": {mode}, "hub.topic": {topic}, "hub.callback": {"https://" + host + "/push"}},
				"remote", c.peer, "X-Forwarded-For", "198.51.100.7")
		}
		text(t, ask("subscribe", "reader.example.com"), 202)
		all, err := s.store.ClaimHubRequests(t.Context(), 10, time.Minute)
		s.check(err)
		if len(all) != 1 || (all[0].Client != "") != c.known {
			t.Errorf("from %s, trusted %v: %+v", c.peer, c.set != nil, all)
		}
		for range 300 {
			ask("none", "reader.example.com")
		}
		if r := ask("subscribe", "other.example.com"); (r.StatusCode == http.StatusTooManyRequests) != c.known {
			t.Errorf("from %s, trusted %v: %d", c.peer, c.set != nil, r.StatusCode)
		}
	}
}
