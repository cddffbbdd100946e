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
		q.push(l, time.Now(), start.Add(time.Hour))
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
		synctest.Wait()
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

// TestLowLanes: many short lanes are no reason to look for another chunk, until
// little is left in all of them; nor is a long one, until it gets short.
func TestLowLanes(t *testing.T) {
	t.Parallel()
	r := newRelay(mailer.Relay{Name: "main"})
	r.allowed.Store(1)
	q := newQueue(4, []*relay{r})
	q.limits = newLimits(nil, nil, GroupLimit{Connections: 1})
	l := store.Lease{Chunk: 1, Issue: 1}
	for i := range 10 {
		l.Rows = append(l.Rows, newsletter.Delivery{Group: fmt.Sprintf("d%d.example", i)})
	}
	for range 5 {
		l.Rows = append(l.Rows, newsletter.Delivery{Group: "long.example"})
	}
	q.push(l, time.Now(), time.Now().Add(time.Hour))
	for _, g := range q.limits.groups {
		g.share = len(l.Rows)
	}
	for n := range len(l.Rows) {
		long := q.lanes[laneKey{group: "long.example"}]
		before := len(long.items)
		if q.pop(r) == nil {
			t.Fatalf("nothing after %d", n)
		}
		poked := false
		select {
		case <-q.ended:
			poked = true
		default:
		}
		short := before == q.low && len(long.items) < q.low
		if want := short || len(l.Rows)-n-1 < q.low; poked != want {
			t.Errorf("after %d of %d: looked for more %v, want %v", n+1, len(l.Rows), poked, want)
		}
	}
}

// TestTakeUnwanted: a connection that is not open leaves deliveries to one that is;
// if that one is not wanted any more, it takes them. Which of the two wakes first is
// chance.
func TestTakeUnwanted(t *testing.T) {
	t.Parallel()
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			r := newRelay(mailer.Relay{Name: "main"})
			r.allowed.Store(2)
			q := newQueue(4, []*relay{r})
			q.limits = newLimits(nil, nil, GroupLimit{})
			closed, open := make(chan *item, 1), make(chan *item, 1)
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			go func() { closed <- q.take(ctx, r, 0, false) }()
			synctest.Wait()
			go func() { open <- q.take(ctx, r, 1, true) }()
			synctest.Wait()
			r.allowed.Store(1)
			q.push(store.Lease{Chunk: 1, Issue: 1, Rows: make([]newsletter.Delivery, 1)}, time.Now(), time.Now().Add(2*time.Hour))
			if it := <-open; it != nil {
				t.Error("one too many takes a delivery")
			}
			if it := <-closed; it == nil {
				t.Fatal("nobody takes the delivery")
			}
		})
	}
}

// TestDialsInPlace: when a relay's connections become fewer, none is opened in place of
// those that are too many, until they have ended.
func TestDialsInPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(mailer.Relay{Name: "main"})
		r.allowed.Store(8)
		q := newQueue(4, []*relay{r})
		q.limits = newLimits(nil, nil, GroupLimit{})
		q.push(store.Lease{Chunk: 1, Issue: 1, Rows: make([]newsletter.Delivery, 20)}, time.Now(), time.Now().Add(2*time.Hour))
		for n := 4; n < 8; n++ { // these send
			if q.take(t.Context(), r, n, false) == nil {
				t.Fatal("none of 8 may be opened")
			}
		}
		r.allowed.Store(4)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		taken := make(chan *item, 4)
		for n := range 4 {
			go func() { taken <- q.take(ctx, r, n, false) }()
		}
		synctest.Wait()
		if open := r.open.Load(); open != 4 {
			t.Fatalf("%d connections of 4", open)
		}
		d := &deliverer{queue: q, reshare: make(chan struct{}, 1)}
		(&connection{deliverer: d, relay: r, number: 7}).closed()
		synctest.Wait()
		if open := r.open.Load(); open != 4 || len(taken) != 1 {
			t.Errorf("one of 4 ended: %d are open, %d of them anew", open, len(taken))
		}
	})
}
