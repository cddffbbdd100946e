package main

import (
	"context"

	"github.com/spf13/cobra"

	"syndicate/internal/store"
)

// reasonsView is why people left, in JSON.
type reasonsView struct {
	Counts []store.ReasonCount `json:"counts"`
	Words  []store.ReasonWords `json:"words"`
}

// subscribersReasons tells why people left.
func subscribersReasons(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "reasons [NEWSLETTER]",
		Short: "Tell why people left, as far as they said",
		Long: `Reasons counts what people chose on the page on which they unsubscribed, and shows the
latest of what they wrote. Nothing of it is kept with an address.`,
		Example:           `    syndicate subscribers reasons weekly`,
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			counts, words, err := s.store.Reasons(ctx, name, limit)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(reasonsView{append([]store.ReasonCount{}, counts...), append([]store.ReasonWords{}, words...)})
			}
			if len(counts) == 0 {
				if name != "" {
					if err := known(s.cfg, name); err != nil {
						return err
					}
				}
				a.printf("Nobody has said why they left.\n")
				return nil
			}
			var rows [][]string
			for _, x := range counts {
				rows = append(rows, []string{x.Newsletter, string(x.Reason), number(x.Count)})
			}
			a.table([]string{"newsletter", "reason", "times"}, rows)
			for _, x := range words {
				a.printf("%s, %s: %s\n", x.Newsletter, string(x.Reason), plain(x.Words))
			}
			return nil
		}),
	}
	limitFlag(c, &limit, 20)
	return c
}
