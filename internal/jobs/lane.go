package jobs

import (
	"slices"
	"strconv"
	"time"
)

// laneKey is what limits deliveries: their group, their issue, or both.
type laneKey struct {
	group string // empty: no limit
	issue int64  // 0: no limit
}

// lane holds the waiting deliveries that are limited alike. Those that nothing
// limits need none.
type lane struct {
	items []*item
	group *group   // nil: no limit
	issue *limiter // nil: no limit
}

func issueBucket(id int64) string { return "issue:" + strconv.FormatInt(id, 10) }

// ready reports whether the lane's next delivery may begin.
func (l *lane) ready(now time.Time) bool {
	return len(l.items) > 0 && (l.group == nil || l.group.ready(len(l.items), now)) && (l.issue == nil || l.issue.ready(now))
}

// use takes what the lane's next delivery needs, and says until when it is good.
func (l *lane) use(it *item) {
	if l.group != nil {
		l.group.busy++
		it.group = l.group
		if l.group.rate != nil {
			it.goodUntil(l.group.rate.use())
		}
	}
	if l.issue != nil {
		it.goodUntil(l.issue.use())
	}
}

// addLocked puts a delivery where it waits: at the end, or to be next.
func (q *queue) addLocked(it *item, first bool) {
	where := &q.items
	if l := q.laneLocked(it); l != nil {
		where = &l.items
	}
	if first {
		*where = slices.Insert(*where, 0, it)
	} else {
		*where = append(*where, it)
	}
}

// laneLocked returns the lane of a delivery; nil: nothing limits it.
func (q *queue) laneLocked(it *item) *lane {
	g, i := q.limits.group(it.row.Group), q.limits.issue(it.lease.Issue, it.lease.MaxRate)
	if g == nil && i == nil {
		return nil
	}
	var key laneKey
	if g != nil {
		key.group = g.name
	}
	if i != nil {
		key.issue = it.lease.Issue
	}
	l := q.lanes[key]
	if l == nil {
		l = &lane{}
		q.lanes[key] = l
		q.order = append(q.order, key)
	}
	l.join(g) // it and the issue may have been forgotten while the lane was empty
	l.issue = i
	return l
}

// join notes which group limits the lane; nil: none.
func (l *lane) join(g *group) {
	if l.group == g {
		return
	}
	if l.group != nil {
		l.group.lanes--
	}
	if g != nil {
		g.lanes++
	}
	l.group = g
}

// forgetLocked forgets a group, if nothing of this process needs it any more.
func (q *queue) forgetLocked(g *group) {
	if g != nil && g.busy == 0 && g.share == 0 && g.lanes == 0 {
		q.limits.forget(g)
	}
}

// nextLocked returns the lane whose turn it is, if one is ready: what is limited
// goes first, or it would take still longer.
func (q *queue) nextLocked(now time.Time) *lane {
	for n := 0; n < len(q.order); {
		q.turn %= len(q.order)
		key := q.order[q.turn]
		l := q.lanes[key]
		if len(l.items) == 0 {
			delete(q.lanes, key)
			g := l.group
			l.join(nil)
			q.forgetLocked(g)
			q.order = slices.Delete(q.order, q.turn, q.turn+1)
			continue
		}
		q.turn++
		if l.ready(now) {
			return l
		}
		n++
	}
	return nil
}

// sortLocked sorts everything that waits anew, after a group became limited.
func (q *queue) sortLocked() {
	waiting := q.items
	for _, key := range q.order {
		waiting = append(waiting, q.lanes[key].items...)
		q.lanes[key].join(nil)
	}
	q.items, q.lanes, q.order = nil, map[laneKey]*lane{}, nil
	for _, it := range waiting {
		q.addLocked(it, false)
	}
}

// allLocked calls do for each slice of waiting deliveries, to be replaced by what
// it returns.
func (q *queue) allLocked(do func([]*item) []*item) {
	q.items = do(q.items)
	for _, l := range q.lanes {
		l.items = do(l.items)
	}
}

// stocked returns the groups of which enough wait that more chunks of them would
// be of no use now.
func (q *queue) stocked() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := map[string]int{}
	for key, l := range q.lanes {
		if key.group != "" {
			count[key.group] += len(l.items)
		}
	}
	var out []string
	for name, n := range count {
		if n >= q.low {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// limitedLeases returns how many leases have nothing waiting that is not limited:
// they do not count when more are taken.
func (q *queue) limitedLeases() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		return 0
	}
	free := map[*lease]bool{}
	for _, it := range q.items {
		free[it.lease] = true
	}
	return len(q.leases) - len(free)
}
