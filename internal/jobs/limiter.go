package jobs

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// askAgain is when slots are asked for again after the store failed.
const askAgain = 200 * time.Millisecond

// maxLead bounds for how slow a store is allowed.
const maxLead = 5 * time.Second

// slotTaker takes slots of limits for a whole process. While one transaction
// runs, the asks of other limits gather for the next. Of limits that are many, as
// many as there are domains, only some may ask at once: slots that come long
// before the connections get to them are gone by then.
type slotTaker struct {
	ctx  context.Context //nolint:containedctx // the process's: asks outlive who caused them
	take func(context.Context, []store.SlotAsk) ([]newsletter.Slots, time.Time, error)
	wake func() // some limit may let something through
	log  *slog.Logger

	most int // how many of those that are many ask at once, 0: any number

	mu      sync.Mutex
	asking  []*limiter
	busy    bool
	many    int  // of the asks under way, those of limits that are many
	refused bool // one of them was too many: it looks again after the answer

	// Of the goroutine that asks.
	clock clockGuess
	lead  time.Duration // how long an answer took lately
}

func newSlotTaker(ctx context.Context, st *store.Store, wake func(), log *slog.Logger) *slotTaker {
	return &slotTaker{ctx: ctx, take: st.TakeSlots, wake: wake, log: log}
}

// limiter is one limit that all workers share, as this process holds it. Ready
// says without waiting whether a message may begin now, and sees to it that wake
// is called when it may; use then takes the slot. Between the two nobody else may
// use it: who picks messages does so under one lock.
type limiter struct {
	taker  *slotTaker
	bucket string
	many   bool // one of very many

	mu     sync.Mutex
	pace   newsletter.Pace
	blocks []block   // in hand, in order
	want   int       // how many to ask for: as many as are really used
	need   int       // how many messages wait for one, as far as is known
	asked  bool      // an ask is under way
	after  time.Time // not to ask before
	alarm  time.Time // when wake is called next, zero: not
}

// block is a number of slots that were taken together.
type block struct {
	first    time.Time // of the slots that are left
	until    time.Time // when the first is gone
	interval time.Duration
	left     int
}

// limiter returns a limit of a bucket such as "issue:12", in messages a second.
func (t *slotTaker) limiter(bucket string, rate float64) *limiter {
	return &limiter{taker: t, bucket: bucket, pace: newsletter.Pace(rate), want: 1}
}

// setRate changes the limit; slots in hand stay.
func (l *limiter) setRate(rate float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pace != newsletter.Pace(rate) {
		l.pace, l.want = newsletter.Pace(rate), 1
	}
}

// ready reports whether a message may begin now.
func (l *limiter) ready(now time.Time) bool { return l.readyFor(math.MaxInt, now) }

// readyFor is ready where it is known how many messages wait: there is no use for
// more slots.
func (l *limiter) readyFor(need int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(now)
	if left := l.left(); left <= l.want/2 && left < need {
		l.need = need - left
		l.ask(now)
	}
	if len(l.blocks) == 0 {
		return false // the answer wakes
	}
	first := l.blocks[0].first
	if first.After(now) {
		l.wakeAt(first, now)
		return false
	}
	return true
}

// use takes the slot that is ready, and returns until when it is good.
func (l *limiter) use() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.blocks[0].until
	l.next()
	if l.left() == 0 { // all of them in time: there is use for more
		l.want = min(2*l.want, l.pace.Block())
	}
	return until
}

// next goes to the next slot.
func (l *limiter) next() {
	b := &l.blocks[0]
	b.first, b.until = b.first.Add(b.interval), b.until.Add(b.interval)
	if b.left--; b.left == 0 {
		l.blocks = l.blocks[1:]
	}
}

// drop drops the slots that nobody used in time; there was no use for so many.
func (l *limiter) drop(now time.Time) {
	dropped := false
	for len(l.blocks) > 0 && !now.Before(l.blocks[0].until) {
		l.next()
		dropped = true
	}
	if dropped {
		l.want = max(1, l.want/2)
	}
}

func (l *limiter) left() int {
	n := 0
	for _, b := range l.blocks {
		n += b.left
	}
	return n
}

// ask asks for more, in the background.
func (l *limiter) ask(now time.Time) {
	switch {
	case l.asked:
	case now.Before(l.after):
		l.wakeAt(l.after, now)
	default:
		l.asked = l.taker.ask(l)
	}
}

