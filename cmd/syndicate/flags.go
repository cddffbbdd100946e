package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// limitValue is a number of lines to list; 0: all.
type limitValue struct{ n *int }

func (l limitValue) String() string {
	if l.n == nil {
		return ""
	}
	return strconv.Itoa(*l.n)
}

// Type is what help calls the value where the usage does not.
func (l limitValue) Type() string { return "N" }

func (l limitValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("it takes a number; 0 lists all")
	}
	*l.n = n
	return nil
}

// limitFlag defines --limit.
func limitFlag(c *cobra.Command, n *int, usual int) {
	*n = usual
	c.Flags().Var(limitValue{n}, "limit", "list at most `N`; 0: all")
}

// oneOf makes the shell offer the words that a flag takes.
func oneOf(c *cobra.Command, flag string, words ...string) {
	// It fails only for a flag that is not there.
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// completing makes an argument's completions from the open site; where there is
// none, there are none.
func (a *app) completing(offer func(ctx context.Context, s *site) ([]cobra.Completion, error)) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) (list []cobra.Completion, _ cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		err := a.with(func(ctx context.Context, s *site, _ []string) (err error) {
			list, err = offer(ctx, s)
			return err
		})(c, args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeIssue offers the latest issues, those in one of the states if any are
// given.
func (a *app) completeIssue(states ...newsletter.IssueState) cobra.CompletionFunc {
	return a.completing(func(ctx context.Context, s *site) ([]cobra.Completion, error) {
		rehearsal := s.service.Rehearsal()
		issues, err := s.store.Issues(ctx, store.IssueQuery{Rehearsal: &rehearsal, Limit: 200})
		var list []cobra.Completion
		for _, i := range issues {
			wanted := len(states) == 0
			for _, state := range states {
				wanted = wanted || i.State == state
			}
			if wanted {
				list = append(list, cobra.CompletionWithDesc(fmt.Sprintf("%s/%d", i.Newsletter, i.Number), plain(i.Subject)))
			}
		}
		return list, err
	})
}

// completeArticle offers the slugs of the latest articles.
func (a *app) completeArticle() cobra.CompletionFunc {
	return a.completing(func(ctx context.Context, s *site) ([]cobra.Completion, error) {
		articles, err := s.store.Articles(ctx, store.ArticleQuery{State: "all", Limit: 1000})
		var list []cobra.Completion
		for i := range articles {
			list = append(list, cobra.CompletionWithDesc(articles[i].Slug, plain(articles[i].Title)))
		}
		return list, err
	})
}
