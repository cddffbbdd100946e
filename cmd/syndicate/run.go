package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
)

// runCommand does the whole job once.
func runCommand(a *app) *cobra.Command {
	var due, yes, prune bool
	c := &cobra.Command{
		Use:   "run [NEWSLETTER…]",
		Short: "Do the whole job once: articles in, feeds and digests out",
		Long: `Run takes new articles in, builds the feeds, and sends every newsletter (or those named)
an issue with what is new, whatever the schedule says. It finishes interrupted issues
first, and waits until every message is settled or has to be tried again later.

With a relay in config.yaml it asks before it mails people. Without one it is a
rehearsal: the mail goes to data/outbox/. Nothing goes through a relay before web.url
answers as this site, or the links in it would lead nowhere; --offline-links overrides.

With --due it sends only what the schedule says, and does not ask: for cron.`,
		Example: `    syndicate run
    syndicate run weekly --yes
    */5 * * * *  syndicate -C /srv/letter run --due      (a crontab)`,
		ValidArgsFunction: a.completeNewsletter(-1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.working(c.Context(), func(ctx context.Context, s *site, confirm confirmFunc) (jobs.RunReport, error) {
				if err := known(s.cfg, args...); err != nil {
					return jobs.RunReport{}, err
				}
				o := jobs.RunOptions{Newsletters: args, Due: due, Prune: prune}
				if !due && !yes {
					o.Confirm = confirm
				}
				return s.service.Run(ctx, o)
			})
		},
	}
	c.Flags().BoolVar(&due, "due", false, "only newsletters whose time has come; asks nothing")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask before mailing people")
	addPrune(c, &prune)
	a.offlineLinks(c)
	return c
}

type confirmFunc = func(context.Context, jobs.Question) (bool, error)

// working opens the site with a progress bar for a verb that delivers, and reports.
func (a *app) working(ctx context.Context, do func(context.Context, *site, confirmFunc) (jobs.RunReport, error)) (err error) {
	bar := a.progress()
	defer bar.close()
	s, err := a.open(ctx, bar.tell)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.tellNotices()
	r, err := do(ctx, s, func(ctx context.Context, q jobs.Question) (bool, error) {
		bar.close()
		return s.confirm(ctx, q)
	})
	bar.close()
	return s.ended(context.WithoutCancel(ctx), r, err)
}

// ended reports what was done, also before an error, and gives the exit code.
func (s *site) ended(ctx context.Context, r jobs.RunReport, err error) error {
	if err == nil || len(r.Ingest.Sources)+len(r.Issues) > 0 {
		if err := s.tellRun(ctx, r); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &failure{err: context.Canceled, code: max(exitFailed, r.ExitCode()), hint: "what was begun is kept; the next run takes it up"}
	case err != nil:
		return err
	}
	return exit(r.ExitCode())
}

// confirm asks before people are mailed.
func (s *site) confirm(ctx context.Context, q jobs.Question) (bool, error) {
	mails := 0
	var what []string
	for _, i := range q.Begun {
		what = append(what, fmt.Sprintf("%s was begun earlier and went on: %s", s.nameOf(i.Issue), issueLine(i)))
	}
	for _, p := range q.Issues {
		mails += p.Recipients
		what = append(what, fmt.Sprintf("%s/%d: %s to %s", p.Newsletter.Name, p.Number,
			count(len(p.Groups[0].Articles), "article"), count(p.Recipients, "subscriber")))
	}
	return s.ask(ctx, false, fmt.Sprintf("%s.\nSend %s by %s?", strings.Join(what, ";\n"), count(mails, "message"), relayNames(s.cfg)))
}

// tellNotices tells of settings that have no effect.
func (s *site) tellNotices() {
	for _, p := range s.cfg.Notices() {
		s.warn(fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column), p.Message, p.Hint)
	}
}
