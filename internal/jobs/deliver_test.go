package jobs_test

import (
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// nobodyHome returns a relay that refuses connections.
func nobodyHome(t *testing.T) mailer.Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP address")
	}
	return mailer.Relay{Name: "gone", Host: "127.0.0.1", Port: addr.Port, TLS: "none", Connections: 2}
}

// TestRelayRefusesConnections: nobody fails, nothing is lost, the report says
// why; the next run delivers.
func TestRelayRefusesConnections(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(12)
	r := s.run(s.service(withRelay(nobodyHome(t))))
	s.counts(s.issue(r), newsletter.IssueSending, 0, 0, 12, 0)
	if r.ExitCode() != 1 || len(r.Relays) != 1 || r.Relays[0].Relay != "gone" || !strings.Contains(r.Relays[0].Error, "refused") || r.Relays[0].Hint == "" {
		t.Errorf("exit code %d, relays %+v", r.ExitCode(), r.Relays)
	}
	known, _, err := s.store.Relays(t.Context())
	if err != nil || len(known) != 1 || !known[0].PausedUntil.After(s.clock.now()) {
		t.Errorf("other workers do not know: %+v, %v", known, err)
	}
	k := newSink(t)
	r = s.run(s.service(withRelay(k.relay("gone"))))
	s.counts(s.issue(r), newsletter.IssueSent, 12, 0, 0, 0)
	same(t, k.to(), readers)
	if r.Newsletters[0].Nothing == "" || r.ExitCode() != 0 {
		t.Errorf("the second run: %+v", r)
	}
	if known, _, err := s.store.Relays(t.Context()); err != nil || !known[0].PausedUntil.IsZero() {
		t.Errorf("still paused for others: %+v, %v", known, err)
	}
}

// TestRelayFault: what is the relay's or our account's fault fails nobody.
func TestRelayFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		set  func(*sink)
		edit func(*mailer.Relay)
		want string // in the trouble
	}{
		{"wrong password", func(k *sink) { k.password = "right" }, func(r *mailer.Relay) { r.Username, r.Password = "me", "wrong" }, "535"},
		{"no login", func(k *sink) { k.password = "right" }, nil, "authenticate"},
		{"sender refused", func(k *sink) {
			k.onMail = func(string) error { return smtpError(550, smtp.EnhancedCode{5, 7, 1}, "not your domain") }
		}, nil, "not your domain"},
		{"relay full", func(k *sink) {
			k.onMail = func(string) error { return smtpError(452, smtp.EnhancedCode{4, 3, 1}, "insufficient storage") }
		}, nil, "insufficient storage"},
		{"relaying denied", func(k *sink) {
			k.onRcpt = func(*smtp.Conn, string) error { return smtpError(530, smtp.EnhancedCode{5, 7, 0}, "log in first") }
		}, nil, "log in first"},
		{"no TLS offered", nil, func(r *mailer.Relay) { r.TLS = "starttls" }, "STARTTLS"},
		{"hangs", func(k *sink) {
			k.onMail = func(string) error { <-k.t.Context().Done(); return errCut }
		}, func(r *mailer.Relay) { r.Timeouts.Command = time.Second }, "MAIL"},
		{"closes at once", func(k *sink) {
			k.onMail = func(string) error { return smtpError(421, smtp.EnhancedCode{4, 3, 2}, "shutting down") }
		}, nil, "shutting down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			var k *sink
			if c.set == nil {
				k = newSink(t)
			} else {
				k = newSink(t, c.set)
			}
			relay := k.relay("main")
			if c.edit != nil {
				c.edit(&relay)
			}
			s.article()
			readers := s.subscribe(5)
			r := s.run(s.service(withRelay(relay)))
			s.counts(s.issue(r), newsletter.IssueSending, 0, 0, 5, 0)
			if r.ExitCode() != 1 || len(r.Relays) != 1 || !strings.Contains(r.Relays[0].Error, c.want) {
				t.Errorf("exit code %d, relays %+v, want %q", r.ExitCode(), r.Relays, c.want)
			}
			same(t, k.to(), nil)
			s.clock.add(time.Minute) // those that were denied wait a little
			sound := newSink(t)
			r = s.run(s.service(withRelay(sound.relay("other"))))
			s.counts(s.issue(r), newsletter.IssueSent, 5, 0, 0, 0)
			same(t, sound.to(), readers)
		})
	}
}

