package jobs_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

var somebody = netip.MustParseAddr("203.0.113.9")

// heard is a request that a reader got.
type heard struct {
	method, path string
	query        url.Values
	header       http.Header
	body         string
}

// reader is somebody else's server: a subscriber, or a hub.
type reader struct {
	*httptest.Server

	mu     sync.Mutex
	all    []heard
	answer func(heard) (int, string)
}

// newReader starts one that confirms everything and takes what it is sent.
func newReader(t testing.TB) *reader {
	k := &reader{answer: func(h heard) (int, string) { return http.StatusOK, h.query.Get("hub.challenge") }}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil { // the other end stopped in the middle
			return
		}
		h := heard{r.Method, r.URL.Path, r.URL.Query(), r.Header, string(body)}
		k.mu.Lock()
		answer := k.answer
		k.mu.Unlock()
		code, text := answer(h)
		k.mu.Lock()
		k.all = append(k.all, h)
		k.mu.Unlock()
		w.WriteHeader(code)
		w.Write([]byte(text))
	}))
	t.Cleanup(k.Close)
	return k
}

// answers changes what it answers with.
func (k *reader) answers(answer func(heard) (int, string)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = answer
}

// got returns the requests of a method to a path, oldest first.
func (k *reader) got(method, path string) []heard {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []heard
	for _, h := range k.all {
		if h.method == method && h.path == path {
			all = append(all, h)
		}
	}
	return all
}

// hubSite is a site that builds feeds and is its own hub.
func hubSite(t *testing.T, open func(...storetest.Option) *store.Store, hubs ...string) (*site, string) {
	s := newSiteOn(t, open)
	public := t.TempDir()
	s.options.Feeds = jobs.FeedOptions{Dir: public, Hubs: append([]string{"self"}, hubs...)}
	s.options.Hub = jobs.HubOptions{Settle: time.Nanosecond, Interval: time.Nanosecond, Private: []string{"127.0.0.1"}}
	s.article()
	if _, err := s.service().Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, public
}

// ask posts a subscriber's form to the hub.
func (s *site) ask(v *jobs.Service, mode, topic, callback string, more ...string) {
	s.t.Helper()
	form := url.Values{"hub.mode": {mode}, "hub.topic": {"https://news.example.org" + topic}, "hub.callback": {callback}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	if err := v.AskHub(s.t.Context(), form, somebody); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) hubState(v *jobs.Service) store.HubState {
	s.t.Helper()
	st, err := v.HubState(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// subscribed waits until so many subscriptions are there and nothing is to be verified.
func (s *site) subscribed(v *jobs.Service, n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("there are %d subscriptions", n), func() bool {
		st := s.hubState(v)
		return st.Subscriptions == n && st.Waiting == 0
	})
}

// TestHub: a subscriber confirms, is sent the document whenever it changes, signed
// with its secret, and leaves; one that is gone or does not confirm gets nothing.
func TestHub(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s, public := hubSite(t, open)
		k := newReader(t)
		k.answers(func(h heard) (int, string) {
			switch {
			case h.path == "/unwilling":
				return http.StatusNotFound, ""
			case h.path == "/liar" && h.method == http.MethodGet:
				return http.StatusOK, "yes"
			case h.path == "/moved" && h.method == http.MethodPost:
				return http.StatusGone, ""
			}
			return http.StatusAccepted, h.query.Get("hub.challenge")
		})
		v := s.service()
		s.serve(v)
		s.ask(v, "subscribe", "/feed.rss", k.URL+"/plain?a=%7eb")
		s.ask(v, "subscribe", "/feed.atom", k.URL+"/signed", "hub.secret", "between us", "hub.lease_seconds", "1200")
		s.ask(v, "subscribe", "/feed.json", k.URL+"/moved")
		s.ask(v, "subscribe", "/feed.json", k.URL+"/unwilling")
		s.ask(v, "subscribe", "/feed.json", k.URL+"/liar")
		s.subscribed(v, 3)
		intent := k.got("GET", "/signed")[0].query
		if intent.Get("hub.mode") != "subscribe" || intent.Get("hub.topic") != "https://news.example.org/feed.atom" || intent.Get("hub.lease_seconds") != "1200" {
			t.Errorf("it was asked %v", intent)
		}
		if q := k.got("GET", "/plain")[0].query; q.Get("a") != "~b" || q.Get("hub.lease_seconds") != "864000" {
			t.Errorf("it was asked %v", q)
		}

		s.article()
		eventually(t, "everybody was sent the news", func() bool {
			return len(k.got("POST", "/plain")) == 1 && len(k.got("POST", "/signed")) == 1 && len(k.got("POST", "/moved")) == 1
		})
		for path, want := range map[string]struct{ file, mediaType string }{
			"/plain":  {"feed.rss", "application/rss+xml; charset=utf-8"},
			"/signed": {"feed.atom", "application/atom+xml; charset=utf-8"},
			"/moved":  {"feed.json", "application/feed+json; charset=utf-8"},
		} {
			p := k.got("POST", path)[0]
			file, err := os.ReadFile(filepath.Join(public, want.file))
			if err != nil || p.body != string(file) {
				t.Errorf("%s was sent something else than %s (%v):\n%.300s", path, want.file, err, p.body)
			}
			links := []string{`<https://news.example.org/hub>; rel="hub"`, `<https://news.example.org/` + want.file + `>; rel="self"`}
			if p.header.Get("Content-Type") != want.mediaType || !slices.Equal(p.header.Values("Link"), links) {
				t.Errorf("%s was sent with %v", path, p.header)
			}
		}
		signed := k.got("POST", "/signed")[0]
		mac := hmac.New(sha256.New, []byte("between us"))
		mac.Write([]byte(signed.body))
		if got := signed.header.Get("X-Hub-Signature"); got != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
			t.Errorf("signed %s", got)
		}
		if got := k.got("POST", "/plain")[0].header.Get("X-Hub-Signature"); got != "" {
			t.Errorf("signed %s though there is no secret", got)
		}
		s.subscribed(v, 2) // one was gone

		s.ask(v, "unsubscribe", "/feed.rss", k.URL+"/plain?a=%7eb")
		s.subscribed(v, 1)
		s.article()
		eventually(t, "the news went to who is left", func() bool { return len(k.got("POST", "/signed")) == 2 })
		if len(k.got("POST", "/plain")) != 1 || len(k.got("POST", "/moved")) != 1 || len(k.got("POST", "/unwilling"))+len(k.got("POST", "/liar")) != 0 {
			t.Error("somebody was sent news who did not want it")
		}
		s.clock.add(21 * time.Minute)
		s.subscribed(v, 0) // its lease ended
	})
}

