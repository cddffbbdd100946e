package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/source"
)

// buildCommand takes in what is in the site folder and builds the feeds.
func buildCommand(a *app) *cobra.Command {
	var prune, accept bool
	c := &cobra.Command{
		Use:   "build",
		Short: "Take in articles and lists, and build the feeds",
		Long: `Build takes what is new in the article folders and in subscribers/*.csv into the store,
and writes the feeds to public/. It mails nobody. A broken article or line is reported
and left out; it does not stop the others and does not change the exit code.

A feed that would suddenly lose most of its articles, or whose articles would get other
ids, stays as it is and is reported: --accept lets it change.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			bar := a.progress()
			defer bar.close()
			s, err := a.open(c.Context(), bar.tell)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			return s.build(c.Context(), prune, accept)
		},
	}
	addPrune(c, &prune)
	c.Flags().BoolVar(&accept, "accept", false, "let feeds lose most of what they have, or change their articles' ids")
	return c
}

func addPrune(c *cobra.Command, prune *bool) {
	c.Flags().BoolVar(prune, "prune", false, "remove subscribers who came by subscribers/*.csv and are not on it any more")
}

// buildReport says what build did, in JSON.
type buildReport struct {
	Lists   []listView         `json:"lists"`
	Ingest  jobs.IngestReport  `json:"ingest"`
	Publish jobs.PublishReport `json:"publish"`
}

func (s *site) build(ctx context.Context, prune, accept bool) (err error) {
	var r buildReport
	lists, err := s.service.SyncLists(ctx, prune)
	if err != nil {
		return err
	}
	r.Lists = viewLists(lists)
	if r.Ingest, err = s.service.Ingest(ctx, source.Now); err != nil {
		return err
	}
	publish := s.service.Publish
	if accept {
		publish = s.service.AcceptFeeds
	}
	r.Publish, err = publish(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		err = fmt.Errorf("building the feeds: %w", err)
		r.Publish.Error = err.Error()
	}
	if s.json {
		r.Publish = viewPublish(r.Publish)
		if jsonErr := s.printJSON(r); jsonErr != nil {
			return jsonErr
		}
	} else {
		s.tellBuild(ctx, r.Ingest, r.Publish, lists)
	}
	if err != nil {
		return err
	}
	if len(r.Ingest.Failed()) > 0 || slices.ContainsFunc(lists, func(l jobs.ListReport) bool { return l.Error != "" }) {
		return exit(exitFailed)
	}
	return nil
}
