package jobs

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestForget: a daemon that goes on for years knows nothing of the issues it has
// sent, nor of the domains they went to.
func TestForget(t *testing.T) {
	t.Parallel()
	r := newRelay(mailer.Relay{Name: "main"})
	r.allowed.Store(1)
	d := &deliverer{
		queue: newQueue(4, []*relay{r}), breaker: newBreaker(BreakerOptions{Refusals: 10}),
		steering: steering{judged: map[int64]judged{}},
	}
	taker := &slotTaker{busy: true} // nobody answers
	d.queue.limits = newLimits(taker, nil, GroupLimit{Rate: 5})
	for issue := range int64(3) {
		d.steering.judged[issue] = judged{}
		d.queue.limits.issue(issue, 20)
		for _, s := range []newsletter.Reply{{Phase: newsletter.PhaseDot, Code: 550}, {Phase: newsletter.PhaseRcpt, Code: 550}} {
			d.breaker.settled(issue, "", store.Settlement{State: newsletter.Failed, Reply: s})
		}
	}
	d.queue.keepIssues(func(issue int64) bool { return issue == 2 })
	d.forgetIssues(map[int64]bool{2: true})
	for what, n := range map[string]int{
		"judged": len(d.steering.judged), "limits": len(d.queue.limits.issues),
		"suspects": len(d.breaker.suspect), "runs": len(d.breaker.runs),
	} {
		if n != 1 {
			t.Errorf("%s: %d issues are known, want the one that goes on", what, n)
		}
	}

	l := store.Lease{Chunk: 1, Issue: 2}
	for i := range 10 {
		l.Rows = append(l.Rows, newsletter.Delivery{Group: fmt.Sprintf("d%d.example", i)})
	}
	now := time.Now()
	d.queue.push(l, time.Now(), now.Add(time.Hour))
	for _, g := range d.queue.limits.groups {
		g.rate.blocks = []block{{first: now, until: now.Add(time.Hour), left: 1}}
	}
	var sending []*item
	for range l.Rows {
		sending = append(sending, d.queue.pop(r))
	}
	if it := d.queue.pop(r); it != nil { // another connection looks meanwhile
		t.Fatal("more to send than there was")
	}
	for _, it := range sending {
		d.queue.finish(it)
	}
	if n := len(d.queue.limits.groups); n != 0 {
		t.Errorf("%d domains are known that nothing waits for", n)
	}
}

// TestForgetOneOfTwoLanes: a group of which another issue's messages wait is still
// the same when one issue's are done.
func TestForgetOneOfTwoLanes(t *testing.T) {
	t.Parallel()
	r := newRelay(mailer.Relay{Name: "main"})
	r.allowed.Store(1)
	q := newQueue(4, []*relay{r})
	q.limits = newLimits(&slotTaker{busy: true}, nil, GroupLimit{Connections: 1})
	now := time.Now()
	lease := func(issue int64) {
		rows := []newsletter.Delivery{{Group: "big.example"}}
		q.push(store.Lease{Chunk: issue, Issue: issue, MaxRate: 5, Rows: rows}, now, now.Add(time.Hour))
	}
	lease(1)
	lease(2)
	before := q.limits.groups["big.example"]
	q.loseIssue(1)
	if it := q.pop(r); it != nil { // no connection is shared out yet
		t.Fatal("more than there may be")
	}
	lease(3)
	if after := q.limits.groups["big.example"]; after != before || after.lanes != 2 {
		t.Errorf("a second group of that name has come up, or %d lanes", after.lanes)
	}
	q.close()
	q.pop(r)
}

// TestPutBackLost: a delivery that comes back untried when its chunk is being given
// back does not keep the chunk.
func TestPutBackLost(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*queue){"empty": (*queue).empty, "closed": (*queue).close} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(mailer.Relay{Name: "main"})
			r.allowed.Store(1)
			q := newQueue(4, []*relay{r})
			q.limits = newLimits(&slotTaker{busy: true}, nil, GroupLimit{})
			now := time.Now()
			q.push(store.Lease{Chunk: 1, Issue: 1, Rows: make([]newsletter.Delivery, 2)}, now, now.Add(time.Hour))
			it := q.pop(r)
			if it == nil {
				t.Fatal("nothing to send")
			}
			end(q)
			q.putBack(it)
			if ended := q.takeEnded(); len(ended) != 1 {
				t.Errorf("%d chunks are given back, want 1", len(ended))
			}
			if r.served != 0 {
				t.Errorf("the relay's share has %d messages, want none", r.served)
			}
		})
	}
}
