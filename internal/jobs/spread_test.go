package jobs_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestWeights: a relay of weight 0 gets no message while another can take them, and
// all of them when none can. How the others share them: see TestShareByWeight.
func TestWeights(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(120)
	down := false
	refuse := func(k *sink) {
		k.onGreet = func() error {
			if down {
				return smtpError(421, smtp.EnhancedCode{4, 3, 2}, "closed")
			}
			return nil
		}
	}
	three, one, spare := newSink(t, refuse), newSink(t, refuse), newSink(t)
	a, b, c := three.relay("three"), one.relay("one"), spare.relay("spare")
	a.Weight, b.Weight = 3, 1
	v := s.service(withRelay(c, a, b)) // the order does not matter
	s.counts(s.issue(s.run(v)), newsletter.IssueSent, 120, 0, 0, 0)
	same(t, append(append(three.to(), one.to()...), spare.to()...), readers)
	if n := len(spare.to()); n > 0 {
		t.Errorf("spare got %d while the others could take them", n)
	}
	down = true
	s.article()
	s.counts(s.issue(s.run(v)), newsletter.IssueSent, 120, 0, 0, 0)
	same(t, spare.to(), readers)
}

// TestWarmUp: a relay gets no more than its day's messages; what is left waits for
// the next day, and is no failed attempt. Another relay would take it.
func TestWarmUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.options.Delivery.GiveUpAfter = 1000 * time.Hour
		s.options.Site.Location = time.FixedZone("far", -9*3600) // where it is 21:00 of the day before
		s.article()
		readers := s.subscribe(25)
		k, other := newSink(t), newSink(t)
		relay := k.relay("new")
		relay.WarmUp = newsletter.WarmUp{From: time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC), First: 4, Growth: 2}
		v := s.service(withRelay(relay))
		r := s.run(v)
		s.counts(s.issue(r), newsletter.IssueSending, 4, 0, 21, 0)
		if r.ExitCode() != 3 {
			t.Errorf("exit code %d, want 3", r.ExitCode())
		}
		s.clock.add(2 * time.Hour) // still the same day there
		s.counts(s.issue(s.run(v)), newsletter.IssueSending, 4, 0, 21, 0)
		relays, _, err := v.Limits(t.Context())
		if err != nil || len(relays) != 1 || relays[0].Today != 4 || relays[0].Cap != 4 || relays[0].PausedUntil.Sub(s.clock.now()) != time.Hour {
			t.Errorf("state %+v (%v)", relays, err)
		}
		s.clock.add(time.Hour)
		s.counts(s.issue(s.run(v)), newsletter.IssueSending, 12, 0, 13, 0)
		v = s.service(withRelay(relay, other.relay("old")))
		s.counts(s.issue(s.run(v)), newsletter.IssueSent, 25, 0, 0, 0)
		same(t, append(k.to(), other.to()...), readers)
		if len(k.to()) != 12 {
			t.Errorf("the new relay got %d in two days, want 4 and 8", len(k.to()))
		}
	})
}

// TestPushBack: a receiver pushes back. Its group is paused, the others go on, the
// rows that wait are put off without an attempt; afterwards everybody has the mail.
func TestPushBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.options.Delivery.BackoffFirst, s.options.Delivery.BackoffMax = time.Minute, time.Hour
		at := func(domain string) func(*newsletter.Line) {
			return func(l *newsletter.Line) { l.Email = fmt.Sprintf("r%s@%s", s.unique(), domain) }
		}
		s.article()
		readers := s.subscribe(40, at("gmail.com")) // chunks of their own, and some in mixed ones
		readers = append(readers, s.subscribe(40, at("big.example"))...)
		for n := range 10 {
			readers = append(readers, s.subscribe(1, at(fmt.Sprintf("d%d.example", n)))...)
		}
		var mu sync.Mutex
		tried, calm := map[string]int{}, false
		k := newSink(t, func(k *sink) {
			k.onRcpt = func(_ *smtp.Conn, to string) error {
				mu.Lock()
				defer mu.Unlock()
				tried[to]++
				if !calm && newsletter.DomainGroup(to[len(to)-len("gmail.com"):]) == "gmail" {
					return smtpError(450, smtp.EnhancedCode{4, 7, 28}, "unusual rate of mail")
				}
				return nil
			}
		})
		v := s.service(withRelay(k.relay("main")))
		i := s.issue(s.run(v))
		s.counts(i, newsletter.IssueSending, 50, 0, 40, 0)
		_, groups, err := v.Limits(t.Context())
		if err != nil || len(groups) != 1 || groups[0].Name != "gmail" || groups[0].PausedUntil.IsZero() {
			t.Fatalf("groups %+v (%v)", groups, err)
		}
		mu.Lock()
		before := 0
		for to, n := range tried {
			if to[len(to)-9:] == "gmail.com" {
				before += n
			}
		}
		calm = true
		mu.Unlock()
		if before > 20 { // three are enough; until that is stored, others are on their way
			t.Errorf("%d of 40 were tried before it was noticed", before)
		}
		if r := s.run(v); r.Accepted != 0 {
			t.Errorf("%d were sent during the pause", r.Accepted)
		}
		for range 20 {
			s.clock.add(10 * time.Minute)
			if i = s.issue(s.run(v)); i.Issue.State == newsletter.IssueSent {
				break
			}
		}
		s.counts(i, newsletter.IssueSent, 90, 0, 0, 0)
		same(t, k.to(), readers)
	})
}

