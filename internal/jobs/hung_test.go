package jobs_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestHungDatabase: PostgreSQL says nothing any more, in the middle of an issue. Told
// to stop, the run ends; what it could not store is taken up by the next one.
func TestHungDatabase(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	blocked, block := storetest.Blackhole(t, dsn)
	s := newSiteOn(t, func(o ...storetest.Option) *store.Store {
		return storetest.OpenBlocked(t, blocked, o...)
	})
	s.article()
	readers := s.subscribe(40)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var taken atomic.Int32
	k := newSink(t, func(k *sink) {
		k.onData = func(*smtp.Conn, received) error {
			if taken.Add(1) == 10 {
				block()
				stop()
			}
			return nil
		}
	})
	relay := k.relay("main")
	v := s.service(withRelay(relay), func(o *jobs.Options) { o.Delivery.Grace = time.Second })
	if r, err := v.Run(ctx, jobs.RunOptions{}); err == nil {
		t.Errorf("it says that all is well: %+v", r)
	}

	s.store = storetest.Open(t, dsn, storetest.Now(s.clock.now))
	s.options.Store = s.store
	s.clock.add(time.Minute) // the leases run out
	s.counts(s.issue(s.run(s.service(withRelay(relay)))), newsletter.IssueSent, 40, 0, 0, 0)
	copies, more := map[string]int{}, 0
	for _, a := range k.to() {
		copies[a]++
	}
	for _, a := range readers {
		if copies[a] == 0 {
			t.Errorf("%s got nothing", a)
		}
		more += copies[a] - 1
	}
	if more > 2*relay.Connections {
		t.Errorf("%d copies beyond one, over %d connections", more, relay.Connections)
	}
}
