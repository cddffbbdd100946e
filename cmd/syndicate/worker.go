package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
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
		RunE: func(c *cobra.Command, _ []string) (err error) {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			s, err := a.openWith(c.Context(), cfg, a.logger(cfg, true), nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			if s.store.Engine() != "postgres" {
				return hinted(errors.New("worker needs PostgreSQL; on SQLite one process delivers: syndicate serve"),
					"store: postgres://… in config.yaml lets several machines share the work")
			}
			if err := s.service.CheckWebURL(); err != nil {
				return fmt.Errorf("%s: %w", s.webURL(), err)
			}
			s.tellNotices()
			switch {
			case cfg.Log.Format == "json":
				s.log.Info("delivering")
			case !a.json:
				a.printf("Delivering for %s.\n", plain(cfg.Site.Title))
			}
			return s.service.Work(c.Context())
		},
	}
	a.offlineLinks(c)
	return c
}
