package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"syndicate/internal/newsletter"
)

// localFormat is the form of an occurrence's unique key.
const localFormat = "2006-01-02T15:04"

// Schedule says when a newsletter is due. The spec is evaluated on the wall
// clock of the zone as if that clock never jumped, so that each local time is
// due once: robfig/cron by itself skips a time in a daylight-saving gap and
// fires twice in the doubled hour.
type Schedule struct {
	spec cron.Schedule
	zone *time.Location
}

// Due is one due time: Local, the wall clock by which it is known, and At, the
// instant: the first at which the zone's clock shows Local or later. So a time
// in a gap is due at the first instant after it (several may fall together),
// and a time in the doubled hour in its first pass.
type Due struct {
	Local string
	At    time.Time
}

// ParseSchedule reads five cron fields or a descriptor such as @weekly.
// @every, which has no local time, and zones in the spec are refused.
func ParseSchedule(spec string, zone *time.Location) (Schedule, error) {
	spec = strings.TrimSpace(spec)
	switch {
	case spec == "":
		return Schedule{}, errors.New("the schedule is empty")
	case len(spec) > 256:
		return Schedule{}, errors.New("the schedule is too long")
	case strings.HasPrefix(spec, "@every"):
		return Schedule{}, errors.New("@every has no fixed times; write five cron fields, such as \"0 * * * *\" for each hour")
	case strings.Contains(spec, "TZ="):
		return Schedule{}, errors.New("a zone does not belong into the schedule; use time_zone")
	}
	c, err := cron.ParseStandard(spec)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", spec, err)
	}
	if c.Next(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("schedule %q never comes", spec)
	}
	return Schedule{spec: c, zone: zone}, nil
}

// Next returns the first due time whose instant is after the given one; false:
// there is none in the next years.
func (s Schedule) Next(after time.Time) (Due, bool) {
	// In the doubled hour's second pass the floating clock is behind the
	// occurrences that its first pass has seen, hence the loop.
	for f := floating(after, s.zone); ; {
		f = s.spec.Next(f)
		if f.IsZero() {
			return Due{}, false
		}
		if at := instant(f, s.zone); at.After(after) {
			return Due{f.Format(localFormat), at}, true
		}
	}
}

// Latest returns the last due time that has come at now, and how many earlier
// ones came with it. Only those are considered whose local time is after last
// (empty: none was before) and whose instant is not before since. False: nothing
// is due.
func (s Schedule) Latest(last string, since, now time.Time) (due Due, earlier int, ok bool) {
	f := floating(since, s.zone).Add(-48 * time.Hour) // before any gap that ends at since
	if l, err := time.Parse(localFormat, last); err == nil && l.After(f) {
		f = l
	}
	for {
		f = s.spec.Next(f)
		if f.IsZero() {
			return due, max(earlier-1, 0), ok
		}
		at := instant(f, s.zone)
		switch {
		case at.After(now):
			return due, max(earlier-1, 0), ok
		case at.Before(since):
			continue
		}
		due, ok = Due{f.Format(localFormat), at}, true
		earlier++
	}
}

// floating returns the wall clock of t in zone as a time in UTC, where no clock
// jumps.
func floating(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant returns the first instant at which the zone's clock shows the floating
// time or a later one. time.Date alone does not say which side of a gap it takes.
func instant(f time.Time, zone *time.Location) time.Time {
	// No clock on Earth was ever 16 hours ahead of UTC, so the search starts
	// where no clock shows f yet and goes from one offset of the zone to the next.
	for t := f.Add(-16 * time.Hour).In(zone); ; {
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		at := f.Add(-time.Duration(offset) * time.Second).In(zone)
		if at.Before(start) {
			at = start
		}
		if end.IsZero() || at.Before(end) {
			return at
		}
		t = end
	}
}

// verdict says what is to be done about a due time: compose (an empty outcome),
// or record it with the outcome and the note. onTime is the instant before which
// occurrences count as missed.
func verdict(n newsletter.Newsletter, d Due, onTime, now time.Time) (outcome, note string) {
	late := now.Sub(d.At)
	switch {
	case n.MaxLate > 0 && late > n.MaxLate:
		return outcomeLate, fmt.Sprintf("%s after its time, more than max_late (%s)", roughly(late), n.MaxLate)
	case n.Missed == newsletter.MissedSkip && d.At.Before(onTime):
		return outcomeSkipped, "nothing was running when it was due, and missed is skip"
	}
	return "", ""
}

// The outcomes of an occurrence.
const (
	outcomeIssue   = "issue"
	outcomeNothing = "nothing new"
	outcomeSkipped = "skipped"
	outcomeLate    = "late"
)

// roughly writes a duration for people: its two largest units.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	case d >= time.Hour:
		return d.Round(time.Minute).String()[:len(d.Round(time.Minute).String())-2]
	}
	return d.Round(time.Second).String()
}