// TestGreylisting: one recipient in ten who is put off stops nobody.
func TestGreylisting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	s.subscribe(100)
	var mu sync.Mutex
	n := 0
	k := newSink(t, func(k *sink) {
		k.onRcpt = func(*smtp.Conn, string) error {
			mu.Lock()
			defer mu.Unlock()
			if n++; n%10 == 0 {
				return smtpError(451, smtp.EnhancedCode{4, 7, 1}, "try again later")
			}
			return nil
		}
	})
	v := s.service(withRelay(k.relay("main")))
	s.counts(s.issue(s.run(v)), newsletter.IssueSending, 90, 0, 10, 0)
	if _, groups, err := v.Limits(t.Context()); err != nil || len(groups) != 0 {
		t.Errorf("slowed: %+v (%v)", groups, err)
	}
}

// TestGroupConnections: no more messages are on their way to a group at once than
// it may have, while the others use all connections.
func TestGroupConnections(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.Delivery.Groups = map[string]jobs.GroupLimit{"gmail": {Connections: 1}}
	s.article()
	readers := s.subscribe(30, func(l *newsletter.Line) { l.Email = fmt.Sprintf("r%s@gmail.com", s.unique()) })
	readers = append(readers, s.subscribe(30)...)
	var mu sync.Mutex
	busy := map[string]int{}
	var wrong error
	k := newSink(t, func(k *sink) {
		k.onRcpt = func(_ *smtp.Conn, to string) error {
			mu.Lock()
			defer mu.Unlock()
			if to[len(to)-9:] == "gmail.com" {
				if busy["gmail"]++; busy["gmail"] > 1 {
					wrong = errors.New("two messages to gmail at once")
				}
			}
			return nil
		}
		k.onData = func(_ *smtp.Conn, m received) error {
			mu.Lock()
			defer mu.Unlock()
			if m.To[len(m.To)-9:] == "gmail.com" {
				busy["gmail"]--
			}
			return nil
		}
	})
	relay := k.relay("main")
	relay.Connections = 6
	s.counts(s.issue(s.run(s.service(withRelay(relay)))), newsletter.IssueSent, 60, 0, 0, 0)
	same(t, k.to(), readers)
	if wrong != nil {
		t.Error(wrong)
	}
}

// TestGroupFreed: a receiver is free for its next message as soon as the result of the
// one before is stored, though the connection that carried it hangs in another
// receiver's.
func TestGroupFreed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.Delivery.Others = jobs.GroupLimit{Connections: 1}
	s.article()
	var readers []string
	for _, r := range []string{"one@x.example.com", "two@y.example.net", "three@z.example.org", "four@x.example.com"} {
		readers = append(readers, s.subscribe(1, func(l *newsletter.Line) { l.Email = r })...)
	}
	hanging, four := make(chan struct{}), make(chan struct{})
	hangs, fourCame := sync.OnceFunc(func() { close(hanging) }), sync.OnceFunc(func() { close(four) })
	k := newSink(t, func(k *sink) {
		k.onRcpt = func(_ *smtp.Conn, to string) error {
			if strings.HasPrefix(to, "three@") {
				hangs()
				select {
				case <-four:
				case <-t.Context().Done():
				}
			}
			return nil
		}
		k.onData = func(_ *smtp.Conn, m received) error {
			switch {
			case strings.HasPrefix(m.To, "four@"):
				fourCame()
			case strings.HasPrefix(m.To, "two@"): // so that three and four are left to the other connection
				select {
				case <-hanging:
				case <-four: // it came first, and three may stand behind two
				case <-t.Context().Done():
				}
			}
			return nil
		}
	})
	relay := k.relay("main")
	relay.Connections = 2
	relay.Timeouts.Command, relay.Timeouts.Dot = time.Minute, time.Minute // not what ends the waiting
	s.counts(s.issue(s.run(s.service(withRelay(relay)))), newsletter.IssueSent, 4, 0, 0, 0)
	same(t, k.to(), readers)
}

// TestMaxRate: an issue with a rate of its own leaves one message after the other.
func TestMaxRate(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t) // its own clock: the limit is held by it
	s := newSiteOn(t, func(...storetest.Option) *store.Store { return storetest.Open(t, dsn) })
	s.options.Delivery.Others = jobs.GroupLimit{Rate: 10_000}
	s.edit(func(n *newsletter.Newsletter) { n.MaxRate = 200 })
	s.article()
	readers := s.subscribe(30)
	k := newSink(t)
	start := time.Now()
	s.counts(s.issue(s.run(s.service(withRelay(k.relay("main"))))), newsletter.IssueSent, 30, 0, 0, 0)
	same(t, k.to(), readers)
	// A limit: a slow machine takes longer, none may be faster.
	if took := time.Since(start); took < 29*5*time.Millisecond-100*time.Millisecond {
		t.Errorf("30 messages at 200/s took %v", took)
	}
}
