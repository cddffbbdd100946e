package jobs

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/newsletter"
)

// When a receiver as such is said to push back. One greylisted recipient in ten
// must not be enough.
const (
	pushesInRow  = 3  // that say so in words
	pushesOfLast = 8  // of the last 20
	refusalsRow  = 12 // temporary ones that are not about one recipient, without one delivery between them
)

// pushesFor is how long what happened to a group counts: the retries of hours are
// no row. It is long enough for a group that gets a message every half minute.
const pushesFor = 2 * time.Minute

// pushbacks notices receivers that push back. It knows only the groups whose last
// deliveries were not all well.
type pushbacks struct {
	mu     sync.Mutex
	groups map[string]*pushback
	swept  time.Time
	count  atomic.Int32 // of groups
}

// pushback is what happened to a group lately.
type pushback struct {
	began    time.Time
	attempts int
	row      int    // temporary refusals in a row
	recent   uint32 // one bit an attempt: the receiver pushed back
}

// note takes note of how an attempt ended. It returns true when that is one too
// many, with the rate at which the group was sent to.
func (p *pushbacks) note(group string, reply newsletter.Reply, v newsletter.Verdict, now time.Time) (rate float64, pushed bool) {
	refused := v.State == newsletter.Pending && reply.Code/100 == 4 && reply.Phase >= newsletter.PhaseRcpt
	if group == "" || !refused && p.count.Load() == 0 {
		return 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
	b := p.groups[group]
	if b != nil && now.Sub(b.began) > pushesFor {
		p.forget(group)
		b = nil
	}
	switch {
	case b == nil && !refused:
		return 0, false
	case b == nil:
		b = &pushback{began: now}
		p.groups[group] = b
		p.count.Store(int32(len(p.groups)))
	}
	b.attempts++
	b.recent = b.recent << 1 & (1<<20 - 1)
	if !refused {
		if b.row = 0; b.recent == 0 {
			p.forget(group)
		}
		return 0, false
	}
	if !newsletter.AboutOne(reply) {
		b.row++
	}
	if newsletter.PushesBack(reply) {
		b.recent |= 1
	}
	const inRow = 1<<pushesInRow - 1
	if b.row < refusalsRow && b.recent&inRow != inRow && bits.OnesCount32(b.recent) < pushesOfLast {
		return 0, false
	}
	p.forget(group)
	return max(float64(b.attempts)/max(now.Sub(b.began).Seconds(), 0.1), newsletter.Slowest), true
}

// sweep forgets the groups of which nothing was heard for long, now and then.
func (p *pushbacks) sweep(now time.Time) {
	if now.Sub(p.swept) < pushesFor {
		return
	}
	p.swept = now
	for group, b := range p.groups {
		if now.Sub(b.began) > pushesFor {
			delete(p.groups, group)
		}
	}
	p.count.Store(int32(len(p.groups)))
}

// forget begins anew with a group.
func (p *pushbacks) forget(group string) {
	delete(p.groups, group)
	p.count.Store(int32(len(p.groups)))
}
