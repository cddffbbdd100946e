package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

// suppressionsCommand looks after the addresses that are never mailed.
func suppressionsCommand(a *app) *cobra.Command {
	c := group("suppressions", "Addresses that are never mailed: list, add, lift, confirm",
		suppressionsList(a), suppressionsAdd(a), suppressionsLift(a), suppressionsConfirm(a))
	c.Long = `An address is suppressed by a hard bounce, a complaint, its owner's erasure, or by
hand. No list and no import brings it back. The database keeps a keyed hash of the
address only, so the list shows causes, not addresses.

What an issue led to that was paused for too many failures or complaints is held for
review: those addresses are not mailed, but perhaps it was the relay that was wrong.
Lift them by issue, or confirm them.`
	return c
}

type suppressionView struct {
	Hash  string           `json:"hash"`
	Cause newsletter.Cause `json:"cause"`
	Issue int64            `json:"issue,omitempty"`
	Note  string           `json:"note,omitempty"`
	At    time.Time        `json:"at"`
	Held  bool             `json:"held,omitempty"` // waits for a review
}

func suppressionsList(a *app) *cobra.Command {
	var limit int
	var held bool
	var flag issueFlag
	c := &cobra.Command{
		Use:   "list",
		Short: "List suppressions, latest first",
		Args:  arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			q := store.SuppressionQuery{Held: held, Limit: limit}
			if flag.ref != "" {
				i, err := s.issue(ctx, flag.ref, flag)
				if err != nil {
					return err
				}
				q.Issue = i.ID
			}
			list, err := s.store.Suppressions(ctx, q)
			if err != nil {
				return err
			}
			views, rows := []suppressionView{}, [][]string{}
			for _, p := range list {
				views = append(views, suppressionView(p))
				cause := string(p.Cause)
				if p.Held {
					cause += ", held"
				}
				rows = append(rows, []string{moment(p.At, s.cfg.Site.TimeZone), cause, s.issueName(ctx, p.Issue), short(p.Hash), p.Note})
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(rows) == 0 {
				a.printf("No address is %s.\n", map[bool]string{true: "held for review", false: "suppressed"}[held])
				return nil
			}
			a.table([]string{"since", "cause", "issue", "hash", "note"}, rows)
			return nil
		}),
	}
	limitFlag(c, &limit, 100)
	c.Flags().BoolVar(&held, "held", false, "only those that wait for a review")
	flag.add(c, true)
	return c
}

func suppressionsAdd(a *app) *cobra.Command {
	var note string
	c := &cobra.Command{
		Use:     "add ADDRESS",
		Short:   "Never mail an address again",
		Example: `    syndicate suppressions add ann@example.org --note "asked by phone"`,
		Args:    arguments(1, 1, "an ADDRESS"),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			address, err := addressArgument(args[0])
			if err != nil {
				return err
			}
			if err := s.store.Suppress(ctx, address, newsletter.CauseOperator, 0, note, a.clock()); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]string{"address": address, "cause": string(newsletter.CauseOperator)})
			}
			a.printf("%s is not mailed any more. To undo: syndicate suppressions lift %s\n", address, shellWord(address))
			return nil
		}),
	}
	c.Flags().StringVar(&note, "note", "", "the `REASON`, for colleagues")
	return c
}

func suppressionsLift(a *app) *cobra.Command {
	var issue issueFlag
	c := &cobra.Command{
		Use:   "lift {ADDRESS | --issue NEWSLETTER/N}",
		Short: "Allow an address to be mailed again, or all that an issue's bounces led to",
		Example: `    syndicate suppressions lift ann@example.org
    syndicate suppressions lift --issue weekly/12`,
		Args: arguments(0, 1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			switch {
			case issue.ref == "" && len(args) == 0:
				return usage("syndicate suppressions lift --help", "lift needs an ADDRESS or --issue")
			case issue.ref != "" && len(args) > 0:
				return usage("syndicate suppressions lift --help", "lift takes an ADDRESS or --issue, not both")
			case issue.ref != "":
				return s.liftIssue(ctx, issue)
			}
			address, err := addressArgument(args[0])
			if err != nil {
				return err
			}
			return s.lift(ctx, address)
		}),
	}
	issue.add(c, true)
	return c
}

// lift lets an address be mailed again. One that its owner erased stays as it is: nobody
// else can bring it back.
func (s *site) lift(ctx context.Context, address string) error {
	p, err := s.store.Suppression(ctx, address)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if p.Cause == newsletter.CauseErasure {
		return hinted(fmt.Errorf("%s was erased by its owner; nothing was changed", address), "%s", s.onlyOwner(""))
	}
	lifted, err := s.store.LiftSuppression(ctx, address)
	if err != nil {
		return err
	}
	held, err := s.heldBy(ctx, address, "")
	if err != nil {
		return err
	}
	switch {
	case s.json:
		return s.printJSON(map[string]any{"address": address, "lifted": lifted})
	case !lifted:
		s.printf("%s was not suppressed.\n", address)
	case p.Cause == newsletter.CauseComplaint, held.owner:
		s.printf("%s is not suppressed any more.\n", address)
	default:
		s.printf("%s may be mailed again.\n", address)
	}
	switch {
	case held.owner:
		s.printf("It %s: %s.\n", strings.Join(held.why, ", and "), s.onlyOwner(""))
	case p.Cause == newsletter.CauseComplaint:
		s.printf("Its owner had complained, which ends a subscription: %s.\n", s.onlyOwner(""))
	}
	return nil
}

func (s *site) liftIssue(ctx context.Context, flag issueFlag) error {
	issue, err := s.issue(ctx, flag.ref, flag)
	if err != nil {
		return err
	}
	n, err := s.store.LiftIssueSuppressions(ctx, issue.ID)
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(map[string]any{"issue": fmt.Sprintf("%s/%d", issue.Newsletter, issue.Number), "lifted": n})
	}
	if n == 0 {
		s.printf("%s: its bounces led to no suppression; nothing was changed.\n", s.nameOf(issue))
		return nil
	}
	s.printf("%s: %s.\n", s.nameOf(issue), count(n, "suppression")+" lifted")
	return nil
}

func suppressionsConfirm(a *app) *cobra.Command {
	var flag issueFlag
	c := &cobra.Command{
		Use:   "confirm [--issue NEWSLETTER/N]",
		Short: "End the review of what is held: those addresses stay suppressed",
		Example: `    syndicate suppressions list --held
    syndicate suppressions confirm --issue weekly/12`,
		Args: arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			id, of := int64(0), ""
			if flag.ref != "" {
				i, err := s.issue(ctx, flag.ref, flag)
				if err != nil {
					return err
				}
				id, of = i.ID, " of "+s.nameOf(i)
			}
			n, err := s.store.ConfirmSuppressions(ctx, id)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"confirmed": n})
			}
			if n == 0 {
				a.printf("No address%s is held for review; nothing was changed.\n", of)
				return nil
			}
			a.printf("%s confirmed.\n", count(n, "suppression"))
			return nil
		}),
	}
	flag.add(c, true)
	return c
}

// addressArgument checks an address from the command line.
func addressArgument(text string) (string, error) {
	address, err := roster.Address(text)
	if err != nil {
		return "", usage("", "%s: %w", plain(text), err)
	}
	return address, nil
}
