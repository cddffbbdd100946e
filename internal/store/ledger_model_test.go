package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// world is what a model of one issue's deliveries knows: what workers hold, what
// they did, and what the store must say.
type world struct {
	*bench
	rt     *rapid.T
	ledger *store.Ledger
	name   string
	issue  newsletter.Issue
	people []*person
	held   []*holding
	fence  map[int64]int64 // the highest by chunk

	deferred    map[[2]int64]time.Time // rows that were put off, by chunk and n
	slowedUntil time.Time              // the pause of everybody's receiver

	cancelled, paused bool
	canary            float64
	tried, rest       bool // all of the canary was; the rest follows
}

type person struct {
	id       int64
	email    string
	sent     bool // settled as sent: a fact
	copies   int  // bodies transmitted
	crashes  int  // of those, how many nobody settled
	failed   bool
	left     bool // unsubscribed or suppressed, since when nothing may be marked
	everLeft bool
	unheard  bool // a worker that had lost its lease said that it did not arrive, and was refused
}

// holding is a lease in a worker's hands, perhaps lost without its knowing.
type holding struct {
	store.Lease
	until  time.Time       // nobody else gets the chunk before
	flying map[int]*person // rows marked, by n, whose outcome is not settled
}

// No sequence of leases, marks, settlements, crashes, expiries, unsubscriptions,
// pauses and cancelling loses a delivery, sends a settled one, or writes to
// somebody who left.
func TestDeliveriesModel(t *testing.T) {
	each(t, func(b *bench) {
		round := 0
		ledger := b.ledger(b.Store)
		b.publish(1)
		rapid.Check(b.T, func(rt *rapid.T) {
			round++
			w := newWorld(b, rt, ledger, fmt.Sprintf("n%d", round))
			rt.Repeat(map[string]func(*rapid.T){
				"lease": w.lease, "lease after expiry": w.takeOver, "mark": w.mark, "mark more": w.mark, "settle": w.settle, "settle more": w.settle,
				"crash": w.crash, "expire": w.expire, "renew": w.renew, "release": w.release, "leave": w.leave, "come back": w.comeBack, "suppress": w.suppress,
				"pause": w.pause, "resume": w.resume, "cancel": w.cancel, "retry": w.retry,
				"put off": w.putOff, "push back": w.pushBack,
				"trip": w.trip, "canary tried": w.canaryTried, "open the rest": w.openRest,
				"": w.check,
			})
			w.finish()
		})
	})
}

func newWorld(b *bench, rt *rapid.T, ledger *store.Ledger, name string) *world {
	for _, left := range must(b.Issues(ctx, store.IssueQuery{Open: true}))(b) { // by a round that failed
		must(b.Cancel(ctx, left.ID, "failed"))(b)
	}
	w := &world{bench: b, rt: rt, ledger: ledger, name: name, fence: map[int64]int64{}, deferred: map[[2]int64]time.Time{}}
	must(b.SyncNewsletter(ctx, name, false, b.Now()))(b)
	var lines []newsletter.Line
	for i := range rapid.IntRange(1, 4).Draw(rt, "people") {
		lines = append(lines, newsletter.Line{Email: fmt.Sprintf("p%d@%s.example.org", i, name)})
	}
	must(b.SyncList(ctx, name, lines, false, b.Now()))(b)
	w.canary = rapid.SampledFrom([]float64{0, 0, 0.5}).Draw(rt, "canary")
	w.issue = b.compose(name, func(n *store.NewIssue) { n.Canary = w.canary })
	b.seal(w.issue, rapid.IntRange(1, 3).Draw(rt, "chunk size"))
	for _, s := range must(b.Subscribers(ctx, store.SubscriberQuery{Newsletter: name}))(b) {
		w.people = append(w.people, &person{id: s.Subscriber.ID, email: s.Subscriber.Email})
	}
	return w
}

func (w *world) person(id int64) *person {
	return w.people[slices.IndexFunc(w.people, func(p *person) bool { return p.id == id })]
}

func (w *world) holding(rt *rapid.T) *holding {
	if len(w.held) == 0 {
		rt.Skip("nothing is leased")
	}
	return rapid.SampledFrom(w.held).Draw(rt, "lease")
}

