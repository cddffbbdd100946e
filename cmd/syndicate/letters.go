package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
)

// lettersCommand looks after letters on request that may have arrived.
func lettersCommand(a *app) *cobra.Command {
	c := group("letters", "Letters to one person that are held: list, release, drop", lettersList(a), lettersRelease(a), lettersDrop(a))
	c.Long = `A letter goes to one person who asked for it: to confirm a subscription, to be let in, to
change an address. Where delivery.uncertain is hold, one whose last reply was lost is not
sent again by itself: it may have arrived. It waits here, for thirty days.`
	return c
}

// heldLetterView is a letter that is held, in JSON.
type heldLetterView struct {
	ID         int64                 `json:"id"`
	Kind       newsletter.LetterKind `json:"kind"`
	Newsletter string                `json:"newsletter,omitempty"`
	Address    string                `json:"address,omitempty"` // none: the subscriber was removed
	Since      time.Time             `json:"since"`
	Expires    time.Time             `json:"expires,omitzero"` // when its link ends
	Ended      bool                  `json:"ended"`            // it has, and it is not sent any more
	Code       int                   `json:"code,omitempty"`
	Reply      string                `json:"reply,omitempty"`
}

func lettersList(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List the letters that are held, oldest first",
		Args:  arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			list, err := s.store.HeldLetters(ctx, s.service.Rehearsal(), limit)
			if err != nil {
				return err
			}
			views, rows := []heldLetterView{}, [][]string{}
			for i := range list {
				h := &list[i]
				v := heldLetterView{
					ID: h.Chunk, Kind: h.Kind, Newsletter: h.Newsletter, Address: h.Address, Since: h.HeldAt, Expires: h.Expires,
					Ended: !h.Expires.IsZero() && !a.clock().Before(h.Expires), Code: h.Code, Reply: h.Reply,
				}
				views = append(views, v)
				address, good := v.Address, moment(v.Expires, s.cfg.Site.TimeZone)
				if address == "" {
					address = "(removed)"
				}
				if v.Ended {
					good = "(ended)"
				}
				rows = append(rows, []string{strconv.FormatInt(v.ID, 10), moment(v.Since, s.cfg.Site.TimeZone), string(v.Kind), v.Newsletter, address, good, said(v.Code, v.Reply)})
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(rows) == 0 {
				a.printf("No letter is held.\n")
				return nil
			}
			a.table([]string{"no", "since", "kind", "newsletter", "address", "good until", "last reply"}, rows)
			return nil
		}),
	}
	limitFlag(c, &limit, 100)
	return c
}

func lettersRelease(a *app) *cobra.Command {
	return lettersStep(a, &cobra.Command{
		Use:   "release {NO… | --all}",
		Short: "Send letters again that may have arrived: somebody may get one twice",
		Long: `Release sends letters again. One whose link has ended stays as it is: it would be of no
use.`,
		Example: `    syndicate letters release 12
    syndicate letters release --all`,
	}, "to be sent again; "+afterwards, func(ctx context.Context, s *site, list []int64) (int, error) {
		return s.service.ReleaseLetters(ctx, list)
	})
}

func lettersDrop(a *app) *cobra.Command {
	return lettersStep(a, &cobra.Command{
		Use:     "drop {NO… | --all}",
		Short:   "Give letters up: whoever has not got one can ask again",
		Example: `    syndicate letters drop --all`,
	}, "given up", func(ctx context.Context, s *site, list []int64) (int, error) {
		return s.store.DropLetters(ctx, s.service.Rehearsal(), list, a.clock())
	})
}

// lettersStep is a command that does one thing to held letters and says so.
func lettersStep(a *app, c *cobra.Command, done string, do func(ctx context.Context, s *site, list []int64) (int, error)) *cobra.Command {
	var all bool
	c.Args = arguments(0, -1)
	c.RunE = a.with(func(ctx context.Context, s *site, args []string) error {
		if all == (len(args) > 0) {
			return usage("syndicate letters list has the numbers", "%s takes numbers of letters, or --all", c.Name())
		}
		var list []int64
		for _, arg := range args {
			id, err := strconv.ParseInt(arg, 10, 64)
			if err != nil {
				return usage("syndicate letters list has the numbers", "%q is no number", arg)
			}
			list = append(list, id)
		}
		n, err := do(ctx, s, list)
		switch {
		case err != nil:
			return err
		case n < len(list):
			missed := len(list) - n
			err = hinted(fmt.Errorf("%s %s", count(missed, "letter"), map[bool]string{true: "is not held, or its link has ended", false: "are not held, or their links have ended"}[missed == 1]),
				"syndicate letters list has those that are")
		}
		if a.json {
			return errors.Join(a.printJSON(map[string]int{"letters": n}), err)
		}
		if n > 0 || err == nil {
			a.printf("%s: %s\n", count(n, "letter"), done)
		}
		return err
	})
	c.Flags().BoolVar(&all, "all", false, "all that are held")
	return c
}
