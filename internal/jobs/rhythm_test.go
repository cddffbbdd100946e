package jobs_test

import (
	"slices"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestRhythm: how often a schedule comes is told from its next four weeks.
func TestRhythm(t *testing.T) {
	t.Parallel()
	from := newsletter.DayOf(time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)) // the clock is moved within
	week := func(days ...time.Weekday) (w newsletter.Week) {
		for _, d := range days {
			w = w.With(d)
		}
		return w
	}
	for spec, want := range map[string]newsletter.Rhythm{
		"0 7 * * MON":      {Week: week(time.Monday)},
		"0 7 * * MON-FRI":  {Week: 0x3e},
		"0 7,19 * * *":     {Week: 0x7f, Often: true},
		"* * * * *":        {Week: 0x7f, Often: true},
		"0 2 * * SUN":      {Week: week(time.Sunday)}, // an hour that there is twice
		"0 7 1 * *":        {Rare: true},
		"0 7 1,15 * *":     {},
		"0 7 24 12 *":      {Rare: true},
		"59 23 * * SAT":    {Week: week(time.Saturday)},
		"0 0 * * SAT,SUN":  {Week: week(time.Saturday, time.Sunday)},
		"@daily":           {Week: 0x7f},
		"0 7 * 11 TUE,WED": {}, // comes in November only
	} {
		if got := schedule(t, spec, "Europe/Paris").Rhythm(from); got != want {
			t.Errorf("%s: %+v, want %+v", spec, got, want)
		}
	}
}

// TestExplainKnowsCadence: the next issue of somebody is one of their days; so does
// the report of an issue that nobody is due for.
func TestExplainKnowsCadence(t *testing.T) {
	t.Parallel()
	s := newSite(t) // Monday 4 May 2026, 6 o'clock
	s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
	v := s.service()
	email := s.subscribe(1)[0]
	title := s.article()
	who, err := s.store.SubscriberByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	for cadence, want := range map[newsletter.Cadence]string{
		newsletter.EachIssue: "2026-05-04T07:00", newsletter.Daily: "2026-05-04T07:00", newsletter.On(time.Thursday): "2026-05-07T07:00", newsletter.Monthly: "2026-06-01T07:00",
	} {
		err := s.store.SetPreferences(t.Context(), who.ID, "weekly", store.Preferences{Cadence: &cadence, From: 0}, s.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		// As if it had been served on the first of the month.
		day := newsletter.DayOf(time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC))
		if err := s.store.SetPreferences(t.Context(), who.ID, "weekly", store.Preferences{Cadence: &cadence, From: day}, s.clock.now()); err != nil {
			t.Fatal(err)
		}
		e, err := v.Explain(t.Context(), email)
		if err != nil {
			t.Fatal(err)
		}
		got := e.Newsletters[0]
		if got.Next.Local != want || len(got.WhyNot) > 0 || len(got.Waiting) != 1 || got.Waiting[0].Title != title {
			t.Errorf("%q: %+v, want %s", cadence, got, want)
		}
	}
	monthly := newsletter.Monthly
	if err := s.store.SetPreferences(t.Context(), who.ID, "weekly", store.Preferences{Cadence: &monthly, From: newsletter.DayOf(s.clock.now())}, s.clock.now()); err != nil {
		t.Fatal(err)
	}
	p, err := v.Preview(t.Context(), "weekly")
	if err != nil || p.Nothing != "its subscribers want it on other days" || p.Recipients != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestTopicsOffered: tags of the newsletter's own articles, however they are written.
func TestTopicsOffered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit(func(n *newsletter.Newsletter) { n.Select.Tags = []string{"sea"} })
	v := s.service()
	offered := func() []string {
		t.Helper()
		topics, err := v.Topics(t.Context(), "weekly")
		if err != nil {
			t.Fatal(err)
		}
		return topics
	}
	if got := offered(); len(got) != 0 {
		t.Errorf("%q", got)
	}
	s.article(tagged("Sea", "Wind"))
	s.article(tagged("sea", "Boats"))
	s.article(tagged("bread"))
	if got := offered(); !slices.Equal(got, []string{"Boats", "sea", "Wind"}) && !slices.Equal(got, []string{"Boats", "Sea", "Wind"}) {
		t.Errorf("%q", got)
	}
}
