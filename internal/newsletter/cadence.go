package newsletter

import (
	"math"
	"strings"
	"time"
)

// Cadence says which of a newsletter's issues a subscriber wants: each of them,
// or those of some days. What comes out in between is in the next one.
type Cadence string

// The cadences; besides them the weekdays, "monday" to "sunday".
const (
	EachIssue Cadence = ""
	Daily     Cadence = "daily"    // one a day
	Weekdays  Cadence = "weekdays" // one a day, from Monday to Friday
	Monthly   Cadence = "monthly"  // the first of a month
)

// On returns the cadence of one weekday.
func On(day time.Weekday) Cadence { return Cadence(strings.ToLower(day.String())) }

// Cadences returns all there are but EachIssue, weekdays from Monday.
func Cadences() []Cadence {
	all := []Cadence{Daily, Weekdays}
	for d := time.Monday; d < time.Monday+7; d++ {
		all = append(all, On(d%7))
	}
	return append(all, Monthly)
}

// weekday returns the day of a cadence that is one weekday.
func (c Cadence) weekday() (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if c == On(d) {
			return d, true
		}
	}
	return 0, false
}

// Day is a date without a place, in days since 1 January 1970. Zero stands for
// never: nobody is served that early.
type Day int

// DayOf returns the date that a time's own clock shows.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// Time returns the beginning of the day in UTC.
func (d Day) Time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

func (d Day) weekday() time.Weekday { return d.Time().Weekday() }

// last returns the latest day up to d that is of the week; d itself where none is.
func (d Day) last(w Week) Day {
	for back := range Day(7) {
		if w.Has((d - back).weekday()) {
			return d - back
		}
	}
	return d
}

// Week is a set of weekdays, a bit each.
type Week uint8

// Has reports whether the weekday is in the set.
func (w Week) Has(d time.Weekday) bool { return w&(1<<d) != 0 }

// With returns the set with the weekday in it.
func (w Week) With(d time.Weekday) Week { return w | 1<<d }

const workdays Week = 1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday

// Rhythm is how often a newsletter comes.
type Rhythm struct {
	Week  Week // the weekdays on which it comes each week
	Often bool // several times on some days
	Rare  bool // less than twice in four weeks
}

// Offers returns the cadences besides EachIssue that make a difference.
func (r Rhythm) Offers() []Cadence {
	var out []Cadence
	days := 0
	for d := time.Sunday; d <= time.Saturday; d++ {
		if r.Week.Has(d) {
			days++
		}
	}
	for _, c := range Cadences() {
		offered := false
		switch c {
		case Daily:
			offered = r.Often
		case Weekdays:
			offered = days > 1 && r.Week&workdays != 0 && r.Week&^workdays != 0
		case Monthly:
			offered = !r.Rare
		default:
			d, _ := c.weekday()
			offered = r.Week.Has(d) && (days > 1 || r.Often)
		}
		if offered {
			out = append(out, c)
		}
	}
	return out
}

// Turn says whose turn it is at an issue.
type Turn struct {
	Day    Day  // of the occurrence, in the newsletter's zone; of an issue by hand: when it is composed
	Week   Week // on which days the newsletter comes; empty: nobody knows
	Missed Week // of the MissedDays before Day those whose occurrence did not take place: it is made up for
}

// MissedDays is how far back a turn makes up for what was missed: each weekday is there
// once.
const MissedDays = 6

// MakesUpFor reports whether the occurrence of a day that was missed is made up for.
func (t Turn) MakesUpFor(d Day) bool {
	return d < t.Day && d >= t.Day-MissedDays && t.Missed.Has(d.weekday())
}

// Always is after any day. A turn of that day is everybody's.
const Always Day = math.MaxInt32

// Due reports whether somebody who was last served on that day is to get the
// issue. Who is not keeps the cursor, so that what is new is in the next issue
// that is due.
func (t Turn) Due(c Cadence, served Day) bool { return served < t.Since(c) }

// Since returns the day from which on who was served is served for this time: who
// was last served before it is due.
//
// A weekday on which the newsletter comes means issues of that day, or the next one
// where that was missed. One on which it does not come (any more) means the first
// issue after it: nobody waits for ever.
func (t Turn) Since(c Cadence) Day {
	if t.Day == Always {
		return Always
	}
	switch c {
	case EachIssue:
		return Always
	case Daily:
		return t.Day
	case Weekdays:
		return t.sinceDays(workdays)
	case Monthly:
		y, m, _ := t.Day.Time().Date()
		return DayOf(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
	}
	if d, ok := c.weekday(); ok {
		return t.sinceDays(Week(0).With(d))
	}
	return Always // not known any more: better too many than none
}

func (t Turn) sinceDays(wanted Week) Day {
	if t.Week&wanted == 0 {
		return t.Day.last(wanted)
	}
	for d := t.Day; d >= t.Day-MissedDays; d-- {
		if wanted.Has(d.weekday()) && (d == t.Day || t.MakesUpFor(d)) {
			return d
		}
	}
	return 0 // it comes on those days, and this is another
}
