package jobs_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"syndicate/internal/jobs"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func schedule(t *testing.T, spec, zoneName string) jobs.Schedule {
	t.Helper()
	s, err := jobs.ParseSchedule(spec, zone(t, zoneName))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScheduleNext follows schedules over the days on which clocks jump.
func TestScheduleNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, zone, spec string
		after            string   // UTC
		want             []string // local = UTC
	}{
		{"ordinary days", "Europe/Paris", "0 7 * * MON", "2026-01-01T00:00:00Z", []string{
			"2026-01-05T07:00 = 2026-01-05T06:00:00Z", "2026-01-12T07:00 = 2026-01-12T06:00:00Z",
		}},
		{"Paris, spring: 02:30 does not exist", "Europe/Paris", "30 2 * * *", "2026-03-28T00:00:00Z", []string{
			"2026-03-28T02:30 = 2026-03-28T01:30:00Z", "2026-03-29T02:30 = 2026-03-29T01:00:00Z", "2026-03-30T02:30 = 2026-03-30T00:30:00Z",
		}},
		{"Paris, autumn: 02:30 comes twice", "Europe/Paris", "30 2 * * *", "2026-10-24T12:00:00Z", []string{
			"2026-10-25T02:30 = 2026-10-25T00:30:00Z", "2026-10-26T02:30 = 2026-10-26T01:30:00Z",
		}},
		{"Paris, autumn: asked in the second pass", "Europe/Paris", "*/20 2 * * *", "2026-10-25T01:10:00Z", []string{
			"2026-10-26T02:00 = 2026-10-26T01:00:00Z",
		}},
		{"Paris, autumn: each quarter of the doubled hour once", "Europe/Paris", "*/30 2,3 * * *", "2026-10-25T00:00:00Z", []string{
			"2026-10-25T02:30 = 2026-10-25T00:30:00Z", "2026-10-25T03:00 = 2026-10-25T02:00:00Z",
		}},
		{"New York, spring", "America/New_York", "0 2 * * *", "2026-03-08T00:00:00Z", []string{
			"2026-03-08T02:00 = 2026-03-08T07:00:00Z", "2026-03-09T02:00 = 2026-03-09T06:00:00Z",
		}},
		{"New York, autumn", "America/New_York", "15 1 * * *", "2026-11-01T00:00:00Z", []string{
			"2026-11-01T01:15 = 2026-11-01T05:15:00Z", "2026-11-02T01:15 = 2026-11-02T06:15:00Z",
		}},
		{"Lord Howe, spring: half an hour is missing", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", []string{
			"2026-10-04T02:15 = 2026-10-03T15:30:00Z", "2026-10-05T02:15 = 2026-10-04T15:15:00Z",
		}},
		{"Lord Howe, autumn: half an hour comes twice", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00Z", []string{
			"2026-04-05T01:45 = 2026-04-04T14:45:00Z", "2026-04-06T01:45 = 2026-04-05T15:15:00Z",
		}},
		{"Apia skipped a day", "Pacific/Apia", "0 7 * * *", "2011-12-29T00:00:00Z", []string{
			"2011-12-29T07:00 = 2011-12-29T17:00:00Z", "2011-12-30T07:00 = 2011-12-30T10:00:00Z", "2011-12-31T07:00 = 2011-12-30T17:00:00Z",
		}},
		{"Casablanca, Ramadan begins", "Africa/Casablanca", "30 2 * * *", "2026-02-14T12:00:00Z", []string{
			"2026-02-15T02:30 = 2026-02-15T01:30:00Z", "2026-02-16T02:30 = 2026-02-16T02:30:00Z",
		}},
		{"Casablanca, Ramadan ends", "Africa/Casablanca", "30 2 * * *", "2026-03-21T12:00:00Z", []string{
			"2026-03-22T02:30 = 2026-03-22T02:00:00Z", "2026-03-23T02:30 = 2026-03-23T01:30:00Z",
		}},
		{"leap day", "UTC", "0 0 29 2 *", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00 = 2028-02-29T00:00:00Z"}},
		{"descriptor", "Asia/Kathmandu", "@daily", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00 = 2026-01-01T18:15:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := schedule(t, c.spec, c.zone)
			at, err := time.Parse(time.RFC3339, c.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				d, ok := s.Next(at)
				if !ok {
					t.Fatal("no next time")
				}
				got = append(got, d.Local+" = "+d.At.UTC().Format(time.RFC3339))
				at = d.At
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestScheduleRefused(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"":                          "empty",
		"@every 5m":                 "no fixed times",
		"TZ=Europe/Paris 0 7 * * *": "time_zone",
		"CRON_TZ=UTC 0 7 * * *":     "time_zone",
		"0 7 * *":                   "5 fields",
		"0 0 7 * * *":               "5 fields",
		"61 7 * * *":                "above maximum",
		"0 0 30 2 *":                "never comes",
		strings.Repeat("1,", 200):   "too long",
	} {
		_, err := jobs.ParseSchedule(spec, time.UTC)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "exactly ", ""), want) {
			t.Errorf("ParseSchedule(%q) = %v, want an error with %q", spec, err, want)
		}
	}
}

