package newsletter

import (
	"slices"
	"time"
)

// SoftLimit says how many soft bounces make an address as good as gone. The zero
// value: never.
type SoftLimit struct {
	Count  int           // on as many different days
	Over   time.Duration // from the first to the last: a holiday's full mailbox is no reason
	Within time.Duration // older ones do not count any more
}

// Reached reports whether an address bounced softly too often: at are the times, in
// any order, now among them.
func (l SoftLimit) Reached(at []time.Time, now time.Time) bool {
	if l.Count <= 0 {
		return false
	}
	var days []time.Time
	for _, t := range at {
		if t.After(now.Add(-l.Within)) {
			days = append(days, t.UTC().Truncate(24*time.Hour))
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	days = slices.Compact(days)
	return len(days) >= l.Count && days[len(days)-1].Sub(days[0]) >= l.Over
}
