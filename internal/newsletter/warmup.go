package newsletter

import (
	"math"
	"time"
)

// WarmUp is how many messages a new relay may get a day: First on the day From,
// Growth times as many each day after. Receivers distrust an address that sends
// much and that they never heard of. The zero WarmUp is no limit.
type WarmUp struct {
	From   time.Time // midnight of the first day, in any zone: only its date counts
	Until  time.Time // the first day without a limit, zero: the curve goes on
	First  int
	Growth float64
}

// On reports whether there is a plan.
func (w WarmUp) On() bool { return w.First > 0 }

// unlimited is more than any relay sends a day.
const unlimited = 1 << 40

// Cap returns how many messages the relay may get on the day of now, by now's
// zone, and whether that is a limit at all. Before From it is 0.
func (w WarmUp) Cap(now time.Time) (int64, bool) {
	if !w.On() {
		return 0, false
	}
	day := date(now)
	if !w.Until.IsZero() && !day.Before(date(w.Until)) {
		return 0, false
	}
	days := int(day.Sub(date(w.From)) / (24 * time.Hour))
	if days < 0 {
		return 0, true
	}
	n := float64(w.First) * math.Pow(w.Growth, float64(days))
	if n > unlimited {
		return 0, false
	}
	return int64(n), true
}

// date is the calendar day of a time in its zone, where all days are 24 hours.
func date(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
