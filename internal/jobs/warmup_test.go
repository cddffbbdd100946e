package jobs

import (
	"log/slog"
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store/storetest"
)

// TestWarmUpPutBack: a delivery that comes back untried, or ends so, costs nothing
// of the day.
func TestWarmUpPutBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 23, 0, 0, 0, time.UTC)
	w := &warmUp{
		plan:  newsletter.WarmUp{From: now, First: 2, Growth: 2},
		clock: func() time.Time { return now },
		day:   dayOf(now), left: 2, empty: true,
	}
	r := newRelay(mailer.Relay{Name: "main"})
	r.warm = w
	r.allowed.Store(1)
	q := newQueue(1, []*relay{r})
	q.limits = newLimits(nil, nil, GroupLimit{})
	l := &lease{left: 4, until: now.AddDate(100, 0, 0)}
	q.items = []*item{{lease: l}, {lease: l}, {lease: l}, {lease: l}}
	for range 5 {
		it := q.pop(r)
		if it == nil {
			t.Fatal("the day is used up")
		}
		q.putBack(it)
	}
	if q.forgo(q.pop(r)); w.left != 2 || l.left != 3 {
		t.Errorf("%d left after one that nobody wants, %d deliveries", w.left, l.left)
	}
	if it := q.pop(r); it == nil || w.left != 1 {
		t.Errorf("%v, %d left", it, w.left)
	}
	it := q.pop(r)
	if it == nil || !w.spent() || q.pop(r) != nil {
		t.Fatalf("%v: more than two a day", it)
	}
	now = now.Add(2 * time.Hour) // yesterday's is worth nothing
	if w.spent(); w.left != 0 {
		t.Errorf("%d left", w.left)
	}
	if q.putBack(it); w.left != 0 {
		t.Errorf("%d left", w.left)
	}
}

// TestWarmUpGivenBack: what another worker took of the day and gives back is there
// for this one.
func TestWarmUpGivenBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC)
	s := storetest.Open(t, storetest.SQLite(t))
	w := &warmUp{
		ctx: t.Context(), store: s, relay: "main", plan: newsletter.WarmUp{From: now, First: 2, Growth: 2},
		clock: func() time.Time { return now }, wake: func() {}, log: slog.New(slog.DiscardHandler), day: dayOf(now),
	}
	look := func() bool {
		again, err := w.look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	if n, err := s.TakeMessages(t.Context(), "main", dayOf(now), 2, 2); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	w.ask(dayOf(now), 2)
	if !w.spent() || look() || !w.spent() {
		t.Error("another worker has them all, and there are some")
	}
	if err := s.ReturnMessages(t.Context(), "main", dayOf(now), 1); err != nil {
		t.Fatal(err)
	}
	if !look() || w.spent() {
		t.Error("there is one again, and nobody knows")
	}
	w.ask(dayOf(now), 2)
	if w.left != 1 || look() {
		t.Errorf("%d left", w.left)
	}
}

// TestWarmUpEnd: what is being taken of the day when a process ends is given back.
func TestWarmUpEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC)
	s := storetest.Open(t, storetest.SQLite(t))
	w := &warmUp{
		ctx: t.Context(), store: s, relay: "main", plan: newsletter.WarmUp{From: now, First: 2, Growth: 2},
		clock: func() time.Time { return now }, wake: func() {}, log: slog.New(slog.DiscardHandler),
	}
	if w.ready() {
		t.Error("there is a message before one was taken")
	}
	w.end(t.Context())
	w.asking.Wait()
	if n, err := s.MessagesTaken(t.Context(), "main", dayOf(now)); n != 0 || err != nil {
		t.Errorf("%d are nobody's (%v)", n, err)
	}
}