func (w *world) lease(rt *rapid.T) {
	l, err := w.LeaseChunk(ctx, "w", false, 30*time.Second, false)
	if errors.Is(err, store.ErrNotFound) {
		return
	}
	w.ok(err)
	if l.Issue != w.issue.ID {
		rt.Fatalf("leased a chunk of issue %d, which is closed", l.Issue)
	}
	if w.paused || w.cancelled {
		rt.Fatal("leased a chunk of an issue that is not sending")
	}
	if l.Group != "" && w.Now().Before(w.slowedUntil) {
		rt.Fatalf("leased a chunk of %s, which is paused", l.Group)
	}
	if l.Fence <= w.fence[l.Chunk] {
		rt.Fatalf("fence %d after %d", l.Fence, w.fence[l.Chunk])
	}
	w.fence[l.Chunk] = l.Fence
	for _, d := range l.Rows {
		p := w.person(d.Subscriber)
		if p.sent || p.left {
			rt.Fatalf("leased %+v of %+v", d, p)
		}
		if w.canary > 0 && !w.rest && !w.Keyring().InCanary(w.issue.ID, p.id, w.canary) {
			rt.Fatalf("leased %+v before the canary was looked at", p)
		}
		if until := w.deferred[[2]int64{l.Chunk, int64(d.N)}]; w.Now().Before(until) && !p.everLeft {
			rt.Fatalf("leased %+v, which was put off until %s", p, until)
		}
	}
	h := &holding{l, w.Now().Add(30 * time.Second), map[int]*person{}}
	w.held = append(w.held, h)
	for _, d := range l.Rows[:rapid.IntRange(0, len(l.Rows)).Draw(rt, "marked at once")] {
		w.markRow(rt, h, d)
	}
}

// takeOver leases when all leases have expired, in the middle of what their
// holders do.
func (w *world) takeOver(rt *rapid.T) {
	w.Advance(31 * time.Second)
	w.lease(rt)
}

func (w *world) mark(rt *rapid.T) {
	h := w.holding(rt)
	w.markRow(rt, h, rapid.SampledFrom(h.Rows).Draw(rt, "row"))
}

func (w *world) markRow(rt *rapid.T, h *holding, d newsletter.Delivery) {
	p := w.person(d.Subscriber)
	err := w.ledger.BeginMark(h.Chunk, d.N, h.Fence).Wait(ctx)
	if errors.Is(err, store.ErrStale) {
		return
	}
	w.ok(err)
	switch {
	case p.sent:
		rt.Fatal("marked one that was sent")
	case p.left:
		rt.Fatal("marked one who left")
	case h.Fence != w.fence[h.Chunk]:
		rt.Fatal("marked with a lost lease")
	case w.paused, w.cancelled:
		rt.Fatal("marked while the issue is not sending")
	}
	for _, other := range w.held {
		if other.Chunk == h.Chunk && other.Fence == h.Fence && other.flying[d.N] != nil {
			rt.Fatal("marked twice")
		}
	}
	delete(w.deferred, [2]int64{h.Chunk, int64(d.N)})
	p.copies++ // the body is on its way
	h.flying[d.N] = p
}

// putOff puts a row off that was not begun: its receiver pushes back.
func (w *world) putOff(rt *rapid.T) {
	h := w.holding(rt)
	d := rapid.SampledFrom(h.Rows).Draw(rt, "row")
	until := w.Now().Add(time.Duration(rapid.IntRange(1, 2).Draw(rt, "delay")) * 20 * time.Second)
	err := w.Defer(ctx, h.Chunk, h.Fence, []int{d.N}, until)
	// Whose lease had run out may have lost it to somebody who found nothing to do.
	stale, over := h.Fence != w.fence[h.Chunk], !w.Now().Before(h.until)
	if errors.Is(err, store.ErrStale) {
		if !stale && !over && !w.cancelled {
			rt.Fatalf("the holder of the lease was refused: %v", err)
		}
		return
	}
	if stale {
		rt.Fatal("put off with a lost lease")
	}
	w.ok(err)
	if h.flying[d.N] == nil {
		w.deferred[[2]int64{h.Chunk, int64(d.N)}] = until
	}
}

// pushBack pauses everybody's receiver, if it is not paused.
func (w *world) pushBack(rt *rapid.T) {
	d, changed, err := w.SlowGroup(ctx, w.name+".example.org", 10, 10*time.Second, 30*time.Second, rapid.Float64Range(0, 1).Draw(rt, "jitter"), "421 later")
	w.ok(err)
	if changed == w.Now().Before(w.slowedUntil) {
		rt.Fatalf("pushed back: %v, while it was paused until %s", changed, w.slowedUntil)
	}
	w.slowedUntil = d.PausedUntil
}

