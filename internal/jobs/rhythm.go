package jobs

import (
	"context"
	"slices"
	"time"

	"syndicate/internal/newsletter"
)

// rhythmWeeks is how many weeks of a schedule are looked at to know its rhythm.
const rhythmWeeks = 4

// Rhythm returns how often the schedule comes from a day on.
func (s Schedule) Rhythm(from newsletter.Day) newsletter.Rhythm {
	var r newsletter.Rhythm
	var weeks [7]int
	days := 0
	start := from.Time()
	end := start.AddDate(0, 0, 7*rhythmWeeks)
	for f := s.spec.Next(start.Add(-time.Second)); !f.IsZero() && f.Before(end); {
		day := newsletter.DayOf(f)
		days++
		weeks[f.Weekday()]++
		r.Often = r.Often || newsletter.DayOf(s.spec.Next(f)) == day
		f = s.spec.Next(day.Time().Add(24*time.Hour - time.Second))
	}
	for d, n := range weeks {
		if n == rhythmWeeks {
			r.Week = r.Week.With(time.Weekday(d))
		}
	}
	r.Rare = days < 2
	return r
}

// Rhythm returns how often a newsletter comes from now on; store.ErrNotFound. Of one
// without a schedule nobody knows.
func (s *Service) Rhythm(name string) (newsletter.Rhythm, error) {
	n, err := s.Newsletter(name)
	if err != nil || n.Schedule == "" {
		return newsletter.Rhythm{}, err
	}
	schedule, err := ParseSchedule(n.Schedule, n.Location)
	if err != nil {
		return newsletter.Rhythm{}, err
	}
	return schedule.Rhythm(s.Today(n)), nil
}

// Today returns the day that it is for a newsletter.
func (s *Service) Today(n newsletter.Newsletter) newsletter.Day {
	return newsletter.DayOf(s.now().In(n.Location))
}

// turn says whose turn it is at an occurrence of a newsletter, or at an issue by
// hand (o nil): that counts for its day as if the schedule had brought it.
func (s *Service) turn(ctx context.Context, n newsletter.Newsletter, o *newsletter.Occurrence) (newsletter.Turn, error) {
	schedule, err := ParseSchedule(n.Schedule, n.Location)
	if err != nil { // it has none
		return newsletter.Turn{Day: s.Today(n)}, nil //nolint:nilerr // New has looked at the others
	}
	day := s.Today(n)
	if o != nil {
		day = dayOfLocal(o.Local)
	}
	t := schedule.turn(day)
	t.Missed, err = s.missed(ctx, n, schedule, day)
	return t, err
}

// turn says whose turn it is on a day of the schedule.
func (s Schedule) turn(day newsletter.Day) newsletter.Turn {
	return newsletter.Turn{Day: day, Week: s.Rhythm(day).Week}
}

// dayOfLocal returns the day of an occurrence's key; 0 where it is none.
func dayOfLocal(local string) newsletter.Day {
	t, err := time.Parse(localFormat, local)
	if err != nil {
		return 0
	}
	return newsletter.DayOf(t)
}

// missed returns the weekdays of the days before one on which the newsletter was to
// come and did not: nothing was running, its issue was cancelled, or nobody approved
// it. What was made up for since is not among them, nor what was before the
// schedule.
func (s *Service) missed(ctx context.Context, n newsletter.Newsletter, schedule Schedule, day newsletter.Day) (newsletter.Week, error) {
	since, _, err := s.knownSince(ctx, n)
	if err != nil || since.IsZero() {
		return 0, err
	}
	held, err := s.store.HeldOccurrences(ctx, n.Name, s.Rehearsal(), day-newsletter.MissedDays)
	if err != nil {
		return 0, err
	}
	var missed newsletter.Week
	for d := day - newsletter.MissedDays; d < day; d++ {
		last, ok := schedule.lastOn(d)
		if !ok || last.At.Before(since) || slices.ContainsFunc(held, func(o newsletter.Occurrence) bool {
			of := dayOfLocal(o.Local)
			return of == d && o.Local >= last.Local || newsletter.Turn{Day: of, Missed: o.Missed}.MakesUpFor(d)
		}) {
			continue
		}
		missed = missed.With(d.Time().Weekday())
	}
	return missed, nil
}

// lastOn returns the last due time of a day; false: there is none.
func (s Schedule) lastOn(day newsletter.Day) (last Due, ok bool) {
	for f := s.spec.Next(day.Time().Add(-time.Second)); !f.IsZero() && newsletter.DayOf(f) == day; f = s.spec.Next(f) {
		last, ok = Due{f.Format(localFormat), instant(f, s.zone)}, true
	}
	return last, ok
}

// nextTurn returns the next due time of a newsletter that is a subscription's turn;
// zero: there is none.
func (s *Service) nextTurn(ctx context.Context, n newsletter.Newsletter, b *newsletter.Subscription, served newsletter.Day) (NextDue, error) {
	schedule, err := ParseSchedule(n.Schedule, n.Location)
	if err != nil { // it has none
		return NextDue{}, nil //nolint:nilerr // New has looked at the others
	}
	first := true
	for after := s.now(); ; {
		due, ok := schedule.Next(after)
		if !ok {
			return NextDue{}, nil
		}
		turn := schedule.turn(dayOfLocal(due.Local))
		if first { // those after it have nothing to make up for, if it takes place
			if turn.Missed, err = s.missed(ctx, n, schedule, turn.Day); err != nil {
				return NextDue{}, err
			}
			first = false
		}
		if turn.Due(b.Cadence, served) {
			return NextDue{Newsletter: n.Name, Local: due.Local, At: due.At}, nil
		}
		after = due.At
		if night := instant((turn.Day + 1).Time(), n.Location).Add(-time.Nanosecond); night.After(after) {
			after = night
		}
	}
}
