package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

const (
	// steerEvery is how often a worker looks at the issues it sends: whether one
	// was paused, by another process too, is in its quiet hours, or goes wrong.
	steerEvery = time.Second
	// judgeEvery is how often it counts an issue that has no failures here and no
	// new complaints: it may have failures elsewhere.
	judgeEvery = 10 * time.Second
)

// steering is what a deliverer knows of the issues it sends.
type steering struct {
	looked  time.Time        // by the wall clock
	judged  map[int64]judged // by issue
	resting []string         // newsletters in their quiet hours
}

// judged is when an issue was last judged, and how many had complained.
type judged struct {
	at         time.Time
	complaints int
}

// steer looks at the issues that are sending, at most every second unless it must
// be now, and stops what is not to go on: it drops the rows that wait. A store
// that fails is no reason to stop: what writes to it will say so.
func (d *deliverer) steer(ctx context.Context, must bool) {
	now := wallClock()
	if !must && now.Sub(d.steering.looked) < steerEvery {
		return
	}
	d.steering.looked = now
	sending, err := d.s.store.Sending(ctx, d.s.Rehearsal())
	if err != nil {
		if ctx.Err() == nil {
			d.s.log.Warn("issues not looked at", "error", err)
		}
		return
	}
	d.steering.resting = d.s.resting()
	goes := map[int64]bool{}
	for _, x := range sending {
		goes[x.Issue] = !d.s.quiet(x.Newsletter)
	}
	d.queue.keepIssues(func(issue int64) bool { return goes[issue] })
	d.forgetIssues(goes)
	for _, x := range sending {
		if err := d.look(ctx, x, now); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrConflict) {
			d.s.log.Warn("issue not looked at", "issue", x.Issue, "error", err)
		}
	}
}

// forgetIssues forgets what it knew of issues that are not sending. Those in their
// quiet hours are.
func (d *deliverer) forgetIssues(sending map[int64]bool) {
	over := func(issue int64) bool {
		_, known := sending[issue]
		return !known
	}
	d.breaker.forget(over)
	maps.DeleteFunc(d.steering.judged, func(issue int64, _ judged) bool { return over(issue) })
}

// look judges an issue that is sending.
func (d *deliverer) look(ctx context.Context, x store.Standing, now time.Time) error {
	suspect, trip := d.breaker.take(x.Issue)
	if trip != "" {
		err := d.trip(ctx, x, trip)
		if err != nil && !errors.Is(err, store.ErrConflict) {
			d.breaker.again(x.Issue, trip)
		}
		return err
	}
	complaints, err := d.s.store.Complaints(ctx, x.Issue)
	if err != nil {
		return err
	}
	before := d.steering.judged[x.Issue]
	if suspect || complaints != before.complaints || now.Sub(before.at) >= judgeEvery {
		d.steering.judged[x.Issue] = judged{now, complaints}
		t, err := d.s.store.IssueTally(ctx, x.Issue)
		if err != nil {
			return err
		}
		if reason := d.s.o.Delivery.Breaker.verdict(t, complaints, x); reason != "" {
			return d.trip(ctx, x, reason)
		}
	}
	if x.Canary {
		return d.s.lookAtCanary(ctx, x)
	}
	return nil
}

// trip pauses an issue.
func (d *deliverer) trip(ctx context.Context, x store.Standing, reason string) error {
	err := d.s.stop(ctx, x, newsletter.ByBreaker, reason)
	d.queue.loseIssue(x.Issue)
	return err
}

// stop pauses an issue for an operator to look at.
func (s *Service) stop(ctx context.Context, x store.Standing, by newsletter.PausedBy, reason string) error {
	if err := s.store.Pause(ctx, x.Issue, by, reason); err != nil {
		return err
	}
	s.log.Warn("issue paused", "newsletter", x.Newsletter, "issue", x.Number, "by", string(by), "reason", reason)
	return nil
}

// lookAtCanaries is what a run does about them, which waits for none.
func (s *Service) lookAtCanaries(ctx context.Context) error {
	sending, err := s.store.Sending(ctx, s.Rehearsal())
	if err != nil {
		return err
	}
	for _, x := range sending {
		if !x.Canary {
			continue
		}
		if err := s.lookAtCanary(ctx, x); err != nil && !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("looking at the canary of issue %d of %s: %w", x.Number, x.Newsletter, err)
		}
	}
	return ctx.Err()
}

// lookAtCanary lets the rest of an issue follow when its canary was tried, has
// been waited for and looks well. Deliveries that are to be tried again later are
// not waited for: one full mailbox shall not stop everybody.
func (s *Service) lookAtCanary(ctx context.Context, x store.Standing) error {
	groups, err := s.store.GroupTallies(ctx, x.Issue)
	if err != nil {
		return err
	}
	var t store.Tally
	for _, g := range groups {
		if g.Wave == 0 {
			t = t.Add(g.Tally)
		}
	}
	if t.Total() == 0 { // chance chose nobody
		return s.openRest(ctx, x)
	}
	if t.Pending-t.Deferred+t.Sending > 0 {
		return nil
	}
	if !x.Tried {
		s.log.Info("canary is out", "newsletter", x.Newsletter, "issue", x.Number, "messages", t.Total())
		return s.store.CanaryTried(ctx, x.Issue)
	}
	n, err := s.Newsletter(x.Newsletter)
	if errors.Is(err, store.ErrNotFound) { // it was taken out of the configuration: nothing to wait for
		err = nil
	}
	if err != nil || x.TriedFor < n.Canary.Wait {
		return err
	}
	complaints, err := s.store.Complaints(ctx, x.Issue)
	if err != nil {
		return err
	}
	if reason := canaryVerdict(t, complaints, s.o.Delivery.Breaker); reason != "" {
		return s.stop(ctx, x, newsletter.ByCanary, reason)
	}
	return s.openRest(ctx, x)
}

// canaryVerdict says why a canary does not look well; empty: it does.
func canaryVerdict(t store.Tally, complaints int, o BreakerOptions) string {
	tried := t.Total() - t.Cancelled
	switch {
	case tried == 0:
		return ""
	case o.Failures > 0 && float64(t.Failed) >= o.Failures*float64(tried):
		return fmt.Sprintf("of the first %d, %d failed (%s)", tried, t.Failed, percent(t.Failed, tried))
	case o.Complaints > 0 && complaints > 1 && float64(complaints) > o.Complaints*float64(tried):
		return fmt.Sprintf("of the first %d, %d complained", tried, complaints)
	case 2*t.Sent < tried:
		return fmt.Sprintf("of the first %d, only %d were accepted so far", tried, t.Sent)
	}
	return ""
}

func (s *Service) openRest(ctx context.Context, x store.Standing) error {
	if err := s.store.OpenRest(ctx, x.Issue); err != nil {
		return err
	}
	s.log.Info("canary looks well, the rest follows", "newsletter", x.Newsletter, "issue", x.Number)
	s.Wake()
	return nil
}

// listen looks at the issues as soon as another process changed one, where the
// database tells of it.
func (d *deliverer) listen(ctx context.Context) {
	for {
		err := d.s.store.Listen(ctx, func() {
			d.hurry.Store(true)
			poke(d.progress)
			poke(d.s.look) // an issue may have to be sealed
		})
		if err == nil || ctx.Err() != nil {
			return
		}
		d.s.log.Warn("not told of changes, looking every second", "error", err)
		if !sleep(ctx, restartPause) {
			return
		}
	}
}
