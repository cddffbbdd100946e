package main

import (
	"context"
	"errors"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// workerCommand delivers on a further machine.
func workerCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "worker",
		Short: "Deliver only, on a further machine (PostgreSQL)",
		Long: `Worker hands mail to the relays, beside a serve or other workers on the same
PostgreSQL database: each message is one's. It needs the configuration, not the
articles. As with serve, mail through a relay is held back until web.url answers as this
site. It stops in good order on SIGTERM or Ctrl-C: what is in flight is finished.`,
		Example: `    syndicate -C /srv/letter worker`,
		Args:    arguments(0, 0),
		RunE:    a.staying(func(ctx context.Context, s *site) error { return s.work(ctx) }),
	}
	a.offlineLinks(c)
	return c
}

func (s *site) work(ctx context.Context) error {
	if s.store.Engine() != "postgres" {
		return hinted(errors.New("worker needs PostgreSQL; on SQLite one process delivers: syndicate serve"),
			"store: postgres://… in config.yaml lets several machines share the work")
	}
	mail, err := s.intake()
	if err != nil {
		return err
	}
	box, err := s.listenForMail(ctx, mail)
	if errors.Is(err, syscall.EADDRINUSE) {
		// serve, or another worker, has it on this machine.
		s.log.Info("mail that comes back is not taken here", "error", err)
		err = nil
	}
	if err != nil {
		return err
	}
	switch {
	case s.cfg.Log.Format == "json":
		s.log.Info("delivering")
	case !s.json:
		s.printf("Delivering for %s.\n", plain(s.cfg.Site.Title))
		s.tellMail(box)
	}
	work, ctx := errgroup.WithContext(ctx)
	s.takeMail(ctx, work, mail, box)
	work.Go(func() error { return s.service.Work(ctx) })
	return work.Wait()
}
