package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"syndicate/internal/roster"
)

// erasedView is what erasing did, in JSON.
type erasedView struct {
	Email    string     `json:"email"`
	Result   string     `json:"result"`
	Messages int        `json:"messages"` // of rehearsals, that were deleted
	Lines    []listLine `json:"lines"`    // of the operator's own lists, where the address still is
}

// listLine is a line of a list.
type listLine struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// subscribersErase does for somebody what they can do themselves by a mailed link.
func subscribersErase(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "erase ADDRESS",
		Short: "Forget what is held about an address",
		Long: `Erase deletes the subscriber of an address with all subscriptions, choices and letters,
what relays and reports said of it, and the mail of rehearsals to it; what was still to be
sent is cancelled. A keyed hash is kept, so that no list, import or command brings the
address back; its owner can, by signing up again. It cannot be undone.

Your own lists are yours: erase names the lines of subscribers/*.csv on which the address
stands. They bring nobody back, but take them out.`,
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
			v := erasedView{Email: address, Result: "erased"}
			if v.Messages, err = s.service.Erase(ctx, address); err != nil {
				return err
			}
			v.Lines = s.linesOf(address)
			if a.json {
				return a.printJSON(v)
			}
			a.printf("What the database held about %s is erased, but for keyed hashes.\n", address)
			if v.Messages > 0 {
				a.printf("%s to it deleted in %s/.\n", count(v.Messages, "message"), outboxDir)
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&yes, "yes", false, "it is meant")
	return c
}

// linesOf looks for an address on the operator's own lists, and warns of each line: what
// is theirs only they can change.
func (s *site) linesOf(address string) []listLine {
	found := []listLine{}
	files, err := fs.Glob(s.options.SiteFS, listFile("*"))
	if err != nil {
		return found // it is the pattern that can be wrong, and it is not
	}
	for _, file := range files {
		lines, err := s.linesIn(file, address)
		if err != nil {
			s.warn("", fmt.Sprintf("whether the address is in %s is not known: %v", file, err), "look into the file, and take its line out")
		}
		for _, n := range lines {
			found = append(found, listLine{file, n})
			s.warn(fmt.Sprintf("%s:%d", file, n), "the address stands here still", "take the line out; it brings nobody back")
		}
	}
	return found
}

func (s *site) linesIn(file, address string) ([]int, error) {
	f, err := s.options.SiteFS.Open(file)
	if err != nil {
		return nil, err
	}
	lines, err := roster.LinesOf(f, address)
	return lines, errors.Join(err, f.Close())
}
