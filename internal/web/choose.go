package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

// wish is a form of settings that was read.
type wish struct {
	topics   []string
	cadence  newsletter.Cadence
	language string
	items    int
	hour     int
	zone     string
	pause    string // a day; empty: none
}

// wrongZone is the problem of a time zone that there is not.
const wrongZone = "preferences.zone_wrong"

// maxChosen is how many topics somebody may choose, and how long they may be
// together.
const maxChosen = 100

// readWish reads a form of settings. What no form of ours sends is refused; what its
// owner may have mistyped comes back as problem, the key of the words for it.
func (s *server) readWish(f url.Values, n newsletter.Newsletter, sub *newsletter.Subscription) (w wish, problem string, ok bool) {
	items, err := strconv.Atoi(f.Get("items"))
	hour, herr := strconv.Atoi(f.Get("hour"))
	topics := f["topics"]
	if err != nil || herr != nil || items < 0 || items > 1000 || hour < -1 || hour > 23 || len(topics) > maxChosen || len(strings.Join(topics, "|")) > 50*maxChosen {
		return w, "", false
	}
	w = wish{
		topics: newsletter.SplitTopics(newsletter.JoinTopics(topics)), cadence: newsletter.Cadence(f.Get("cadence")), language: f.Get("language"),
		items: items, hour: hour, zone: strings.TrimSpace(f.Get("time_zone")), pause: strings.TrimSpace(f.Get("pause")),
	}
	for _, t := range w.topics {
		if strings.ContainsFunc(t, func(r rune) bool { return r < ' ' || r == '\ufffd' }) {
			return w, "", false
		}
	}
	if w.cadence != newsletter.EachIssue && !slices.Contains(newsletter.Cadences(), w.cadence) {
		return w, "", false
	}
	if w.language != "" && w.language != sub.Subscriber.Language && !slices.Contains(i18n.Languages(), w.language) {
		return w, "", false
	}
	if w.zone, ok = zoneNamed(w.zone); !ok {
		return w, wrongZone, true
	}
	if w.pause != "" {
		zone := s.zoneOf(n, &newsletter.Subscription{Subscriber: newsletter.Subscriber{TimeZone: w.zone}})
		day, err := time.Parse(time.DateOnly, w.pause)
		today := newsletter.DayOf(s.now().In(zone))
		if err != nil || newsletter.DayOf(day) > today+pauseDays || newsletter.DayOf(day) <= today && w.pause != s.pausedTill(n, sub) {
			return w, "preferences.pause_wrong", true
		}
	}
	return w, "", true
}

// zoneNamed returns the time zone that somebody means by what they typed: its name, or
// a city of those that are suggested. Empty stays: it is the newsletter's.
func zoneNamed(typed string) (name string, ok bool) {
	if typed == "" {
		return "", true
	}
	if name, ok = roster.Zone(typed); ok {
		return name, true
	}
	city := "/" + strings.Join(strings.Fields(typed), "_")
	for _, suggested := range suggestedZones {
		if at := len(suggested) - len(city); at > 0 && strings.EqualFold(suggested[at:], city) {
			return suggested, true
		}
	}
	return typed, false
}

// changes returns what the wish changes; false: nothing. What stays as it is goes on
// following the operator's list.
func (s *server) changes(w wish, n newsletter.Newsletter, sub *newsletter.Subscription) (p store.Preferences, changed bool) {
	if newsletter.JoinTopics(w.topics) != newsletter.JoinTopics(sub.Topics) {
		p.Topics, changed = &w.topics, true
	}
	if w.cadence != sub.Cadence {
		p.Cadence, p.From, changed = &w.cadence, s.o.Service.Today(n), true
	}
	if w.language != sub.Subscriber.Language {
		p.Language, changed = &w.language, true
	}
	if w.items != sub.MaxItems {
		p.MaxItems, changed = &w.items, true
	}
	if w.hour != max(sub.Hour, -1) {
		p.Hour, changed = &w.hour, true
	}
	if w.zone != sub.Subscriber.TimeZone {
		p.TimeZone, changed = &w.zone, true
	}
	if till := s.pauseEnd(w, n); !till.Equal(sub.PausedTill) && (till.After(s.now()) || sub.PausedTill.After(s.now())) {
		p.PausedTill, changed = &till, true
	}
	return p, changed
}

// pauseEnd returns when a pause ends: as its day begins, by the owner's clock.
func (s *server) pauseEnd(w wish, n newsletter.Newsletter) time.Time {
	day, err := time.Parse(time.DateOnly, w.pause)
	if err != nil {
		return time.Time{}
	}
	zone := s.zoneOf(n, &newsletter.Subscription{Subscriber: newsletter.Subscriber{TimeZone: w.zone}})
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone).UTC()
}

// pausedTill returns the day until which a subscription is or was paused, by its owner's
// clock; empty: it never was.
func (s *server) pausedTill(n newsletter.Newsletter, sub *newsletter.Subscription) string {
	if sub.PausedTill.IsZero() {
		return ""
	}
	return dateOf(newsletter.DayOf(sub.PausedTill.In(s.zoneOf(n, sub))))
}

// fields returns a form that makes a subscription what it is.
func (s *server) fields(n newsletter.Newsletter, sub *newsletter.Subscription) []field {
	pause := ""
	if sub.PausedTill.After(s.now()) {
		pause = s.pausedTill(n, sub)
	}
	out := []field{
		{"cadence", string(sub.Cadence)},
		{"language", sub.Subscriber.Language},
		{"items", strconv.Itoa(sub.MaxItems)},
		{"hour", strconv.Itoa(max(sub.Hour, -1))},
		{"time_zone", sub.Subscriber.TimeZone},
		{"pause", pause},
	}
	for _, t := range sub.Topics {
		out = append(out, field{"topics", t})
	}
	return out
}
