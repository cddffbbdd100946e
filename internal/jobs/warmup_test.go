package jobs

import (
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// TestWarmUpPutBack: a delivery that comes back untried costs nothing of the day.
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
	l := &lease{left: 3, until: now.AddDate(100, 0, 0)}
	q.items = []*item{{lease: l}, {lease: l}, {lease: l}}
	for range 5 {
		it := q.pop(r)
		if it == nil {
			t.Fatal("the day is used up")
		}
		q.putBack(it)
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
