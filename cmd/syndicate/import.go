package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

func subscribersImport(a *app) *cobra.Command {
	var o jobs.ImportOptions
	var yes bool
	c := &cobra.Command{
		Use:   "import NEWSLETTER FILE",
		Short: "Subscribe everybody on a list who is new",
		Long: `Import reads a list (- is standard input), says what it would do, asks, and then subscribes
whom it does not know, confirmed: only for people who asked. Whoever left, was removed or is
suppressed is not brought back, and nothing is changed for those who are there already: but
with --leave, who unsubscribed on the list is unsubscribed here. --verbose names each of them.

Exports of listmonk, Mailchimp, Ghost, Substack, Buttondown, Mailman and of Syndicate itself
are told by their columns (--format says which it is, where that is wrong). Who
unsubscribed there is recorded so that no list brings them; who bounced or complained there
is suppressed; what is said of the consent is kept. Of an export of Syndicate the lines of the
same newsletter are taken (--from: those of another, of people who asked for both). Other lists are CSV with columns such as
email, name, language, topics and time_zone, in any order, or an address on each line.

Each import has a number: subscribers imports lists them, subscribers undo-import takes one
back. One that was interrupted goes on when the same list is imported again.

A list that is kept up to date goes to subscribers/NEWSLETTER.csv instead: each run reads
it.`,
		Example: `    syndicate subscribers import weekly signups.csv
    syndicate subscribers import weekly members.csv --dry-run
    syndicate subscribers import weekly unsubscribed.csv --leave
    mailman members list.example.org | syndicate subscribers import weekly - --yes`,
		Args:              arguments(2, 2, "a NEWSLETTER and a FILE", "a FILE"),
		ValidArgsFunction: importArguments(a),
		RunE: func(c *cobra.Command, args []string) error {
			if o.Format != "" && !slices.Contains(roster.Formats(), o.Format) {
				return usage("it is "+strings.Join(roster.Formats(), ", "), "--format %s is not a format of lists", o.Format)
			}
			return a.importing(c.Context(), args, o, yes)
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.DryRun, "dry-run", "n", false, "say what it would do, and do nothing")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.StringVar(&o.Format, "format", "", "read the list as `FORMAT`: "+strings.Join(roster.Formats(), ", "))
	f.StringVar(&o.From, "from", "", "take the lines of this `NEWSLETTER` of an export of Syndicate; default: of the same")
	f.BoolVar(&o.Tags, "tags-as-topics", false, "make topics of the tags or labels that people had elsewhere")
	f.BoolVar(&o.Leave, "leave", false, "unsubscribe who is subscribed here and left on the list")
	oneOf(c, "format", roster.Formats()...)
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

// importing opens the site and the list, with a bar, and imports.
func (a *app) importing(ctx context.Context, args []string, o jobs.ImportOptions, yes bool) (err error) {
	bar := a.progress()
	defer bar.close()
	s, err := a.open(ctx, bar.tell)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := known(s.cfg, args[0]); err != nil {
		return err
	}
	list, err := a.openList(args[1])
	if err != nil {
		return err
	}
	defer list.Close()
	o.Newsletter, o.File, o.List = args[0], filepath.Base(args[1]), list
	if args[1] == "-" {
		o.File = "standard input"
	}
	if st, err := list.Stat(); err == nil {
		o.Size = st.Size()
	}
	if a.verbose && !a.json {
		o.OptedOut = func(w jobs.Who) { a.printf("%s:%d: %s left on the list\n", o.File, w.Line, w.Email) }
	}
	shown := false
	if !yes {
		o.Confirm = func(ctx context.Context, r jobs.ImportReport) (bool, error) {
			bar.close()
			shown = true
			s.tellDiff(r)
			return a.ask(ctx, false, importQuestion(r))
		}
	}
	r, err := s.service.Import(ctx, o)
	bar.close()
	switch {
	case errors.Is(err, context.Canceled) && r.Import > 0:
		return &failure{
			err: fmt.Errorf("interrupted after line %d of %s (import %d)", r.Through, r.File, r.Import), code: exitFailed,
			hint: fmt.Sprintf("the same command goes on from there; syndicate subscribers undo-import %d takes back what was imported", r.Import),
		}
	case errors.Is(err, store.ErrStale):
		return hinted(fmt.Errorf("import %d is worked on elsewhere: %w", r.Import, err), "syndicate subscribers imports says how far it is")
	case err != nil && r.Import == 0 && r.Format == "": // the header
		return &failure{err: errors.New(at(o.File, err.Error())), code: exitFailed, hint: hintFor(err)}
	case err != nil:
		return &failure{err: listError(o.File, err), code: exitFailed, hint: hintFor(err)}
	}
	if err := s.tellImport(r, o.DryRun, shown); err != nil {
		return err
	}
	return nobody(r)
}

// nobody is the error of a list that has no line for the newsletter: perhaps what made it
// failed, or it is another's.
func nobody(r jobs.ImportReport) error {
	switch others := r.Reasons[roster.OtherNewsletter]; {
	case r.Lines+r.Refused == 0:
		return hinted(fmt.Errorf("%s: the list is empty; nothing was changed", r.File), "look at what wrote it")
	case r.Lines == 0 && others == r.Refused:
		return fmt.Errorf("%s: no line is of %s; nothing was changed", r.File, r.Newsletter)
	}
	return nil
}

// importQuestion asks whether what a list would do is wanted.
func importQuestion(r jobs.ImportReport) string {
	leave := counted(r.Results[store.Leaves], "who left")
	switch {
	case leave == "":
		return fmt.Sprintf("Import %s to %s?", count(r.New(), "line"), r.Newsletter)
	case r.New() == 0:
		return fmt.Sprintf("Unsubscribe %s from %s?", leave, r.Newsletter)
	}
	return fmt.Sprintf("Import %s to %s, and unsubscribe %s?", count(r.New(), "line"), r.Newsletter, leave)
}

// listError puts the list's name before a line's number.
func listError(file string, err error) error {
	if strings.HasPrefix(err.Error(), "line ") {
		return errors.New(at(file, err.Error()))
	}
	return err
}

// openList opens a list that is read twice: what cannot be wound back is copied to
// a file that nobody else sees.
func (a *app) openList(name string) (*os.File, error) {
	from := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if st.Mode().IsRegular() {
			return f, nil
		}
		if st.IsDir() {
			return nil, errors.Join(fmt.Errorf("%s is a folder, not a list", name), f.Close())
		}
		defer f.Close()
		from = f
	}
	f, err := os.CreateTemp("", "syndicate-list-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) // it lives as long as it is open
	if _, err := io.Copy(f, from); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the list: %w", err), f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// fates are what becomes of lines, in the order of the report: what an import does,
// in words before and in words after.
func fates() []struct {
	result store.AddResult
	text   string
} {
	return []struct {
		result store.AddResult
		text   string
	}{
		{store.Created, "new"},
		{store.CreatedPending, "waiting to confirm"},
		{store.CreatedLeft, "recorded as unsubscribed"},
		{store.CreatedBounced, "recorded and suppressed"},
		{store.Leaves, "unsubscribed, as on the list"},
		{store.Exists, "there already"},
		{store.OptedOut, "subscribed here, but left on the list"},
		{store.SignedUpSince, "signed up here since they left on the list"},
		{store.Differs, "there already, but left or bounced on the list"},
		{store.Double, "twice"},
		{store.Unsubscribed, "who left"},
		{store.Suppressed, "suppressed"},
		{store.WasRemoved, "removed before"},
		{store.WasChanged, "who changed their address"},
		{store.WasErased, "erased before"},
		{store.WasLeft, "who left long ago"},
	}
}

// tellDiff says what an import would do, before it is asked for.
func (s *site) tellDiff(r jobs.ImportReport) {
	if s.json {
		return
	}
	s.tellProblems(r)
	var l lines
	l.add("list", "%s, read as %s", r.File, r.Program)
	if len(r.Ignored) > 0 {
		l.add("not read", "%s", strings.Join(r.Ignored, ", "))
	}
	for _, f := range fates() {
		if n := r.Results[f.result]; n > 0 {
			l.add("", "%s %s%s", number(n), f.text, examples(r.Samples[f.result], n))
		}
		if f.result == store.OptedOut && r.Results[store.OptedOut] > 0 {
			l.add("", "  (stays so; --leave unsubscribes, --verbose names all)")
		}
	}
	if r.Refused > 0 {
		reasons := make([]string, 0, len(r.Reasons))
		for reason := range r.Reasons {
			reasons = append(reasons, reason)
		}
		slices.SortFunc(reasons, func(a, b string) int {
			return cmp.Or(cmp.Compare(r.Reasons[b], r.Reasons[a]), cmp.Compare(a, b))
		})
		for i, reason := range reasons {
			reasons[i] = number(r.Reasons[reason]) + " " + reason
		}
		l.add("", "%s left out: %s", count(r.Refused, "line"), strings.Join(reasons, ", "))
	}
	s.tellLines(l)
}

// examples are the first addresses of a result.
func examples(list []jobs.Who, of int) string {
	if len(list) == 0 {
		return ""
	}
	emails := make([]string, len(list))
	for i, w := range list {
		emails[i] = w.Email
	}
	text := ": " + strings.Join(emails, ", ")
	if of > len(list) {
		text += " …"
	}
	return text
}

// tellProblems warns of the first lines that are left out.
func (s *site) tellProblems(r jobs.ImportReport) {
	told := 0
	for _, p := range r.Problems {
		where := fmt.Sprintf("%s:%d", r.File, p.Line)
		if p.Column > 0 {
			where += fmt.Sprintf(":%d", p.Column)
		}
		if p.Columns {
			s.warn(where, p.Message, "")
			continue
		}
		if told++; told > 20 {
			continue
		}
		s.warn(where, p.Message+" (left out)", "")
	}
	if more := r.Refused + r.Results[store.Double] - min(told, 20); more > 0 {
		s.warn(r.File, count(more, "more line")+" left out", "")
	}
	if n := r.Reasons[roster.OtherNewsletter]; n > 0 {
		s.warn(r.File, fmt.Sprintf("%s of another newsletter left out: those people did not ask for %s", count(n, "line"), r.Newsletter),
			"if they asked for it, too: --from, with that newsletter's name")
	}
}

func (s *site) tellImport(r jobs.ImportReport, dry, shown bool) error {
	if s.json {
		return s.printJSON(r)
	}
	switch {
	case dry:
		s.tellDiff(r)
		return nil
	case !shown:
		s.tellProblems(r)
	}
	if shown && !r.Done {
		s.printf("Nothing was imported.\n")
		return nil
	}
	parts := []string{number(r.Results[store.Created]) + " new"}
	for _, f := range fates()[1:] {
		parts = append(parts, counted(r.Results[f.result], f.text))
	}
	s.printf("%s: %s\n", r.Newsletter, join(", ", parts...))
	if r.Continued > 0 {
		s.printf("Import %d went on after line %d.\n", r.Import, r.Continued)
	}
	if r.Import > 0 {
		s.printf("To undo: syndicate subscribers undo-import %d\n", r.Import)
	}
	return nil
}
