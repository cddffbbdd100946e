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
	refusalsRow  = 12 // temporary ones of any kind, without one delivery between them
)

// pushbacks notices receivers that push back. It knows only the groups whose last
// deliveries were not all well.
type pushbacks struct {
	mu     sync.Mutex
	groups map[string]*pushback
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
	b := p.groups[group]
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
	b.row++
	if newsletter.PushesBack(reply) {
		b.recent |= 1
	}
	const inRow = 1<<pushesInRow - 1
	if b.row < refusalsRow && b.recent&inRow != inRow && bits.OnesCount32(b.recent) < pushesOfLast {
		return 0, false
	}
	p.forget(group)
	return float64(b.attempts) / max(now.Sub(b.began).Seconds(), 0.1), true
}

// forget begins anew with a group.
func (p *pushbacks) forget(group string) {
	delete(p.groups, group)
	p.count.Store(int32(len(p.groups)))
}
