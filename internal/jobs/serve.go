package jobs

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// restartPause is how long to wait after the store failed.
const restartPause = 5 * time.Second

// Serve does the work as long as ctx lives: it ingests when files change,
// releases scheduled articles, builds the feeds, composes what is due, seals and
// delivers. When ctx ends, what is in flight is finished within the grace period
// and leases are given back; then Serve returns nil. store.ErrLocked: another
// daemon serves this database.
//
// One goroutine conducts: it asks for the discrete jobs (tasks.go), which River
// does, on this node or another. One (with its own) delivers, one answers those who
// sign up, one writes down what was counted, two watch files, one reads a mailbox.
// They tell each other by channels; what other processes do is noticed by a look
// at the store every other second.
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
	g.Go(func() error { return s.Work(gctx) })
	started := s.now()
	g.Go(func() error {
		return s.keep(gctx, "conductor", func(ctx context.Context) error { return s.conduct(ctx, started) })
	})
	g.Go(func() error { return s.keep(gctx, "sign-ups", s.signUps) })
	g.Go(func() error { return s.keep(gctx, "counts", s.keepCounts) })
	g.Go(func() error { s.watchFiles(gctx); return nil })
	g.Go(func() error { s.watchMail(gctx); return nil })
	if s.o.Bounces.IMAP.Host != "" {
		g.Go(func() error { return s.keep(gctx, "mailbox", s.readIMAP) })
	}
	return g.Wait()
}

// Work delivers what is due as long as ctx lives: what a further machine does on
// PostgreSQL. It begins when the links in mail lead here.
func (s *Service) Work(ctx context.Context) error {
	return s.keep(ctx, "delivery", func(ctx context.Context) error {
		if !s.awaitLinks(ctx) {
			return nil
		}
		_, err := s.deliver(ctx, false, false, 0)
		return err
	})
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
