package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/web"
)

// chosen is a form of settings as a browser sends it, with changes; a nil value
// leaves a field out.
func chosen(name string, change url.Values) url.Values {
	f := url.Values{
		"newsletter": {name}, "save": {"1"}, "cadence": {""}, "language": {""}, "items": {"0"}, "hour": {"-1"}, "time_zone": {""}, "pause": {""},
	}
	maps.Copy(f, change)
	return f
}

// undoForm returns the form that undoes the last change of a page.
func undoForm(t *testing.T, body string) url.Values {
	t.Helper()
	_, rest, ok := strings.Cut(body, `class="note said"`)
	form, _, ok2 := strings.Cut(rest, "</form>")
	if !ok || !ok2 {
		t.Fatalf("nothing undoes it:\n%s", body)
	}
	f := url.Values{}
	for _, m := range regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		f.Add(m[1], m[2])
	}
	return f
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposePreferences, her, "weekly")
	before := s.subscriber(her, "weekly")
	body := text(t, s.get(link), 200)
	contains(t, body, `name="topics" value="craft"`, `name="topics" value="sea"`, `<option value="monthly">The first of each month</option>`,
		`<option value="fr" lang="fr">Français</option>`, `<option value="-1" selected>`, `min="2026-11-24" max="2027-11-24"`)
	lacks(t, body, `value="monday"`, `value="daily"`, "checked", "Saved") // it comes on Mondays only

	body = text(t, s.post(link, chosen("weekly", url.Values{
		"topics": {"sea", "craft"}, "cadence": {"monthly"}, "language": {"fr"}, "items": {"5"}, "hour": {"18"}, "time_zone": {" America/Halifax "}, "pause": {"2026-12-24"},
	})), 200)
	contains(t, body, `<html lang="fr"`, "C’est enregistré", "En pause jusqu’au 24 décembre 2026", `value="sea" checked`, `<option value="monthly" selected>`, `value="America/Halifax"`)
	got := s.subscriber(her, "weekly")
	want := before
	want.Topics, want.Cadence, want.MaxItems, want.Hour = []string{"craft", "sea"}, newsletter.Monthly, 5, 18
	want.Subscriber.Language, want.Subscriber.TimeZone = "fr", "America/Halifax"
	want.PausedTill = time.Date(2026, 12, 24, 4, 0, 0, 0, time.UTC)
	want.Served, want.RehearsalServed = newsletter.DayOf(start)-1, newsletter.DayOf(start)-1
	same(t, got, want)
	if q := s.subscriber(her, "quotidien"); q.Cadence != "" || q.MaxItems != 0 || !q.PausedTill.IsZero() {
		t.Errorf("another subscription changed: %+v", q)
	}

	contains(t, body, "Dans le fuseau America/Halifax, il est 06\u00a0h\u00a000.")

	// Its undo brings all of it back.
	body = text(t, s.post(link, undoForm(t, body)), 200)
	contains(t, body, "Your former choice is back", `<html lang="en"`)
	want = before
	want.Served, want.RehearsalServed = got.Served, got.RehearsalServed
	same(t, s.subscriber(her, "weekly"), want)

	// What stays as it is is not written down as the owner's choice.
	contains(t, text(t, s.post(link, chosen("weekly", nil)), 200), "Saved")
	topics := []string{"sea"}
	_, err := s.store.SyncList(t.Context(), "weekly", []newsletter.Line{{N: 2, Email: other}}, false, s.clock())
	s.check(err)
	_, err = s.store.SyncList(t.Context(), "weekly", []newsletter.Line{{N: 2, Email: other, Topics: &topics}}, false, s.clock())
	s.check(err)
	if got := s.subscriber(other, "weekly").Topics; !slices.Equal(got, topics) {
		t.Errorf("topics %q", got)
	}
}

