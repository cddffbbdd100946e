package jobs

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// How long a relay that failed is left alone.
const (
	relayPause      = time.Second     // after the first failure; doubled each time
	relayPauseLimit = 2 * time.Minute //
	relayTries      = 3               // failures in a row after which Run stops waiting for it
	relayDenials    = 3               // recipients in a row that it says it does not relay to for us
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
	denials  int  // since it last accepted a message
	accepted bool // one, since it was last paused for denials

	limit *limiter // of messages, nil: none
	warm  *warmUp  // nil: none

	allowed atomic.Int32 // how many connections this process may have
	open    atomic.Int32 // how many it has

	// The queue's, under its lock; see spread.
	bit     uint64    // the relay's in spread.usable
	served  int       // messages taken since the shares began to be counted
	took    time.Time // when the last one was
	waiting int       // connections that wait for a message
	idle    int       // those of them that are open
}

func newRelay(r mailer.Relay) *relay {
	if r.Connections <= 0 {
		r.Connections = 4
	}
	if r.Name == "" {
		r.Name = r.Host
	}
	if r.Sessions == nil {
		r.Sessions = tls.NewLRUClientSessionCache(0) // connections come and go
	}
	return &relay{Relay: r}
}

// up reports whether the relay takes mail now, as far as is known.
func (r *relay) up(now time.Time) bool {
	return (r.warm == nil || !r.warm.spent()) && !r.pausedAt(now)
}

// usable reports whether this process may hand mail to it now.
func (r *relay) usable(now time.Time) bool { return r.allowed.Load() > 0 && r.up(now) }

// ready reports whether the relay may take a message at once.
func (r *relay) ready(now time.Time) bool {
	return (r.warm == nil || r.warm.ready()) && (r.limit == nil || r.limit.ready(now))
}

// use takes what a message needs.
func (r *relay) use(it *item) {
	if r.warm != nil {
		it.warm, it.day = r.warm, r.warm.use()
	}
	if r.limit != nil {
		it.goodUntil(r.limit.use())
	}
}

// wait counts a connection that waits, if it is wanted, or does no more.
func (r *relay) wait(wanted, open bool, n int) {
	if wanted {
		r.waiting += n
	}
	if wanted && open {
		r.idle += n
	}
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

// denied notes that the relay will not relay to a recipient for us; true: it is
// about us, not about that one, since it did so several times in a row.
func (r *relay) denied() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denials++
	if r.denials < relayDenials {
		return false
	}
	r.accepted = false
	return true
}

// accepts reports whether the relay takes messages of ours, as far as is known.
func (r *relay) accepts() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}

// good notes that the relay works; true: it was paused before. accepted: it took a
// message.
func (r *relay) good(accepted bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if accepted {
		r.denials, r.accepted = 0, true
	}
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
func (r *relay) paused() bool { return r.pausedAt(time.Now()) }

func (r *relay) pausedAt(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.until)
}

// givenUp reports whether waiting for the relay is not worth while in one run.
func (r *relay) givenUp() bool {
	if r.warm != nil && r.warm.spent() {
		return true
	}
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
