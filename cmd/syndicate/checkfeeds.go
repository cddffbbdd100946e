package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// mostFaults is how many faults of feeds are shown one by one.
const mostFaults = 50

// checkFeedsCommand looks at the feeds that were built.
func checkFeedsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "feeds",
		Short: "Check the feeds in public/ as readers see them",
		Long: `Feeds reads every document in public/, archives included: whether it is there, as it was
built, and well-formed; whether ids are there, are addresses or names that never change,
and are the same in all formats; whether dates can be read and addresses are absolute. It
exits with 1 if something is wrong.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			k := &check{app: a, ctx: c.Context()}
			cfg, err := k.load()
			if err != nil {
				return err
			}
			s, err := k.openWith(k.ctx, cfg, k.logger(cfg, false), nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			n, found, err := s.service.CheckFeeds(k.ctx)
			if err != nil {
				return err
			}
			for _, f := range found[:min(len(found), mostFaults)] {
				k.failed(f.File, errors.New(f.Text))
			}
			if more := len(found) - mostFaults; more > 0 {
				k.warning("feeds", number(more)+" more faults", "")
			}
			if len(found) == 0 {
				k.ok("feeds", "%s of %s", count(n, "document"), count(len(s.service.Catalogue().Feeds), "feed"))
			}
			return k.report()
		},
	}
}
