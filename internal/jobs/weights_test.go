package jobs

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestShareByWeight: relays share the messages by their weights, whichever is the
// faster; one that hangs holds the others up for a moment, and what it missed is not
// owed to it. The clock is synctest's.
func TestShareByWeight(t *testing.T) {
	t.Parallel()
	const messages, hang = 400, time.Hour
	for _, c := range []struct {
		name       string
		three, one time.Duration // what a message takes there
		hangs      bool          // one, over its first messages
		want       int           // that three sends
		within     time.Duration
	}{
		{"alike", 10 * time.Millisecond, 10 * time.Millisecond, false, 300, 2 * time.Second},
		{"the larger is slow", 50 * time.Millisecond, time.Millisecond, false, 300, 8 * time.Second},
		{"the smaller is slow", time.Millisecond, 50 * time.Millisecond, false, 300, 3 * time.Second},
		{"the smaller hangs", 10 * time.Millisecond, 10 * time.Millisecond, true, 398, busyLimit + 4*time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				three := newRelay(mailer.Relay{Name: "three", Connections: 2, Weight: 3})
				one := newRelay(mailer.Relay{Name: "one", Connections: 2, Weight: 1})
				spare := newRelay(mailer.Relay{Name: "spare", Connections: 2})
				relays := []*relay{spare, three, one} // the order does not matter
				for i, r := range relays {
					r.bit = 1 << i
					r.allowed.Store(int32(r.Connections))
				}
				q := newQueue(4, relays)
				q.limits = newLimits(nil, nil, GroupLimit{})
				var mu sync.Mutex
				sent := map[*relay]int{}
				start := time.Now()
				var took time.Duration
				send := func(r *relay, n int) {
					for it := q.take(ctx, r, n, true); it != nil; it = q.take(ctx, r, n, true) {
						mu.Lock()
						sent[r]++
						last := sent[three]+sent[one]+sent[spare] == messages
						mu.Unlock()
						work := map[*relay]time.Duration{three: c.three, one: c.one}[r]
						if r == one && c.hangs {
							work = hang
						}
						time.Sleep(work)
						if last {
							took = time.Since(start)
							stop()
						}
						q.finish(it)
					}
				}
				var all sync.WaitGroup
				for _, r := range relays {
					for n := range r.Connections {
						all.Go(func() { send(r, n) })
					}
				}
				all.Go(func() { // as dispatch does
					for sleep(ctx, tickOpen) {
						q.wake()
					}
				})
				synctest.Wait()
				q.push(store.Lease{Chunk: 1, Issue: 1, Rows: make([]newsletter.Delivery, messages)}, time.Now(), time.Now().Add(24*time.Hour))
				all.Wait()
				// Each may be ahead by what its connections have on their way.
				if n := sent[three]; n < c.want-4 || n > c.want+4 || sent[spare] > 0 {
					t.Errorf("three got %d, one %d, spare %d; want %d, %d, 0", n, sent[one], sent[spare], c.want, messages-c.want)
				}
				if took > c.within {
					t.Errorf("it took %v, want at most %v", took, c.within)
				}
			})
		})
	}
}
