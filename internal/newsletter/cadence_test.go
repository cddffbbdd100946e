package newsletter_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
)

// november returns a day of November 2026, whose 2nd is a Monday.
func november(d int) newsletter.Day {
	return newsletter.DayOf(time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC))
}

func TestDue(t *testing.T) {
	t.Parallel()
	const never = newsletter.Day(0)
	everyDay := newsletter.Week(0x7f)
	tuesdays := newsletter.Week(0).With(time.Tuesday)
	weekend := newsletter.Week(0).With(time.Saturday).With(time.Sunday)
	for _, c := range []struct {
		cadence newsletter.Cadence
		week    newsletter.Week
		day     newsletter.Day
		served  newsletter.Day
		want    bool
	}{
		{newsletter.EachIssue, everyDay, november(2), november(2), true},
		{"hourly", everyDay, november(2), november(2), true}, // of a later version

		{newsletter.Daily, everyDay, november(2), november(1), true},
		{newsletter.Daily, everyDay, november(2), november(2), false},

		{newsletter.Weekdays, everyDay, november(6), november(5), true},  // Friday
		{newsletter.Weekdays, everyDay, november(6), november(6), false}, //
		{newsletter.Weekdays, everyDay, november(7), november(5), false}, // Saturday, though Friday brought nothing
		{newsletter.Weekdays, everyDay, november(9), november(6), true},
		{newsletter.Weekdays, weekend, november(7), november(1), true}, // comes on weekends only
		{newsletter.Weekdays, weekend, november(8), november(7), false},

		{newsletter.On(time.Monday), everyDay, november(2), never, true},
		{newsletter.On(time.Monday), everyDay, november(2), november(2), false},
		{newsletter.On(time.Monday), everyDay, november(3), never, false},
		{newsletter.On(time.Monday), everyDay, november(9), november(2), true},
		{newsletter.On(time.Monday), tuesdays, november(3), november(2), false}, // chosen that Tuesday: the day before counts
		{newsletter.On(time.Monday), tuesdays, november(3), november(1), true},
		{newsletter.On(time.Monday), tuesdays, november(10), november(3), true},
		{newsletter.On(time.Monday), 0, november(5), november(1), true}, // by hand only
		{newsletter.On(time.Monday), 0, november(6), november(5), false},
		{newsletter.On(time.Sunday), everyDay, november(8), november(1), true},

		{newsletter.Monthly, everyDay, november(2), november(1) - 1, true},
		{newsletter.Monthly, everyDay, november(30), november(1), false},
		{newsletter.Monthly, everyDay, november(31), november(30), true}, // 1 December
	} {
		turn := newsletter.Turn{Day: c.day, Week: c.week}
		if got := turn.Due(c.cadence, c.served); got != c.want {
			t.Errorf("%q on %s, served on %s, week %b: due %v", c.cadence, c.day.Time().Format(time.DateOnly), c.served.Time().Format(time.DateOnly), c.week, got)
		}
	}
}

// TestDueOfMissed: whose day was missed is due with the next issue, if they were not
// served since.
func TestDueOfMissed(t *testing.T) {
	t.Parallel()
	everyDay := newsletter.Week(0x7f)
	week := func(days ...time.Weekday) (w newsletter.Week) {
		for _, d := range days {
			w = w.With(d)
		}
		return w
	}
	monday, weekdays := newsletter.On(time.Monday), newsletter.Weekdays
	for _, c := range []struct {
		cadence newsletter.Cadence
		missed  newsletter.Week
		day     newsletter.Day
		served  newsletter.Day
		want    bool
	}{
		{monday, week(time.Monday), november(3), november(1), true},
		{monday, week(time.Monday), november(3), november(2), false},
		{monday, week(time.Monday, time.Tuesday), november(4), november(1) - 6, true},
		{monday, week(time.Monday), november(8), november(1), true},
		{monday, week(time.Monday), november(9), november(3), true}, // it is Monday again
		{monday, week(time.Tuesday), november(4), november(1), false},
		{monday, everyDay, november(2), november(2), false},
		{newsletter.On(time.Sunday), week(time.Sunday), november(2), november(1) - 7, true},
		{weekdays, week(time.Friday), november(7), november(5), true},
		{weekdays, week(time.Friday), november(8), november(6), false},
		{weekdays, week(time.Saturday), november(8), november(5), false},
		{newsletter.Monthly, everyDay, november(30), november(1), false},
		{newsletter.Daily, everyDay, november(3), november(3), false},
	} {
		turn := newsletter.Turn{Day: c.day, Week: everyDay, Missed: c.missed}
		if got := turn.Due(c.cadence, c.served); got != c.want {
			t.Errorf("%q on %s, served on %s, missed %b: due %v", c.cadence, c.day.Time().Format(time.DateOnly), c.served.Time().Format(time.DateOnly), c.missed, got)
		}
	}
}

// TestDayOf: the day is that of the clock at hand, before 1970 too.
func TestDayOf(t *testing.T) {
	t.Parallel()
	auckland := time.FixedZone("", 13*60*60)
	at := time.Date(2026, 11, 1, 23, 30, 0, 0, time.UTC)
	if a, b := newsletter.DayOf(at), newsletter.DayOf(at.In(auckland)); b != a+1 {
		t.Errorf("%d and %d", a, b)
	}
	for _, want := range []string{"1969-12-31", "1970-01-01", "2028-02-29"} {
		day, err := time.Parse(time.DateOnly, want)
		if err != nil {
			t.Fatal(err)
		}
		if got := newsletter.DayOf(day).Time().Format(time.DateOnly); got != want {
			t.Errorf("%s became %s", want, got)
		}
	}
}

// TestOffers: only what makes a difference is offered.
func TestOffers(t *testing.T) {
	t.Parallel()
	workdays := newsletter.Week(0x3e)
	mondays := newsletter.Week(0).With(time.Monday)
	for _, c := range []struct {
		rhythm newsletter.Rhythm
		want   string
	}{
		{newsletter.Rhythm{}, "[monthly]"}, // by hand
		{newsletter.Rhythm{Rare: true}, "[]"},
		{newsletter.Rhythm{Week: mondays}, "[monthly]"},
		{newsletter.Rhythm{Week: mondays, Often: true}, "[daily monday monthly]"},
		{newsletter.Rhythm{Week: workdays}, "[monday tuesday wednesday thursday friday monthly]"},
		{newsletter.Rhythm{Week: 0x7f}, "[weekdays monday tuesday wednesday thursday friday saturday sunday monthly]"},
		{newsletter.Rhythm{Week: mondays.With(time.Sunday)}, "[weekdays monday sunday monthly]"},
	} {
		if got := fmt.Sprint(c.rhythm.Offers()); got != c.want {
			t.Errorf("%+v offers %s, not %s", c.rhythm, got, c.want)
		}
	}
}

func TestCadences(t *testing.T) {
	t.Parallel()
	all := newsletter.Cadences()
	if len(all) != 10 || all[2] != "monday" || all[8] != "sunday" {
		t.Errorf("%q", all)
	}
	turn := newsletter.Turn{Day: november(4), Week: 0x7f}
	for _, c := range all {
		if turn.Due(c, november(4)) {
			t.Errorf("%s is due twice a day", c)
		}
		if everybody := (newsletter.Turn{Day: newsletter.Always}); !everybody.Due(c, november(4)) {
			t.Errorf("%s is not of everybody", c)
		}
	}
}
