package main

import (
	"context"

	"github.com/spf13/cobra"
)

// subscribersErase does for somebody what they can do themselves by a mailed link.
func subscribersErase(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "erase ADDRESS",
		Short: "Forget all that is held about an address",
		Long: `Erase deletes the subscriber of an address with all subscriptions, choices and letters,
and what relays said of it; what was still to be sent is cancelled. A keyed hash is kept,
so that no list, import or command brings the address back; its owner can, by signing up
again. It cannot be undone.`,
		Example: `    syndicate subscribers erase ann@example.org --yes`,
		Args:    arguments(1, 1, "an ADDRESS"),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			address, err := addressArgument(args[0])
			if err != nil {
				return err
			}
			if !yes {
				return usage("--yes says that it is meant", "erasing %s cannot be undone", address)
			}
			if err := s.store.Erase(ctx, address, a.clock()); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]string{"email": address, "result": "erased"})
			}
			a.printf("All that was held about %s is erased.\n", address)
			return nil
		}),
	}
	c.Flags().BoolVar(&yes, "yes", false, "it is meant")
	return c
}
