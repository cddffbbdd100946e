package jobs

import (
	"crypto/tls"
	"sync/atomic"
	"time"

	"syndicate/internal/mailer"
)

// relay is a relay as this process knows it: whether it is to be used, and how
// fast.
type relay struct {
	mailer.Relay

	pauses

	limit *limiter // of messages, nil: none
	warm  *warmUp  // nil: none

	allowed atomic.Int32 // how many connections this process may have
	open    atomic.Int32 // how many it has, or is opening

	// The queue's, under its lock; see spread.
	asked   asked
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