func TestScheduleLatest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, spec       string
		last, since, now string
		want             string // local, + earlier; empty: nothing
		earlier          int
	}{
		{"nothing due yet", "0 7 * * *", "", "2026-05-04T06:00:00Z", "2026-05-04T06:59:59Z", "", 0},
		{"due on the instant", "0 7 * * *", "", "2026-05-04T06:00:00Z", "2026-05-04T07:00:00Z", "2026-05-04T07:00", 0},
		{"before the newsletter was first seen", "0 7 * * *", "", "2026-05-04T07:00:01Z", "2026-05-04T12:00:00Z", "", 0},
		{"first seen on the instant", "0 7 * * *", "", "2026-05-04T07:00:00Z", "2026-05-04T12:00:00Z", "2026-05-04T07:00", 0},
		{"done already", "0 7 * * *", "2026-05-04T07:00", "2026-05-01T00:00:00Z", "2026-05-04T12:00:00Z", "", 0},
		{"three missed", "0 7 * * *", "2026-05-01T07:00", "2026-04-01T00:00:00Z", "2026-05-04T12:00:00Z", "2026-05-04T07:00", 2},
		{"a clock set back", "0 7 * * *", "2026-05-09T07:00", "2026-05-01T00:00:00Z", "2026-05-04T12:00:00Z", "", 0},
		{"a key that cannot be read", "0 7 * * *", "soon", "2026-05-04T00:00:00Z", "2026-05-04T12:00:00Z", "2026-05-04T07:00", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := func(s string) time.Time {
				v, err := time.Parse(time.RFC3339, s)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			d, earlier, ok := schedule(t, c.spec, "UTC").Latest(c.last, at(c.since), at(c.now))
			if d.Local != c.want || earlier != c.earlier || ok != (c.want != "") {
				t.Errorf("got %q, %d earlier, %v; want %q, %d", d.Local, earlier, ok, c.want, c.earlier)
			}
		})
	}
}

// TestScheduleProperty steps through time at random and checks that each local
// time comes once, in order, none is left out, and that each is due when the
// clock first shows it or something later.
func TestScheduleProperty(t *testing.T) {
	t.Parallel()
	zones := []string{
		"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
		"America/St_Johns", "Asia/Tehran", "Antarctica/Troll", "Europe/Dublin", "America/Sao_Paulo",
	}
	specs := []string{"30 2 * * *", "*/20 * * * *", "0 0 * * *", "59 23 * * SUN", "15 1,2,3 * * *", "0 12 1 * *", "@hourly"}
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(r, "zone")
		loc := zone(t, name)
		s := schedule(t, rapid.SampledFrom(specs).Draw(r, "spec"), name)
		// Near a jump of the clock, if the zone has one in that year.
		near := time.Date(rapid.IntRange(2008, 2030).Draw(r, "year"), 1, 1, 0, 0, 0, 0, loc)
		for range rapid.IntRange(0, 2).Draw(r, "jump") {
			if _, end := near.ZoneBounds(); !end.IsZero() && end.Sub(near) < 366*24*time.Hour {
				near = end
			}
		}
		start := near.Add(-time.Duration(rapid.IntRange(0, 72*60).Draw(r, "before")) * time.Minute)
		now, last := start, ""
		var due []jobs.Due
		count := 0
		for range 40 {
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(r, "step")) * time.Minute)
			if d, earlier, ok := s.Latest(last, start, now); ok {
				due, last = append(due, d), d.Local
				count += 1 + earlier
			}
		}
		for i, d := range due {
			if i > 0 && (d.Local <= due[i-1].Local || d.At.Before(due[i-1].At)) {
				r.Fatalf("%v after %v", d, due[i-1])
			}
			if d.At.Before(start) || d.At.After(now) {
				r.Fatalf("%v is outside", d)
			}
			if shown := d.At.In(loc).Format("2006-01-02T15:04"); shown < d.Local {
				r.Fatalf("%s is due at %s, when the clock shows %s", d.Local, d.At.UTC(), shown)
			}
			if shown := d.At.Add(-time.Nanosecond).In(loc).Format("2006-01-02T15:04"); shown >= d.Local {
				r.Fatalf("%s is due at %s, but a moment before the clock showed %s", d.Local, d.At.UTC(), shown)
			}
		}
		// Nothing was left out, nothing came twice: Latest over the whole span
		// counts as many.
		d, earlier, ok := s.Latest("", start, now)
		if ok != (count > 0) || ok && (earlier+1 != count || d.Local != last) {
			r.Fatalf("Latest finds %d up to %s, stepping found %d up to %s", earlier+1, d.Local, count, last)
		}
	})
}
