package main

import (
	"context"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
)

// sendCommand sends one issue by hand.
func sendCommand(a *app) *cobra.Command {
	var dry, yes bool
	var to, hash, out string
	c := &cobra.Command{
		Use:   "send NEWSLETTER",
		Short: "Send an issue now, by hand",
		Long: `Send takes new articles in and sends the newsletter's next issue now, whatever its
schedule says. With a relay in config.yaml it asks first, and web.url must answer as this
site; --offline-links overrides.

--dry-run says what would be sent to how many and how long that would take, writes the
messages as .eml files (to --out, or data/dry-run/), and sends nothing. --to sends one copy
to an address of your own; the articles stay new to the subscribers. When nothing is new,
the copy has the latest articles.`,
		Example: `    syndicate send weekly --dry-run
    syndicate send weekly --to me@example.org
    syndicate send weekly --yes`,
		Args:              arguments(1, 1, "the name of a NEWSLETTER"),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case out != "" && !dry:
				return usage(see(c), "--out goes with --dry-run")
			case dry && to != "":
				return usage(see(c), "--dry-run and --to do not go together")
			case dry:
				return a.with(func(ctx context.Context, s *site, args []string) error { return s.dryRun(ctx, args[0], out) })(c, args)
			case to != "":
				return a.with(func(ctx context.Context, s *site, args []string) error { return s.sendTest(ctx, args[0], to) })(c, args)
			}
			return a.working(c.Context(), func(ctx context.Context, s *site, confirm confirmFunc) (jobs.RunReport, error) {
				if err := known(s.cfg, args...); err != nil {
					return jobs.RunReport{}, err
				}
				o := jobs.SendOptions{Newsletter: args[0], Hash: hash}
				if !yes {
					o.Confirm = confirm
				}
				return s.service.Send(ctx, o)
			})
		},
	}
	f := c.Flags()
	f.BoolVarP(&dry, "dry-run", "n", false, "say what would be sent, and write it to files")
	f.StringVarP(&out, "out", "o", "", "write the files of --dry-run to `DIR`")
	f.StringVar(&to, "to", "", "send one copy to `ADDRESS` only")
	f.StringVar(&hash, "hash", "", "send only what was looked at (preview tells its `HASH`)")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask before mailing people")
	a.offlineLinks(c)
	return c
}

func (s *site) sendTest(ctx context.Context, name, to string) error {
	if err := known(s.cfg, name); err != nil {
		return err
	}
	address, err := addressArgument(to)
	if err != nil {
		return err
	}
	s.tellFresh(ctx)
	// A copy to oneself is how a relay is tried; its links act for nobody.
	if err := s.service.CheckLinks(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.warn("", "an issue would not go out: "+message(err), hintFor(err))
	}
	p, err := s.service.PreviewOrExample(ctx, name)
	if err != nil {
		return err
	}
	s.tellExample(p)
	reply, err := s.service.SendTest(ctx, p, address)
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(map[string]any{"to": address, "code": reply.Code, "reply": reply.Text})
	}
	s.printf("One copy went to %s: %d %s\n", address, reply.Code, plain(reply.Text))
	if s.service.Rehearsal() {
		s.printf("It is in %s: no relay is configured.\n", shown(s.options.OutboxDir)+"/")
	}
	return nil
}
