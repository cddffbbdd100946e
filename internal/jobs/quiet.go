package jobs

import (
	"time"

	"syndicate/internal/newsletter"
)

// quietUntil returns when the quiet hours of a newsletter end in which it is now;
// zero: it is not in any. A rehearsal wakes nobody.
func (s *Service) quietUntil(n newsletter.Newsletter, now time.Time) time.Time {
	if s.Rehearsal() {
		return time.Time{}
	}
	return n.Quiet.Until(now, n.Location)
}

// quiet reports whether a newsletter begins no message now. It is asked before
// each message.
func (s *Service) quiet(name string) bool {
	for i := range s.o.Newsletters {
		n := &s.o.Newsletters[i]
		if n.Name == name {
			return n.Quiet.From != n.Quiet.To && !s.Rehearsal() && n.Quiet.At(s.now().In(n.Location))
		}
	}
	return false
}

// resting returns the newsletters that are in their quiet hours.
func (s *Service) resting() []string {
	var names []string
	for i := range s.o.Newsletters {
		if n := &s.o.Newsletters[i]; s.quiet(n.Name) {
			names = append(names, n.Name)
		}
	}
	return names
}

// QuietUntil returns when the quiet hours of a newsletter end in which it is now;
// zero: it is not in any.
func (s *Service) QuietUntil(n newsletter.Newsletter) time.Time {
	if n.Location == nil {
		n.Location = s.o.Site.Location
	}
	return s.quietUntil(n, s.now())
}