func (w *world) settle(rt *rapid.T) {
	h := w.holding(rt)
	if len(h.flying) == 0 {
		rt.Skip("nothing is in flight")
	}
	var rows []int
	for n := range h.flying {
		rows = append(rows, n)
	}
	slices.Sort(rows)
	n := rapid.SampledFrom(rows).Draw(rt, "row")
	p := h.flying[n]
	x := store.Settlement{Chunk: h.Chunk, N: n, Fence: h.Fence, Address: p.email, Subscriber: p.id, Issue: h.Issue, Reply: sentReply}
	x.State = rapid.SampledFrom([]newsletter.DeliveryState{newsletter.Sent, newsletter.Sent, newsletter.Failed, newsletter.Pending}).Draw(rt, "result")
	if x.State == newsletter.Pending {
		x.RetryIn = time.Duration(rapid.IntRange(0, 2).Draw(rt, "delay")) * 20 * time.Second
	}
	if x.State == newsletter.Failed {
		x.Suppress = rapid.Bool().Draw(rt, "suppress")
	}
	err := w.ledger.Settle(ctx, x)
	delete(h.flying, n)
	if errors.Is(err, store.ErrStale) {
		if x.State == newsletter.Sent {
			rt.Fatal("a fact was refused")
		}
		if h.Fence == w.fence[h.Chunk] && w.Now().Before(h.until) && !w.cancelled {
			rt.Fatalf("the holder of the lease was refused %v: %v", x.State, err)
		}
		p.copies-- // the relay did not take it, but the store does not know
		p.unheard = true
		return
	}
	w.ok(err)
	switch x.State {
	case newsletter.Sent:
		p.sent = true
		if h.Fence != w.fence[h.Chunk] {
			p.crashes++ // overtaken: another worker may have sent a copy
		}
	case newsletter.Failed:
		p.copies--
		if !p.sent {
			p.failed = true
			if x.Suppress {
				p.left, p.everLeft = true, true
			}
		}
	default:
		p.copies--
	}
}

// crash: a worker dies; what it had in flight may or may not have arrived.
func (w *world) crash(rt *rapid.T) {
	h := w.holding(rt)
	for _, p := range h.flying {
		p.crashes++
	}
	w.drop(h)
}

func (w *world) drop(h *holding) {
	w.held = slices.DeleteFunc(w.held, func(x *holding) bool { return x == h })
}

func (w *world) expire(*rapid.T) { w.Advance(31 * time.Second) }

func (w *world) renew(rt *rapid.T) {
	h := w.holding(rt)
	lost := must(w.Renew(ctx, "w", map[int64]int64{h.Chunk: h.Fence}, 30*time.Second))(w.bench)
	if stale := h.Fence != w.fence[h.Chunk]; stale && len(lost) == 0 {
		rt.Fatal("renewed a lost lease")
	}
	if len(lost) == 0 {
		h.until = w.Now().Add(30 * time.Second)
	}
}

func (w *world) release(rt *rapid.T) {
	h := w.holding(rt)
	for _, p := range h.flying { // gives up without knowing
		p.crashes++
	}
	err := w.Release(ctx, h.Chunk, h.Fence)
	if !errors.Is(err, store.ErrStale) {
		w.ok(err)
	}
	w.drop(h)
}

func (w *world) leave(rt *rapid.T) {
	p := rapid.SampledFrom(w.people).Draw(rt, "person")
	must(w.Unsubscribe(ctx, p.id, w.name, "link", w.Now()))(w.bench)
	p.left, p.everLeft = true, true
}

func (w *world) comeBack(rt *rapid.T) {
	p := rapid.SampledFrom(w.people).Draw(rt, "person")
	must(w.LiftSuppression(ctx, p.email))(w.bench)
	must(w.Resubscribe(ctx, p.id, w.name, w.Now()))(w.bench)
	p.left = false
}

func (w *world) suppress(rt *rapid.T) {
	p := rapid.SampledFrom(w.people).Draw(rt, "person")
	w.ok(w.Suppress(ctx, p.email, newsletter.CauseComplaint, w.issue.ID, "", w.Now()))
	p.left, p.everLeft = true, true
}

func (w *world) pause(rt *rapid.T) {
	err := w.Pause(ctx, w.issue.ID, newsletter.ByOperator, "test")
	if errors.Is(err, store.ErrConflict) {
		return // sent or cancelled
	}
	w.ok(err)
	w.paused = true
}

func (w *world) resume(rt *rapid.T) {
	if err := w.Resume(ctx, w.issue.ID); !errors.Is(err, store.ErrConflict) {
		w.ok(err)
		w.rest = w.rest || w.tried
	}
	w.paused = false
}

// trip: the breaker pauses the issue, and holds what it suppressed.
func (w *world) trip(rt *rapid.T) {
	err := w.Pause(ctx, w.issue.ID, newsletter.ByBreaker, "test")
	if errors.Is(err, store.ErrConflict) {
		return // it is not sending
	}
	w.ok(err)
	w.paused = true
	for _, p := range must(w.Suppressions(ctx, store.SuppressionQuery{Issue: w.issue.ID}))(w.bench) {
		if !p.Held {
			rt.Fatalf("%+v is not held", p)
		}
	}
}

