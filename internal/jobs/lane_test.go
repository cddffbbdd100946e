package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestManyLanes: a limit that holds for each of very many domains keeps nobody
// who has one message only; a slot is asked for when it will be used. The clock
// is synctest's.
func TestManyLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const connections, domains, sending = 8, 1000, 10 * time.Millisecond
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		next, asks := map[string]time.Time{}, 0
		take := func(_ context.Context, all []store.SlotAsk) ([]newsletter.Slots, time.Time, error) {
			time.Sleep(2 * time.Millisecond)
			asks += len(all)
			out, at := make([]newsletter.Slots, len(all)), time.UnixMilli(time.Now().UnixMilli())
			for i, a := range all {
				out[i], next[a.Bucket] = a.Pace.Take(next[a.Bucket], at, a.Count, a.Lead)
			}
			return out, at, nil
		}
		r := newRelay(mailer.Relay{Name: "main", Connections: connections})
		r.allowed.Store(connections)
		q := newQueue(2*connections, []*relay{r})
		taker := &slotTaker{ctx: ctx, take: take, wake: q.wake, log: slog.New(slog.DiscardHandler), most: q.low}
		q.limits = newLimits(taker, nil, GroupLimit{Rate: 5})
		l := store.Lease{Chunk: 1, Issue: 1}
		for i := range domains {
			l.Rows = append(l.Rows, newsletter.Delivery{Group: fmt.Sprintf("d%d.example", i)})
		}
		start := time.Now()
		q.push(l, start.Add(time.Hour))
		var all sync.WaitGroup
		for n := range connections {
			all.Go(func() {
				for it := q.take(ctx, r, n, true); it != nil; it = q.take(ctx, r, n, true) {
					time.Sleep(sending)
					q.finish(it)
					if _, waiting, _ := q.size(); waiting == 0 {
						stop()
					}
				}
			})
		}
		all.Wait()
		took := time.Since(start)
		time.Sleep(time.Second) // what is under way ends
		if _, waiting, _ := q.size(); waiting > 0 {
			t.Errorf("%d of %d were not sent", waiting, domains)
		}
		if most := 2 * domains / connections * sending; took > most {
			t.Errorf("%d messages took %v, want at most %v", domains, took, most)
		}
		if asks > 2*domains {
			t.Errorf("%d asks for %d messages", asks, domains)
		}
	})
}
