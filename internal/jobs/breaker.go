package jobs

import (
	"fmt"
	"maps"
	"sync"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// BreakerOptions says when an issue that goes wrong is paused. The zero value
// never does it.
type BreakerOptions struct {
	After      int     // deliveries sent or failed before shares mean anything
	Failures   float64 // the share that may fail, 0: any
	Complaints float64 // the share that may complain, 0: any
	Refusals   int     // messages refused in a row for their content by one receiver, 0: any
}

// leastComplaints is how many people must complain: of a small issue, one is a
// large share.
const leastComplaints = 5

// verdict judges how an issue stands, by what came since somebody last let it go
// on; empty: well.
func (o BreakerOptions) verdict(t store.Tally, complaints int, base store.Standing) string {
	sent, failed := max(0, t.Sent-base.BaseSent), max(0, t.Failed-base.BaseFailed)
	complaints = max(0, complaints-base.BaseComplaints)
	settled := sent + failed
	switch {
	case o.Complaints > 0 && complaints >= leastComplaints && float64(complaints) > o.Complaints*float64(settled):
		return fmt.Sprintf("%d of %d complained (%s)", complaints, settled, percent(complaints, settled))
	case settled < max(o.After, 1):
	case o.Failures > 0 && float64(failed) >= o.Failures*float64(settled):
		return fmt.Sprintf("%d of %d failed (%s)", failed, settled, percent(failed, settled))
	}
	return ""
}

// percent writes a share for people.
func percent(part, whole int) string {
	if whole == 0 {
		return "all"
	}
	return fmt.Sprintf("%.3g %%", 100*float64(part)/float64(whole))
}

// run is a receiver's refusals of an issue's content.
type run struct {
	issue int64
	group string
}

// breaker watches what this process settles: which issues are to be looked at,
// and where a receiver refuses message after message.
type breaker struct {
	limit int // refusals in a row

	mu      sync.Mutex
	suspect map[int64]bool // issues with failures since they were last looked at
	runs    map[run]int
	tripped map[int64]string // why they are to be paused
}

func newBreaker(o BreakerOptions) *breaker {
	return &breaker{limit: o.Refusals, suspect: map[int64]bool{}, runs: map[run]int{}, tripped: map[int64]string{}}
}

// settled notes how a delivery ended. It is true if the issue should be looked at
// right now.
func (b *breaker) settled(issue int64, group string, x store.Settlement) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := run{issue, group}
	content := x.Reply.Phase == newsletter.PhaseData || x.Reply.Phase == newsletter.PhaseDot
	switch {
	case x.State == newsletter.Sent:
		delete(b.runs, r)
	case x.State != newsletter.Failed:
	case content && x.Reply.Code/100 == 5:
		b.suspect[issue] = true
		if b.runs[r]++; b.limit > 0 && b.runs[r] >= b.limit {
			delete(b.runs, r)
			b.tripped[issue] = fmt.Sprintf("%d messages in a row were refused for what is in them%s: %s", b.limit, at(group), said(x.Reply))
			return true
		}
	default:
		b.suspect[issue] = true
	}
	return false
}

// forget forgets the issues that are over.
func (b *breaker) forget(over func(int64) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.suspect, func(issue int64, _ bool) bool { return over(issue) })
	maps.DeleteFunc(b.tripped, func(issue int64, _ string) bool { return over(issue) })
	maps.DeleteFunc(b.runs, func(r run, _ int) bool { return over(r.issue) })
}

// at names a recipient-domain group in a sentence.
func at(group string) string {
	if group == "" {
		return ""
	}
	return " by " + group
}

// said is what a relay answered, without what differs from message to message.
func said(r newsletter.Reply) string {
	return newsletter.ReplyKind(fmt.Sprintf("%d %s", r.Code, r.Text))
}

// take returns whether an issue is to be looked at, and why it is to be paused
// anyway, and forgets both.
func (b *breaker) take(issue int64) (suspect bool, trip string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	suspect, trip = b.suspect[issue], b.tripped[issue]
	delete(b.suspect, issue)
	delete(b.tripped, issue)
	return suspect, trip
}

// again puts a trip back that could not be acted on.
func (b *breaker) again(issue int64, trip string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tripped[issue] = trip
}
