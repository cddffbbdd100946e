package main

import (
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"syndicate/internal/jobs"
)

// patience is how long a step may take before it gets a bar: most never do.
const patience = 300 * time.Millisecond

// progress shows on a terminal how far the work is, one bar at a time, and leaves
// nothing behind. Elsewhere it shows nothing: the report comes soon enough.
type progress struct {
	a     *app
	show  bool
	step  string
	since time.Time // the step began
	noted bool      // the bar leaves room for a note and says no times of its own
	note  string    // what else there is to say of the step; it may change while that lasts
	bar   *progressbar.ProgressBar
}

func (a *app) progress() *progress {
	return &progress{a: a, show: !a.json && !a.verbose && isTerminal(a.err)}
}

// tell takes the progress of the jobs, which never call it concurrently.
func (p *progress) tell(x jobs.Progress) {
	if !p.show {
		return
	}
	if step := strings.TrimSpace(x.Step + " " + x.Name); step != p.step {
		p.close()
		p.step, p.since = step, time.Now()
	}
	if p.bar == nil && time.Since(p.since) < patience {
		return
	}
	total := x.Total
	if total == 0 {
		total = -1 // unknown
	}
	if p.bar == nil {
		width, throttle := 30, 100*time.Millisecond
		if p.noted {
			width, throttle = 12, 0 // it fits into 80 columns, and note and figures change together
		}
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.a.err),
			progressbar.OptionSetWidth(width),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(!p.noted),
			progressbar.OptionSetElapsedTime(!p.noted),
			progressbar.OptionThrottle(throttle),
			progressbar.OptionSetSpinnerChangeInterval(0), // else it goes on turning after the end
			progressbar.OptionUseANSICodes(true),
		)
	}
	p.bar.Describe(p.step + p.note)
	p.bar.ChangeMax(total)
	if p.bar.Set(x.Done) != nil { // a screen that is gone
		p.show = false
	}
}

// close takes the bar away.
func (p *progress) close() {
	if p.bar != nil && p.bar.Clear() != nil {
		p.show = false
	}
	p.bar, p.step = nil, ""
}