// TestOneDenied: a recipient for whom the relay speaks as if it did not know us
// keeps nobody else, not even if it is the first.
func TestOneDenied(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.article()
		readers := s.subscribe(20)
		var asked atomic.Int32
		k := newSink(t, func(k *sink) {
			k.onRcpt = func(_ *smtp.Conn, to string) error {
				if to == readers[0] {
					asked.Add(1)
					return smtpError(554, smtp.EnhancedCode{5, 7, 1}, "Relay access denied")
				}
				return nil
			}
		})
		relay := k.relay("main")
		relay.Connections = 1
		r := s.run(s.service(withRelay(relay)))
		s.counts(s.issue(r), newsletter.IssueSending, 19, 0, 1, 0)
		if len(r.Relays) != 0 || asked.Load() != 1 {
			t.Errorf("relays %+v, asked %d times", r.Relays, asked.Load())
		}
		same(t, k.to(), readers[1:])
	})
}

// TestFailOver: the second relay takes what the first does not.
func TestFailOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.article()
	readers := s.subscribe(30)
	r := s.run(s.service(withRelay(nobodyHome(t), k.relay("second"))))
	s.counts(s.issue(r), newsletter.IssueSent, 30, 0, 0, 0)
	same(t, k.to(), readers)
	if r.ExitCode() != 0 || len(r.Relays) != 1 || r.Relays[0].Relay != "gone" {
		t.Errorf("exit code %d, relays %+v", r.ExitCode(), r.Relays)
	}
}

// TestReplies: what a reply about one recipient does to that one, and to nobody
// else.
func TestReplies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                    string
		rcpt, data              error
		sent, failed, deferred  int
		suppressed              bool
		state                   newsletter.IssueState
		exit                    int
		failureText, secondTime string
	}{
		{name: "no such user", rcpt: smtpError(550, smtp.EnhancedCode{5, 1, 1}, "no such user"), sent: 8, failed: 1, suppressed: true, state: newsletter.IssueSent, exit: 3, failureText: "no such user"},
		{name: "policy", rcpt: smtpError(550, smtp.EnhancedCode{5, 7, 1}, "we do not like you"), sent: 8, failed: 1, state: newsletter.IssueSent, exit: 3, failureText: "we do not like you"},
		{name: "mailbox full", rcpt: smtpError(552, smtp.EnhancedCode{5, 2, 2}, "mailbox full"), sent: 8, failed: 1, state: newsletter.IssueSent, exit: 3, failureText: "mailbox full"},
		{name: "spam", data: smtpError(554, smtp.EnhancedCode{5, 1, 1}, "looks like spam"), sent: 8, failed: 1, state: newsletter.IssueSent, exit: 3, failureText: "looks like spam"},
		{name: "greylisted", rcpt: smtpError(451, smtp.EnhancedCode{4, 7, 1}, "come back later"), sent: 8, deferred: 1, state: newsletter.IssueSending, exit: 3},
		{name: "busy at the dot", data: smtpError(452, smtp.EnhancedCode{4, 3, 1}, "disk full"), sent: 8, deferred: 1, state: newsletter.IssueSending, exit: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
				s := newSiteOn(t, open)
				s.article()
				readers := s.subscribe(9)
				victim := readers[4]
				var once sync.Once
				k := newSink(t, func(k *sink) {
					k.onRcpt = func(_ *smtp.Conn, to string) (err error) {
						if to == victim && c.rcpt != nil {
							once.Do(func() { err = c.rcpt })
						}
						return err
					}
					k.onData = func(_ *smtp.Conn, m received) (err error) {
						if m.To == victim && c.data != nil {
							once.Do(func() { err = c.data })
						}
						return err
					}
				})
				v := s.service(withRelay(k.relay("main")))
				r := s.run(v)
				i := s.issue(r)
				s.counts(i, c.state, c.sent, c.failed, c.deferred, 0)
				others := slices.DeleteFunc(slices.Clone(readers), func(a string) bool { return a == victim })
				same(t, k.to(), others)
				if r.ExitCode() != c.exit || len(r.Relays) != 0 {
					t.Errorf("exit code %d, want %d; relays %+v", r.ExitCode(), c.exit, r.Relays)
				}
				if c.failureText != "" && (len(i.Failures) != 1 || !strings.Contains(i.Failures[0].Reply, c.failureText) || strings.Contains(i.Failures[0].Example, victim)) {
					t.Errorf("failures %+v", i.Failures)
				}
				if got, err := s.store.Suppressions(t.Context(), store.SuppressionQuery{}); err != nil || len(got) > 0 != c.suppressed {
					t.Errorf("suppressed: %+v (%v), want %v", got, err, c.suppressed)
				}
				if c.deferred > 0 { // the relay takes it the second time
					if i.NextTry.IsZero() || !i.NextTry.After(s.clock.now()) {
						t.Errorf("next try at %v, now it is %v", i.NextTry, s.clock.now())
					}
					s.clock.add(time.Minute)
					r = s.run(v)
					s.counts(s.issue(r), newsletter.IssueSent, 9, 0, 0, 0)
					same(t, k.to(), readers)
				}
			})
		})
	}
}

