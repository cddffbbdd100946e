package jobs_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) { test(t, newSiteOn(t, open)) })
}

// untilPaused lets the first messages pass, and the others only when issue 1 is
// or was paused: so a test need not be faster than the program. A test that
// resumes it does so by resume.
func (s *site) untilPaused(first int32) func() {
	var n atomic.Int32
	return func() {
		if n.Add(1) <= first {
			return
		}
		eventually(s.t, "the issue is paused", func() bool {
			i, err := s.store.Issue(s.t.Context(), 1)
			if err == nil && i.State == newsletter.IssuePaused {
				s.paused.Store(true)
			}
			return s.paused.Load()
		})
	}
}

// resume lets issue 1, which is paused, go on, and those who wait in untilPaused:
// they may have missed that it was.
func (s *site) resume(v *jobs.Service) {
	s.t.Helper()
	s.paused.Store(true)
	if err := v.Resume(s.t.Context(), 1); err != nil {
		s.t.Fatal(err)
	}
}

// finish takes up what is left, and returns how issue 1 stands.
func (s *site) finish(v *jobs.Service) jobs.IssueReport {
	s.t.Helper()
	if _, err := v.Finish(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	i, err := v.IssueReport(s.t.Context(), 1)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

// TestRefusedContent: a receiver that refuses message after message for what is in
// them ends the issue before everybody's fails.
func TestRefusedContent(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.article()
		s.subscribe(60)
		wait := s.untilPaused(20)
		k := newSink(t, func(k *sink) {
			k.onData = func(*smtp.Conn, received) error {
				wait()
				return smtpError(554, smtp.EnhancedCode{5, 7, 1}, "this is spam, ticket 123456")
			}
		})
		r := s.run(s.service(withRelay(k.relay("main")), func(o *jobs.Options) { o.Delivery.Breaker = jobs.BreakerOptions{Refusals: 20} }))
		i := s.issue(r)
		if i.Issue.State != newsletter.IssuePaused || i.Issue.PausedBy != newsletter.ByBreaker || !strings.Contains(i.Issue.Reason, "20 messages in a row were refused") {
			t.Errorf("%+v", i.Issue)
		}
		// Two connections with two messages each were on their way.
		if i.Failed < 20 || i.Failed > 24 || i.Failed+i.Deferred != 60 || r.ExitCode() == 0 {
			t.Errorf("%d failed, %d to go, exit code %d", i.Failed, i.Deferred, r.ExitCode())
		}
		all, err := s.store.Suppressions(t.Context(), store.SuppressionQuery{})
		if err != nil || len(all) > 0 {
			t.Errorf("suppressed for content: %v, %v", all, err)
		}
	})
}

