package jobs

import "time"

// busyLimit is how long a relay that takes nothing, though it has work, may hold
// the others up: what it does not take is not owed to it.
const busyLimit = time.Second

// spread divides messages among the relays by their weights. A relay of weight 0
// stands by: it takes what is there while none of the others can, in the order of
// the configuration. The queue asks, under its lock.
type spread struct {
	relays []*relay
	usable uint64 // which were, when the shares began to be counted
	held   bool   // a relay had to wait for its turn
}

// may reports whether a relay may take a message now.
func (s *spread) may(r *relay, now time.Time) bool {
	if !r.usable(now) || !r.ready(now) {
		return false
	}
	if len(s.relays) < 2 {
		return true
	}
	s.begin(now)
	if r.Weight == 0 {
		return s.standsIn(r, now)
	}
	for _, o := range s.relays {
		if o == r || o.Weight == 0 || s.usable&o.bit == 0 {
			continue
		}
		// The connections of a relay take turns; that much it may be ahead.
		owed := (r.served-r.Connections)*o.Weight - o.served*r.Weight
		if owed <= 0 {
			continue
		}
		if now.Sub(o.took) < busyLimit || o.waiting > 0 && o.ready(now) {
			s.held = true
			return false
		}
		o.served = (r.served - r.Connections) * o.Weight / r.Weight
	}
	return true
}

// standsIn reports whether a relay that stands by is needed.
func (s *spread) standsIn(r *relay, now time.Time) bool {
	before := true
	for _, o := range s.relays {
		before = before && o != r
		if o != r && (before || o.Weight > 0) && o.usable(now) {
			return false
		}
	}
	return true
}

// begin counts anew when another set of relays can be used: nobody has to catch
// up on what went out before.
func (s *spread) begin(now time.Time) {
	var usable uint64
	for _, o := range s.relays {
		if o.usable(now) {
			usable |= o.bit
		}
	}
	if usable == s.usable {
		return
	}
	s.usable = usable
	for _, o := range s.relays {
		o.served, o.took = 0, now
	}
}

// use notes that a relay takes a delivery; true: others that wait may look again.
func (s *spread) use(r *relay, it *item, now time.Time) bool {
	r.use(it)
	it.taker = r
	r.served++
	r.took = now
	held := s.held
	s.held = false
	return held
}
