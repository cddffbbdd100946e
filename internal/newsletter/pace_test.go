package newsletter_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"syndicate/internal/newsletter"
)

// TestPace: several workers take slots at random moments and use them at random
// moments while they are good. No second sees more than the rate and the burst;
// and while they keep asking, they get the rate.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.5, 1, 3, 10, 47, 500, 3000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			rnd := rand.New(rand.NewPCG(seed, 1))
			p := newsletter.Pace(rate)
			start := time.UnixMilli(1_700_000_000_000)
			var next time.Time // nobody took any yet
			var used []time.Time
			now, end := start, start.Add(max(20*time.Second, 50*p.Interval()))
			for now.Before(end) {
				// Asked for often enough: within a quarter of a Slack.
				now = now.Add(time.Duration(rnd.Float64() * float64(p.Slack()) / 4))
				for {
					var s newsletter.Slots
					s, next = p.Take(next, now, 1+rnd.IntN(2*p.Block()), 0)
					if s.Count == 0 {
						if s.Wait <= 0 {
							t.Fatalf("nothing, and no time to wait")
						}
						break
					}
					if s.Count > p.Block() {
						t.Fatalf("%d slots at a time, want at most %d", s.Count, p.Block())
					}
					for i := range s.Count {
						slot := now.Add(s.First + time.Duration(i)*p.Interval())
						use := slot.Add(time.Duration(rnd.Float64() * float64(p.Slack())))
						if use.Before(now) {
							use = now
						}
						used = append(used, use)
					}
				}
			}
			slices.SortFunc(used, time.Time.Compare)
			burst := max(1, rate/10)
			for i, from := 0, 0; i < len(used); i++ {
				for used[i].Sub(used[from]) >= time.Second {
					from++
				}
				if n := i - from + 1; float64(n) > math.Ceil(rate+burst)+1 { // the ends of the second are slots, too
					t.Fatalf("%d in one second, want at most %g and %g (seed %d)", n, rate, burst, seed)
				}
			}
			want := rate * end.Sub(start).Seconds()
			if got := float64(len(used)); math.Abs(got-want) > want*0.02+2+rate*p.Slack().Seconds()*1.5 {
				t.Errorf("%g in all, want %g (seed %d)", got, want, seed)
			}
		})
	}
}

// TestPaceBroughtBack: what no worker can have caused does not stop the mail.
func TestPaceBroughtBack(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	s, next := newsletter.Pace(10).Take(now.Add(24*time.Hour), now, 1, 0)
	if s.Count != 0 || s.Wait > time.Second || next.Sub(now) > time.Second {
		t.Errorf("after a day too far: %+v, next in %v", s, next.Sub(now))
	}
	if s, _ := newsletter.Pace(10).Take(now.Add(-time.Hour), now, 100, 0); s.Count != 1 || s.First > 0 || s.First < -100*time.Millisecond {
		t.Errorf("after an hour of silence: %+v; want one slot, no store of them", s)
	}
}