// TestGiveUp: what is put off for ever fails in the end, with the relay's words.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	s.subscribe(1)
	k := newSink(t, func(k *sink) {
		k.onRcpt = func(*smtp.Conn, string) error { return smtpError(451, smtp.EnhancedCode{4, 2, 0}, "not now") }
	})
	v := s.service(withRelay(k.relay("main")))
	for range 3 {
		s.counts(s.issue(s.run(v)), newsletter.IssueSending, 0, 0, 1, 0)
		s.clock.add(25 * time.Minute)
	}
	i := s.issue(s.run(v))
	s.counts(i, newsletter.IssueSent, 0, 1, 0, 0)
	if len(i.Failures) != 1 || !strings.Contains(i.Failures[0].Reply, "not now") {
		t.Errorf("failures %+v", i.Failures)
	}
	n, err := v.Retry(t.Context(), i.Issue.ID, false)
	if err != nil || n != 1 {
		t.Fatalf("retrying: %d, %v", n, err)
	}
	k.onRcpt = nil
	r, err := v.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.counts(s.issue(r), newsletter.IssueSent, 1, 0, 0, 0)
}

// TestLostAfterDot: nobody knows whether it arrived. It is sent again under the
// same Message-ID, or held.
func TestLostAfterDot(t *testing.T) {
	t.Parallel()
	for _, hold := range []bool{false, true} {
		t.Run(map[bool]string{false: "resend", true: "hold"}[hold], func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.options.Delivery.Hold = hold
			s.article()
			readers := s.subscribe(9)
			victim := readers[3]
			var once sync.Once
			k := newSink(t, func(k *sink) {
				k.onData = func(c *smtp.Conn, m received) (err error) {
					if m.To == victim {
						once.Do(func() { err = cut(c) })
					}
					return err
				}
			})
			v := s.service(withRelay(k.relay("main")))
			r := s.run(v)
			if hold {
				s.counts(s.issue(r), newsletter.IssueSent, 8, 0, 0, 1)
				if r.ExitCode() != 3 {
					t.Errorf("exit code %d, want 3", r.ExitCode())
				}
				if n, err := v.Retry(t.Context(), s.issue(r).Issue.ID, true); err != nil || n != 1 {
					t.Fatalf("retrying the uncertain one: %d, %v", n, err)
				}
			} else {
				s.counts(s.issue(r), newsletter.IssueSending, 8, 0, 1, 0)
			}
			s.clock.add(time.Minute)
			r, err := v.Finish(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.counts(s.issue(r), newsletter.IssueSent, 9, 0, 0, 0)
			same(t, k.to(), readers)
			ids := map[string]int{}
			for _, m := range k.seen {
				ids[m.MessageID]++
			}
			if len(k.seen) != 10 || len(ids) != 9 {
				t.Errorf("%d messages with %d Message-IDs, want 10 with 9: the copy has another", len(k.seen), len(ids))
			}
		})
	}
}

