package jobs

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// bucket is a store's bucket without a store; taking from it takes time.
type bucket struct {
	mu      sync.Mutex
	next    time.Time
	latency time.Duration
	ahead   time.Duration // of its clock
	asks    int
}

func (b *bucket) take(_ context.Context, asks []store.SlotAsk) ([]newsletter.Slots, time.Time, error) {
	time.Sleep(b.latency / 2)
	b.mu.Lock()
	b.asks++
	at := time.UnixMilli(time.Now().Add(b.ahead).UnixMilli())
	var s newsletter.Slots
	s, b.next = asks[0].Pace.Take(b.next, at, asks[0].Count, asks[0].Lead)
	b.mu.Unlock()
	time.Sleep(b.latency / 2)
	return []newsletter.Slots{s}, at, nil
}

// worker sends as soon as it may, until the context ends.
func (b *bucket) worker(ctx context.Context, rate float64, sent func(time.Time)) {
	wake := make(chan struct{}, 1)
	t := &slotTaker{ctx: ctx, take: b.take, wake: func() { poke(wake) }, log: slog.New(slog.DiscardHandler)}
	l := t.limiter("relay:main", rate)
	for ctx.Err() == nil {
		if now := time.Now(); l.ready(now) {
			if until := l.use(); until.Before(now) {
				panic("a slot that is gone")
			}
			sent(now)
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
		}
	}
}

// TestLimiter: three workers, one of which dies, hold a limit together: no
// second sees more than the rate and a tenth of it, and on the whole it is the
// rate. The clock is synctest's, so nothing here depends on the machine's speed.
func TestLimiter(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.5, 7, 50, 1000} {
		for _, latency := range []time.Duration{0, 10 * time.Millisecond, 40 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				b := &bucket{latency: latency, ahead: 3 * time.Hour}
				var mu sync.Mutex
				var sent []time.Time
				note := func(at time.Time) {
					mu.Lock()
					defer mu.Unlock()
					sent = append(sent, at)
				}
				ctx, stop := context.WithCancel(t.Context())
				start := time.Now()
				for n := range 3 {
					life := time.Hour
					if n == 0 { // it dies with what it has in hand
						life = 31 * time.Second
					}
					go func() {
						own, die := context.WithTimeout(ctx, life)
						defer die()
						b.worker(own, rate, note)
					}()
				}
				const length = 100 * time.Second
				time.Sleep(length)
				stop()
				time.Sleep(time.Second) // what is under way ends
				synctest.Wait()
				most := int(rate + max(1, rate/10))
				from := 0
				for i := range sent {
					for sent[i].Sub(sent[from]) >= time.Second {
						from++
					}
					if n := i - from + 1; n > most {
						t.Fatalf("rate %g, latency %v: %d in one second, %v after the start", rate, latency, n, sent[i].Sub(start))
					}
				}
				want := rate * length.Seconds()
				if got := float64(len(sent)); math.Abs(got-want) > want*0.02+2 {
					t.Errorf("rate %g, latency %v: %g messages, want %g", rate, latency, got, want)
				}
				t.Logf("rate %g, latency %v: %d messages, %d asks", rate, latency, len(sent), b.asks)
			})
		}
	}
}

// TestLimiterUnused: what nobody uses is gone; there is no burst after a pause,
// and who does not send does not ask.
func TestLimiterUnused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bucket{latency: time.Millisecond}
		wake := make(chan struct{}, 1)
		x := &slotTaker{ctx: t.Context(), take: b.take, wake: func() { poke(wake) }, log: slog.New(slog.DiscardHandler)}
		l := x.limiter("relay:main", 20)
		for range 40 {
			for !l.ready(time.Now()) {
				<-wake
			}
			l.use()
		}
		time.Sleep(time.Hour)
		before := b.asks
		n := 0
		for end := time.Now().Add(time.Second); time.Now().Before(end); {
			if l.ready(time.Now()) {
				l.use()
				n++
				continue
			}
			<-wake
		}
		if n < 19 || n > 23 {
			t.Errorf("%d in the second after a pause, want 20 and no burst", n)
		}
		time.Sleep(time.Second)
		if asks := b.asks - before; asks > 30 {
			t.Errorf("%d asks for %d messages", asks, n)
		}
	})
}

// TestLimiterSlowStore: however slow the store is, something goes out, and not too
// much.
func TestLimiterSlowStore(t *testing.T) {
	t.Parallel()
	for _, latency := range []time.Duration{60 * time.Millisecond, 200 * time.Millisecond, time.Second, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := &bucket{latency: latency}
			sent := 0
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			b.worker(ctx, 100, func(time.Time) { sent++ })
			time.Sleep(10 * time.Second)
			if sent > 6000 || sent < 15 {
				t.Errorf("latency %v: %d messages in a minute, want some, and at most 6000", latency, sent)
			}
			t.Logf("latency %v: %d messages in a minute at 100/s", latency, sent)
		})
	}
}