func (w *world) canaryTried(*rapid.T) {
	w.ok(w.CanaryTried(ctx, w.issue.ID))
	w.tried = w.canary > 0
}

func (w *world) openRest(*rapid.T) {
	err := w.OpenRest(ctx, w.issue.ID)
	if errors.Is(err, store.ErrConflict) {
		return // it is not sending
	}
	w.ok(err)
	w.rest = true
}

func (w *world) retry(*rapid.T) {
	if w.cancelled {
		return
	}
	must(w.RetryFailed(ctx, w.issue.ID))(w.bench)
	w.paused = w.bench.state(w.issue.ID) == newsletter.IssuePaused // a paused one that has ended is sent
	for _, p := range w.people {
		if !p.left {
			p.failed = false
		}
	}
}

func (w *world) cancel(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "sure") > 0 {
		rt.Skip("not now")
	}
	_, err := w.Cancel(ctx, w.issue.ID, "test")
	if errors.Is(err, store.ErrConflict) {
		return
	}
	w.ok(err)
	w.cancelled, w.paused = true, false
}

// check holds after each step.
func (w *world) check(rt *rapid.T) {
	counts := w.counts(w.issue.ID)
	total, sent := 0, 0
	for _, n := range counts {
		total += n
	}
	for _, p := range w.people {
		if p.sent {
			sent++
		}
		allowed := 1 + p.crashes
		for _, h := range w.held {
			for _, q := range h.flying {
				allowed += btoi(q == p && h.Fence != w.fence[h.Chunk])
			}
		}
		if p.copies > allowed {
			rt.Fatalf("%+v got a copy too many", p)
		}
	}
	if total != len(w.people) {
		rt.Fatalf("%d deliveries of %d: %v", total, len(w.people), counts)
	}
	if rows := must(w.CountRows(ctx, w.issue.ID))(w.bench); !maps.Equal(rows, counts) {
		rt.Fatalf("the tallies are %v, the rows %v", counts, rows)
	}
	if counts[newsletter.Sent] != sent {
		rt.Fatalf("%d sent, the store says %v", sent, counts)
	}
}

// finish lets honest workers end what is left, and looks at the outcome.
func (w *world) finish() {
	for _, h := range slices.Clone(w.held) {
		w.crash2(h)
	}
	if !w.cancelled {
		w.resume(w.rt)
		w.openRest(w.rt)
	}
	for range 50 {
		w.Advance(61 * time.Second)
		l, err := w.LeaseChunk(ctx, "last", false, 30*time.Second, false)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		w.ok(err)
		for k, d := range l.Rows {
			w.ok(w.ledger.BeginMark(l.Chunk, d.N, l.Fence).Wait(ctx))
			w.ok(w.ledger.Settle(ctx, settlement(l, k, newsletter.Sent)))
			p := w.person(d.Subscriber)
			p.copies++
			p.sent = true
		}
		w.ok(w.Release(ctx, l.Chunk, l.Fence))
	}
	w.check(w.rt)
	counts, state := w.counts(w.issue.ID), w.bench.state(w.issue.ID)
	if counts[newsletter.Pending]+counts[newsletter.Sending] > 0 || state.Open() {
		w.rt.Fatalf("the issue is %s with %v", state, counts)
	}
	for _, p := range w.people {
		if !w.cancelled && !p.sent && !p.failed && !p.everLeft {
			w.rt.Fatalf("%+v was lost: %v", p, counts)
		}
		cursor := must(w.Subscription(ctx, p.id, w.name))(w.bench).Cursor
		if got := w.outcome(p); got == newsletter.Cancelled && cursor != 0 {
			w.rt.Fatalf("%+v is not to get it any more, but has the cursor %d", p, cursor)
		}
		if p.sent && cursor != w.issue.Horizon {
			w.rt.Fatalf("%+v was served, but has the cursor %d", p, cursor)
		}
		if w.cancelled && p.copies == 0 && !p.unheard && cursor != 0 {
			w.rt.Fatalf("%+v got nothing, but has the cursor %d", p, cursor)
		}
	}
}

// outcome is how the store says that a person's delivery ended.
func (w *world) outcome(p *person) newsletter.DeliveryState {
	all := must(w.History(ctx, p.id, false, 0))(w.bench)
	if len(all) != 1 {
		w.rt.Fatalf("%+v has %d deliveries", p, len(all))
	}
	return all[0].State
}

func (w *world) crash2(h *holding) {
	for _, p := range h.flying {
		p.crashes++
	}
	w.drop(h)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
