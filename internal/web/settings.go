package web

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
)

// settingsView is what the owner of a subscription chooses.
type settingsView struct {
	Topics, Cadences, Languages, Items, Hours []choice
	Zone                                      string
	Zones                                     []string // that are suggested
	DefaultZone                               string   // the newsletter's
	Clock                                     string   // what time it is in the zone, in words; empty: that is not known
	Pause, PauseFrom, PauseTo                 string   // days, as 2026-11-30; Pause empty: none
	Open                                      bool     // to be seen at once
	Problem                                   string   // why nothing was saved, in words for its owner; empty: nothing is wrong
	Wrong                                     string   // with Problem: which field it is about, "zone" or "pause"
	Before                                    []field  // what undoes the last change; none: nothing was changed
}

// choice is one of several.
type choice struct {
	Value, Label string
	Lang         string // of the label, where it is not the page's
	Chosen       bool
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// itemChoices are the numbers of articles that are offered.
var itemChoices = []int{1, 3, 5, 10, 20}

// pauseDays is how long a pause can be.
const pauseDays = 366

// settings shows what a subscription is set to and what it could be.
func (s *server) settings(ctx context.Context, words *i18n.Words, n newsletter.Newsletter, sub *newsletter.Subscription) (*settingsView, error) {
	v := &settingsView{Zone: sub.Subscriber.TimeZone, Zones: suggestedZones, DefaultZone: s.zone(n).String()}
	topics, err := s.o.Service.Topics(ctx, n.Name)
	if err != nil {
		return nil, err
	}
	v.Topics = topicChoices(topics, sub.Topics)
	rhythm, err := s.o.Service.Rhythm(n.Name)
	if err != nil {
		return nil, err
	}
	v.Cadences = cadenceChoices(words, rhythm.Offers(), sub.Cadence)
	v.Languages = languageChoices(words, n.Language, sub.Subscriber.Language)
	for _, hour := range append([]int{-1}, hours()...) {
		label := words.T("preferences.hour_any")
		if hour >= 0 {
			label = words.Time(time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC))
		}
		v.Hours = append(v.Hours, choice{Value: strconv.Itoa(hour), Label: label, Chosen: hour == max(sub.Hour, -1)})
	}
	for _, items := range itemsOffered(n, sub.MaxItems) {
		label := words.T("preferences.items_all")
		if items > 0 {
			label = words.Number(items)
		}
		v.Items = append(v.Items, choice{Value: strconv.Itoa(items), Label: label, Chosen: items == sub.MaxItems})
	}
	zone := s.zoneOf(n, sub)
	v.Clock = words.T("preferences.clock", "zone", zone.String(), "time", words.Time(s.now().In(zone)))
	today := newsletter.DayOf(s.now().In(zone))
	v.PauseFrom, v.PauseTo = dateOf(today+1), dateOf(today+pauseDays)
	if sub.PausedTill.After(s.now()) {
		v.Pause = s.pausedTill(n, sub)
	}
	return v, nil
}

func hours() []int {
	all := make([]int, 24)
	for i := range all {
		all[i] = i
	}
	return all
}

// itemsOffered are numbers of articles below the newsletter's own, 0 for that, and
// the one that is set.
func itemsOffered(n newsletter.Newsletter, set int) []int {
	out := []int{0, set}
	for _, items := range itemChoices {
		if items < n.Max {
			out = append(out, items)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// topicChoices are the topics that are offered, and those that are chosen already.
func topicChoices(offered, chosen []string) []choice {
	var out []choice
	for _, name := range offered {
		value := newsletter.JoinTopics([]string{name})
		out = append(out, choice{Value: value, Label: name, Chosen: slices.Contains(chosen, value)})
	}
	for _, name := range chosen {
		if !slices.ContainsFunc(out, func(c choice) bool { return c.Value == name }) {
			out = append(out, choice{Value: name, Label: name, Chosen: true})
		}
	}
	slices.SortFunc(out, func(a, b choice) int { return strings.Compare(a.Value, b.Value) })
	return out
}

func cadenceChoices(words *i18n.Words, offered []newsletter.Cadence, set newsletter.Cadence) []choice {
	if set != newsletter.EachIssue && !slices.Contains(offered, set) && slices.Contains(newsletter.Cadences(), set) {
		offered = append(offered, set)
	}
	out := make([]choice, 0, len(offered)+1)
	for _, c := range append([]newsletter.Cadence{newsletter.EachIssue}, offered...) {
		out = append(out, choice{Value: string(c), Label: words.T("cadence." + cmp.Or(string(c), "each")), Chosen: c == set})
	}
	return out
}

// languageChoices are those in which there are words, and the one that is set.
func languageChoices(words *i18n.Words, own, set string) []choice {
	out := []choice{{Label: words.T("preferences.language_default", "language", languageName(own)), Chosen: set == ""}}
	tags := i18n.Languages()
	if set != "" && !slices.Contains(tags, set) {
		tags = append(tags, set)
	}
	for _, tag := range tags {
		out = append(out, choice{Value: tag, Label: languageName(tag), Lang: tag, Chosen: tag == set})
	}
	return out
}

// zoneOf returns the zone by whose clock a subscription is served.
func (s *server) zoneOf(n newsletter.Newsletter, sub *newsletter.Subscription) *time.Location {
	if loc, err := time.LoadLocation(sub.Subscriber.TimeZone); err == nil && sub.Subscriber.TimeZone != "" {
		return loc
	}
	return s.zone(n)
}

func dateOf(d newsletter.Day) string { return d.Time().Format(time.DateOnly) }

// suggestedZones are some of those that can be written: one for most clocks on Earth.
var suggestedZones = []string{
	"Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "Africa/Tunis",
	"America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Chicago", "America/Denver", "America/Halifax",
	"America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Phoenix", "America/Santiago", "America/Sao_Paulo",
	"America/St_Johns", "America/Toronto",
	"Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Karachi", "Asia/Kathmandu", "Asia/Kolkata",
	"Asia/Manila", "Asia/Riyadh", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Taipei", "Asia/Tehran", "Asia/Tokyo",
	"Atlantic/Azores", "Atlantic/Reykjavik",
	"Australia/Adelaide", "Australia/Brisbane", "Australia/Perth", "Australia/Sydney",
	"Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon",
	"Europe/London", "Europe/Madrid", "Europe/Moscow", "Europe/Paris", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich",
	"Indian/Reunion", "Pacific/Auckland", "Pacific/Honolulu", "Pacific/Noumea", "UTC",
}
