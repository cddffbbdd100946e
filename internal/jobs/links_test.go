package jobs_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// front is a web server with TLS where web.url leads; it answers as it is told.
type front struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  int
}

func newFront(t *testing.T, answer http.HandlerFunc) *front {
	t.Helper()
	f := &front{answer: answer}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if r.URL.Path != "/letter/healthz" {
			t.Errorf("asked for %s", r.URL)
		}
		f.asked++
		f.answer(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *front) set(answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *front) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// at makes links lead to the front.
func (f *front) at(o *jobs.Options) {
	o.WebURL, o.HTTP = f.URL+"/letter/", f.Client()
	o.OfflineLinks = false
}

// site answers as the site of that id.
func siteAnswer(id string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"ok":true,"site":%q}`, id) }
}

// TestLinksRefused: no mail goes through a relay while its links do not lead to
// this site. Articles stay new, and the feeds' side of a run is done all the same.
func TestLinksRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc // nil: nobody listens
		want   string
	}{
		{"nobody listens", nil, "which does not answer as this site: dial tcp"},
		{"another site", siteAnswer("5f0c9c9e"), "which is another site"},
		{"a static page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>It works!</h1>") }, "it is no syndicate serve"},
		{"JSON of somebody else", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":true}`) }, "it is no syndicate serve"},
		{"an error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "it answers 502 Bad Gateway"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://www.example.org/healthz", http.StatusMovedPermanently)
		}, "it redirects to https://www.example.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			k := newSink(t)
			s.article()
			s.subscribe(2)
			f := newFront(t, c.answer)
			if c.answer == nil {
				f.Close()
			}
			v := s.service(withRelay(k.relay("main")), f.at)
			refused := func(r jobs.RunReport, err error) {
				t.Helper()
				var e *jobs.LinksError
				if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint(), "web.url") {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if len(r.Issues) != 0 || len(k.to()) != 0 {
					t.Errorf("report %+v, mail %v", r, k.to())
				}
			}
			refused(v.Run(t.Context(), jobs.RunOptions{}))
			refused(v.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly"}))

			// The articles are still new, and the flag overrides.
			free := s.service(withRelay(k.relay("main")), f.at, func(o *jobs.Options) { o.OfflineLinks = true })
			s.counts(s.issue(s.run(free)), newsletter.IssueSent, 2, 0, 0, 0)
		})
	}
}

// TestLinksNotHTTPS: without https nobody is even asked.
func TestLinksNotHTTPS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.article()
	s.subscribe(1)
	f := newFront(t, siteAnswer(s.store.SiteID()))
	v := s.service(withRelay(k.relay("main")), f.at, func(o *jobs.Options) { o.WebURL = "http://" + strings.TrimPrefix(o.WebURL, "https://") })
	_, err := v.Run(t.Context(), jobs.RunOptions{})
	if err == nil || !strings.Contains(err.Error(), "is not https") || f.count() != 0 {
		t.Errorf("%v, asked %d times", err, f.count())
	}
	if err := s.service(f.at, func(o *jobs.Options) { o.WebURL = "http://localhost" }).CheckWebURL(); err != nil {
		t.Errorf("a rehearsal: %v", err)
	}
}

// TestLinksInterrupted: an issue that was begun waits too, and an occurrence that
// is due stays due.
func TestLinksInterrupted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
	k := newSink(t)
	s.article()
	readers := s.subscribe(3)
	f := newFront(t, siteAnswer("another"))
	v := s.service(withRelay(k.relay("main")), f.at)
	if r := s.runWith(v, due); f.count() != 0 { // nothing to mail, nothing to ask
		t.Errorf("asked: %+v", r)
	}
	s.clock.add(time.Hour)
	if _, err := v.Run(t.Context(), due); err == nil || s.outcome(false) != " " {
		t.Errorf("err %v, outcome %q", err, s.outcome(false))
	}
	if _, err := s.service(withRelay(k.relay("main")), f.at, func(o *jobs.Options) { o.OfflineLinks = true }).Send(t.Context(), sendNoWait); err != nil {
		t.Fatal(err)
	}
	r, err := v.Run(t.Context(), jobs.RunOptions{})
	var e *jobs.LinksError
	if !errors.As(err, &e) || len(r.Issues) != 1 || r.Issues[0].Deferred != 3 || len(k.to()) != 0 {
		t.Errorf("err %v, report %+v", err, r)
	}
	f.set(siteAnswer(s.store.SiteID()))
	s.counts(s.issue(s.run(v)), newsletter.IssueSent, 3, 0, 0, 0)
	same(t, k.to(), readers)
	if _, err := v.Run(t.Context(), due); err != nil || s.outcome(false) != "2026-05-04T07:00 nothing new" {
		t.Errorf("err %v, outcome %q", err, s.outcome(false))
	}
	asked := f.count()
	s.article()
	s.run(v)
	if f.count() != asked {
		t.Error("asked again, though the links lead here")
	}
}

// TestServeAwaitsLinks: a daemon composes, and mails once its links lead to it.
func TestServeAwaitsLinks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		k := newSink(t)
		s.article()
		readers := s.subscribe(3)
		f := newFront(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
		v := s.service(withRelay(k.relay("main")), f.at)
		s.serve(v)
		if _, err := v.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly", NoRefresh: true, NoWait: true}); err == nil {
			t.Error("an issue by hand was not refused")
		}
		eventually(t, "it asks again", func() bool { return f.count() > 1 })
		if all, _, err := s.store.Relays(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("others, whose links may work, are kept from the relay: %+v, %v", all, err)
		}
		free := s.service(withRelay(k.relay("main")), f.at, func(o *jobs.Options) { o.OfflineLinks = true })
		if _, err := free.Send(t.Context(), sendNoWait); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the issue is sealed", func() bool {
			i, err := s.store.Issue(t.Context(), 1)
			return err == nil && i.Sealed
		})
		asked := f.count()
		eventually(t, "it asks again", func() bool { return f.count() > asked })
		if n := len(k.to()); n != 0 {
			t.Errorf("%d messages went out", n)
		}
		f.set(siteAnswer(s.store.SiteID()))
		eventually(t, "everybody has the issue", func() bool { return len(k.to()) == 3 })
		same(t, k.to(), readers)
	})
}