// TestBreaker: a relay that says of good addresses that they do not exist is
// stopped; reviewed, lifted and tried again, everybody gets the issue once.
func TestBreaker(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.article()
		readers := s.subscribe(60)
		wait := s.untilPaused(30)
		var wrong atomic.Bool
		wrong.Store(true)
		k := newSink(t, func(k *sink) {
			k.onRcpt = func(_ *smtp.Conn, to string) error {
				if !wrong.Load() {
					return nil
				}
				wait()
				if slices.Index(readers, to)%2 == 0 {
					return smtpError(550, smtp.EnhancedCode{5, 1, 1}, "no such user")
				}
				return nil
			}
		})
		v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) {
			o.Delivery.Breaker = jobs.BreakerOptions{After: 20, Failures: 0.3}
		})
		i := s.issue(s.run(v))
		if i.Issue.State != newsletter.IssuePaused || i.Issue.PausedBy != newsletter.ByBreaker || !strings.Contains(i.Issue.Reason, "failed") || i.Failed == 0 {
			t.Fatalf("%+v", i)
		}
		held, err := s.store.Suppressions(t.Context(), store.SuppressionQuery{Held: true})
		if err != nil || len(held) != i.Failed {
			t.Errorf("%d held, %d failed, %v", len(held), i.Failed, err)
		}
		// Resumed as it is, it goes on: somebody looked. What is suppressed stays so.
		wrong.Store(false)
		s.resume(v)
		before := i.Failed
		i = s.finish(v)
		s.counts(i, newsletter.IssueSent, 60-before, before, 0, 0)
		if n, err := v.Retry(t.Context(), 1, false); n != 0 || err != nil {
			t.Errorf("%d tried again though suppressed, %v", n, err)
		}
		// One of them leaves: it is not tried again either.
		if _, err := s.store.LiftIssueSuppressions(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		got := k.to()
		leaver := readers[slices.IndexFunc(readers, func(r string) bool { return !slices.Contains(got, r) })]
		who, err := s.store.SubscriberByEmail(t.Context(), leaver)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Unsubscribe(t.Context(), who.ID, "weekly", "link", s.clock.now()); err != nil {
			t.Fatal(err)
		}
		if n, err := v.Retry(t.Context(), 1, false); n != before-1 || err != nil {
			t.Errorf("%d tried again, want %d, %v", n, before-1, err)
		}
		s.counts(s.finish(v), newsletter.IssueSent, 59, 1, 0, 0)
		same(t, k.to(), slices.DeleteFunc(slices.Clone(readers), func(r string) bool { return r == leaver }))
	})
}

// TestComplaints: few complaints are none; many stop the issue.
func TestComplaints(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.article()
		readers := s.subscribe(60)
		wait := s.untilPaused(40)
		var n atomic.Int32
		k := newSink(t, func(k *sink) {
			k.onData = func(_ *smtp.Conn, m received) error {
				if n.Add(1) <= 6 {
					if err := s.store.Suppress(t.Context(), m.To, newsletter.CauseComplaint, 1, "", s.clock.now()); err != nil {
						t.Error(err)
					}
				}
				wait()
				return nil
			}
		})
		v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) {
			o.Delivery.Breaker = jobs.BreakerOptions{After: 20, Complaints: 0.01}
		})
		r := s.run(v) // it is judged when this process looks first, and again and again
		i := s.issue(r)
		if i.Issue.State != newsletter.IssuePaused || !strings.Contains(i.Issue.Reason, "complained") {
			t.Errorf("%+v", i.Issue)
		}
		s.resume(v)
		s.counts(s.finish(v), newsletter.IssueSent, 60, 0, 0, 0)
		same(t, k.to(), readers)
	})
}

// TestQuietHours: nothing is begun in them; the issue goes on afterwards.
func TestQuietHours(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.edit(func(n *newsletter.Newsletter) { n.Quiet = newsletter.Quiet{From: 5 * 60, To: 7 * 60} }) // it is six
		s.article()
		readers := s.subscribe(40)
		var n, after atomic.Int32
		k := newSink(t, func(k *sink) {
			k.onData = func(*smtp.Conn, received) error {
				if n.Add(1) == 10 { // night falls
					s.clock.add(22 * time.Hour)
				} else if s.clock.now().Hour() == 5 {
					after.Add(1)
				}
				return nil
			}
		})
		v := s.service(withRelay(k.relay("main")))
		r := s.run(v)
		i := s.issue(r)
		s.counts(i, newsletter.IssueSending, 0, 0, 40, 0)
		morning := time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC)
		if !i.NextTry.Equal(morning) || r.ExitCode() != 3 {
			t.Errorf("next at %s, exit code %d", i.NextTry, r.ExitCode())
		}
		d, err := v.Inspect(t.Context(), 1)
		if err != nil || !d.QuietUntil.Equal(morning) {
			t.Errorf("quiet until %s, %v", d.QuietUntil, err)
		}
		s.clock.add(time.Hour)
		i = s.finish(v) // and at the tenth message it is five in the morning
		if i.Issue.State != newsletter.IssueSending || int(after.Load()) > 3 || i.Sent != 10+int(after.Load()) {
			t.Errorf("%+v, %d begun before the clock was looked at", i, after.Load())
		}
		s.clock.add(3 * time.Hour)
		s.counts(s.finish(v), newsletter.IssueSent, 40, 0, 0, 0)
		same(t, k.to(), readers)
	})
}

