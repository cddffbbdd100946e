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
// tried again in a moment is.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, func(...storetest.Option) *store.Store { return open() })
		ahead := func() time.Time { return time.Now().Add(3 * time.Hour) }
		s.clock.at = time.Now().Add(-time.Hour)
		s.article()
		readers := s.subscribe(6)
		var refused atomic.Int32
		k := newSink(t, func(k *sink) {
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
	})
}
