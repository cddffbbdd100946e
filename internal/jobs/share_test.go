package jobs_test

import (
	"sync/atomic"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestDialsCount: a connection that is being opened is one of the relay's. While its
// server has not greeted yet, another worker gets none in its place.
func TestDialsCount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.Delivery.Renew = 10 * time.Millisecond
	s.article()
	readers := s.subscribe(30)
	greet := make(chan struct{})
	var dialled atomic.Int32
	slow, spare := newSink(t, func(k *sink) {
		k.onGreet = func() error {
			dialled.Add(1)
			select {
			case <-greet:
			case <-t.Context().Done():
			}
			return nil
		}
	}), newSink(t)
	relay := slow.relay("slow")
	relay.Weight = 1
	relay.Timeouts.Connect, relay.Timeouts.Command = time.Hour, time.Hour // not what ends the waiting
	v := s.service(withRelay(relay, spare.relay("spare")))
	type outcome struct {
		report jobs.RunReport
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := v.Run(t.Context(), jobs.RunOptions{})
		done <- outcome{r, err}
	}()
	eventually(t, "both connections are being opened", func() bool { return dialled.Load() == 2 })

	another := func() (ofSlow, ofSpare int) {
		got, err := s.store.ShareConnections(t.Context(), "another", []store.ShareAsk{
			{Name: "relay:slow", Limit: 2, Want: true}, {Name: "relay:spare", Limit: 2, Want: true},
		}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return got[0], got[1]
	}
	// Of the relay that it does not use, the first worker gives one back at once.
	eventually(t, "the first worker asked anew", func() bool {
		ofSlow, ofSpare := another()
		if ofSlow > 0 {
			t.Fatalf("another worker got %d connections of 2, while 2 were being opened", ofSlow)
		}
		return ofSpare > 0
	})
	close(greet)
	eventually(t, "another worker gets its share", func() bool {
		n, _ := another()
		return n > 0
	})
	if err := s.store.EndShares(t.Context(), "another"); err != nil {
		t.Fatal(err)
	}
	o := <-done
	if o.err != nil {
		t.Fatal(o.err)
	}
	s.counts(s.issue(o.report), newsletter.IssueSent, 30, 0, 0, 0)
	same(t, slow.to(), readers)
}