// TestHubRetries: who does not take it is tried again later, with what is newest
// then, and in the end given up.
func TestHubRetries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s, public := hubSite(t, open)
		k := newReader(t)
		v := s.service()
		s.serve(v)
		s.ask(v, "subscribe", "/feed.atom", k.URL+"/a")
		s.subscribed(v, 1)
		k.answers(func(heard) (int, string) { return http.StatusInternalServerError, "" })
		s.article()
		eventually(t, "it failed", func() bool { return s.hubState(v).Failing == 1 })
		if st := s.hubState(v); st.Behind != 1 || st.Subscriptions != 1 {
			t.Errorf("it stands so: %+v", st)
		}
		if o := s.hubState(v).Owners; len(o) != 1 || o[0].Owner != "127.0.0.1" || o[0].Error != "it answers 500 Internal Server Error" {
			t.Errorf("it stands so: %+v", o)
		}
		title := s.article()
		eventually(t, "the feed is built", func() bool {
			b, err := os.ReadFile(filepath.Join(public, "feed.atom"))
			return err == nil && strings.Contains(string(b), title)
		})
		k.answers(func(heard) (int, string) { return http.StatusNoContent, "" })
		s.clock.add(2 * time.Minute)
		v.Changed()
		eventually(t, "it has the newest", func() bool {
			all := k.got("POST", "/a")
			return len(all) > 1 && strings.Contains(all[len(all)-1].body, title) && s.hubState(v).Failing == 0
		})
		if st := s.hubState(v); st.Behind != 0 {
			t.Errorf("it stands so: %+v", st)
		}
		if c := v.HubCalls(); c[0].Purpose != "document" || c[0].OK < 1 || c[0].Failed < 1 || c[1].OK != 1 {
			t.Errorf("calls: %+v", c)
		}

		k.answers(func(heard) (int, string) { return http.StatusBadGateway, "" })
		s.article()
		eventually(t, "it failed again", func() bool { return s.hubState(v).Failing == 1 })
		s.clock.add(73 * time.Hour)
		v.Changed()
		s.subscribed(v, 0)
	})
}

// TestHubRefusesPrivate: a stranger cannot make it call machines of this network.
func TestHubRefusesPrivate(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s, _ := hubSite(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, dsn, o...) })
	s.options.Hub.Private = nil
	k := newReader(t)
	v := s.service()
	s.serve(v)
	s.ask(v, "subscribe", "/feed.atom", k.URL+"/a")
	s.subscribed(v, 0)
	if len(k.got("GET", "/a")) > 0 {
		t.Error("it was called")
	}
}

