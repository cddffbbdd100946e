package jobs_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestSealingInterrupted stops sealing after each batch in turn; whoever comes
// next goes on where it was, and everybody gets one message.
func TestSealingInterrupted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.article(tagged("boats"))
		s.article()
		readers := s.subscribe(30) // five batches of seven
		readers = append(readers, s.subscribe(3, wanting("boats"))...)
		k := newSink(t)
		stops := 0
		for {
			ctx, stop := context.WithCancel(t.Context())
			v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) {
				o.OnProgress = func(p jobs.Progress) {
					if p.Step == "seal" {
						stop()
					}
				}
			})
			r, err := v.Run(ctx, jobs.RunOptions{})
			stop()
			if err == nil {
				s.counts(s.issue(r), newsletter.IssueSent, 33, 0, 0, 0)
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if stops++; stops > 10 {
				t.Fatal("sealing does not get on")
			}
		}
		if stops < 4 {
			t.Errorf("sealing was stopped %d times, want it to have had batches", stops)
		}
		same(t, k.to(), readers)
		if issues, err := s.store.Issues(t.Context(), store.IssueQuery{}); err != nil || len(issues) != 1 {
			t.Errorf("%d issues, want 1 (%v)", len(issues), err)
		}
	})
}

// TestDeliveryInterrupted stops delivery in the middle, gracefully, again and
// again: nothing is lost, nothing is sent twice.
func TestDeliveryInterrupted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.article()
		readers := s.subscribe(60)
		var mu sync.Mutex
		var stop func()
		taken := 0
		k := newSink(t, func(k *sink) {
			k.onData = func(*smtp.Conn, received) error {
				mu.Lock()
				defer mu.Unlock()
				if taken++; taken%13 == 0 {
					stop()
				}
				return nil
			}
		})
		stops := 0
		for {
			var ctx context.Context
			mu.Lock()
			ctx, stop = context.WithCancel(t.Context())
			mu.Unlock()
			v := s.service(withRelay(k.relay("main")))
			r, err := v.Run(ctx, jobs.RunOptions{})
			if err == nil {
				s.counts(s.issue(r), newsletter.IssueSent, 60, 0, 0, 0)
				stop()
				break
			}
			// The run's own last look is cut short where the machine is slow.
			i, rerr := v.IssueReport(t.Context(), 1)
			if !errors.Is(err, context.Canceled) || rerr != nil || i.Sent != len(k.to()) || i.Sent+i.Deferred != 60 {
				t.Fatalf("%v, %v; %d sent, %d deferred, %d arrived", err, rerr, i.Sent, i.Deferred, len(k.to()))
			}
			if leased, err := s.store.LeasedChunks(t.Context(), false); err != nil || leased != 0 {
				t.Fatalf("%d chunks are not given back (%v)", leased, err)
			}
			if stops++; stops > 10 {
				t.Fatal("delivery does not get on")
			}
		}
		if stops == 0 {
			t.Error("delivery was never stopped")
		}
		same(t, k.to(), readers)
	})
}

// TestDeadWorker: a worker died with chunks in hand, one message on the wire and
// one accepted whose result it could not store. On SQLite the next one goes on at
// once, on PostgreSQL when the leases have run out. Only what was on the wire is
// sent again.
func TestDeadWorker(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.article()
		readers := s.subscribe(25)
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")))
		// Sealed by one process …
		sealed := s.service(withRelay(nobodyHome(t)))
		s.issue(s.run(sealed))
		// … leased by another, which marks one row, settles one, and is gone.
		ledger := store.NewLedger(t.Context(), s.store)
		l, err := s.store.LeaseChunk(t.Context(), "dead", false, time.Minute, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range l.Rows[:2] {
			if err := ledger.BeginMark(row.Chunk, row.N, l.Fence).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := ledger.Settle(t.Context(), store.Settlement{Chunk: l.Chunk, N: l.Rows[0].N, Fence: l.Fence, State: newsletter.Sent}); err != nil {
			t.Fatal(err)
		}
		ledger.Close()
		if s.store.Engine() != "sqlite" {
			s.clock.add(2 * time.Minute)
		}
		r := s.run(v)
		s.counts(s.issue(r), newsletter.IssueSent, 25, 0, 0, 0)
		same(t, append(k.to(), l.Rows[0].Email), readers)
	})
}

// TestOneProcessDelivers: beside a daemon on SQLite a run waits for it to
// deliver, and does it itself when the daemon ends.
func TestOneProcessDelivers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(5)
	k := newSink(t)
	release, err := s.store.LockDaemon()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan jobs.RunReport, 1)
	go func() {
		r, err := s.service(withRelay(k.relay("main"))).Run(t.Context(), jobs.RunOptions{})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	eventually(t, "the issue is sealed", func() bool {
		i, err := s.store.Issue(t.Context(), 1)
		return err == nil && i.Sealed
	})
	if len(k.to()) != 0 {
		t.Error("two processes deliver")
	}
	release()
	s.counts(s.issue(<-done), newsletter.IssueSent, 5, 0, 0, 0)
	same(t, k.to(), readers)
}

