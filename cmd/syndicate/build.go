package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
)

// buildCommand takes articles in and builds the feeds.
func buildCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Take new articles in and build the feeds",
		Long: `Build takes what is new in the article folders into the store and writes the feeds to
public/. It mails nobody. A broken article is reported and left out; it does not stop
the others and does not change the exit code.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			bar := a.progress()
			defer bar.close()
			s, err := a.open(c.Context(), bar.tell)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			return s.build(c.Context())
		},
	}
}

type buildReport struct {
	Ingest  jobs.IngestReport  `json:"ingest"`
	Publish jobs.PublishReport `json:"publish"`
}

func (s *site) build(ctx context.Context) (err error) {
	var r buildReport
	if r.Ingest, err = s.service.Ingest(ctx); err != nil {
		return err
	}
	if r.Publish, err = s.service.Publish(ctx); err != nil {
		return fmt.Errorf("building the feeds: %w", err)
	}
	if s.json {
		if err := s.printJSON(r); err != nil {
			return err
		}
	} else {
		s.tellArticles(ctx, r.Ingest, r.Publish)
	}
	if len(r.Ingest.Failed()) > 0 {
		return exit(exitFailed)
	}
	return nil
}
