package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/store"
)

// importView is an import in JSON.
type importView struct {
	Import     int64                    `json:"import"`
	Newsletter string                   `json:"newsletter"`
	File       string                   `json:"file"`
	Format     string                   `json:"format"`
	Leave      bool                     `json:"leave,omitempty"` // who left by the list, left here
	State      store.ImportState        `json:"state"`
	Through    int                      `json:"through"` // the last line that was taken
	Results    map[store.AddResult]int  `json:"results"`
	StartedAt  time.Time                `json:"started_at"`
	EndedAt    time.Time                `json:"ended_at,omitzero"`
	UndoneAt   time.Time                `json:"undone_at,omitzero"`
	Removed    int                      `json:"removed,omitempty"`
	Lifted     int                      `json:"lifted,omitempty"`
	Restored   int                      `json:"restored,omitempty"`
	Kept       map[store.KeptReason]int `json:"kept,omitempty"`
}

func viewImport(i store.Import) importView {
	return importView{
		Import: i.ID, Newsletter: i.Newsletter, File: i.File, Format: i.Format, Leave: i.Leave, State: i.State, Through: i.Through, Results: i.Results,
		StartedAt: i.StartedAt, EndedAt: i.EndedAt, UndoneAt: i.UndoneAt, Removed: i.Removed, Lifted: i.Lifted, Restored: i.Restored, Kept: i.Kept,
	}
}

// subscribersImports lists what was imported.
func subscribersImports(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "imports",
		Short:   "List the imports, latest first",
		Example: `    syndicate subscribers imports`,
		Args:    arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			list, err := s.store.Imports(ctx, limit)
			if err != nil {
				return err
			}
			views, rows := []importView{}, [][]string{}
			for _, i := range list {
				views = append(views, viewImport(i))
				rows = append(rows, []string{
					strconv.FormatInt(i.ID, 10), moment(i.StartedAt, s.cfg.Site.TimeZone), i.Newsletter, i.File, i.Format, number(i.Results[store.Created]), howFar(i),
				})
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(rows) == 0 {
				a.printf("Nothing was imported yet.\n")
				return nil
			}
			a.table([]string{"import", "begun", "newsletter", "file", "format", "new", "state"}, rows)
			return nil
		}),
	}
	limitFlag(c, &limit, 20)
	return c
}

// howFar says how an import stands.
func howFar(i store.Import) string {
	switch i.State {
	case store.ImportRunning:
		return fmt.Sprintf("through line %s; the same list goes on", number(i.Through))
	case store.ImportUndoing:
		return fmt.Sprintf("being undone, %s removed", number(i.Removed))
	case store.ImportUndone:
		return join(", ", "undone", number(i.Removed)+" removed", counted(i.Restored, "subscribed again"), counted(i.Kept[store.KeptOwner]+i.Kept[store.KeptList], "kept"))
	}
	return string(i.State)
}

// subscribersUndoImport takes an import back.
func subscribersUndoImport(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "undo-import N",
		Short: "Take an import back: remove whom it made and nobody touched since",
		Long: `Undo-import removes the subscriptions that an import made, with what is still to be sent to
them, lifts the suppressions it made, and takes up again the subscriptions that it ended with
--leave. What its owner changed since, or left, stays, and so does who is on the newsletter's
own list, too. Nothing remembers that they were there: another list may bring them again.`,
		Example: `    syndicate subscribers imports
    syndicate subscribers undo-import 3`,
		Args: arguments(1, 1, "the number of an import"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id < 1 {
				return usage("syndicate subscribers imports lists them", "%q is not the number of an import", plain(args[0]))
			}
			return a.undoing(c.Context(), id, yes)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) undoing(ctx context.Context, id int64, yes bool) (err error) {
	bar := a.progress()
	defer bar.close()
	s, err := a.open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	i, err := s.store.Import(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return hinted(fmt.Errorf("there is no import %d", id), "syndicate subscribers imports lists them")
	}
	if err != nil {
		return err
	}
	made := i.Results[store.Created] + i.Results[store.CreatedPending] + i.Results[store.CreatedLeft] + i.Results[store.CreatedBounced]
	if i.State != store.ImportUndone {
		did := join(", ", count(made, "subscription")+" made", counted(i.Results[store.Leaves], "ended"))
		question := fmt.Sprintf("Undo import %d (%s to %s on %s: %s)?", id, i.File, i.Newsletter, moment(i.StartedAt, s.cfg.Site.TimeZone), did)
		if ok, err := a.ask(ctx, yes, question); err != nil || !ok {
			return err
		}
	}
	i, err = s.store.UndoImport(ctx, id, a.clock(), func(done int) { bar.tell(jobs.Progress{Step: "undo", Done: done, Total: max(made, done)}) })
	bar.close()
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("import %d was undone on %s: %s removed%s", id, moment(i.UndoneAt, s.cfg.Site.TimeZone), number(i.Removed), s.keptWords(i))
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(viewImport(i))
	}
	did := count(i.Removed, "subscription") + " removed"
	if i.Restored > 0 {
		did += ", " + number(i.Restored) + " taken up again"
	}
	if i.Lifted > 0 {
		did += ", " + count(i.Lifted, "suppression") + " lifted"
	}
	a.printf("Import %d is undone: %s%s.\n", id, did, s.keptWords(i))
	return nil
}

// keptWords says what stayed, and why.
func (s *site) keptWords(i store.Import) string {
	text := ""
	if n := i.Kept[store.KeptOwner]; n > 0 {
		text += fmt.Sprintf("; %s kept that changed since", number(n))
	}
	if n := i.Kept[store.KeptList]; n > 0 {
		text += fmt.Sprintf("; %s kept that %s has, too", number(n), listFile(i.Newsletter))
	}
	return text
}
