package jobs

import "time"

// Throttle gives tests a look at how messages are spaced.
type Throttle struct{ t throttle }

// NewThrottle returns a throttle of so many messages a second.
func NewThrottle(rate float64) *Throttle { return &Throttle{throttle{rate: rate}} }

// Reserve is throttle.reserve.
func (x *Throttle) Reserve(limit time.Duration) (time.Duration, bool) { return x.t.reserve(limit) }
