package store_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestShareConnections: workers come, go and die; the sum stays within the limit,
// and each has its fair share once the others have given theirs back.
func TestShareConnections(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		at := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
		s := open(storetest.Now(func() time.Time { return at }))
		const limit = 5
		held := map[string]int{}
		ask := func(worker string, want bool) int {
			got, err := s.ShareConnections(t.Context(), worker, []store.ShareAsk{{Name: "relay:main", Limit: limit, Open: held[worker], Want: want}}, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			held[worker] = got[0] // what is too many is closed at once
			sum := 0
			for _, n := range held {
				sum += n
			}
			if sum > limit {
				t.Fatalf("%d connections are held, at most %d may be: %v", sum, limit, held)
			}
			return got[0]
		}
		want := func(what string, wanted map[string]int) {
			t.Helper()
			for w, n := range wanted {
				if held[w] != n {
					t.Errorf("%s: held %v, want %v", what, held, wanted)
					return
				}
			}
		}
		round := func(workers ...string) {
			for range 3 { // until they have what the others gave back
				for _, w := range workers {
					ask(w, true)
				}
			}
		}
		round("b")
		want("alone", map[string]int{"b": 5})
		if n := ask("a", true); n != 0 {
			t.Errorf("a new one got %d that another holds", n)
		}
		round("b", "a", "c")
		want("three", map[string]int{"a": 2, "b": 2, "c": 1})
		for range 2 { // it closes them, then says so
			ask("a", false)
		}
		round("b", "c")
		want("one has nothing to do", map[string]int{"a": 0, "b": 3, "c": 2})
		round("d", "e", "f", "a", "b", "c", "d", "e", "f")
		want("more workers than connections", map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 0})
		clear(held) // the others are dead
		ask("f", true)
		want("the others just died", map[string]int{"f": 0})
		at = at.Add(time.Minute)
		round("f")
		want("the others died", map[string]int{"f": 5})
		if err := s.EndShares(t.Context(), "f"); err != nil {
			t.Fatal(err)
		}
		clear(held)
		round("a")
		want("all given back", map[string]int{"a": 5})
	})
}

// TestSharesOfMany: many limits are shared at a time, each by itself, and their rows
// go when nobody asks any more.
func TestSharesOfMany(t *testing.T) {
	each(t, func(b *bench) {
		ask := func(worker string, limits int, want bool) []int {
			asks := make([]store.ShareAsk, limits)
			for n := range asks {
				asks[n] = store.ShareAsk{Name: fmt.Sprintf("group:d%d.example", n), Limit: n%3 + 1, Want: want}
			}
			return must(b.ShareConnections(ctx, worker, asks, time.Minute))(b)
		}
		ask("a", 300, true)
		equal(b, ask("b", 3, true), []int{0, 0, 0}) // a holds them all
		equal(b, ask("a", 3, true), []int{1, 1, 2})
		equal(b, ask("b", 3, true), []int{0, 1, 1})
		ask("a", 300, false)
		equal(b, ask("b", 3, true), []int{1, 2, 3})
		b.Advance(2 * time.Minute)
		equal(b, ask("c", 1, true), []int{1})
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM shares"))(b), 2) // the lock, and c's
	})
}

// TestWarmUpCounted: several workers take a day's messages; together they get
// what there is, and what they give back goes to another.
func TestWarmUpCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		a, b := open(), open()
		take := func(s *store.Store, day string, n, want int) {
			t.Helper()
			got, err := s.TakeMessages(t.Context(), "main", day, 100, n)
			if err != nil || got != want {
				t.Errorf("took %d of %d (%v), want %d", got, n, err, want)
			}
		}
		take(a, "2026-12-01", 60, 60)
		take(b, "2026-12-01", 60, 40)
		take(b, "2026-12-01", 60, 0)
		if err := a.ReturnMessages(t.Context(), "main", "2026-12-01", 10); err != nil {
			t.Fatal(err)
		}
		take(b, "2026-12-01", 60, 10)
		take(a, "2026-12-02", 60, 60)
		if n, err := b.MessagesTaken(t.Context(), "main", "2026-12-01"); err != nil || n != 100 {
			t.Errorf("%d were taken (%v), want 100", n, err)
		}
	})
}

// TestSlowGroup: a push is counted once, its chunks are leased by nobody while the
// pause lasts, and the rate recovers step by step.
func TestSlowGroup(t *testing.T) {
	each(t, func(b *bench) {
		b.mailed(10, map[string]int{"big.example": 25, "large.example": 25})
		slow := func() (newsletter.Slowdown, bool) {
			d, changed, err := b.SlowGroup(ctx, "big.example", 8, time.Minute, time.Hour, 0.5, "421 slow down")
			b.ok(err)
			return d, changed
		}
		d, changed := slow()
		equal(b, changed, true)
		equal(b, d.PausedUntil.Sub(b.Now()), time.Minute)
		_, changed = slow() // another worker heard of it, too
		equal(b, changed, false)
		for range 3 {
			l := must(b.LeaseChunk(ctx, "w", false, time.Hour, false))(b)
			equal(b, l.Group, "large.example")
		}
		_, err := b.LeaseChunk(ctx, "w", false, time.Hour, false)
		b.is(err, store.ErrNotFound)
		rate := func() string {
			all, now, err := b.Slowed(ctx)
			b.ok(err)
			if len(all) == 0 {
				return "recovered"
			}
			level, rate := all[0].Now(now)
			return fmt.Sprint(level, " ", rate)
		}
		equal(b, rate(), "1 4")
		b.Advance(61 * time.Second)
		l := must(b.LeaseChunk(ctx, "w", false, time.Hour, false))(b)
		equal(b, l.Group, "big.example")
		d, changed = slow() // at once again
		equal(b, changed, true)
		equal(b, d.PausedUntil.Sub(b.Now()), 2*time.Minute)
		equal(b, rate(), "2 2")
		b.Advance(3*time.Minute + time.Second)
		equal(b, rate(), "1 4")
		b.Advance(time.Minute)
		equal(b, rate(), "recovered")
	})
}

// TestDefer: rows that are put off are not due before, and it is no attempt.
func TestDefer(t *testing.T) {
	each(t, func(b *bench) {
		b.mailed(10, map[string]int{"small.example": 3})
		l := must(b.LeaseChunk(ctx, "w", false, time.Hour, false))(b)
		b.is(b.Defer(ctx, l.Chunk, l.Fence-1, []int{1, 2}, b.Now().Add(time.Minute)), store.ErrStale)
		b.ok(b.Defer(ctx, l.Chunk, l.Fence, []int{1, 2}, b.Now().Add(time.Minute)))
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		l = must(b.LeaseChunk(ctx, "w", false, time.Hour, false))(b)
		equal(b, len(l.Rows), 1)
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		b.Advance(time.Minute)
		l = must(b.LeaseChunk(ctx, "w", false, time.Hour, false))(b)
		equal(b, len(l.Rows), 3)
		equal(b, l.Rows[0].Attempts+l.Rows[1].Attempts, 0)
	})
}
