package jobs

import (
	"maps"
	"time"

	"syndicate/internal/newsletter"
)

// GroupLimit is how a recipient-domain group may be sent to, by all workers
// together. Zero fields are no limit.
type GroupLimit struct {
	Rate        float64 // messages a second
	Connections int     // messages on their way at once
}

func (g GroupLimit) none() bool { return g == GroupLimit{} }

// limits says which deliveries are limited, and by what. The queue asks, under
// its lock; relays have their own (relay.go).
type limits struct {
	taker  *slotTaker
	named  map[string]GroupLimit
	others GroupLimit
	groups map[string]*group  // that are limited and were met
	issues map[int64]*limiter // likewise
	slowed map[string]newsletter.Slowdown
}

func newLimits(taker *slotTaker, named map[string]GroupLimit, others GroupLimit) *limits {
	return &limits{
		taker: taker, named: named, others: others,
		groups: map[string]*group{}, issues: map[int64]*limiter{}, slowed: map[string]newsletter.Slowdown{},
	}
}

// group is a limited recipient-domain group as this process sees it.
type group struct {
	name   string
	limit  GroupLimit // as configured
	rate   *limiter   // nil: no limit
	share  int        // of limit.Connections, what this process may use
	asked  asked
	busy   int       // on their way in this process
	lanes  int       // that it limits
	paused time.Time // until when, by the monotonic clock
}

// ready reports whether the next of a number of waiting messages to the group may
// begin.
func (g *group) ready(waiting int, now time.Time) bool {
	switch {
	case g.paused.After(now):
		return false
	case g.limit.Connections > 0 && (g.busy >= g.share || !g.asked.more(g.busy)):
		return false
	}
	return g.rate == nil || g.rate.readyFor(waiting, now)
}

// any reports whether anything is limited at all, but for issues.
func (l *limits) any() bool {
	return len(l.named) > 0 || len(l.slowed) > 0 || !l.others.none()
}

// group returns what is known of a group; nil: nothing limits it.
func (l *limits) group(name string) *group {
	if !l.any() {
		return nil
	}
	if g := l.groups[name]; g != nil {
		return g
	}
	limit := l.limitOf(name)
	if _, slowed := l.slowed[name]; limit.none() && !slowed {
		return nil
	}
	g := &group{name: name, limit: limit}
	if limit.Rate > 0 {
		g.rate = l.taker.limiter("group:"+name, limit.Rate)
		_, named := l.named[name]
		g.rate.many = !named
	}
	l.groups[name] = g
	return g
}

// forget forgets a group that nothing waits for: with a limit for all, there are
// as many as there are domains. What is named or slowed stays.
func (l *limits) forget(g *group) {
	_, named := l.named[g.name]
	_, slowed := l.slowed[g.name]
	if !named && !slowed && l.groups[g.name] == g {
		delete(l.groups, g.name)
	}
}

func (l *limits) limitOf(name string) GroupLimit {
	if limit, ok := l.named[name]; ok {
		return limit
	}
	return l.others
}

// issue returns the limit of an issue; nil: none.
func (l *limits) issue(id int64, rate float64) *limiter {
	if rate <= 0 {
		return nil
	}
	x := l.issues[id]
	if x == nil {
		x = l.taker.limiter(issueBucket(id), rate)
		l.issues[id] = x
	}
	x.setRate(rate)
	return x
}

// keepIssues forgets the limits of other issues.
func (l *limits) keepIssues(keep func(int64) bool) {
	maps.DeleteFunc(l.issues, func(issue int64, _ *limiter) bool { return !keep(issue) })
}

// slow takes note of how the slowed groups stand by the store's clock, and
// returns those that became limited, and those that are paused.
func (l *limits) slow(all []newsletter.Slowdown, storeNow, now time.Time) (fresh, paused []string) {
	before := l.slowed
	l.slowed = make(map[string]newsletter.Slowdown, len(all))
	for _, d := range all {
		l.slowed[d.Group] = d
	}
	for name := range before {
		if _, still := l.slowed[name]; !still {
			if g := l.groups[name]; g != nil { // recovered
				g.paused = time.Time{}
				g.setRate(l.taker, g.limit.Rate)
			}
		}
	}
	for _, d := range all {
		if l.groups[d.Group] == nil {
			fresh = append(fresh, d.Group)
		}
		g := l.group(d.Group)
		_, rate := d.Now(storeNow)
		if g.limit.Rate > 0 {
			rate = min(rate, g.limit.Rate)
		}
		g.setRate(l.taker, rate)
		if left := d.PausedUntil.Sub(storeNow); left > 0 {
			g.paused = now.Add(left)
			paused = append(paused, d.Group)
		}
	}
	return fresh, paused
}

// setRate changes the rate of a group; 0: no limit.
func (g *group) setRate(t *slotTaker, rate float64) {
	switch {
	case rate <= 0:
		g.rate = nil
	case g.rate == nil:
		g.rate = t.limiter("group:"+g.name, rate)
	default:
		g.rate.setRate(rate)
	}
}
