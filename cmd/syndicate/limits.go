package main

import (
	"fmt"
	"strconv"

	"syndicate/internal/jobs"
)

// tellLimits adds how the relays stand.
func tellLimits(l *lines, relays []jobs.RelayState) {
	for _, r := range relays {
		state := ""
		switch {
		case r.Cap > 0:
			state = fmt.Sprintf("warm-up: %s of %s today", count(int(r.Today), "message"), number(int(r.Cap)))
		case !r.PausedUntil.IsZero():
			state = "paused"
		}
		l.add("relay", "%s", join(" · ", r.Name, r.Address, state))
	}
}

// warnLimits tells of relays that take nothing and of receivers that push back.
func (s *site) warnLimits(v statusView) {
	zone := s.cfg.Site.TimeZone
	for _, r := range v.Relays {
		s.warnRelay(r)
	}
	for _, g := range v.Groups {
		state := fmt.Sprintf("slowed to %s until %s: %s", perSecond(g.Rate), moment(g.SlowedUntil, zone), g.Reason)
		if !g.PausedUntil.IsZero() {
			state = fmt.Sprintf("paused until %s, then slowed to %s: %s", moment(g.PausedUntil, zone), perSecond(g.Rate), g.Reason)
		}
		s.warn("mail to "+g.Name, state, "")
	}
}

// warnRelay tells of a relay that takes nothing now.
func (s *site) warnRelay(r jobs.RelayState) {
	if !r.PausedUntil.IsZero() {
		s.warn("relay "+r.Name, fmt.Sprintf("paused until %s: %s", moment(r.PausedUntil, s.cfg.Site.TimeZone), r.Reason), "")
	}
}

// perSecond is a rate for people: 20/s, 0.5/s, 6/m.
func perSecond(rate float64) string {
	if rate < 0.1 {
		return strconv.FormatFloat(rate*60, 'g', 2, 64) + "/m"
	}
	return strconv.FormatFloat(rate, 'g', 3, 64) + "/s"
}