// TestZones: a time zone may be typed as people do; its clock is shown, so that they see
// whether it is right.
func TestZones(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposePreferences, her, "weekly")
	shown := func(r *http.Response, code int) string {
		t.Helper()
		weekly, _, ok := strings.Cut(text(t, r, code), "Le Quotidien")
		if !ok {
			t.Fatal("the other newsletter is not there")
		}
		return weekly
	}
	contains(t, shown(s.get(link), 200), "In UTC it is 10:00 now.", `<option value="Europe/Paris"></option>`)
	for _, c := range []struct{ typed, name, clock string }{
		{"europe/paris", "Europe/Paris", "In Europe/Paris it is 11:00 now."},
		{"America/New York", "America/New_York", "In America/New_York it is 05:00 now."},
		{"tokyo", "Asia/Tokyo", "In Asia/Tokyo it is 19:00 now."},
		{" buenos  aires ", "America/Argentina/Buenos_Aires", "In America/Argentina/Buenos_Aires it is 07:00 now."},
		{"utc", "UTC", "In UTC it is 10:00 now."},
		{"", "", "In UTC it is 10:00 now."},
	} {
		body := shown(s.post(link, chosen("weekly", url.Values{"time_zone": {c.typed}})), 200)
		contains(t, body, `name="time_zone" value="`+c.name+`"`)
		if n := strings.Count(body, c.clock); n != 2 { // where it is said that it is saved, and at the field
			t.Errorf("%q: the clock is shown %d times", c.typed, n)
		}
		if got := s.subscriber(her, "weekly").Subscriber.TimeZone; got != c.name {
			t.Errorf("%q is %q, want %q", c.typed, got, c.name)
		}
		again := shown(s.post(link, chosen("weekly", url.Values{"time_zone": {c.name}})), 200)
		if n := strings.Count(again, c.clock); n != 1 {
			t.Errorf("%q: nothing changed, and the clock is shown %d times", c.typed, n)
		}
	}
	wrong := shown(s.post(link, chosen("weekly", url.Values{"time_zone": {"atlantis"}})), 422)
	contains(t, wrong, "“atlantis” is no time zone", `value="atlantis"`)
	lacks(t, wrong, "it is 10:00 now")
}

// same compares subscriptions but for when they were changed.
func same(t *testing.T, got, want newsletter.Subscription) {
	t.Helper()
	got.UpdatedAt = want.UpdatedAt
	if got.Newsletter != want.Newsletter || got.Subscriber != want.Subscriber || !slices.Equal(got.Topics, want.Topics) || got.Cadence != want.Cadence ||
		got.MaxItems != want.MaxItems || got.Hour != want.Hour || !got.PausedTill.Equal(want.PausedTill) || got.Served != want.Served || got.State != want.State {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestSettingsAreChecked: what no form of ours sends is refused, what was mistyped is
// shown again; neither changes anything.
func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposePreferences, her, "weekly")
	before := s.subscriber(her, "weekly")
	many := make([]string, 101)
	for i := range many {
		many[i] = "t" + strings.Repeat("x", i)
	}
	for _, f := range []url.Values{
		{"cadence": {"hourly"}},
		{"cadence": {"Monday"}},
		{"language": {"xx"}},
		{"language": {`"><script>`}},
		{"items": {"-1"}},
		{"items": {"many"}},
		{"items": nil},
		{"hour": {"24"}},
		{"hour": {"-2"}},
		{"hour": nil},
		{"topics": many},
		{"topics": {"a\x00b"}},
		{"topics": {strings.Repeat("x", 10_000)}},
		{"newsletter": {"none"}},
	} {
		text(t, s.post(link, chosen("weekly", f)), 422)
	}
	for _, c := range []struct {
		change url.Values
		want   string
	}{
		{url.Values{"time_zone": {"Europe/Atlantis"}}, "“Europe/Atlantis” is no time zone"},
		{url.Values{"time_zone": {"../../etc/passwd"}}, "is no time zone"},
		{url.Values{"time_zone": {"Local"}}, "is no time zone"},
		{url.Values{"time_zone": {"<b>"}}, "“&lt;b&gt;” is no time zone"},
		{url.Values{"pause": {"2027-12-24"}}, "within the next year"},
		{url.Values{"pause": {"tomorrow"}}, "within the next year"},
	} {
		c.change.Set("items", "3")
		body := text(t, s.post(link, chosen("weekly", c.change)), 422)
		contains(t, body, `role="alert"`, c.want, `<option value="3" selected>`)
		lacks(t, body, "Saved")
	}
	same(t, s.subscriber(her, "weekly"), before)

	// Of somebody who left nothing is to be chosen.
	for _, name := range []string{"weekly", "quotidien"} {
		text(t, s.post(link, url.Values{"newsletter": {name}, "confirm": {"1"}}), 200)
	}
	lacks(t, text(t, s.get(link), 200), `name="save"`)
}

