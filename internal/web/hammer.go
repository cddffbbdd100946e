package web

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// A client may have feedBurst whole answers of one document at once, and one more
// each feedEvery. Readers that behave ask every few minutes at most, and get 304;
// a house full of readers behind one address is far below. What asks more often,
// and each time for everything, has a fault in it.
const (
	feedBurst  = 120
	feedEvery  = 5 * time.Second
	maxHammers = 20_000 // clients and documents remembered at once
)

// hammers remembers who takes whole documents how fast (the generic cell rate
// algorithm: one time for each, at which its account is level again).
type hammers struct {
	mu    sync.Mutex
	level map[hammer]time.Time
	swept time.Time
}

type hammer struct {
	client netip.Addr
	slot   *slot
}

// take counts a whole answer. It reports false, and how long to wait, where the
// client had too many. While the table is full, new clients are not counted.
func (h *hammers) take(client netip.Addr, p *slot, now time.Time) (wait time.Duration, ok bool) {
	k := hammer{network(client), p}
	h.mu.Lock()
	defer h.mu.Unlock()
	level, known := h.level[k]
	if level.Before(now) || level.Sub(now) > 2*feedBurst*feedEvery { // the clock was set back
		level = now
	}
	if ahead := level.Sub(now); ahead > (feedBurst-1)*feedEvery {
		return ahead - (feedBurst-1)*feedEvery, false
	}
	if !known && len(h.level) >= maxHammers && !h.sweep(now) {
		return 0, true
	}
	h.level[k] = level.Add(feedEvery)
	return 0, true
}

// sweep forgets whose account is level, and reports whether that made room. It
// looks once a second at most.
func (h *hammers) sweep(now time.Time) bool {
	if now.Sub(h.swept) < time.Second && !now.Before(h.swept) {
		return false
	}
	h.swept = now
	for k, level := range h.level {
		if !level.After(now) {
			delete(h.level, k)
		}
	}
	return len(h.level) < maxHammers
}

// unhammered reports whether a request may have a whole document.
func (s *server) unhammered(r *http.Request, p *slot) (wait time.Duration, ok bool) {
	if r.Method == http.MethodHead {
		return 0, true
	}
	client := s.client(r)
	if unnamed(client) {
		return 0, true
	}
	return s.hammers.take(client, p, s.now())
}