// wakeAt calls wake at a time, unless it is called before anyway.
func (l *limiter) wakeAt(at, now time.Time) {
	if !l.alarm.IsZero() && !at.Before(l.alarm) {
		return
	}
	l.alarm = at
	time.AfterFunc(at.Sub(now), func() {
		l.mu.Lock()
		if l.alarm.Equal(at) {
			l.alarm = time.Time{}
		}
		l.mu.Unlock()
		l.taker.wake()
	})
}

// given takes the answer to an ask: slots that count from at, by the store's
// clock. It is true if a message may begin now.
func (l *limiter) given(s newsletter.Slots, pace newsletter.Pace, at time.Time, clock clockGuess) bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = false
	if s.Count == 0 {
		l.after = now.Add(s.Wait + time.Millisecond) // the store's clock is no finer
		l.wakeAt(l.after, now)
		return false
	}
	earliest, latest := clock.local(at.Add(s.First), now)
	until := earliest.Add(pace.Slack())
	// With a store so slow that its clock is hardly known: better late than never.
	if least := latest.Add(pace.Slack() / 4); until.Before(least) {
		until = least
	}
	l.blocks = append(l.blocks, block{first: latest, until: until, interval: pace.Interval(), left: s.Count})
	if !latest.After(now) {
		return true
	}
	l.wakeAt(latest, now)
	return false
}

// ask puts a limit on the list, and starts working on it; false: too many are on
// it.
func (t *slotTaker) ask(l *limiter) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.many {
		if t.most > 0 && t.many >= t.most {
			t.refused = true
			return false
		}
		t.many++
	}
	t.asking = append(t.asking, l)
	if !t.busy {
		t.busy = true
		go t.run()
	}
	return true
}

func (t *slotTaker) run() {
	for {
		t.mu.Lock()
		asking := t.asking
		t.asking = nil
		t.busy = len(asking) > 0
		t.mu.Unlock()
		if len(asking) == 0 {
			return
		}
		t.answer(asking)
	}
}

func (t *slotTaker) answer(asking []*limiter) {
	asks := make([]store.SlotAsk, len(asking))
	for i, l := range asking {
		l.mu.Lock()
		asks[i] = store.SlotAsk{Bucket: l.bucket, Pace: l.pace, Count: min(l.want, l.need), Lead: t.lead}
		l.mu.Unlock()
	}
	sent := time.Now()
	slots, at, err := t.take(t.ctx, asks)
	now := time.Now()
	if err != nil {
		if t.ctx.Err() == nil {
			t.log.Warn("limits not read", "error", err)
		}
		slots = make([]newsletter.Slots, len(asks))
		for i := range slots {
			slots[i].Wait = askAgain
		}
	} else {
		t.clock.see(at, sent, now)
		t.lead = min(max(now.Sub(sent), t.lead/2), maxLead)
	}
	wake, many := false, 0
	for i, l := range asking {
		wake = l.given(slots[i], asks[i].Pace, at, t.clock) || wake
		if l.many {
			many++
		}
	}
	t.mu.Lock()
	t.many -= many
	wake = wake || t.refused
	t.refused = false
	t.mu.Unlock()
	if wake { // once for all of them
		t.wake()
	}
}

// clockGuess is what is known of how far the store's clock is before ours: it was
// looked at at some moment between an ask and its answer. Quick answers tell more
// than slow ones. Neither may a slot be used too early nor too late.
type clockGuess struct {
	least, most time.Duration
	since       time.Time // zero: nothing is known
}

// guessFor is how long a guess stands: clocks drift.
const guessFor = 30 * time.Second

func (c *clockGuess) see(at, sent, now time.Time) {
	least, most := at.Sub(now), at.Add(time.Millisecond).Sub(sent) // the store counts whole milliseconds
	if c.since.IsZero() || now.Sub(c.since) > guessFor || least > c.most || most < c.least {
		*c = clockGuess{least, most, now}
		return
	}
	c.least, c.most = max(c.least, least), min(c.most, most)
}

// local returns between which moments of our clock a moment of the store's lies.
func (c *clockGuess) local(at, now time.Time) (earliest, latest time.Time) {
	d := at.Sub(now)
	return now.Add(d - c.most), now.Add(d - c.least)
}
