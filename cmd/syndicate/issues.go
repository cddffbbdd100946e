package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// issuesCommand looks after issues that were made.
func issuesCommand(a *app) *cobra.Command {
	c := group("issues", "Issues and how they stand: list, show, approve, pause, …",
		issuesList(a), issuesShow(a), issuesFailures(a), issuesApprove(a), issuesPause(a), issuesResume(a), issuesCancel(a), issuesRetry(a))
	c.Long = `An issue is one numbered sending of a newsletter. It is named weekly/12, or 12 with
--newsletter weekly. What is changed here takes effect within seconds in a running
serve, else with the next run.`
	return c
}

func issuesList(a *app) *cobra.Command {
	var limit int
	var open bool
	c := &cobra.Command{
		Use:               "list [NEWSLETTER]",
		Short:             "List issues, latest first",
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			q := store.IssueQuery{Open: open, Limit: limit}
			if len(args) > 0 {
				q.Newsletter = args[0]
				if err := known(s.cfg, args...); err != nil {
					return err
				}
			}
			list, err := s.store.Issues(ctx, q)
			if err != nil {
				return err
			}
			views, rows := []issueView{}, [][]string{}
			for _, i := range list {
				r, err := s.service.IssueReport(ctx, i.ID)
				if err != nil {
					return err
				}
				views = append(views, viewIssue(r))
				rows = append(rows, []string{
					s.nameOf(i), string(i.State), moment(i.CreatedAt, s.cfg.Site.TimeZone),
					fmt.Sprintf("%s/%s", number(r.Sent), number(i.Recipients+r.Expected)), i.Subject,
				})
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(rows) == 0 {
				a.printf("There is no issue%s.\n", map[bool]string{true: " under way", false: " yet"}[open])
				return nil
			}
			a.table([]string{"issue", "state", "made", "sent", "subject"}, rows)
			return nil
		}),
	}
	limitFlag(c, &limit, 20)
	c.Flags().BoolVar(&open, "open", false, "only those that can still send something")
	return c
}

// issueStep is a command that does one thing to an issue and says what; done is its
// name for that: "paused".
func issueStep(a *app, c *cobra.Command, done string, do func(ctx context.Context, s *site, i newsletter.Issue) (string, error)) *cobra.Command {
	var flag issueFlag
	c.Args = arguments(1, 1, "an ISSUE, such as weekly/12")
	c.RunE = a.with(func(ctx context.Context, s *site, args []string) error {
		i, err := s.issue(ctx, args[0], flag)
		if err != nil {
			return err
		}
		said, err := do(ctx, s, i)
		if err == nil && said == "" {
			return nil
		}
		// What it is now tells why it did not work, or that it did.
		now, err2 := s.store.Issue(ctx, i.ID)
		switch {
		case errors.Is(err, store.ErrConflict) && err2 == nil:
			if now.State == newsletter.IssueAwaiting && done == "approved" {
				done += " as what you looked at"
			}
			return hinted(fmt.Errorf("%s is %s (%s); it cannot be %s", s.nameOf(now), now.State, jobs.ShortHash(now.Hash), done),
				"syndicate issues show %s/%d says how it stands", i.Newsletter, i.Number)
		case err != nil || err2 != nil:
			return cmp.Or(err, err2)
		case a.json:
			r, err := s.service.IssueReport(ctx, i.ID)
			if err != nil {
				return err
			}
			return a.printJSON(viewIssue(r))
		}
		a.printf("%s: %s\n", s.nameOf(now), said)
		return nil
	})
	flag.add(c, false)
	if c.ValidArgsFunction == nil {
		c.ValidArgsFunction = a.completeIssue()
	}
	return c
}

// afterwards says who goes on with an issue that was let go.
const afterwards = "a running serve goes on with it now; so does syndicate run"

