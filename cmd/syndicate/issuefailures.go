package main

import (
	"context"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
)

// troubleView is a delivery that is not where it should be, in JSON.
type troubleView struct {
	Email    string `json:"email,omitempty"` // none: the subscriber was removed
	State    string `json:"state"`           // failed, uncertain, or deferred: to be tried again
	Attempts int    `json:"attempts"`
	Code     int    `json:"code,omitempty"`
	Reply    string `json:"reply"`
}

// issuesFailures names the addresses that show masks.
func issuesFailures(a *app) *cobra.Command {
	var flag issueFlag
	var limit int
	c := &cobra.Command{
		Use:   "failures ISSUE",
		Short: "List the addresses that an issue did not reach, with the relay's replies",
		Long: `Failures lists each delivery of an issue that failed, is uncertain, or was tried and is
to be tried again, with its address. Elsewhere addresses are masked.`,
		Example: `    syndicate issues failures weekly/12
    syndicate issues failures weekly/12 --json | jq -r '.[] | select(.state == "failed") | .email'`,
		Args:              arguments(1, 1, "an ISSUE, such as weekly/12"),
		ValidArgsFunction: a.completeIssue(),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			i, err := s.issue(ctx, args[0], flag)
			if err != nil {
				return err
			}
			list, err := s.store.Troubles(ctx, i.ID, limit)
			if err != nil {
				return err
			}
			views, rows := []troubleView{}, [][]string{}
			for _, t := range list {
				v := troubleView{Email: t.Email, State: t.State.String(), Attempts: t.Attempts, Code: t.Code, Reply: t.Reply}
				if t.State == newsletter.Pending {
					v.State = "deferred"
				}
				views = append(views, v)
				address := t.Email
				if address == "" {
					address = "(removed)"
				}
				rows = append(rows, []string{address, v.State, said(t.Code, t.Reply)})
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(rows) == 0 {
				a.printf("No delivery of %s failed or is put off.\n", s.nameOf(i))
				return nil
			}
			a.table([]string{"address", "state", "last reply"}, rows)
			if limit > 0 && len(list) == limit {
				a.notef("The first %s; --limit 0 lists all.", number(limit))
			}
			return nil
		}),
	}
	flag.add(c, false)
	limitFlag(c, &limit, 100)
	return c
}
