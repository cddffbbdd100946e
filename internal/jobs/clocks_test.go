package jobs_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestClockAhead: this machine's clock is hours before the database's. What is to be
// tried again in a moment is, and a relay that is paused for a moment is for others
// too.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, func(...storetest.Option) *store.Store { return open() })
		ahead := func() time.Time { return time.Now().Add(3 * time.Hour) }
		s.clock.at = time.Now().Add(-time.Hour)
		s.article()
		readers := s.subscribe(6)
		var refused, begun atomic.Int32
		k := newSink(t, func(k *sink) {
			k.onMail = func(string) error {
				if begun.Add(1) == 1 {
					return smtpError(421, smtp.EnhancedCode{4, 3, 2}, "not now")
				}
				relays, now, err := s.store.Relays(t.Context())
				if err != nil || len(relays) > 0 && relays[0].PausedUntil.After(now.Add(time.Hour)) {
					t.Errorf("at %s: %+v, %v", now, relays, err)
				}
				return nil
			}
			k.onRcpt = func(*smtp.Conn, string) error {
				if refused.Add(1) <= 6 {
					return smtpError(451, smtp.EnhancedCode{4, 2, 1}, "later")
				}
				return nil
			}
		})
		v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) {
			o.Now = ahead
			o.Delivery.BackoffFirst, o.Delivery.GiveUpAfter = time.Millisecond, 2*time.Hour
		})
		eventually(t, "the issue is sent", func() bool {
			return s.issue(s.run(v)).Issue.State == newsletter.IssueSent
		})
		same(t, k.to(), readers)
		if err := s.store.PauseRelay(t.Context(), "main", time.Now().Add(time.Minute), "421 not now"); err != nil {
			t.Fatal(err)
		}
		relays, _, err := v.Limits(t.Context())
		if err != nil || len(relays) != 1 || !relays[0].PausedUntil.After(time.Now().Add(2*time.Hour)) {
			t.Errorf("%+v, %v", relays, err)
		}
	})
}
