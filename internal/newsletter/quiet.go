package newsletter

import "time"

// Quiet are hours of each day, by the wall clock of a zone, in which no message
// is begun. They may go over midnight. Equal ends: there are none.
type Quiet struct {
	From, To int // minutes after midnight
}

// At reports whether it is quiet at a time, by the clock of its zone.
func (q Quiet) At(t time.Time) bool {
	m := t.Hour()*60 + t.Minute()
	switch {
	case q.From == q.To:
		return false
	case q.From < q.To:
		return q.From <= m && m < q.To
	}
	return m >= q.From || m < q.To
}

// Until returns when the quiet hours end in which now falls; zero: it is not
// quiet now.
func (q Quiet) Until(now time.Time, zone *time.Location) time.Time {
	if !q.At(now.In(zone)) {
		return time.Time{}
	}
	return q.change(now, zone, q.To, false)
}

// Next returns when the next quiet hours begin after now; zero: never.
func (q Quiet) Next(now time.Time, zone *time.Location) time.Time {
	if q.From == q.To {
		return time.Time{}
	}
	if until := q.Until(now, zone); !until.IsZero() {
		now = until
	}
	return q.change(now, zone, q.From, true)
}

// change returns the first instant after now at which it is quiet, or not. That
// is when the wall clock shows the minute, or jumps over it.
func (q Quiet) change(now time.Time, zone *time.Location, minute int, quiet bool) time.Time {
	local := now.In(zone)
	_, offset := local.Zone()
	offsets := []int{offset}
	best := now.Add(72 * time.Hour)
	consider := func(t time.Time) {
		if t.After(now) && t.Before(best) && q.At(t.In(zone)) == quiet {
			best = t
		}
	}
	if _, end := local.ZoneBounds(); !end.IsZero() && end.Before(best) {
		_, after := end.Zone()
		offsets = append(offsets, after)
		consider(end)
	}
	for day := range 3 {
		floating := time.Date(local.Year(), local.Month(), local.Day()+day, 0, minute, 0, 0, time.UTC)
		for _, o := range offsets {
			consider(floating.Add(-time.Duration(o) * time.Second))
		}
	}
	return best.UTC()
}

// Within returns how much of the time from one instant to another is quiet; of a
// long time it looks at the last year.
func (q Quiet) Within(from, to time.Time, zone *time.Location) time.Duration {
	if q.From == q.To {
		return 0
	}
	if year := to.AddDate(-1, 0, 0); from.Before(year) {
		from = year
	}
	sum := time.Duration(0)
	for t := from; t.Before(to); {
		until := q.Until(t, zone)
		if until.IsZero() {
			t = q.Next(t, zone)
			continue
		}
		if until.After(to) {
			until = to
		}
		sum += until.Sub(t)
		t = until
	}
	return sum
}

// After returns when work that takes a while is done if it is begun now and
// rests in quiet hours.
func (q Quiet) After(now time.Time, work time.Duration, zone *time.Location) time.Time {
	for range 1000 { // a bound, not a tuning: years
		if until := q.Until(now, zone); !until.IsZero() {
			now = until
		}
		next := q.Next(now, zone)
		if next.IsZero() || next.Sub(now) >= work {
			break
		}
		work -= next.Sub(now)
		now = next
	}
	return now.Add(work)
}

// Canary is the slice of an issue's audience that goes before the rest.
type Canary struct {
	Share float64       // of the audience, 0: none
	Wait  time.Duration // after all of it was tried
}

// The smallest canary says something, and there is none where it would be most of
// the audience.
const (
	canaryLeast    = 30
	canaryAudience = 100
)

// Of returns the share of an audience of that size which goes first.
func (c Canary) Of(audience int) float64 {
	if c.Share <= 0 || audience < canaryAudience {
		return 0
	}
	return min(1, max(c.Share, canaryLeast/float64(audience)))
}
