package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// forecastDays is how far a forecast looks ahead: longer than any warm-up.
const forecastDays = 1000

// atLeast is how long something takes at least, and what says so. What receivers put
// off and how fast relays are is not foreseen.
type atLeast struct {
	took time.Duration // without quiet hours, unless days
	days bool          // it is a matter of days, not of sending
	rate float64       // messages a second; 0: it is not that simple
	by   string        // for people
}

// end is when that is over, if sending begins at a time.
func (x atLeast) end(begin, now time.Time, quiet newsletter.Quiet, zone *time.Location) time.Time {
	if days := now.Add(x.took); x.days && days.After(begin) {
		return days
	}
	if x.days {
		return begin
	}
	return quiet.After(begin, x.took, zone)
}

// forecast says how long so many messages take at least, by receiver, each by another
// limit: the rates of the relays, that of the newsletter (0: none), of the receiver
// that takes longest, and the days of a warm-up. What limits nothing is left out.
func (s *Service) forecast(ctx context.Context, total int, groups map[string]int, maxRate float64) ([]atLeast, error) {
	var out []atLeast
	add := func(messages int, rate float64, by string) {
		if rate > 0 && messages > 0 {
			out = append(out, atLeast{took: sending(messages, rate), rate: rate, by: by})
		}
	}
	add(total, capacity(s.o.Relays), "the rates of the relays")
	add(total, maxRate, "max_rate")
	slowest, most := "", 0.0
	for name, n := range groups {
		// Small domains stand together and are limited one by one.
		limit := s.groupLimit(name)
		if name == "" || limit.Rate <= 0 {
			continue
		}
		if took := float64(n) / limit.Rate; took > most || took == most && name < slowest {
			slowest, most = name, took
		}
	}
	if slowest != "" {
		add(groups[slowest], s.groupLimit(slowest).Rate, "the rate of "+slowest)
	}
	wait, err := s.warmUpTakes(ctx, total)
	if wait > 0 {
		out = append(out, atLeast{took: wait, days: true, by: "the warm-up of the relays"})
	}
	return out, err
}

// sending is how long messages take at a rate.
func sending(messages int, rate float64) time.Duration {
	return time.Duration(float64(messages) / rate * float64(time.Second))
}

func (s *Service) groupLimit(name string) GroupLimit {
	return (&limits{named: s.o.Delivery.Groups, others: s.o.Delivery.Others}).limitOf(name)
}

// inUse returns the relays that share the mail while all is well: others stand by.
func inUse(relays []mailer.Relay) []mailer.Relay {
	if i := slices.IndexFunc(relays, func(r mailer.Relay) bool { return r.Weight > 0 }); i < 0 {
		return relays[:min(1, len(relays))]
	}
	return slices.DeleteFunc(slices.Clone(relays), func(r mailer.Relay) bool { return r.Weight == 0 })
}

// capacity is how many messages a second the relays take by their rates; 0: one that
// is in use has none.
func capacity(relays []mailer.Relay) float64 {
	sum := 0.0
	for _, r := range inUse(relays) {
		if r.Rate <= 0 {
			return 0
		}
		sum += r.Rate
	}
	return sum
}

// warmUpTakes returns how long it is until the day on which the last of so many
// messages may go. A relay that stands by takes what goes beyond the day's messages
// of the others.
func (s *Service) warmUpTakes(ctx context.Context, messages int) (time.Duration, error) {
	left := int64(messages)
	now := s.now().In(s.o.Site.Location)
	for day, n := now, 0; n < forecastDays; n++ {
		for _, r := range s.o.Relays {
			limit, limited := r.WarmUp.Cap(day)
			if !limited {
				return day.Sub(now), nil
			}
			taken, err := s.store.MessagesTaken(ctx, newRelay(r).Name, dayOf(day))
			if err != nil {
				return 0, fmt.Errorf("reading the warm-up of %s: %w", r.Name, err)
			}
			left -= max(0, limit-taken)
		}
		if left <= 0 || len(s.o.Relays) == 0 {
			return day.Sub(now), nil
		}
		y, m, d := day.Date()
		day = time.Date(y, m, d+1, 0, 0, 0, 0, day.Location())
	}
	return 0, nil
}
