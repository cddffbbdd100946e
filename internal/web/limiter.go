package web

import (
	"net/netip"
	"sync"
	"time"
)

// A client that shows more than wrongTokens links that do not work within
// wrongTokensPer has to wait. Links that work never count: large receivers send
// one-click unsubscriptions of many people from few addresses.
const (
	wrongTokens    = 60
	wrongTokensPer = time.Minute
	maxClients     = 10_000 // remembered at once
)

// limiter counts events by client in windows of a fixed length, but for clients that
// may stand for many.
type limiter struct {
	limit int
	per   time.Duration

	mu      sync.Mutex
	start   time.Time // of the window
	clients map[netip.Addr]int
}

func newLimiter(limit int, per time.Duration) *limiter {
	return &limiter{limit: limit, per: per, clients: map[netip.Addr]int{}}
}

// over reports whether the client has used up its window, and how long it lasts.
func (l *limiter) over(a netip.Addr, now time.Time) (wait time.Duration, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	return l.start.Add(l.per).Sub(now), l.clients[network(a)] >= l.limit
}

// add counts an event.
func (l *limiter) add(a netip.Addr, now time.Time) {
	if unnamed(a) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	a = network(a)
	if _, known := l.clients[a]; known || len(l.clients) < maxClients {
		l.clients[a]++
	}
}

// turn begins a new window when the old one is over.
func (l *limiter) turn(now time.Time) {
	if now.Sub(l.start) >= l.per || now.Before(l.start) {
		l.start = now
		clear(l.clients)
	}
}

// network returns what one customer of a provider has: an IPv4 address, or an
// IPv6 network of 64 bits.
func network(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
