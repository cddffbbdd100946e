package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// exitTempFail tells a mail server to keep the message and to try again (sysexits.h).
const exitTempFail = 75

// takenView is what a report led to, in JSON.
type takenView struct {
	Kind    newsletter.ReportKind `json:"kind"`
	Reason  newsletter.Reason     `json:"reason,omitempty"`
	Outcome store.BounceOutcome   `json:"outcome"`
	Why     string                `json:"why,omitempty"` // it led to nothing
}

// bounceCommand takes one report: a mail server pipes it in.
func bounceCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "bounce [ADDRESS…]",
		Short: "Take one message that came back, on standard input (a mail server's pipe)",
		Long: `Bounce reads one message: a report of a mail that did not arrive, a complaint, a mail
that asks to unsubscribe. What it says is done at once. ADDRESS is where it was sent to,
as the mail server knows it; without, what stands in the message counts.

A message that is not understood, or that is about nobody, is no failure: it says why, and
syndicate bounces lists it. A report about a rehearsal's mail acts like any other. When
the site cannot be opened or the database does not answer, the exit code is 75, so that
the mail server keeps the message and tries again.`,
		Example: `    syndicate bounce bounces+key@bounces.example.org < report.eml
    argv=/usr/bin/syndicate -C /srv/letter bounce ${original_recipient}      in Postfix's master.cf`,
		Args: arguments(0, -1),
		RunE: func(c *cobra.Command, args []string) error {
			err := a.with(func(ctx context.Context, s *site, args []string) error { return s.takeBounce(ctx, a.in, args) })(c, args)
			var f *failure
			if err != nil && !errors.As(err, &f) {
				err = &failure{err: err, code: exitTempFail}
			}
			if f != nil && f.code == exitFailed {
				f.code = exitTempFail
			}
			return err
		},
	}
}

func (s *site) takeBounce(ctx context.Context, r io.Reader, envelope []string) error {
	taken, err := s.service.TakeMessage(ctx, r, envelope...)
	if err != nil {
		return err
	}
	if s.json {
		views := []takenView{}
		for _, t := range taken {
			views = append(views, takenView(t))
		}
		return s.printJSON(views)
	}
	lasting := false
	for _, t := range taken {
		s.printf("%s\n", t)
		if t.Why != "" {
			s.notef("It led to nothing: %s.", t.Why)
		}
		lasting = lasting || t.Outcome == store.BounceSuppressed
	}
	if lasting && s.service.Rehearsal() {
		s.notef("No relay is configured, but this stays when there is one. To undo: syndicate suppressions lift ADDRESS")
	}
	return nil
}

// bouncesCommand shows what came back.
func bouncesCommand(a *app) *cobra.Command {
	c := group("bounces", "What came back: list, show", bouncesList(a), bouncesShow(a))
	c.Long = `Reports of mail that did not arrive, complaints, mails that asked to unsubscribe, and
what each led to. Addresses are kept as keyed hashes: ask for one with --address.`
	return c
}

// bounceView is a report in JSON.
type bounceView struct {
	ID         int64                 `json:"id"`
	At         time.Time             `json:"at"`
	Kind       newsletter.ReportKind `json:"kind"`
	Reason     newsletter.Reason     `json:"reason,omitempty"`
	Status     string                `json:"status,omitempty"`
	Code       int                   `json:"code,omitempty"`
	Words      string                `json:"words,omitempty"`
	Reporter   string                `json:"reporter,omitempty"`
	Source     string                `json:"source"`
	Hash       string                `json:"hash,omitempty"`
	Newsletter string                `json:"newsletter,omitempty"`
	Issue      int64                 `json:"issue,omitempty"`
	Outcome    store.BounceOutcome   `json:"outcome"`
}

