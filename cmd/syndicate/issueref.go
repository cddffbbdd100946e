package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// issueFlag says which issue is meant where a number alone does not.
type issueFlag struct {
	ref        string // --issue
	newsletter string // --newsletter
	rehearsal  bool   // --rehearsal
	command    *cobra.Command
}

// add defines the flags on a command; own: --issue instead of an argument.
func (f *issueFlag) add(c *cobra.Command, own bool) {
	f.command = c
	if own {
		c.Flags().StringVar(&f.ref, "issue", "", "the issue, `NEWSLETTER/N`")
	} else {
		c.Flags().StringVar(&f.newsletter, "newsletter", "", "the `NEWSLETTER`, where only a number is given")
	}
	c.Flags().BoolVar(&f.rehearsal, "rehearsal", false, "mean rehearsals, which are numbered apart (default where no relay is configured)")
}

// wantsRehearsal says which of the two numberings is meant.
func (f *issueFlag) wantsRehearsal(s *site) bool {
	if f.command != nil && f.command.Flags().Changed("rehearsal") {
		return f.rehearsal
	}
	return s.service.Rehearsal()
}

// issue finds the issue that is called NEWSLETTER/N, or N.
func (s *site) issue(ctx context.Context, ref string, f issueFlag) (newsletter.Issue, error) {
	name, text, both := strings.Cut(ref, "/")
	if !both {
		name, text = f.newsletter, ref
		if name == "" && len(s.cfg.Newsletters) == 1 {
			name = s.cfg.Newsletters[0].Name
		}
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || name == "" {
		return newsletter.Issue{}, usage("issues are called weekly/12, or 12 with --newsletter weekly", "%q is not the name of an issue", ref)
	}
	rehearsal := f.wantsRehearsal(s)
	issue, err := s.store.IssueByNumber(ctx, name, rehearsal, number)
	if !errors.Is(err, store.ErrNotFound) {
		return issue, err
	}
	if err := known(s.cfg, name); err != nil {
		return newsletter.Issue{}, err
	}
	hint := "syndicate issues list shows them"
	if other, err := s.store.IssueByNumber(ctx, name, !rehearsal, number); err == nil {
		hint = "there is one, but it " + map[bool]string{true: "was a rehearsal: --rehearsal", false: "was sent for real: --rehearsal=false"}[other.Rehearsal]
	}
	return newsletter.Issue{}, usage(hint, "there is no issue %s/%d", name, number)
}

// nameOf is what people call an issue. Which numbering it is of is only said where
// it is not the usual one.
func (s *site) nameOf(i newsletter.Issue) string {
	name := fmt.Sprintf("%s/%d", i.Newsletter, i.Number)
	if i.Rehearsal != s.service.Rehearsal() {
		name += map[bool]string{true: " (rehearsal)", false: " (real)"}[i.Rehearsal]
	}
	return name
}

// issueName is nameOf by id; empty: none.
func (s *site) issueName(ctx context.Context, id int64) string {
	if id == 0 {
		return ""
	}
	i, err := s.store.Issue(ctx, id)
	if err != nil {
		return ""
	}
	return s.nameOf(i)
}
