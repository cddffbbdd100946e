package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

func subscribersExport(a *app) *cobra.Command {
	var out, state, format string
	c := &cobra.Command{
		Use:   "export NEWSLETTER",
		Short: "Write a newsletter's subscriptions as CSV or JSON",
		Long: `Export writes all subscriptions, whatever their state, or those of one --state, with all that
is known of them: state, topics, cadence, consent and its proof. Who wants mail are those of
--state confirmed where nothing stands in the column suppressed. What it writes as CSV, import reads back
without a loss. It needs no more memory for a million than for ten.`,
		Example: `    syndicate subscribers export weekly --out weekly.csv
    syndicate subscribers export weekly --state confirmed --format json`,
		Args:              arguments(1, 1, "the name of a NEWSLETTER"),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			q, err := s.subscriberQuery(args, state)
			if err != nil {
				return err
			}
			if format != "csv" && format != "json" {
				return usage("it is csv or json", "--format %s is not a format of exports", format)
			}
			if out == "" || out == "-" {
				_, err = s.exportList(ctx, q, format, a.out)
				return err
			}
			f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // people's addresses
			if errors.Is(err, os.ErrExist) {
				return hinted(fmt.Errorf("%s is there already; nothing was written", out), "--out takes the name of a new file")
			}
			if err != nil {
				return err
			}
			n, err := s.exportList(ctx, q, format, f)
			if err = errors.Join(err, f.Close()); err != nil {
				os.Remove(out)
				return err
			}
			a.notef("%s", n.tell(out))
			if n.confirmed < n.lines && state == "" {
				a.notef("hint: --state confirmed leaves the others out")
			}
			return nil
		}),
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write to a new `FILE` instead of standard output")
	c.Flags().StringVar(&format, "format", "csv", "write `FORMAT`: csv or json")
	oneOf(c, "format", "csv", "json")
	c.Flags().StringVar(&state, "state", "", "only of this `STATE`: pending, confirmed, unsubscribed or suppressed")
	oneOf(c, "state", "pending", "confirmed", "unsubscribed", "suppressed")
	return c
}

// exporter writes subscriptions one after another.
type exporter interface {
	Write(s *newsletter.Subscription, suppressed newsletter.Cause) error
	Close() error
}

// exported counts what was written.
type exported struct {
	lines, confirmed, suppressed int // suppressed: of the confirmed
}

// tell says it, so that nobody takes all lines for people who want mail.
func (n exported) tell(file string) string {
	text := fmt.Sprintf("%s in %s, %s of them confirmed", count(n.lines, "line"), file, number(n.confirmed))
	if n.suppressed > 0 {
		text += fmt.Sprintf(" (%s of those suppressed: not to be mailed)", number(n.suppressed))
	}
	return text
}

// exportList writes a list in pieces, so that a large one needs no memory.
func (s *site) exportList(ctx context.Context, q store.SubscriberQuery, format string, to io.Writer) (n exported, err error) {
	var w exporter = &jsonExport{w: bufio.NewWriter(to)}
	if format == "csv" {
		if w, err = roster.NewWriter(to); err != nil {
			return n, err
		}
	}
	for q.Limit = 1000; ; {
		list, err := s.store.Subscribers(ctx, q)
		if err != nil {
			return n, err
		}
		emails := make([]string, len(list))
		for i := range list {
			emails[i] = list[i].Subscriber.Email
		}
		causes, err := s.store.Causes(ctx, emails)
		if err != nil {
			return n, err
		}
		for i := range list {
			cause := causes[list[i].Subscriber.Email]
			if err := w.Write(&list[i], cause); err != nil {
				return n, err
			}
			if n.lines++; list[i].State == newsletter.SubscriptionConfirmed {
				n.confirmed++
				if cause != "" {
					n.suppressed++
				}
			}
		}
		if len(list) < q.Limit {
			return n, w.Close()
		}
		q.After = list[len(list)-1].Subscriber.ID
	}
}

// jsonExport writes one array with a subscription on each line.
type jsonExport struct {
	w     *bufio.Writer
	begun bool
}

func (x *jsonExport) Write(s *newsletter.Subscription, suppressed newsletter.Cause) error {
	v := viewSubscription(*s)
	v.Suppressed = suppressed
	source, proof := roster.Consent(s)
	full := exportView{
		subscriptionView: v, Cadence: string(s.Cadence), Hour: s.Hour, MaxItems: s.MaxItems, SetByOwner: s.SetByOwner,
		ConsentSource: source, Proof: json.RawMessage(proof), PausedTill: s.PausedTill, ByFeed: s.ByFeed, LeftAt: s.LeftAt, LeftBy: s.LeftBy,
	}
	b, err := json.Marshal(full)
	if err != nil {
		return fmt.Errorf("writing a subscription: %w", err)
	}
	_, err = x.w.WriteString(map[bool]string{false: "[\n", true: ",\n"}[x.begun])
	x.begun = true
	if err == nil {
		_, err = x.w.Write(b)
	}
	return err
}

func (x *jsonExport) Close() error {
	text := "\n]\n"
	if !x.begun {
		text = "[]\n"
	}
	if _, err := x.w.WriteString(text); err != nil {
		return err
	}
	return x.w.Flush()
}