func issuesApprove(a *app) *cobra.Command {
	var hash string
	var yes bool
	c := issueStep(a, &cobra.Command{
		Use:   "approve ISSUE [--hash HASH]",
		Short: "Let an issue go out that waits for it",
		Long: `Approve lets an issue go out that waits for approval. --hash names what was looked at
(syndicate issues show tells it): should the issue be another one by now, it stays.`,
		Example:           `    syndicate issues approve weekly/12 --hash 3f2a9c01b7`,
		ValidArgsFunction: a.completeIssue(newsletter.IssueAwaiting),
	}, "approved", func(ctx context.Context, s *site, i newsletter.Issue) (string, error) {
		if hash == "" && i.State == newsletter.IssueAwaiting {
			hash = i.Hash
			ok, err := a.ask(ctx, yes || i.Rehearsal, fmt.Sprintf("Let %s go out: %q?", s.nameOf(i), plain(i.Subject)))
			if err != nil || !ok {
				return "", err
			}
		}
		return "approved; " + afterwards, s.service.Approve(ctx, i.ID, hash)
	})
	c.Flags().StringVar(&hash, "hash", "", "the `HASH` of what was looked at; its beginning is enough")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func issuesPause(a *app) *cobra.Command {
	var reason string
	c := issueStep(a, &cobra.Command{Use: "pause ISSUE", Short: "Stop an issue within seconds; resume goes on"}, "paused",
		func(ctx context.Context, s *site, i newsletter.Issue) (string, error) {
			return "paused; go on with: syndicate issues resume " + fmt.Sprintf("%s/%d", i.Newsletter, i.Number),
				s.service.Pause(ctx, i.ID, reason)
		})
	c.Flags().StringVar(&reason, "reason", "paused by hand", "the `REASON`, for colleagues")
	return c
}

func issuesResume(a *app) *cobra.Command {
	return issueStep(a, &cobra.Command{Use: "resume ISSUE", Short: "Let a paused issue go on"}, "resumed",
		func(ctx context.Context, s *site, i newsletter.Issue) (string, error) {
			return "resumed; " + afterwards, s.service.Resume(ctx, i.ID)
		})
}

func issuesCancel(a *app) *cobra.Command {
	var reason string
	var yes bool
	c := issueStep(a, &cobra.Command{
		Use:   "cancel ISSUE",
		Short: "Stop an issue for good",
		Long: `Cancel stops an issue for good. Whoever has not got it yet will find its articles in
the next one.`,
	}, "cancelled", func(ctx context.Context, s *site, i newsletter.Issue) (string, error) {
		ok, err := a.ask(ctx, yes || i.Rehearsal, fmt.Sprintf("Cancel %s for good?", s.nameOf(i)))
		if err != nil || !ok {
			return "", err
		}
		n, err := s.service.Cancel(ctx, i.ID, reason)
		return "cancelled; " + count(n, "message") + " will not be sent", err
	})
	c.Flags().StringVar(&reason, "reason", "cancelled by hand", "the `REASON`, for colleagues")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func issuesRetry(a *app) *cobra.Command {
	var uncertain bool
	c := issueStep(a, &cobra.Command{
		Use:   "retry ISSUE",
		Short: "Try the failed deliveries of an issue again",
		Long: `Retry makes the failed deliveries of an issue pending again, of those who still want it.
With --uncertain it also sends again what may have arrived: some will get it twice.`,
	}, "tried again", func(ctx context.Context, s *site, i newsletter.Issue) (string, error) {
		n, err := s.service.Retry(ctx, i.ID, uncertain)
		if err != nil {
			return "", err
		}
		r, err := s.service.IssueReport(ctx, i.ID)
		return retried(n, uncertain, r), err
	})
	c.Flags().BoolVar(&uncertain, "uncertain", false, "also those whose last reply was lost")
	return c
}

// retried says what retry led to, and why it did not try others.
func retried(n int, uncertain bool, r jobs.IssueReport) string {
	text := "there is nothing to try again"
	switch {
	case n > 0 && r.Issue.State == newsletter.IssuePaused:
		text = fmt.Sprintf("%s to try again, after syndicate issues resume %s/%d", count(n, "message"), r.Issue.Newsletter, r.Issue.Number)
	case n > 0:
		text = count(n, "message") + " to try again; " + afterwards
	case r.Failed > 0:
		text += ": what failed was for people who left or are suppressed by now"
	}
	if r.Uncertain > 0 && !uncertain {
		text += fmt.Sprintf("; %s may have arrived, --uncertain sends them again", count(r.Uncertain, "message"))
	}
	return text
}