// TestUnsubscribeDuringDelivery: whoever leaves after the chunk was leased is not
// mailed any more.
func TestUnsubscribeDuringDelivery(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.article()
		readers := s.subscribe(10) // one chunk
		leaving, err := s.store.SubscriberByEmail(t.Context(), readers[9])
		if err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		k := newSink(t, func(k *sink) {
			k.onRcpt = func(*smtp.Conn, string) error {
				once.Do(func() {
					if changed, err := s.store.Unsubscribe(t.Context(), leaving.ID, "weekly", "link", s.clock.now()); err != nil || !changed {
						t.Errorf("unsubscribing: %v, %v", changed, err)
					}
				})
				return nil
			}
		})
		relay := k.relay("main")
		relay.Connections = 1
		r := s.run(s.service(withRelay(relay)))
		i := s.issue(r)
		s.counts(i, newsletter.IssueSent, 9, 0, 0, 0)
		if i.Cancelled != 1 || r.ExitCode() != 0 {
			t.Errorf("%d cancelled, exit code %d", i.Cancelled, r.ExitCode())
		}
		same(t, k.to(), readers[:9])
	})
}

// TestPauseDuringDelivery: a pause stops what is not on the wire yet; resumed,
// the rest goes out, nothing twice.
func TestPauseDuringDelivery(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(60)
	var once sync.Once
	before := 0 // messages that arrived before the pause was stored
	k := newSink(t, func(k *sink) {
		k.onData = func(*smtp.Conn, received) error {
			once.Do(func() {
				if err := s.store.Pause(t.Context(), 1, newsletter.ByOperator, "look at this"); err != nil {
					t.Error(err)
				}
				k.mu.Lock()
				defer k.mu.Unlock()
				before = len(k.seen)
			})
			return nil
		}
	})
	v := s.service(withRelay(k.relay("main")))
	r := s.run(v)
	i := s.issue(r)
	if i.Issue.State != newsletter.IssuePaused || i.Issue.Reason != "look at this" || r.ExitCode() != 3 {
		t.Errorf("issue %+v, exit code %d", i.Issue, r.ExitCode())
	}
	// Each of the two connections had at most two messages marked by then.
	if i.Sent != len(k.to()) || i.Sent > before+4 || i.Sent+i.Deferred != 60 {
		t.Errorf("%d sent, %d of them before the pause, %d arrived, %d deferred", i.Sent, before, len(k.to()), i.Deferred)
	}
	if r := s.run(v); r.Accepted != 0 {
		t.Errorf("%d sent while paused", r.Accepted)
	}
	if err := v.Resume(t.Context(), i.Issue.ID); err != nil {
		t.Fatal(err)
	}
	f, err := v.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.counts(s.issue(f), newsletter.IssueSent, 60, 0, 0, 0)
	same(t, k.to(), readers)
}

// TestMessagesPerConnection and a rate change how mail goes out, not what.
func TestMessagesPerConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(20)
	var mu sync.Mutex
	greeted := 0
	k := newSink(t, func(k *sink) {
		k.onGreet = func() error {
			mu.Lock()
			defer mu.Unlock()
			greeted++
			return nil
		}
	})
	relay := k.relay("main")
	relay.MessagesPerConnection, relay.Rate, relay.Connections = 3, 20_000, 1 // of a clock that stands still
	r := s.run(s.service(withRelay(relay)))
	s.counts(s.issue(r), newsletter.IssueSent, 20, 0, 0, 0)
	same(t, k.to(), readers)
	if greeted != 7 {
		t.Errorf("%d connections for 20 messages, want 7", greeted)
	}
}

// TestUnmailableContent: a digest that makes no message stops its issue, and only
// that one.
func TestUnmailableContent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit(func(n *newsletter.Newsletter) { n.From.Address = "not an address" })
	s.article()
	s.subscribe(3)
	k := newSink(t)
	r := s.run(s.service(withRelay(k.relay("main"))))
	i := s.issue(r)
	s.counts(i, newsletter.IssuePaused, 0, 0, 3, 0)
	if !strings.Contains(i.Issue.Reason, "not an address") || r.ExitCode() != 3 {
		t.Errorf("reason %q, exit code %d", i.Issue.Reason, r.ExitCode())
	}
}

// TestProgress: a run tells how far it is, up to the end.
func TestProgress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	s.subscribe(20)
	var last jobs.Progress
	steps := map[string]bool{}
	s.run(s.service(func(o *jobs.Options) {
		o.OnProgress = func(p jobs.Progress) { last, steps[p.Step] = p, true }
	}))
	if last.Step != "send" || last.Done != 20 || last.Total != 20 || !steps["seal"] {
		t.Errorf("last %+v of %v", last, steps)
	}
}
