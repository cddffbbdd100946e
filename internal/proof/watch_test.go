package proof

import (
	"math/rand/v2"
	"sync"
	"time"

	"syndicate/internal/test/sink"
)

// watch follows what the sink sees, to do something at an instant of it.
type watch struct {
	mu        sync.Mutex
	processes int // named so far
	accepted  int // since the instant was set
	after     int // do it with the first event of the kind after so many messages
	kind      sink.Kind
	do        func() // nil: nothing is to be done
	came      chan struct{}

	also   func(sink.Event) // nil: nobody else looks
	noting bool
	tried  map[string]time.Time // first tries since it was done
}

// instant chooses an instant at random, between two shares of count messages, and
// what is to happen then. The channel is closed when it has.
func (w *watch) instant(count int, from, to float64, do func()) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted, w.after = 0, int((from+(to-from)*rand.Float64())*float64(count))
	w.kind = sink.Kind(rand.IntN(int(sink.Answered) + 1))
	w.do, w.came, w.noting = do, make(chan struct{}), false
	return w.came
}

// see is told by the sink.
func (w *watch) see(e sink.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.also != nil {
		w.also(e)
	}
	if e.Kind == sink.Accepted {
		w.accepted++
	}
	if w.noting && e.Kind == sink.Tried && w.tried[e.To].IsZero() {
		w.tried[e.To] = time.Now()
	}
	if w.do != nil && w.accepted >= w.after && e.Kind == w.kind {
		w.do()
		w.do, w.noting, w.tried = nil, true, map[string]time.Time{}
		close(w.came)
	}
}

// firstTry returns when an address was tried first since the instant; zero: not
// yet.
func (w *watch) firstTry(address string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tried[address]
}

// soFar returns how many messages were accepted since the instant was set.
func (w *watch) soFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accepted
}