func bouncesList(a *app) *cobra.Command {
	var limit int
	var kind, address string
	var flag issueFlag
	kinds := reportKinds()
	c := &cobra.Command{
		Use:   "list",
		Short: "List what came back, latest first",
		Example: `    syndicate bounces list --kind unclassified
    syndicate bounces list --address ann@example.org`,
		Args: arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			if kind != "" && !slices.Contains(kinds, kind) {
				return usage("it is one of "+strings.Join(kinds, ", "), "--kind %s is not a kind of report", kind)
			}
			q := store.BounceQuery{Kind: newsletter.ReportKind(kind), Limit: limit}
			var err error
			if address != "" {
				if q.Email, err = addressArgument(address); err != nil {
					return err
				}
			}
			if flag.ref != "" {
				i, err := s.issue(ctx, flag.ref, flag)
				if err != nil {
					return err
				}
				q.Issue = i.ID
			}
			list, err := s.store.Bounces(ctx, q)
			if err != nil {
				return err
			}
			views, rows := []bounceView{}, [][]string{}
			for _, b := range list {
				views = append(views, bounceView(b))
				rows = append(rows, []string{
					strconv.FormatInt(b.ID, 10), moment(b.At, s.cfg.Site.TimeZone), string(b.Kind), string(b.Reason), s.issueName(ctx, b.Issue), short(b.Hash), string(b.Outcome), b.Words,
				})
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(rows) == 0 {
				a.printf("Nothing came back.\n")
				return nil
			}
			a.table([]string{"no", "since", "kind", "reason", "issue", "hash", "outcome", "words"}, rows)
			return nil
		}),
	}
	limitFlag(c, &limit, 100)
	c.Flags().StringVar(&kind, "kind", "", "only this `KIND`: "+strings.Join(kinds, ", "))
	oneOf(c, "kind", kinds...)
	c.Flags().StringVar(&address, "address", "", "only about this `ADDRESS`")
	flag.add(c, true)
	return c
}

// reportKinds are the words for what came back.
func reportKinds() []string {
	all := newsletter.ReportKinds()
	words := make([]string, len(all))
	for i, k := range all {
		words[i] = string(k)
	}
	return words
}

func bouncesShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NO",
		Short:   "Show one, and the message itself if it was not understood",
		Example: `    syndicate bounces show 12`,
		Args:    arguments(1, 1, "a number, as syndicate bounces list has them"),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usage("syndicate bounces list has the numbers", "%q is no number", args[0])
			}
			b, message, err := s.store.BounceMessage(ctx, id)
			if errors.Is(err, store.ErrNotFound) {
				return hinted(fmt.Errorf("there is no bounce %d", id), "syndicate bounces list has the numbers")
			}
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(struct {
					bounceView
					Message string `json:"message,omitempty"`
				}{bounceView(b), string(message)})
			}
			s.showBounce(ctx, b, message)
			return nil
		}),
	}
}

func (s *site) showBounce(ctx context.Context, b store.StoredBounce, message []byte) {
	line := func(name, value string) {
		if value != "" {
			s.printf("%-10s %s\n", name, plain(value))
		}
	}
	line("since", moment(b.At, s.cfg.Site.TimeZone))
	line("kind", string(b.Kind))
	line("reason", string(b.Reason))
	line("outcome", string(b.Outcome))
	line("issue", s.issueName(ctx, b.Issue))
	line("address", short(b.Hash))
	line("reporter", b.Reporter)
	line("status", b.Status)
	if b.Code > 0 {
		line("code", strconv.Itoa(b.Code))
	}
	line("words", b.Words)
	if len(message) > 0 {
		s.printf("\n")
		for l := range strings.Lines(strings.ToValidUTF8(string(message), "?")) {
			s.printf("%s\n", plain(strings.TrimRight(l, "\r\n")))
		}
	}
}

// bounceCounts counts what came back, by kind.
func bounceCounts(all []store.BounceCount) map[newsletter.ReportKind]int {
	if len(all) == 0 {
		return nil
	}
	out := make(map[newsletter.ReportKind]int, len(all))
	for _, b := range all {
		out[b.Kind] = b.Count
	}
	return out
}

// cameBack says the same in a line.
func cameBack(all []store.BounceCount) string {
	parts := make([]string, len(all))
	for i, b := range all {
		parts[i] = number(b.Count) + " " + string(b.Kind)
	}
	return strings.Join(parts, ", ")
}
