package proof

import (
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"syndicate/internal/test/sink"
)

// TestLimits: all processes together hold the relay's rate and number of
// connections, while one of them is killed, too. What is measured is when the
// relay saw each message begin: in no second more than the rate and the burst, which
// is a tenth of a second's worth and what the connections had on their way; and not
// more than the rate on the whole. That it is not much less either depends on the
// machine, so it is wanted only at large sizes.
func TestLimits(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, e engine) {
		const rate = 80
		var mu sync.Mutex
		var began []time.Time
		s := newSite(t, e, setting{rate: rate, sink: sink.Options{Work: time.Millisecond}})
		s.watch.also = func(ev sink.Event) {
			if ev.Kind == sink.Tried {
				mu.Lock()
				defer mu.Unlock()
				began = append(began, time.Now())
			}
		}
		s.staff()
		victim := s.workers[rand.IntN(len(s.workers))]
		instant := s.watch.instant(len(s.readers), 0.3, 0.5, func() { victim.signal(syscall.SIGKILL) })
		sender := s.send()
		s.await(instant, sender)
		victim.wait()
		s.workers = slices.DeleteFunc(s.workers, func(p *process) bool { return p == victim })
		s.finished() // by the others; on SQLite the process that sends does it itself now
		s.home(sender)
		s.check(func(string, sink.Recipient) int { return 1 })
		s.only("sent")

		worst, from := 0, 0
		for i := range began {
			for began[i].Sub(began[from]) >= time.Second {
				from++
			}
			worst = max(worst, i-from+1)
		}
		if most := rate + rate/10 + connections; worst > most {
			t.Errorf("%d messages in one second, want at most %d", worst, most)
		}
		// What the dead one had in hand comes late, so not until the end.
		n := len(began) * 2 / 3
		mean := float64(n-1) / began[n-1].Sub(began[0]).Seconds()
		if mean > rate*1.02+connections/began[n-1].Sub(began[0]).Seconds() {
			t.Errorf("%.1f messages a second, want %d", mean, rate)
		}
		if len(s.readers) >= 2000 && mean < rate*0.98 {
			t.Errorf("%.1f messages a second, want %d", mean, rate)
		}
		r := s.sink.Report()
		if r.AtOnce > connections {
			t.Errorf("%d connections at once, want at most %d", r.AtOnce, connections)
		}
		t.Logf("%d messages at %d/s: mean %.1f, worst second %d, at most %d connections at once", len(began), rate, mean, worst, r.AtOnce)
	})
}