// TestCanary: a slice goes first; the rest follows when it looks well.
func TestCanary(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.edit(func(n *newsletter.Newsletter) { n.Canary = newsletter.Canary{Share: 0.01, Wait: 30 * time.Minute} })
		s.article()
		readers := s.subscribe(120)
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")))
		r := s.run(v)
		i := s.issue(r)
		canary := i.Sent
		if i.Issue.State != newsletter.IssueSending || canary < 10 || canary > 60 || r.ExitCode() != 3 {
			t.Errorf("%+v, exit code %d", i, r.ExitCode())
		}
		if want := s.clock.now().Add(30 * time.Minute); !i.NextTry.Equal(want) {
			t.Errorf("the rest goes at %s, want %s", i.NextTry, want)
		}
		s.clock.add(29 * time.Minute)
		s.counts(s.finish(v), newsletter.IssueSending, canary, 0, 120-canary, 0)
		s.clock.add(2 * time.Minute)
		s.counts(s.finish(v), newsletter.IssueSent, 120, 0, 0, 0)
		same(t, k.to(), readers)
	})
}

// TestBadCanary: one that does not look well leaves the rest to the operator.
func TestBadCanary(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.edit(func(n *newsletter.Newsletter) { n.Canary = newsletter.Canary{Share: 0.01, Wait: 30 * time.Minute} })
		s.article()
		readers := s.subscribe(120)
		var policy atomic.Bool
		policy.Store(true)
		k := newSink(t, func(k *sink) {
			k.onRcpt = func(_ *smtp.Conn, to string) error {
				if policy.Load() && slices.Index(readers, to)%3 == 0 {
					return smtpError(550, smtp.EnhancedCode{5, 7, 1}, "not today")
				}
				return nil
			}
		})
		v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) { o.Delivery.Breaker = jobs.BreakerOptions{After: 1000, Failures: 0.2} })
		i := s.issue(s.run(v))
		failed := i.Failed
		policy.Store(false)
		s.clock.add(31 * time.Minute)
		i = s.finish(v)
		if 5*failed < i.Sent+failed {
			t.Skipf("by chance, only %d of the first %d failed", failed, i.Sent+failed)
		}
		if i.Issue.State != newsletter.IssuePaused || i.Issue.PausedBy != newsletter.ByCanary || !strings.Contains(i.Issue.Reason, "of the first") {
			t.Fatalf("%+v", i.Issue)
		}
		if err := v.Resume(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.counts(s.finish(v), newsletter.IssueSent, 120-failed, failed, 0, 0)
	})
}

// TestStaleExceptQuiet: hours in which nothing was to be sent do not make an issue
// old.
func TestStaleExceptQuiet(t *testing.T) {
	t.Parallel()
	for _, quiet := range []bool{false, true} {
		s := newSite(t)
		s.edit(func(n *newsletter.Newsletter) {
			n.MaxLate = time.Hour
			if quiet {
				n.Quiet = newsletter.Quiet{From: 5 * 60, To: 15 * 60}
			}
		})
		s.article()
		s.subscribe(5)
		s.run(s.service(withRelay(nobodyHome(t))))
		s.clock.add(9*time.Hour + 30*time.Minute) // half past three
		k := newSink(t)
		i := s.finish(s.service(withRelay(k.relay("main"))))
		if want := map[bool]newsletter.IssueState{false: newsletter.IssuePaused, true: newsletter.IssueSent}[quiet]; i.Issue.State != want {
			t.Errorf("quiet %v: %+v", quiet, i.Issue)
		}
	}
}
