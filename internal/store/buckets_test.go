package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestTakeSlots: several processes take slots of two buckets at once, as fast as
// they can. No slot is given twice, and by the database's clock they are as far
// apart as the rate says.
func TestTakeSlots(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		const rate, wanted = 400.0, 100
		pace := newsletter.Pace(rate)
		var mu sync.Mutex
		given := map[string][]time.Duration{} // since begin
		begin := time.Now()
		enough := func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(given["relay:main"]) >= wanted && len(given["group:gmail"]) >= wanted
		}
		var workers sync.WaitGroup
		for range 3 {
			s := open()
			workers.Go(func() {
				for !enough() {
					before := time.Since(begin)
					got, _, err := s.TakeSlots(t.Context(), []store.SlotAsk{
						{Bucket: "relay:main", Pace: pace, Count: 5}, {Bucket: "group:gmail", Pace: pace, Count: 5},
					})
					after := time.Since(begin)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for i, name := range []string{"relay:main", "group:gmail"} {
						if got[i].Count > 5 || got[i].Count == 0 && got[i].Wait <= 0 {
							t.Errorf("given %+v", got[i])
						}
						for k := range got[i].Count {
							// Its place is known as exactly as the moment of the transaction.
							given[name] = append(given[name], (before+after)/2+got[i].First+time.Duration(k)*pace.Interval())
						}
					}
					mu.Unlock()
				}
			})
		}
		workers.Wait()
		took := time.Since(begin)
		for name, slots := range given {
			// More than were due until now, in advance and in arrears, must not be out.
			if most := int(rate*(took+2*pace.Slack()).Seconds()) + 3*pace.Block(); len(slots) > most {
				t.Errorf("%s: %d slots within %v, want at most %d", name, len(slots), took, most)
			}
		}
	})
}

// TestTakeSlotsExactly: by a clock that stands still, slots are given one after
// the other, up to a tenth of a second in advance, then no more.
func TestTakeSlotsExactly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		at := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
		now := storetest.Now(func() time.Time { return at })
		workers := []*store.Store{open(now), open(now), open(now)}
		take := func(w int) newsletter.Slots {
			got, _, err := workers[w%3].TakeSlots(t.Context(), []store.SlotAsk{{Bucket: "issue:1", Pace: 100, Count: 99}})
			if err != nil {
				t.Fatal(err)
			}
			return got[0]
		}
		var firsts []time.Duration
		for w := range 10 {
			s := take(w)
			if s.Count == 0 {
				if s.Wait != 50*time.Millisecond {
					t.Errorf("wait %v", s.Wait)
				}
				break
			}
			if s.Count != 5 {
				t.Errorf("%d slots at a time, want 5", s.Count)
			}
			firsts = append(firsts, s.First)
		}
		ms := time.Millisecond
		if want := []time.Duration{-50 * ms, 0, 50 * ms, 100 * ms}; !slices.Equal(firsts, want) {
			t.Errorf("blocks begin at %v, want %v", firsts, want)
		}
		at = at.Add(50 * ms)
		if s := take(0); s.Count != 5 || s.First != 100*ms {
			t.Errorf("50 ms later: %+v", s)
		}
		at = at.Add(72 * time.Hour)
		if err := workers[0].SweepLimits(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s := take(1); s.Count != 5 || s.First != -50*ms {
			t.Errorf("days later: %+v", s)
		}
	})
}
