package main

import (
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"syndicate/internal/jobs"
)

// progress shows on a terminal how far the work is, one bar at a time, and leaves
// nothing behind. Elsewhere it shows nothing: the report comes soon enough.
type progress struct {
	a    *app
	show bool
	step string
	bar  *progressbar.ProgressBar
}

func (a *app) progress() *progress {
	return &progress{a: a, show: !a.json && !a.verbose && isTerminal(a.err)}
}

// tell takes the progress of the jobs, which never call it concurrently.
func (p *progress) tell(x jobs.Progress) {
	if !p.show {
		return
	}
	if step := strings.TrimSpace(x.Step + " " + x.Name); step != p.step || p.bar == nil {
		p.close()
		total := int64(x.Total)
		if total == 0 {
			total = -1
		}
		p.step = step
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.a.err),
			progressbar.OptionSetDescription(step),
			progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionUseANSICodes(true),
		)
	}
	if x.Total > 0 {
		p.bar.ChangeMax(x.Total)
	}
	if p.bar.Set(x.Done) != nil { // beyond the total: a count that grew
		p.close()
	}
}

// close takes the bar away.
func (p *progress) close() {
	if p.bar == nil {
		return
	}
	if p.bar.Clear() != nil { // nothing to be done about a screen that is gone
		p.show = false
	}
	p.bar, p.step = nil, ""
}
