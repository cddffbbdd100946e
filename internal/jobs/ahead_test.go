package jobs

import (
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestAhead: what was taken ahead is dropped when its lease is lost, and waits for its
// turn when something limits it by then; nothing is taken ahead where a relay has a
// limit, or where little is left.
func TestAhead(t *testing.T) {
	t.Parallel()
	r := newRelay(mailer.Relay{Name: "main"})
	r.allowed.Store(1)
	q := newQueue(4, []*relay{r})
	q.limits = newLimits(nil, nil, GroupLimit{})
	q.push(store.Lease{Chunk: 1, Issue: 1, Rows: make([]newsletter.Delivery, 6)}, time.Now(), time.Now().Add(time.Hour))
	one, two := q.popAhead(r), q.popAhead(r)
	if one == nil || two == nil || !q.keeps(one) {
		t.Fatalf("taken ahead: %v, %v", one, two)
	}
	q.finish(one)
	q.limits.others = GroupLimit{Connections: 1}
	if q.keeps(two) {
		t.Error("what is limited by now may go")
	}
	q.sortLocked() // as it is when that changes
	if it := q.popAhead(r); it != nil {
		t.Error("what is limited is taken ahead")
	}
	if _, waiting, _ := q.size(); waiting != 5 {
		t.Errorf("%d wait, want 5", waiting)
	}
	q.limits.others = GroupLimit{}
	q.limits.groups = map[string]*group{}
	q.sortLocked()
	three := q.popAhead(r)
	if three == nil {
		t.Fatal("none of 5 is taken ahead")
	}
	r.limit = &limiter{}
	if it := q.popAhead(r); it != nil {
		t.Error("a delivery is taken ahead for a relay with a rate")
	}
	r.limit = nil
	if it := q.pop(r); it == nil || it == three {
		t.Fatalf("taken: %v", it)
	}
	if it := q.popAhead(r); it != nil {
		t.Error("one of the last is taken ahead")
	}
	q.lose(1)
	before := three.lease.left
	if q.keeps(three) || three.lease.left != before-1 {
		t.Errorf("what was lost may go; %d left, before %d", three.lease.left, before)
	}
}
