package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// How often the conductor looks at what nobody tells it of.
const (
	controlTick = time.Second      // issues approved or resumed, and articles taken in, by another process
	longestWait = time.Minute      // so that a clock that was set, or a machine that slept, is noticed
	relistEvery = 10 * time.Minute // articles and lists, should the watcher miss a change
	relistAgain = 30 * time.Second // after a folder or a list could not be read
	sweepEvery  = time.Hour        // what has had its time, such as leases of the hub
	onTimeLimit = 10 * time.Minute // an occurrence served later than this was missed
)

// conductor decides what is to be done next, and asks for the jobs that do it. On
// PostgreSQL each node has one; the rows see to it that nothing is done twice.
type conductor struct {
	*tasks
	queue    *taskQueue
	claims   map[string]store.Claim // on jobs, as of this turn
	mended   bool                   // what jobs failed of may be mended
	listed   time.Time              // when a listing was asked for last; zero: one is wanted
	released time.Time              // the next scheduled article
	visit    time.Time              // the next visit of a source elsewhere
	told     time.Time              // when hubs or their subscribers are to be called next, zero: nothing is foreseen
	retell   bool                   // jobs for that were being done already
	mailed   bool                   // mail may have come back, and nobody was asked to take it in
	swept    time.Time              // when what has had its time was ended last
	forgets  bool                   // something is older than it is kept, or was a moment ago
	version  int64                  // of the articles, when the feeds were built last
	built    bool                   // the feeds, by this process
	beside   chan struct{}          // capacity 1: files beside articles may have changed
}

// conduct starts the jobs and asks for them as long as ctx lives.
func (s *Service) conduct(ctx context.Context, started time.Time) error {
	t := &tasks{Service: s, callers: s.newCallers(), started: started, said: map[string]string{}, failing: map[string]string{}}
	defer t.callers.close()
	if err := s.known(ctx); err != nil {
		return err
	}
	queue, err := s.startTasks(ctx, t)
	if err != nil {
		return err
	}
	defer queue.close()
	c := &conductor{tasks: t, queue: queue, mended: true, beside: make(chan struct{}, 1)}
	var copier sync.WaitGroup
	defer copier.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	copier.Go(func() { c.keepBeside(ctx) })
	for {
		if err := c.turn(ctx); err != nil {
			return err
		}
		if !c.wait(ctx) {
			return nil
		}
	}
}

// turn asks for everything that is to be done now.
func (c *conductor) turn(ctx context.Context) error {
	if err := c.lookAtClaims(ctx); err != nil {
		return err
	}
	now := c.now()
	if err := c.planVisit(ctx); err != nil {
		return err
	}
	if c.listed.IsZero() || now.Sub(c.listed) >= c.relistAfter() || now.Before(c.listed) || c.visitDue(now) {
		if !c.listed.IsZero() {
			poke(c.beside)
		}
		c.listed = time.Time{}
		// If a listing is under way, it may have passed what changed: ask again.
		asked, err := c.ask(ctx, ingestJob{})
		if err != nil {
			return err
		}
		if asked {
			c.listed = now
		}
	}
	if c.mailed {
		// If the job is being done, it may have passed the latest: ask again.
		asked, err := c.ask(ctx, maildirJob{})
		if err != nil {
			return err
		}
		c.mailed = !asked
	}
	n, err := c.store.ReleaseDue(ctx, now)
	if err != nil {
		return fmt.Errorf("releasing scheduled articles: %w", err)
	}
	if n > 0 {
		c.log.Info("scheduled articles released", "articles", n)
	}
	if err := c.publish(ctx); err != nil {
		return err
	}
	if c.released, err = c.store.NextRelease(ctx); err != nil {
		return err
	}
	if err := c.sweep(ctx, now); err != nil {
		return err
	}
	if err := c.hub(ctx, now); err != nil {
		return err
	}
	for _, n := range c.o.Newsletters {
		var r NewsletterReport
		o, due, err := c.dueOf(ctx, n, c.onTime(), &r)
		if err == nil && due {
			_, err = c.ask(ctx, composeJob{Newsletter: n.Name, Local: o.Local, Rehearsal: o.Rehearsal})
		}
		if err != nil {
			return err
		}
	}
	open, err := c.openIssues(ctx)
	if err != nil {
		return err
	}
	for _, i := range open {
		if i.State != newsletter.IssueSealing {
			continue
		}
		if _, err := c.ask(ctx, sealJob{Issue: i.ID}); err != nil {
			return err
		}
	}
	return nil
}

// lookAtClaims finds out which jobs are being done, on any node, and which failed
// a moment ago.
func (c *conductor) lookAtClaims(ctx context.Context) (err error) {
	if c.mended {
		if err := c.store.ForgetFailures(ctx); err != nil {
			return err
		}
		c.mended = false
	}
	if c.claims, err = c.store.Claims(ctx); err != nil {
		return err
	}
	if k, left := c.claims[ingestJob{}.name()]; left && k.Left == 0 {
		c.listed = time.Time{} // the last listing was not finished
	}
	return nil
}

// ask asks for a job; false: somebody does it, it waits to be done, or it failed
// a moment ago.
func (c *conductor) ask(ctx context.Context, j job) (bool, error) {
	k := c.claims[j.name()]
	if k.Left > 0 {
		return false, nil
	}
	asked, died, err := c.queue.ask(ctx, j.at(k.Fence))
	if err != nil || !died {
		return asked, err
	}
	fence, err := c.store.Claim(ctx, j.name(), k.Fence, 0)
	if errors.Is(err, store.ErrStale) { // it lives
		return false, nil
	}
	if err != nil {
		return false, err
	}
	asked, _, err = c.queue.ask(ctx, j.at(fence))
	return asked, err
}

