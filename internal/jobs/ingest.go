package jobs

import (
	"context"
	"fmt"
	"slices"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/store"
)

// IngestReport says what came in from all sources.
type IngestReport struct {
	Sources []SourceReport `json:"sources"`
}

// SourceReport says what came in from one source.
type SourceReport struct {
	Source      string           `json:"source"`
	Total       int              `json:"total"`                  // articles the source holds
	Added       int              `json:"added"`                  //
	Changed     int              `json:"changed"`                //
	Moved       int              `json:"moved"`                  // the same article under another key
	Unpublished int              `json:"unpublished"`            // gone from the source
	Published   int              `json:"published"`              // public for the first time
	Held        string           `json:"held,omitempty"`         // why vanished articles stay until an operator looked
	Error       string           `json:"error,omitempty"`        // the source could not be read; nothing was changed
	AssetErrors []string         `json:"asset_errors,omitempty"` // files beside articles that could not be published
	Problems    []source.Problem `json:"problems,omitempty"`
	Passed      []Passed         `json:"passed,omitempty"`
}

// Failed returns the names of the sources that could not be read.
func (r IngestReport) Failed() []string {
	var names []string
	for _, s := range r.Sources {
		if s.Error != "" {
			names = append(names, s.Source)
		}
	}
	return names
}

// Ingest takes what is new from every source into the store, publishes the files
// that stand beside the articles, and releases the articles whose date has come.
// A source that fails is reported and changes nothing; an error means that the
// store failed or that ctx ended.
func (s *Service) Ingest(ctx context.Context) (IngestReport, error) {
	var report IngestReport
	for _, src := range s.o.Sources {
		r, err := s.ingest(ctx, src)
		if err != nil {
			return report, fmt.Errorf("ingesting %s: %w", src.Name(), err)
		}
		report.Sources = append(report.Sources, r)
	}
	if _, err := s.store.ReleaseDue(ctx, s.now()); err != nil {
		return report, fmt.Errorf("releasing scheduled articles: %w", err)
	}
	return report, nil
}

// ingest reads one source. The state that makes the next listing cheap is saved
// last: whatever interrupts before that, the next run reads the same files again
// and finds their articles unchanged.
func (s *Service) ingest(ctx context.Context, src source.Source) (SourceReport, error) {
	r := SourceReport{Source: src.Name()}
	before, err := s.store.SourceState(ctx, src.Name())
	if err != nil {
		return r, err
	}
	listing, err := src.List(ctx, before.State)
	if err != nil {
		return s.sourceFailed(ctx, r, err)
	}
	r.Total = listing.Total
	vanished := make(map[string]bool, len(listing.Vanished))
	for _, k := range listing.Vanished {
		vanished[k] = true
	}
	var storeErr error
	done := 0
	err = listing.Read(ctx, func(batch []newsletter.Article) error {
		var up store.Upserted
		up, storeErr = s.store.UpsertArticles(ctx, store.UpsertBatch{
			Source: src.Name(), SiteURL: s.o.Site.URL, Vanished: vanished, Articles: batch,
		}, s.now())
		if storeErr != nil {
			return storeErr
		}
		r.Added += up.Added
		r.Changed += up.Changed
		r.Moved += len(up.MovedFrom)
		r.Published += up.Published
		if storeErr = s.passedBy(ctx, &r, up.Relabelled); storeErr != nil {
			return storeErr
		}
		for _, k := range up.MovedFrom {
			delete(vanished, k)
		}
		done += len(batch)
		s.tell(Progress{Step: "ingest", Name: src.Name(), Done: done, Total: listing.Changed})
		return nil
	})
	r.Problems = listing.Problems()
	r.Total -= leftOut(r.Problems)
	switch {
	case storeErr != nil:
		return r, storeErr
	case err != nil:
		return s.sourceFailed(ctx, r, err)
	}
	if err := s.finishListing(ctx, &r, before, listing, vanished); err != nil {
		return r, err
	}
	r.AssetErrors = s.publishAssets(ctx, src.Name(), listing.Assets, listing.Open)
	return r, nil
}

// leftOut counts the files that are no articles.
func leftOut(problems []source.Problem) int {
	files := map[string]bool{}
	for _, p := range problems {
		if !p.Warning {
			files[p.File] = true
		}
	}
	return len(files)
}

// sourceFailed notes that a source could not be read; that deletes nothing.
func (s *Service) sourceFailed(ctx context.Context, r SourceReport, cause error) (SourceReport, error) {
	if ctx.Err() != nil {
		return r, cause
	}
	r.Error = cause.Error()
	return r, s.store.FailSource(ctx, r.Source, r.Error, s.now())
}

// finishListing unpublishes what vanished, or holds it when that is so much that
// a disk which is not mounted is likelier than an editor at work.
func (s *Service) finishListing(ctx context.Context, r *SourceReport, before store.SourceState, listing *source.Listing, vanished map[string]bool) error {
	gone := make([]string, 0, len(vanished))
	for k := range vanished {
		gone = append(gone, k)
	}
	slices.Sort(gone)
	var kept []string
	if newsletter.HoldVanished(listing.Known, len(gone)) && !before.Accepted {
		kept, gone = gone, nil
	}
	state, changed := listing.State(kept)
	if changed || before.Held != "" || before.Error != "" || before.Accepted {
		var err error
		if r.Unpublished, err = s.store.FinishListing(ctx, r.Source, state, gone, s.now()); err != nil {
			return err
		}
	}
	if len(kept) == 0 {
		return nil
	}
	r.Held = fmt.Sprintf("%d of %d articles vanished from %s at once; they stay published until you accept it", len(kept), listing.Known, r.Source)
	return s.store.HoldSource(ctx, r.Source, r.Held, len(kept), s.now())
}

// PruneArticles accepts that articles vanished from a source: the held ones are
// unpublished now.
func (s *Service) PruneArticles(ctx context.Context, name string) (SourceReport, error) {
	for _, src := range s.o.Sources {
		if src.Name() != name {
			continue
		}
		if _, err := s.store.PruneArticles(ctx, name); err != nil {
			return SourceReport{}, err
		}
		return s.ingest(ctx, src)
	}
	return SourceReport{}, fmt.Errorf("source %q: %w", name, store.ErrNotFound)
}
