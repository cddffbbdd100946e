package jobs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestChaos delivers through a relay that puts off, refuses and hangs up at
// random, by runs that are stopped at random. In the end everybody has the issue,
// and only those have it twice whose connection was lost after the final dot.
func TestChaos(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		var mu sync.Mutex
		chance := func(p float64) bool {
			mu.Lock()
			defer mu.Unlock()
			return rnd.Float64() < p
		}
		s := newSiteOn(t, open)
		s.options.Delivery.GiveUpAfter = 1000 * time.Hour
		s.article()
		readers := s.subscribe(40)

		arrived, unanswered := map[string]int{}, map[string]int{}
		var stop context.CancelFunc
		k := newSink(t, func(k *sink) {
			k.onMail = func(string) error {
				if chance(0.02) {
					return smtpError(421, smtp.EnhancedCode{4, 3, 2}, "enough for now")
				}
				return nil
			}
			k.onRcpt = func(c *smtp.Conn, _ string) error {
				switch {
				case chance(0.1):
					return smtpError(451, smtp.EnhancedCode{4, 7, 1}, "later")
				case chance(0.05):
					return cut(c)
				}
				return nil
			}
			k.onData = func(c *smtp.Conn, m received) error {
				if chance(0.05) {
					return smtpError(452, smtp.EnhancedCode{4, 3, 1}, "full")
				}
				mu.Lock()
				arrived[m.To]++
				mu.Unlock()
				if chance(0.05) {
					mu.Lock()
					unanswered[m.To]++
					mu.Unlock()
					return cut(c)
				}
				if chance(0.05) {
					mu.Lock()
					stop()
					mu.Unlock()
				}
				return nil
			}
		})
		v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) { o.Delivery.BackoffFirst = 5 * time.Millisecond })
		for range 300 {
			var ctx context.Context
			mu.Lock()
			ctx, stop = context.WithCancel(t.Context())
			mu.Unlock()
			r, err := v.Run(ctx, jobs.RunOptions{})
			stop()
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if s.issue(r).Issue.State == newsletter.IssueSent {
				s.counts(s.issue(r), newsletter.IssueSent, 40, 0, 0, 0)
				for _, a := range readers {
					if n := arrived[a]; n < 1 || n > 1+unanswered[a] {
						t.Errorf("%s has %d copies, %d of them without an answer", a, n, unanswered[a])
					}
				}
				return
			}
			s.clock.add(time.Hour)
		}
		t.Error("the issue is never sent")
	})
}
