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
	d.queue.push(l, now.Add(time.Hour))
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
