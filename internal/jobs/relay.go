package jobs

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// How long a relay that failed is left alone.
const (
	relayPause      = time.Second     // after the first failure; doubled each time
	relayPauseLimit = 2 * time.Minute //
	relayTries      = 3               // failures in a row after which Run stops waiting for it
)

// relay is a relay as this process knows it: whether it is to be used, and how
// fast.
type relay struct {
	mailer.Relay

	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // paused, by the monotonic clock; zero: in use
	given    bool      // it refused us as such: waiting a moment does not help
	trouble  RelayTrouble
	ever     bool // it was paused since the start

	limit throttle
}

func newRelay(r mailer.Relay) *relay {
	if r.Connections <= 0 {
		r.Connections = 4
	}
	if r.Name == "" {
		r.Name = r.Host
	}
	return &relay{Relay: r, limit: throttle{rate: r.Rate}}
}

// bad pauses the relay for a while, longer each time in a row. It is false if it
// is paused already: several connections fail of one cause.
func (r *relay) bad(reply newsletter.Reply, cause error, first, most time.Duration, now time.Time) (RelayTrouble, time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return r.trouble, 0, false
	}
	r.failures++
	r.ever = true
	base := min(relayPause, first)
	if reply.Code/100 == 5 { // knocking again soon only locks the account
		base, r.given = first, true
	}
	pause := newsletter.Backoff(r.failures, base, max(base, min(relayPauseLimit, most)), rand.Float64())
	r.until = time.Now().Add(pause)
	r.trouble = RelayTrouble{Relay: r.Name, Error: describe(r.Relay, reply, cause), Until: now.Add(pause)}
	var e *mailer.RelayError
	if errors.As(cause, &e) {
		r.trouble.Hint = e.Hint()
	}
	return r.trouble, pause, true
}

// good notes that the relay works; true: it was paused before.
func (r *relay) good() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.failures > 0
	r.failures, r.until, r.given = 0, time.Time{}, false
	return was
}

// pauseUntil notes that another worker paused the relay.
func (r *relay) pauseUntil(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := time.Now().Add(pause); until.After(r.until) {
		r.until = until
	}
}

// paused reports whether the relay is left alone now.
func (r *relay) paused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.until)
}

// givenUp reports whether waiting for the relay is not worth while in one run.
func (r *relay) givenUp() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures > 0 && (r.given || r.failures >= relayTries)
}

// describe says in one line what a relay answered.
func describe(r mailer.Relay, reply newsletter.Reply, cause error) string {
	if cause != nil {
		return cause.Error()
	}
	return (&mailer.RelayError{Relay: r.Name, Addr: r.Addr(), Reply: reply}).Error()
}

// throttle spaces messages evenly at a rate, over all connections.
type throttle struct {
	rate float64 // a second, 0: no limit

	mu   sync.Mutex
	next time.Time
}

// reserve takes the next slot and returns how long to wait for it. With a limit,
// it takes none that is further away, and returns false.
func (t *throttle) reserve(limit time.Duration) (time.Duration, bool) {
	if t.rate <= 0 {
		return 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.next.Before(now) {
		t.next = now
	}
	wait := t.next.Sub(now)
	if wait > limit {
		return wait, false
	}
	t.next = t.next.Add(time.Duration(float64(time.Second) / t.rate))
	return wait, true
}