// publish builds this node's feeds, which costs next to nothing if nothing
// changed. A disk that is full must not stop the mail: it is tried again next turn.
func (c *conductor) publish(ctx context.Context) (err error) {
	before := c.version
	if c.version, err = c.store.ArticlesVersion(ctx); err != nil {
		return err
	}
	if c.version != before {
		poke(c.beside)
	}
	r, err := c.Publish(ctx)
	c.built = err == nil
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		c.log.Error("feeds not built", "error", err)
		return nil
	}
	if len(r.Written) > 0 {
		c.log.Info("feeds built", "written", len(r.Written), "removed", len(r.Removed), "feeds", r.Feeds, "items", r.Items)
	}
	for _, problem := range r.Problems {
		c.log.Warn("feeds", "problem", problem)
	}
	if _, news := c.differs("feeds", fmt.Sprint(r.Held)); news {
		for _, h := range r.Held {
			c.log.Warn("feed held", "file", h.File, "reason", h.Reason)
		}
	}
	return nil
}

// keepBeside publishes the files beside articles of this node's folders as often
// as they may have changed. Where one node does everything, its listings do that.
// There may be many and large ones, so the conductor does not wait for them.
func (c *conductor) keepBeside(ctx context.Context) {
	if c.store.Pool() == nil {
		return
	}
	for {
		for name, failed := range c.publishBeside(ctx) {
			c.logFiles(name, failed)
		}
		select {
		case <-ctx.Done():
			return
		case <-c.beside:
		}
	}
}

// sweep ends, now and then, what has had its time.
func (c *conductor) sweep(ctx context.Context, now time.Time) error {
	if now.Sub(c.swept) < sweepEvery && !now.Before(c.swept) {
		return c.retainOld(ctx)
	}
	n, err := c.store.SweepHub(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		c.log.Info("leases of the hub ended", "subscriptions", n)
	}
	c.swept, c.forgets = now, true
	return c.retainOld(ctx)
}

// retainOld asks for what is old to be let go, again if that failed.
func (c *conductor) retainOld(ctx context.Context) (err error) {
	if !c.forgets {
		return nil
	}
	if c.forgets, err = c.retentionDue(ctx); err == nil && c.forgets {
		_, err = c.ask(ctx, retentionJob{})
	}
	return err
}

// hub asks for the jobs of WebSub.
func (c *conductor) hub(ctx context.Context, now time.Time) error {
	w, err := c.store.HubWork(ctx)
	if err != nil {
		return err
	}
	c.told = time.Time{}
	var wanted []job
	if w.Pings {
		wanted = append(wanted, pingJob{})
	}
	if w.Requests {
		wanted = append(wanted, verifyJob{})
	}
	if w.Pushes {
		wanted = append(wanted, pushJob{})
	}
	for _, topic := range w.Topics {
		wanted = append(wanted, distributeJob{Topic: topic})
	}
	c.retell = false
	for _, j := range wanted {
		asked, err := c.ask(ctx, j)
		if err != nil {
			return err
		}
		// One that is about to end may have passed what is due.
		c.retell = c.retell || !asked
	}
	if w.Next > 0 {
		c.told = now.Add(w.Next)
	}
	return nil
}

// again asks once more for jobs of WebSub that were being done.
func (c *conductor) again(ctx context.Context) error {
	if err := c.lookAtClaims(ctx); err != nil {
		return err
	}
	return c.hub(ctx, c.now())
}

// wait waits until something may be to be done; false: ctx ended.
func (c *conductor) wait(ctx context.Context) bool {
	timer := time.NewTimer(c.untilNext())
	defer timer.Stop()
	control := time.NewTicker(controlTick)
	defer control.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-c.changed:
			c.listed, c.mended = time.Time{}, true
			poke(c.beside)
			return true
		case <-c.look:
			return true
		case <-c.mail:
			c.mailed = true
			return true
		case <-control.C:
			if c.listed.IsZero() || c.mailed || c.stirred(ctx) || c.retell && c.again(ctx) != nil {
				return ctx.Err() == nil
			}
		}
	}
}

// stirred reports whether another process changed something that this one is to
// act on, or somebody deleted the feeds. An error counts as well: the turn will say it.
func (c *conductor) stirred(ctx context.Context) bool {
	version, err := c.store.ArticlesVersion(ctx)
	if err != nil || version != c.version || c.built && !c.builder.Standing() {
		return true
	}
	open, err := c.openIssues(ctx)
	return err != nil || anySealing(open)
}

// relistAfter is how long a listing is good for.
func (c *conductor) relistAfter() time.Duration {
	if c.failed.Load() {
		return relistAgain
	}
	return relistEvery
}

// untilNext is how long to wait at most for the next occurrence, scheduled
// article or relisting.
func (c *conductor) untilNext() time.Duration {
	now := c.now()
	next := now.Add(longestWait)
	earlier := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	earlier(c.released)
	earlier(c.told)
	if !c.listed.IsZero() { // else by the tick
		earlier(c.listed.Add(c.relistAfter()))
		if c.visit.After(c.listed) {
			earlier(c.visit)
		}
	}
	for _, k := range c.claims { // its worker may be gone, or it may be tried again
		if k.Left > 0 {
			earlier(now.Add(k.Left))
		}
	}
	for _, d := range c.NextDue(now) {
		earlier(d.At)
	}
	return max(next.Sub(now), 10*time.Millisecond)
}