// TestPauseDay: a pause ends on a day to come. What has passed is asked about, and ends no
// pause that is on; an empty field does.
func TestPauseDay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposePreferences, her, "weekly")
	choose := func(want int, day string) string {
		t.Helper()
		return text(t, s.post(link, chosen("weekly", url.Values{"pause": {day}})), want)
	}
	till := func(want time.Time) {
		t.Helper()
		if got := s.subscriber(her, "weekly").PausedTill; !got.Equal(want) {
			t.Errorf("paused until %v, want %v", got, want)
		}
	}
	wrong := func(day string) {
		t.Helper()
		body := choose(422, day)
		contains(t, body, "A pause ends on a day from tomorrow on", `name="pause" value="`+day+`"`, `aria-invalid="true" aria-describedby="problem-0 pause-text-0"`, `role="alert" id="problem-0"`)
		lacks(t, body, "Saved")
	}
	for _, day := range []string{"2026-01-01", "2026-11-22", "2026-11-23"} {
		wrong(day)
	}
	till(time.Time{})
	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	contains(t, choose(200, "2026-12-01"), "Saved", "Paused until 1 December 2026")
	wrong("2026-11-23")
	till(december)
	contains(t, choose(200, ""), "Saved")
	till(time.Time{})

	// The day that is set may pass while the page is open.
	choose(200, "2026-12-01")
	s.pass(8 * 24 * time.Hour)
	contains(t, choose(200, "2026-12-01"), "Saved")
	wrong("2026-11-30")
	till(december)

	// The field of the zone is named where that is wrong.
	body := text(t, s.post(link, chosen("weekly", url.Values{"time_zone": {"Atlantis"}})), 422)
	contains(t, body, `aria-invalid="true" aria-describedby="problem-0 zone-text-0"`)
	if n := strings.Count(body, "aria-invalid"); n != 1 {
		t.Errorf("%d fields are wrong", n)
	}
}

// TestOtherNewsletters: the preferences lead to the forms of the site's other newsletters,
// where they have one and are listed; nobody is subscribed by it.
func TestOtherNewsletters(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) {
		closed, hidden := o.Newsletters[0], o.Newsletters[0]
		closed.Name, closed.Title, closed.Closed = "closed", "The Closed", true
		hidden.Name, hidden.Title, hidden.Archive = "hidden", "The Hidden", newsletter.ArchivePrivate
		o.Newsletters = append(o.Newsletters, closed, hidden)
	})
	body := text(t, s.get(s.link(newsletter.PurposePreferences, other, "weekly")), 200)
	_, others, found := strings.Cut(body, `<section id="others">`)
	if !found {
		t.Fatalf("no others: %s", body)
	}
	contains(t, others, "Other newsletters", "Le Quotidien", "Chaque matin.", `href="/newsletters/quotidien/subscribe"`, `lang="fr"`)
	lacks(t, body, "The Closed", "The Hidden")
	lacks(t, others, "The Weekly")
	lacks(t, text(t, s.get(s.link(newsletter.PurposePreferences, her, "weekly")), 200), `id="others"`) // she has both
}
