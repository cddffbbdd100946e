package newsletter

import (
	"strings"
	"time"
)

// Slowdown is how a recipient-domain group is treated whose receiver pushes back:
// paused for a while, then sent to at a rate that was halved Level times, once
// less after each Step without another push.
type Slowdown struct {
	Group       string
	Level       int
	Rate        float64 // messages a second, when it began
	Step        time.Duration
	PausedUntil time.Time
	Reason      string // what the receiver said
}

// Slowest is the least rate a group is slowed to: one message in so many seconds
// tells whether the receiver has calmed down.
const Slowest = 1.0 / 30

const maxLevel = 10

// Now returns how the group stands: the level that is left (0: recovered) and
// the rate it may have.
func (s Slowdown) Now(now time.Time) (level int, rate float64) {
	level = s.Level
	if since := now.Sub(s.PausedUntil); since > 0 && s.Step > 0 {
		level -= int(min(since/s.Step, time.Duration(s.Level)))
	}
	rate = s.Rate
	for range level {
		rate /= 2
	}
	return level, max(rate, min(s.Rate, Slowest))
}

// Pushed returns how the group stands after another push: one level more, and
// paused as Backoff says. rate is what it was sent to at, if it was not slowed.
func (s Slowdown) Pushed(now time.Time, rate float64, first, most time.Duration, jitter float64, reason string) Slowdown {
	level, _ := s.Now(now)
	if level == 0 {
		s.Rate = rate
	}
	s.Level, s.Step, s.Reason = min(level+1, maxLevel), first, reason
	s.PausedUntil = now.Add(Backoff(s.Level, first, most, jitter))
	return s
}

// PushesBack reports whether a temporary refusal is about how much, or how fast,
// we send, rather than about one recipient: 421, a status 4.7.x, or the words of
// the large receivers. Greylisting is none: it is about one recipient's first
// mail, and calls itself 4.7.1 as often as not.
func PushesBack(r Reply) bool {
	if r.Phase < PhaseRcpt || r.Code/100 != 4 {
		return false
	}
	if greylisted(r) {
		return false
	}
	text := strings.ToLower(r.Text)
	if r.Code == 421 || strings.HasPrefix(r.Enhanced, "4.7.") && r.Enhanced != "4.7.1" {
		return true
	}
	for _, words := range []string{
		"rate limit", "ratelimit", "rate that", "unusual rate", "too many", "too fast", "too quickly from", "throttl",
		"server busy", "temporarily deferred", "unexpected volume", "reduce the rate", "slow down",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// AboutOne reports whether a temporary refusal is about one recipient: the address
// or the mailbox (RFC 3463 X.1.x, X.2.x), or greylisting. Any number of them says
// nothing about how much the receiver takes.
func AboutOne(r Reply) bool {
	return strings.HasPrefix(r.Enhanced, "4.1.") || strings.HasPrefix(r.Enhanced, "4.2.") || greylisted(r)
}

func greylisted(r Reply) bool {
	text := strings.ToLower(r.Text)
	return strings.Contains(text, "greylist") || strings.Contains(text, "graylist")
}
