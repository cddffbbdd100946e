package jobs

import (
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
func (s *Service) turn(n newsletter.Newsletter, o *newsletter.Occurrence) newsletter.Turn {
	t := newsletter.Turn{Day: s.Today(n)}
	if o != nil {
		if local, err := time.Parse(localFormat, o.Local); err == nil {
			t.Day = newsletter.DayOf(local)
		}
	}
	if schedule, err := ParseSchedule(n.Schedule, n.Location); err == nil {
		t.Week = schedule.Rhythm(t.Day).Week
	}
	return t
}

// nextTurn returns the next due time of a newsletter that is a subscription's turn;
// false: there is none.
func (s *Service) nextTurn(n newsletter.Newsletter, b *newsletter.Subscription, served newsletter.Day) (NextDue, bool) {
	schedule, err := ParseSchedule(n.Schedule, n.Location)
	if err != nil {
		return NextDue{}, false
	}
	for after := s.now(); ; {
		due, ok := schedule.Next(after)
		if !ok {
			return NextDue{}, false
		}
		turn := s.turn(n, &newsletter.Occurrence{Local: due.Local})
		if turn.Due(b.Cadence, served) {
			return NextDue{Newsletter: n.Name, Local: due.Local, At: due.At}, true
		}
		after = due.At
		if night := instant((turn.Day + 1).Time(), n.Location).Add(-time.Nanosecond); night.After(after) {
			after = night
		}
	}
}
