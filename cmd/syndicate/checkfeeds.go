package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"syndicate/internal/publish"
)

// mostFaults is how many faults of feeds are shown one by one.
const mostFaults = 50

// checkFeedsCommand looks at the feeds that were built.
func checkFeedsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "feeds",
		Short: "Check the feeds in public/ as readers see them",
		Long: `Feeds reads every document in public/, archives included: whether it is there, as it was
built, and well-formed; whether ids are there, unique and the same in all formats; whether
dates, languages and enclosures are such, and addresses are absolute. Then it looks at what
the next build would make of the articles as they are, by the rules by which a build keeps
bad documents back: whether a feed would lose most of what it has, or an article get another
id. It exits with 1 if something is wrong; a warning is nothing that readers choke on.`,
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
			k.faults(found)
			if len(found) == 0 {
				k.ok("feeds", "%s of %s", count(n, "document"), count(len(s.service.Catalogue().Feeds), "feed"))
			}
			return k.report()
		},
	}
}

// faults adds what was found in the feeds: for people the errors first, and no more
// than they read.
func (k *check) faults(found []publish.Finding) {
	slices.SortStableFunc(found, func(x, y publish.Finding) int {
		switch {
		case x.Warning == y.Warning:
			return 0
		case x.Warning:
			return 1
		}
		return -1
	})
	shown := found
	if !k.json && len(found) > mostFaults {
		shown = found[:mostFaults]
	}
	for _, f := range shown {
		x := finding{What: f.File, Result: resultError, Text: f.Text, Hint: f.Hint, Item: f.Item, Rule: string(f.Rule)}
		if f.Warning {
			x.Result = resultWarning
		}
		if !k.json && !strings.Contains(x.Text, f.Item) {
			x.Text += " (" + f.Item + ")"
		}
		k.found = append(k.found, x)
	}
	if more := len(found) - len(shown); more > 0 {
		k.warning("feeds", number(more)+" more; --json has all", "")
	}
}
