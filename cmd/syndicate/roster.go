package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

// fields are what the command line says of a subscriber.
type fields struct {
	name, language, zone string
	topics               []string
}

// lineOf checks an address and its fields by the rules of lists: it writes a list
// of one line and reads it.
func lineOf(address string, f fields) (newsletter.Line, error) {
	head, row := []string{"email"}, []string{address}
	for _, cell := range [][2]string{{"name", f.name}, {"language", f.language}, {"time_zone", f.zone}, {"topics", strings.Join(f.topics, "|")}} {
		if cell[1] != "" {
			head, row = append(head, cell[0]), append(row, cell[1])
		}
	}
	if _, err := addressArgument(address); err != nil {
		return newsletter.Line{}, err
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll([][]string{head, row}); err != nil {
		return newsletter.Line{}, err
	}
	good, problems, err := roster.ReadAll(&b)
	switch {
	case err != nil:
		return newsletter.Line{}, err
	case len(problems) > 0:
		return newsletter.Line{}, usage("", "%s: %s", plain(address), problems[0].Message)
	case len(good) != 1:
		return newsletter.Line{}, usage("", "%s: not one subscriber", plain(address))
	}
	return good[0], nil
}

func notAdded(address, format string, args ...any) error {
	return fmt.Errorf("%s %s; nothing was changed", address, fmt.Sprintf(format, args...))
}

func notThere(err error, address string) error {
	if errors.Is(err, store.ErrNotFound) {
		return hinted(fmt.Errorf("%s is not a subscriber", address), "syndicate subscribers list --match %s", address)
	}
	return err
}

// importReport says what became of an imported list.
type importReport struct {
	Newsletter string                  `json:"newsletter"`
	Results    map[store.AddResult]int `json:"results"`
	Problems   []jobs.ListProblem      `json:"problems"`
}

func subscribersImport(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "import NEWSLETTER FILE",
		Short: "Subscribe everybody on a list who is new",
		Long: `Import reads a CSV list (columns email, name, language, topics, time_zone in any order;
- is standard input) and subscribes whom it does not know, confirmed: only for people who
asked. Whoever left, was removed or is suppressed is not brought back, and nothing is
changed for those who are there already.

A list that is kept up to date goes to subscribers/NEWSLETTER.csv instead: each run reads
it.`,
		Example:           `    syndicate subscribers import weekly signups.csv`,
		Args:              arguments(2, 2, "a NEWSLETTER and a FILE", "a FILE"),
		ValidArgsFunction: importArguments(a),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			if err := known(s.cfg, args[0]); err != nil {
				return err
			}
			in := a.in
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			name := args[1]
			if name == "-" {
				name = "standard input"
			}
			r, err := s.importList(ctx, args[0], in)
			if err != nil {
				return &failure{err: errors.New(at(name, err.Error())), code: exitFailed, hint: hintFor(err)}
			}
			return s.tellImport(name, r)
		}),
	}
	return c
}

func importArguments(a *app) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return nil, cobra.ShellCompDirectiveDefault // a file
		}
		return a.completeNewsletter(1)(c, args, begun)
	}
}

// importList reads the whole list before it takes anybody in: half a list is no list.
func (s *site) importList(ctx context.Context, name string, in io.Reader) (importReport, error) {
	r := importReport{Newsletter: name, Results: map[store.AddResult]int{}, Problems: []jobs.ListProblem{}}
	lines, problems, err := roster.ReadAll(in)
	if err != nil {
		return r, err
	}
	for _, p := range problems {
		r.Problems = append(r.Problems, jobs.ListProblem{Line: p.Line, Message: p.Message, Columns: p.Columns})
	}
	results, err := s.store.AddSubscribers(ctx, name, lines, "import", s.clock())
	for _, result := range results {
		r.Results[result]++
	}
	return r, err
}

func (s *site) tellImport(file string, r importReport) error {
	if s.json {
		return s.printJSON(r)
	}
	for i, p := range r.Problems {
		if i == 100 {
			s.warn(file, count(len(r.Problems)-i, "more line")+" left out", "")
			break
		}
		if !p.Columns {
			p.Message += " (left out)"
		}
		s.warn(fmt.Sprintf("%s:%d", file, p.Line), p.Message, "")
	}
	n := r.Results
	s.printf("%s: %s\n", r.Newsletter, join(", ", number(n[store.Created])+" new", counted(n[store.Exists], "there already"),
		counted(n[store.Unsubscribed], "who left"), counted(n[store.Suppressed], "suppressed"), counted(n[store.Gone], "removed before")))
	return nil
}

func subscribersExport(a *app) *cobra.Command {
	var out, state string
	c := &cobra.Command{
		Use:   "export NEWSLETTER",
		Short: "Write a newsletter's subscribers as CSV",
		Example: `    syndicate subscribers export weekly --out weekly.csv
    syndicate subscribers export weekly --state confirmed`,
		Args:              arguments(1, 1, "the name of a NEWSLETTER"),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			q, err := s.subscriberQuery(args, state)
			if err != nil {
				return err
			}
			if out == "" {
				_, err = s.exportList(ctx, q, a.out)
				return err
			}
			f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // people's addresses
			if errors.Is(err, os.ErrExist) {
				return hinted(fmt.Errorf("%s is there already; nothing was written", out), "--out takes the name of a new file")
			}
			if err != nil {
				return err
			}
			n, err := s.exportList(ctx, q, f)
			if err = errors.Join(err, f.Close()); err != nil {
				os.Remove(out)
				return err
			}
			a.notef("%s in %s", count(n, "subscriber"), out)
			return nil
		}),
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write to a new `FILE` instead of standard output")
	c.Flags().StringVar(&state, "state", "", "only of this `STATE`: pending, confirmed, unsubscribed or suppressed")
	oneOf(c, "state", "pending", "confirmed", "unsubscribed", "suppressed")
	return c
}

// exportList writes a list in pieces, so that a large one needs no memory.
func (s *site) exportList(ctx context.Context, q store.SubscriberQuery, to io.Writer) (n int, err error) {
	w, err := roster.NewWriter(to)
	if err != nil {
		return 0, err
	}
	for q.Limit = 1000; ; {
		list, err := s.store.Subscribers(ctx, q)
		if err != nil {
			return n, err
		}
		for i := range list {
			if err := w.Write(&list[i]); err != nil {
				return n, err
			}
		}
		if n += len(list); len(list) < q.Limit {
			return n, w.Close()
		}
		q.After = list[len(list)-1].Subscriber.ID
	}
}
