package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"syndicate/internal/newsletter"
)

// How often Serve looks at what nobody tells it of.
const (
	controlTick  = 2 * time.Second  // issues approved or resumed by another process
	longestWait  = time.Minute      // so that a clock that was set, or a machine that slept, is noticed
	relistEvery  = 10 * time.Minute // articles and lists, should the watcher miss a change
	restartPause = 5 * time.Second  // after the store failed
	onTimeLimit  = 10 * time.Minute // an occurrence served later than this was missed
)

// Serve does the work as long as ctx lives: it ingests when files change,
// releases scheduled articles, builds the feeds, composes what is due, seals and
// delivers. When ctx ends, what is in flight is finished within the grace period
// and leases are given back; then Serve returns nil. store.ErrLocked: another
// daemon serves this database.
//
// One goroutine conducts, one (with its own) delivers, one watches files. They
// tell each other by channels; what other processes do is noticed by a look at
// the store every other second.
func (s *Service) Serve(ctx context.Context) error {
	release, err := s.store.LockDaemon()
	if err != nil {
		return err
	}
	defer release()
	if err := s.store.FreeLeases(ctx); err != nil {
		return fmt.Errorf("freeing leases: %w", err)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return s.keep(gctx, "delivery", func(ctx context.Context) error { return s.Deliver(ctx) })
	})
	g.Go(func() error { return s.keep(gctx, "conductor", (&conductor{Service: s, started: s.now()}).run) })
	g.Go(func() error { s.watchFiles(gctx); return nil })
	return g.Wait()
}

// Deliver delivers what is due as long as ctx lives: what a further machine runs
// on PostgreSQL.
func (s *Service) Deliver(ctx context.Context) error {
	_, err := s.deliver(ctx, false, 0)
	return err
}

// keep runs a part of the daemon, and again after it failed: a database that was
// away comes back.
func (s *Service) keep(ctx context.Context, name string, run func(context.Context) error) error {
	for {
		err := run(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopping is no failure; what was cut is in the store
		}
		s.log.Error("failed, will start again", "part", name, "error", err, "in", restartPause)
		if !sleep(ctx, restartPause) {
			return nil
		}
	}
}

// conductor decides what is to be done next.
type conductor struct {
	*Service
	started  time.Time // occurrences before it are missed ones
	listed   time.Time // when articles and lists were looked at last
	released time.Time // the next scheduled article
}

func (c *conductor) run(ctx context.Context) error {
	if err := c.known(ctx); err != nil {
		return err
	}
	for {
		if err := c.turn(ctx); err != nil {
			return err
		}
		if !c.wait(ctx) {
			return nil
		}
	}
}

// turn does everything that is to be done now.
func (c *conductor) turn(ctx context.Context) error {
	now := c.now()
	if c.listed.IsZero() || now.Sub(c.listed) >= relistEvery || now.Before(c.listed) {
		if err := c.relist(ctx, now); err != nil {
			return err
		}
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
	for _, n := range c.o.Newsletters {
		if err := c.occurrence(ctx, n, now); err != nil {
			return err
		}
	}
	return c.sealAll(ctx)
}

// relist looks at the articles and lists.
func (c *conductor) relist(ctx context.Context, now time.Time) error {
	lists, err := c.SyncLists(ctx)
	if err != nil {
		return err
	}
	for _, l := range lists {
		r := l.Result
		switch {
		case l.Error != "":
			c.log.Error("list not synced", "newsletter", l.Newsletter, "file", l.File, "error", l.Error)
		case r.Added+r.Changed+r.Refused+l.Skipped > 0:
			c.log.Info("list synced", "newsletter", l.Newsletter, "added", r.Added, "changed", r.Changed, "refused", r.Refused, "skipped", l.Skipped)
		}
	}
	report, err := c.Ingest(ctx)
	if err != nil {
		return err
	}
	for _, r := range report.Sources {
		if r.Added+r.Changed+r.Moved+r.Unpublished+len(r.Problems) > 0 || r.Held != "" {
			c.log.Info("articles ingested", "source", r.Source, "added", r.Added, "changed", r.Changed, "moved", r.Moved,
				"unpublished", r.Unpublished, "problems", len(r.Problems), "held", r.Held)
		}
		for _, p := range r.Problems {
			c.log.Warn("article problem", "source", r.Source, "problem", p.Error())
		}
	}
	c.listed = now
	return nil
}

// publish builds the feeds, which costs next to nothing if nothing changed. A
// disk that is full must not stop the mail: it is tried again next turn.
func (c *conductor) publish(ctx context.Context) error {
	r, err := c.Publish(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		c.log.Error("feeds not built", "error", err)
		return nil
	}
	if len(r.Written) > 0 {
		c.log.Info("feeds built", "files", r.Written, "items", r.Items)
	}
	return nil
}

// occurrence composes a newsletter if it is due. A newsletter that cannot be
// composed (a broken template) is tried again each turn: its occurrence is taken
// only when it ends in an issue or in nothing new.
func (c *conductor) occurrence(ctx context.Context, n newsletter.Newsletter, now time.Time) error {
	onTime := c.started
	if limit := now.Add(-onTimeLimit); limit.After(onTime) {
		onTime = limit
	}
	var r NewsletterReport
	o, due, err := c.dueOf(ctx, n, onTime, &r)
	if err != nil || !due {
		return err
	}
	p, err := c.compose(ctx, n)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		c.log.Error("composing failed", "newsletter", n.Name, "due", o.Local, "error", err)
		return nil
	}
	return c.issueFrom(ctx, p, &o, &r)
}

// sealAll seals what is to be sealed.
func (c *conductor) sealAll(ctx context.Context) error {
	open, err := c.openIssues(ctx)
	if err != nil {
		return err
	}
	for _, i := range open {
		if i.State != newsletter.IssueSealing {
			continue
		}
		if c.now().Sub(i.ProgressAt) > c.patience(i) {
			if err := c.pauseStale(ctx); err != nil {
				return err
			}
			continue
		}
		if _, err := c.seal(ctx, i.ID); err != nil {
			var content *contentError
			if !errors.As(err, &content) {
				return err
			}
			c.log.Error("sealing failed", "newsletter", i.Newsletter, "issue", i.Number, "error", err)
		}
	}
	return nil
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
			c.listed = time.Time{}
			return true
		case <-c.look:
			return true
		case <-control.C:
			if open, err := c.openIssues(ctx); err != nil {
				return ctx.Err() == nil // the turn will say it
			} else if anySealing(open) {
				return true
			}
		}
	}
}

func anySealing(issues []newsletter.Issue) bool {
	for _, i := range issues {
		if i.State == newsletter.IssueSealing {
			return true
		}
	}
	return false
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
	earlier(c.listed.Add(relistEvery))
	for _, d := range c.NextDue(now) {
		earlier(d.At)
	}
	return max(next.Sub(now), 10*time.Millisecond)
}
