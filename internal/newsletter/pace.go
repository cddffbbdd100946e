package newsletter

import "time"

// Pace is a limit in messages a second, more than 0. It is held by slots: points
// in time, evenly apart, at each of which one message may begin. A bucket in the
// store knows the next slot that nobody has; workers take some at a time.
//
// Because a slot may be used only for as long as Slack, any second sees at most
// the slots of a second and of a Slack: the rate and a burst of a tenth of it, or
// of one message where the rate is below ten a second.
type Pace float64

// slackLeast is how late a slot may be used at least, and how much a worker may
// have in hand: what it takes with it when it dies.
const slackLeast = 100 * time.Millisecond

// Interval is the time between two slots.
func (p Pace) Interval() time.Duration { return time.Duration(float64(time.Second) / float64(p)) }

// Slack is how long after its time a slot may be used, and how long before it a
// worker may take it.
func (p Pace) Slack() time.Duration { return max(slackLeast, p.Interval()) }

// Block is how many slots are taken at a time at most: half a Slack's worth, so
// that a worker may use one block while it takes the next.
func (p Pace) Block() int { return max(1, int(float64(p)*(slackLeast/2).Seconds())) }

// Slots are slots that somebody may use.
type Slots struct {
	Count int
	First time.Duration // when the first of them is, seen from the moment they were given; negative: it was
	Wait  time.Duration // with Count 0: when to ask again
}

// Take gives out up to n slots of a bucket whose next one is at next, and returns
// with them what the next one is then. lead is how long the slots will be on their
// way to whoever asks; what would be gone by then is not given. Slots that nobody
// took in time are gone, too. A next that no worker can have caused (the clock was
// set back, the rate was raised) is brought back to what one can.
func (p Pace) Take(next, now time.Time, n int, lead time.Duration) (Slots, time.Time) {
	slack, block := p.Slack(), time.Duration(p.Block())*p.Interval()
	if latest := now.Add(lead + slack + block); next.After(latest) {
		next = latest
	}
	// Half the Slack is left for the way from the worker to the wire.
	if earliest := now.Add(lead - slack/2); next.Before(earliest) {
		next = earliest
	}
	first := next.Sub(now)
	if first > lead+slack {
		return Slots{Wait: first - lead - slack}, next
	}
	n = max(1, min(n, p.Block()))
	span := time.Duration(float64(n) * float64(time.Second) / float64(p))
	return Slots{Count: n, First: first}, next.Add(span)
}
