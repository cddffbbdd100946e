package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/config"
	"syndicate/internal/jobs"
	"syndicate/internal/store"
)

// retentionCommand lets go what is kept no longer.
func retentionCommand(a *app) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "retention",
		Short: "Let go what is held about people and older than it is kept",
		Long: `Retention deletes what is older than retention in config.yaml says: what became of each
delivery, letters, who left, what came back. Counts stay, and so do suppressions and what
keeps lists from bringing people back. serve does it once a day by itself, and so does run;
it may be done while an issue is being sent. An interrupted one goes on the next time.`,
		Example: `    syndicate retention --dry-run
    syndicate retention`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return a.retaining(c.Context(), dry) },
	}
	c.Flags().BoolVarP(&dry, "dry-run", "n", false, "only say what would go")
	return c
}

// retentionView is a kind in JSON.
type retentionView struct {
	Kind    store.Retained `json:"kind"`
	Kept    string         `json:"kept"`           // such as 30d, or never: it never goes
	Older   *int           `json:"older,omitzero"` // rows that would go
	Gone    *int           `json:"gone,omitzero"`  // rows that went now
	At      time.Time      `json:"at,omitzero"`    // when what is older went last
	Removed int            `json:"removed"`        // rows, then
	Total   int            `json:"total"`          // rows, ever
}

func (a *app) retaining(ctx context.Context, dry bool) (err error) {
	bar := a.progress()
	defer bar.close()
	s, err := a.open(ctx, bar.tell)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	before, err := s.service.Retention(ctx, dry)
	if err != nil {
		return err
	}
	all := before
	if !dry {
		if all, err = s.service.Retain(ctx); err != nil {
			return err
		}
	}
	bar.close()
	views, rows := []retentionView{}, [][]string{}
	for i, k := range all {
		v := retentionView{Kind: k.Kind, Kept: keptFor(k), At: before[i].At, Removed: before[i].Removed, Total: before[i].Total}
		if dry {
			v.Older = &k.Rows
		} else {
			v.Gone = &k.Rows
		}
		views = append(views, v)
		then := ""
		if !v.At.IsZero() {
			then = number(v.Removed)
		}
		rows = append(rows, []string{string(k.Kind), v.Kept, number(k.Rows), moment(v.At, s.cfg.Site.TimeZone), then})
	}
	if a.json {
		return a.printJSON(views)
	}
	a.table([]string{"what", "goes after", map[bool]string{true: "would go now", false: "went now"}[dry], "time before", "went then"}, rows)
	return nil
}

func keptFor(k jobs.Kept) string {
	if k.For == jobs.Forever {
		return config.Never.String()
	}
	return config.Period(k.For).String()
}

// forgotten is what went of a kind lately, for status.
type forgotten struct {
	Kind    store.Retained `json:"kind"`
	At      time.Time      `json:"at"`
	Removed int            `json:"removed"`
	Total   int            `json:"total"`
}

// forgotten says when what is kept no longer went, and how much that was.
func (s *site) forgotten(ctx context.Context) ([]forgotten, error) {
	all, err := s.service.Retention(ctx, false)
	list := []forgotten{}
	for _, k := range all {
		if !k.At.IsZero() {
			list = append(list, forgotten{k.Kind, k.At, k.Removed, k.Total})
		}
	}
	return list, err
}

// tellForgotten tells of the last pass.
func tellForgotten(l *lines, list []forgotten, zone *time.Location) {
	var last time.Time
	var what []string
	for _, f := range list {
		if f.At.After(last) {
			last = f.At
		}
		what = append(what, counted(f.Removed, string(f.Kind)))
	}
	if last.IsZero() {
		return
	}
	text := join(", ", what...)
	if text == "" {
		text = "nothing was old enough"
	}
	l.add("retention", "%s: %s", moment(last, zone), text)
}