// TestStale: an issue that nobody worked on for long is not sent by surprise.
func TestStale(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		set    func(*newsletter.Newsletter)
		asleep time.Duration
		stale  bool
	}{
		{"by hand, a day", nil, 24 * time.Hour, false},
		{"by hand, three days", nil, 72 * time.Hour, true},
		{"weekly, three days", func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * SUN" }, 72 * time.Hour, false},
		{"weekly, eight days", func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * SUN" }, 8 * 24 * time.Hour, true},
		{"two hours at most", func(n *newsletter.Newsletter) { n.MaxLate = 2 * time.Hour }, 3 * time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.options.Delivery.GiveUpAfter = 48 * time.Hour
			if c.set != nil {
				s.edit(c.set)
			}
			s.article()
			readers := s.subscribe(3)
			s.run(s.service(withRelay(nobodyHome(t))))
			s.clock.add(c.asleep)
			k := newSink(t)
			v := s.service(withRelay(k.relay("main")))
			r := s.run(v)
			if !c.stale {
				s.counts(s.issue(r), newsletter.IssueSent, 3, 0, 0, 0)
				same(t, k.to(), readers)
				return
			}
			s.counts(s.issue(r), newsletter.IssuePaused, 0, 0, 3, 0)
			if got := s.issue(r).Issue.Reason; !strings.Contains(got, "no progress for") || r.ExitCode() != 3 {
				t.Errorf("reason %q, exit code %d", got, r.ExitCode())
			}
			same(t, k.to(), nil)
			if err := v.Resume(t.Context(), s.issue(r).Issue.ID); err != nil {
				t.Fatal(err)
			}
			s.counts(s.issue(s.run(v)), newsletter.IssueSent, 3, 0, 0, 0)
		})
	}
}

// TestNotStale: an issue that waits for what is to come, its next try or the next
// day of a warm-up, is not late.
func TestNotStale(t *testing.T) {
	t.Parallel()
	t.Run("backs off", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.edit(func(n *newsletter.Newsletter) { n.MaxLate = 2 * time.Hour })
		o := &s.options.Delivery
		o.BackoffFirst, o.BackoffMax, o.GiveUpAfter = 3*time.Hour, 3*time.Hour, 48*time.Hour
		s.article()
		readers := s.subscribe(3)
		var later atomic.Bool
		k := newSink(t, func(k *sink) {
			k.onRcpt = func(*smtp.Conn, string) error {
				if later.Load() {
					return nil
				}
				return smtpError(451, smtp.EnhancedCode{4, 2, 2}, "mailbox full")
			}
		})
		v := s.service(withRelay(k.relay("main")))
		s.run(v)
		later.Store(true)
		s.clock.add(2*time.Hour + 15*time.Minute) // 2 h 24 at the earliest
		s.counts(s.issue(s.run(v)), newsletter.IssueSending, 0, 0, 3, 0)
		s.clock.add(90 * time.Minute) // 3 h 36 at the latest
		s.counts(s.issue(s.run(v)), newsletter.IssueSent, 3, 0, 0, 0)
		same(t, k.to(), readers)
	})
	t.Run("warm-up", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.edit(func(n *newsletter.Newsletter) { n.MaxLate = 2 * time.Hour })
		s.article()
		readers := s.subscribe(5)
		k := newSink(t)
		relay := k.relay("main")
		relay.WarmUp = newsletter.WarmUp{From: s.clock.now(), First: 2, Growth: 2}
		v := s.service(withRelay(relay))
		s.counts(s.issue(s.run(v)), newsletter.IssueSending, 2, 0, 3, 0)
		s.clock.add(3 * time.Hour)
		s.counts(s.issue(s.run(v)), newsletter.IssueSending, 2, 0, 3, 0)
		s.clock.add(16 * time.Hour) // one o'clock
		s.counts(s.issue(s.run(v)), newsletter.IssueSent, 5, 0, 0, 0)
		same(t, k.to(), readers)
	})
	t.Run("warm-up, long over", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.edit(func(n *newsletter.Newsletter) { n.MaxLate = 2 * time.Hour })
		s.article()
		s.subscribe(5)
		k := newSink(t)
		relay := k.relay("main")
		relay.WarmUp = newsletter.WarmUp{From: s.clock.now(), First: 2, Growth: 2}
		v := s.service(withRelay(relay))
		s.run(v)
		s.clock.add(24 * time.Hour) // since midnight it could have gone
		s.counts(s.issue(s.run(v)), newsletter.IssuePaused, 2, 0, 3, 0)
	})
}
