package jobs_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestReceivers: the larger domains are looked up before an issue is sealed, once
// for days; a DNS that fails changes nothing.
func TestReceivers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		at := func(domain string) func(*newsletter.Line) {
			return func(l *newsletter.Line) { l.Email = fmt.Sprintf("reader-%s@%s", s.unique(), domain) }
		}
		for _, domain := range []string{"hosted.example", "office.example", "own.example", "ovh.example", "gone.example", "dead.example"} {
			s.subscribe(6, at(domain))
		}
		s.subscribe(2, at("small.example"))
		s.subscribe(6, at("gmail.com"))
		k := newSink(t)
		var mu sync.Mutex
		asked := map[string]int{}
		lookup := func(_ context.Context, domain string) ([]*net.MX, error) {
			mu.Lock()
			asked[domain]++
			mu.Unlock()
			switch domain {
			case "hosted.example":
				return []*net.MX{{Host: "alt.example.", Pref: 20}, {Host: "ASPMX.L.GOOGLE.COM.", Pref: 1}}, nil
			case "office.example":
				return []*net.MX{{Host: "office-example.mail.protection.outlook.com.", Pref: 0}}, nil
			case "own.example":
				return []*net.MX{{Host: "mx.own.example.", Pref: 10}}, nil
			case "ovh.example":
				return []*net.MX{{Host: "mx1.mail.ovh.net.", Pref: 10}}, nil
			case "gone.example":
				return nil, &net.DNSError{Name: domain, IsNotFound: true}
			}
			return nil, &net.DNSError{Name: domain, IsTemporary: true}
		}
		v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) { o.LookupMX, o.LookupTime = lookup, time.Hour })
		s.article()
		s.counts(s.issue(s.run(v)), newsletter.IssueSent, 44, 0, 0, 0)
		groups := func() map[string]int {
			all, err := s.store.GroupDomains(t.Context(), "weekly", false, newsletter.Turn{}, s.clock.now())
			if err != nil {
				t.Fatal(err)
			}
			out := map[string]int{}
			for _, g := range all {
				out[g.Domain] += g.Count
			}
			return out
		}
		want := map[string]int{"gmail": 12, "outlook": 6, "own.example": 6, "ovh.net": 6, "gone.example": 6, "dead.example": 6, "small.example": 2}
		if got := groups(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("groups %v, want %v", got, want)
		}
		s.clock.add(2 * time.Hour)
		s.article()
		s.counts(s.issue(s.run(v)), newsletter.IssueSent, 44, 0, 0, 0)
		wantAsked := map[string]int{"hosted.example": 1, "office.example": 1, "own.example": 1, "ovh.example": 1, "gone.example": 1, "dead.example": 2}
		if fmt.Sprint(asked) != fmt.Sprint(wantAsked) {
			t.Errorf("asked %v, want %v", asked, wantAsked)
		}
		s.article() // switched off
		s.counts(s.issue(s.run(s.service(withRelay(k.relay("main"))))), newsletter.IssueSent, 44, 0, 0, 0)
		if got := groups(); got["gmail"] != 6 || got["hosted.example"] != 6 {
			t.Errorf("groups without the DNS: %v", got)
		}
	})
}

// TestReceiversUnanswered: a DNS that does not answer holds nobody up for longer than
// it may.
func TestReceiversUnanswered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(6)
	k := newSink(t)
	hang := func(ctx context.Context, _ string) ([]*net.MX, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) { o.LookupMX, o.LookupTime = hang, time.Millisecond })
	s.counts(s.issue(s.run(v)), newsletter.IssueSent, 6, 0, 0, 0)
	same(t, k.to(), readers)
}
