package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// warmBlock is how many of a day's messages are taken at a time at most: what is
// lost of them when a process dies.
const warmBlock = 50

// warmUp is how a process holds the daily cap of a relay that is being warmed up.
// The store counts for all of them, by the site's days.
type warmUp struct {
	ctx   context.Context //nolint:containedctx // the process's
	store *store.Store
	relay string
	plan  newsletter.WarmUp
	clock func() time.Time // in the site's zone
	wake  func()           // messages were taken, or there are none
	log   *slog.Logger

	mu    sync.Mutex
	day   string // that left and empty are about
	left  int    // messages in hand
	empty bool   // the day's are used up
	asked bool
	after time.Time // not to ask before

	asking sync.WaitGroup
}

// dayOf is how days are stored.
func dayOf(t time.Time) string { return t.Format(time.DateOnly) }

// ready reports whether a message may go, and sees to it that wake is called when
// that is known.
func (w *warmUp) ready() bool {
	now := w.clock()
	limit, limited := w.plan.Cap(now)
	if !limited {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(now)
	if limit == 0 {
		w.empty = true
	}
	if w.left == 0 && !w.empty && !w.asked && !time.Now().Before(w.after) {
		w.asked = true
		day := w.day
		w.asking.Go(func() { w.ask(day, limit) })
	}
	return w.left > 0
}

// spent reports whether the day's messages are used up.
func (w *warmUp) spent() bool {
	now := w.clock()
	limit, limited := w.plan.Cap(now)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(now)
	return limited && (limit == 0 || w.empty && w.left == 0)
}

// turn turns the page when a day is over.
func (w *warmUp) turn(now time.Time) {
	if day := dayOf(now); day != w.day {
		w.day, w.left, w.empty = day, 0, false
	}
}

// look finds out whether there are messages of the day again: another worker may
// have given back what it did not use.
func (w *warmUp) look(ctx context.Context) (again bool, err error) {
	now := w.clock()
	limit, limited := w.plan.Cap(now)
	w.mu.Lock()
	w.turn(now)
	day, none := w.day, w.empty && w.left == 0
	w.mu.Unlock()
	if !limited || !none {
		return false, nil
	}
	taken, err := w.store.MessagesTaken(ctx, w.relay, day)
	if err != nil || taken >= limit {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.day == day {
		w.empty = false
	}
	return true, nil
}

// use takes a message in hand, and says of which day it is; empty: of none, there
// is no limit.
func (w *warmUp) use() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 {
		return ""
	}
	w.left--
	return w.day
}

// putBack returns a message that was not tried, if its day is not over: an outage
// shall not use it up.
func (w *warmUp) putBack(day string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if day != "" && day == w.day {
		w.left++
	}
}

// ask takes some of the day's messages.
func (w *warmUp) ask(day string, limit int64) {
	n := int(max(1, min(warmBlock, limit/20)))
	got, err := w.store.TakeMessages(w.ctx, w.relay, day, limit, n)
	w.mu.Lock()
	w.asked = false
	switch {
	case err != nil:
		if w.ctx.Err() == nil {
			w.log.Warn("warm-up not read", "relay", w.relay, "error", err)
		}
		w.after = time.Now().Add(askAgain)
		time.AfterFunc(askAgain, w.wake)
	case w.day == day:
		w.left += got
		w.empty = got == 0
	}
	w.mu.Unlock()
	w.wake()
}

// end gives back what is left, when nobody asks for a message any more.
func (w *warmUp) end(ctx context.Context) {
	w.asking.Wait()
	w.mu.Lock()
	day, left := w.day, w.left
	w.left, w.empty = 0, true
	w.mu.Unlock()
	if left == 0 {
		return
	}
	if err := w.store.ReturnMessages(ctx, w.relay, day, left); err != nil {
		w.log.Warn("messages of a warm-up not given back", "relay", w.relay, "messages", left, "error", err)
	}
}
