package remote

import (
	"errors"
	"hash/fnv"
	"net/http"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// How often a place is asked.
const (
	usualVisit   = 30 * time.Minute // where nobody says anything
	soonestVisit = 10 * time.Minute // whatever the place says
	latestVisit  = 24 * time.Hour   // likewise, and of a place that fails
	retryVisit   = 5 * time.Minute  // after the first failure; it doubles
	fillVisit    = 10 * time.Minute // while articles wait to be completed
	againVisit   = time.Minute      // between two visits for people who wait
)

// due reports whether the place is to be asked.
func (s *Source) due(st *state, ask source.Ask, now time.Time) bool {
	switch {
	case ask.Mode == source.Trial, st.Asked.IsZero(), st.Asked.After(now): // the clock was set back
		return true
	case now.Before(st.NotBefore): // it asked to be left alone
		return false
	case ask.Accepted, ask.Mode == source.Told, st.Config != s.fingerprint():
		return true
	case ask.Mode == source.Now:
		return now.Sub(st.Asked) >= againVisit || st.Held != ""
	}
	return !now.Before(st.Due)
}

// nextVisit is when to come again after an answer.
func (s *Source) nextVisit(now time.Time, fresh time.Duration) time.Time {
	wait := s.o.Every
	if wait == 0 {
		if wait = usualVisit; fresh > 0 {
			wait = min(max(fresh, soonestVisit), latestVisit)
		}
	}
	return now.Add((wait + s.share(wait/10)).Truncate(time.Second))
}

// share is a part of d that is the source's own, so that those which were added
// together are not visited together.
func (s *Source) share(d time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(s.o.Name)) // never fails
	return d / 256 * time.Duration(h.Sum32()%256)
}

// backOff sets when to come again after a failure.
func (s *Source) backOff(st *state, err error, now time.Time) {
	wait := newsletter.Backoff(st.Failures, retryVisit, latestVisit, 0.5)
	var status *fetch.StatusError
	if errors.As(err, &status) {
		if status.Code == http.StatusGone {
			wait = latestVisit
		}
		if status.RetryAfter > 0 {
			wait = max(wait, status.RetryAfter)
			st.NotBefore = now.Add(status.RetryAfter)
		}
	}
	st.Due = now.Add(max(wait, min(s.o.Every, latestVisit)))
}
