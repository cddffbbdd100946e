package jobs

import (
	"slices"
	"time"
)

// The leases that a queue holds: how long, and what is lost with them.

// lose notes that leases are not ours any more.
func (q *queue) lose(chunks ...int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range chunks {
		if l, ok := q.leases[c]; ok {
			l.lost = true
		}
	}
	q.purgeLocked()
}

// wallClock is the time without the monotonic clock, which stops while a machine
// sleeps.
func wallClock() time.Time { return time.Now().Round(0) }

// expire gives up the leases that ran out: renewing them now would take up again
// what everybody else has long given up, such as after a machine slept.
func (q *queue) expire() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := wallClock()
	for _, l := range q.leases {
		l.lost = l.lost || now.After(l.until)
	}
	q.purgeLocked()
}

// expired reports whether a lease ran out.
func (q *queue) expired(l *lease) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return wallClock().After(l.until)
}

// renewed notes until when leases hold.
func (q *queue) renewed(chunks map[int64]int64, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c, fence := range chunks {
		if l, ok := q.leases[c]; ok && l.Fence == fence && !l.lost {
			l.until = until
		}
	}
}

// empty drops what nobody has taken yet; its leases end as soon as what is in
// flight has.
func (q *queue) empty() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.emptyLocked()
}

func (q *queue) emptyLocked() {
	for _, l := range q.leases {
		l.lost = true
	}
	q.purgeLocked()
}

// purgeLocked drops the waiting rows of lost leases.
func (q *queue) purgeLocked() {
	q.allLocked(func(items []*item) []*item {
		return slices.DeleteFunc(items, func(it *item) bool {
			if it.lease.lost {
				q.dropLocked(it)
			}
			return it.lease.lost
		})
	})
}

// letters returns how many leases are of letters on request.
func (q *queue) letters() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.leases {
		if l.Letter != nil {
			n++
		}
	}
	return n
}

// takeEnded removes and returns the leases that have nothing left to do.
func (q *queue) takeEnded() []*lease {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []*lease
	for c, l := range q.leases {
		if l.left == 0 {
			out = append(out, l)
			delete(q.leases, c)
		}
	}
	return out
}

// fences returns the fences of the leases that are held, by chunk.
func (q *queue) fences() map[int64]int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make(map[int64]int64, len(q.leases))
	for c, l := range q.leases {
		if !l.lost {
			out[c] = l.Fence
		}
	}
	return out
}

// loseIssue notes that nothing of an issue is to be sent.
func (q *queue) loseIssue(issue int64) {
	q.keepIssues(func(i int64) bool { return i != issue })
}

// keepIssues notes that nothing of other issues is to be sent.
func (q *queue) keepIssues(keep func(int64) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.leases {
		l.lost = l.lost || l.Letter == nil && !keep(l.Issue)
	}
	q.purgeLocked()
	q.limits.keepIssues(keep)
}