// TestHubStops: a daemon that is told to stop in the middle leaves the rest to the
// next one; nobody is left out.
func TestHubStops(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s, _ := hubSite(t, open)
		s.options.Hub.OwnerConns = 3
		k := newReader(t)
		v := s.service()
		stop := s.serve(v)
		const readers = 30
		for i := range readers {
			s.ask(v, "subscribe", "/feed.atom", fmt.Sprintf("%s/r%d", k.URL, i))
		}
		s.subscribed(v, readers)
		begun, hang := make(chan struct{}, readers), make(chan struct{})
		k.answers(func(heard) (int, string) {
			begun <- struct{}{}
			<-hang
			return http.StatusOK, ""
		})
		s.article()
		for range 3 {
			<-begun
		}
		stop()
		close(hang)
		k.answers(func(heard) (int, string) { return http.StatusOK, "" })
		s.serve(s.service())
		eventually(t, "all have it", func() bool {
			for i := range readers {
				if len(k.got("POST", fmt.Sprintf("/r%d", i))) == 0 {
					return false
				}
			}
			return true
		})
		if st := s.hubState(v); st.Failing > 0 {
			t.Errorf("what was cut short counts as a failure: %+v", st)
		}
	})
}

// TestHubTellsOfTheEnd: subscribers of a document that is no more are told.
func TestHubTellsOfTheEnd(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s, _ := hubSite(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, dsn, o...) })
	k := newReader(t)
	v := s.service()
	s.serve(v)
	s.ask(v, "subscribe", "/feed.atom", k.URL+"/a")
	s.subscribed(v, 1)
	if _, err := s.store.Announce(t.Context(), []store.Document{{URL: "https://news.example.org/feed.rss", Name: "feed.rss", Hash: "x"}}, nil, store.TopicPace{}); err != nil {
		t.Fatal(err)
	}
	v.Changed()
	eventually(t, "it was told", func() bool {
		all := k.got("GET", "/a")
		return len(all) == 2 && all[1].query.Get("hub.mode") == "denied" && all[1].query.Get("hub.topic") == "https://news.example.org/feed.atom"
	})
	s.subscribed(v, 0)
}

// TestPings: other hubs are told which documents changed, once, and again when that
// did not work.
func TestPings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		good, bad := newReader(t), newReader(t)
		bad.answers(func(heard) (int, string) { return http.StatusServiceUnavailable, "" })
		s, _ := hubSite(t, open, good.URL+"/", bad.URL+"/")
		s.options.Hub.Settle = 5 * time.Second
		v := s.service()
		stop := s.serve(v)
		s.article()
		s.article(func(a *newsletter.Article) { a.Title = "The last" })
		topics := func(k *reader) (list []string) {
			for _, h := range k.got("POST", "/") {
				form, err := url.ParseQuery(h.body)
				if err != nil || form.Get("hub.mode") != "publish" || form.Get("hub.url") != form.Get("hub.topic") || h.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
					t.Errorf("it was told %+v", h)
				}
				if topic := form.Get("hub.topic"); strings.HasPrefix(topic, "https://news.example.org/feed.") { // not those of languages
					list = append(list, topic)
				}
			}
			slices.Sort(list)
			return list
		}
		all := []string{"https://news.example.org/feed.atom", "https://news.example.org/feed.json", "https://news.example.org/feed.rss"}
		behind := func(i int) int {
			hubs := s.hubState(v).Hubs
			slices.SortFunc(hubs, func(a, b store.PingState) int { return len(a.Error) - len(b.Error) })
			return hubs[i].Behind
		}
		eventually(t, "the change is noticed", func() bool { return behind(0) > 0 })
		if got := topics(good); len(got) > 0 {
			t.Errorf("told at once of %v", got)
		}
		s.clock.add(5 * time.Second)
		v.Changed()
		eventually(t, "the good one was told", func() bool { return behind(0) == 0 && len(topics(good)) >= 3 })
		eventually(t, "the bad one was tried", func() bool { return len(topics(bad)) == 3 && behind(1) > 0 })
		if got := topics(good); !slices.Equal(got, all) {
			t.Errorf("told of %v, want %v", got, all)
		}
		stop()
		bad.answers(func(heard) (int, string) { return http.StatusAccepted, "" })
		s.clock.add(2 * time.Minute)
		v = s.service()
		stop = s.serve(v)
		eventually(t, "the bad one came back", func() bool { return behind(0) == 0 && behind(1) == 0 })
		if got := topics(good); !slices.Equal(got, all) {
			t.Errorf("told again: %v", got)
		}

		// Without a daemon, at once when somebody says so.
		stop()
		s.article()
		v = s.service()
		if _, err := v.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := v.PingHubs(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := topics(good); len(got) != 2*len(all) || behind(0)+behind(1) > 0 {
			t.Errorf("told of %v, %d are left", got, behind(0)+behind(1))
		}
	})
}
