package jobs_test

import (
	"net/url"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestMarkIsPatient: the store is too busy to take a mark, several times. The message
// waits for it, over the same connection, and everybody has one.
func TestMarkIsPatient(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	hasty, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := hasty.Query()
	q.Set("lock_timeout", "20") // milliseconds
	hasty.RawQuery = q.Encode()
	s := newSiteOn(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, hasty.String(), o...) })
	s.article()
	readers := s.subscribe(5)
	s.run(s.service(withRelay(nobodyHome(t)))) // sealed
	lock := storetest.LockRows(t, dsn, "deliveries")
	k := newSink(t)
	relay := k.relay("main")
	relay.Connections = 1
	done := make(chan jobs.RunReport, 1)
	go func() {
		r, err := s.service(withRelay(relay), func(o *jobs.Options) { o.Delivery.Lease = time.Hour }).Run(t.Context(), jobs.RunOptions{})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	// A step is tried four times at once; who asks again has patience.
	eventually(t, "the mark is asked for again", func() bool { return lock.Waiting() > 8 })
	lock.Release()
	r := <-done
	s.counts(s.issue(r), newsletter.IssueSent, 5, 0, 0, 0)
	if len(r.Relays) > 0 {
		t.Errorf("it is taken for the relay's fault: %+v", r.Relays)
	}
	same(t, k.to(), readers)
}
