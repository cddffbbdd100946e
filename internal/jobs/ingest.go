package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

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
	Held        string           `json:"held,omitempty"`         // why vanished articles stay, or new ones stay out, until an operator looked
	New         bool             `json:"held_new,omitempty"`     // new ones are among what is held
	Next        time.Time        `json:"next,omitzero"`          // when it is asked again; zero: it has no schedule
	Error       string           `json:"error,omitempty"`        // the source could not be read; nothing was changed
	Passing     bool             `json:"passing,omitempty"`      // it worked before and has not failed for long: nobody has to do anything yet
	AssetErrors []string         `json:"asset_errors,omitempty"` // files beside articles that could not be published
	Problems    []source.Problem `json:"problems,omitempty"`
	Passed      []Passed         `json:"passed,omitempty"`
}

// Failed returns the names of the sources that could not be read, and will not be by
// themselves soon.
func (r IngestReport) Failed() []string {
	var names []string
	for _, s := range r.Sources {
		if s.Error != "" && !s.Passing {
			names = append(names, s.Source)
		}
	}
	return names
}

// asking is how many sources are listed at once. Most of that time is spent waiting
// for servers elsewhere.
const asking = 8

// Ingest takes what is new from every source into the store, publishes the files
// that stand beside the articles, and releases the articles whose date has come.
// mode says how eagerly sources elsewhere are asked. A source that fails is reported
// and changes nothing; an error means that the store failed or that ctx ended.
func (s *Service) Ingest(ctx context.Context, mode source.Mode) (IngestReport, error) {
	var report IngestReport
	all := make([]listed, len(s.o.Sources))
	var g errgroup.Group
	g.SetLimit(asking)
	for i, src := range s.o.Sources {
		g.Go(func() (err error) {
			all[i], err = s.list(ctx, src, mode)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return report, err
	}
	for _, l := range all {
		r, err := s.ingest(ctx, l)
		if err != nil {
			return report, fmt.Errorf("ingesting %s: %w", l.name, err)
		}
		report.Sources = append(report.Sources, r)
	}
	if _, err := s.store.ReleaseDue(ctx, s.now()); err != nil {
		return report, fmt.Errorf("releasing scheduled articles: %w", err)
	}
	return report, nil
}

// listed is a source that was listed, or could not be.
type listed struct {
	name    string
	before  store.SourceState
	listing *source.Listing
	err     error
}

func (s *Service) list(ctx context.Context, src source.Source, mode source.Mode) (l listed, err error) {
	l.name = src.Name()
	if l.before, err = s.store.SourceState(ctx, l.name); err != nil {
		return l, err
	}
	// A time that is earlier than the source's own plan was set by a hub.
	if mode == source.WhenDue && !l.before.Due.IsZero() && !l.before.Due.After(s.now()) {
		mode = source.Told
	}
	l.listing, l.err = src.List(ctx, source.Ask{State: l.before.State, Accepted: l.before.Accepted, Mode: mode})
	return l, nil
}

// ingest takes in what one source listed. The state that makes the next listing
// cheap is saved last: whatever interrupts before that, the next run reads the same
// files again and finds their articles unchanged.
func (s *Service) ingest(ctx context.Context, l listed) (SourceReport, error) {
	r, listing := SourceReport{Source: l.name}, l.listing
	if l.err != nil {
		return s.sourceFailed(ctx, r, l.err)
	}
	r.Total = listing.Total
	vanished := make(map[string]bool, len(listing.Vanished))
	for _, k := range listing.Vanished {
		vanished[k] = true
	}
	var storeErr error
	done := 0
	err := listing.Read(ctx, func(batch []newsletter.Article) error {
		var up store.Upserted
		up, storeErr = s.store.UpsertArticles(ctx, store.UpsertBatch{
			Source: l.name, SiteURL: s.o.Site.URL, Vanished: vanished, Articles: batch,
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
		s.tell(Progress{Step: "ingest", Name: l.name, Done: done, Total: listing.Changed})
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
	if err := s.finishListing(ctx, &r, l.before, listing, vanished); err != nil {
		return r, err
	}
	r.AssetErrors = s.publishAssets(ctx, l.name, listing.Assets, listing.Open)
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

// sourceFailed notes that a source could not be read; that deletes nothing. One that
// keeps its own schedule is not asked again by every listing, and goes on failing
// until it is.
func (s *Service) sourceFailed(ctx context.Context, r SourceReport, cause error) (SourceReport, error) {
	if ctx.Err() != nil {
		return r, cause
	}
	r.Error = cause.Error()
	var f *source.Failure
	if errors.As(cause, &f) {
		r.Next, r.Passing = f.Next, f.Passing
		if f.State == nil {
			return r, nil
		}
		if err := s.store.PlanSource(ctx, r.Source, f.State, f.Next); err != nil {
			return r, err
		}
	}
	return r, s.store.FailSource(ctx, r.Source, r.Error, s.now())
}

// finishListing unpublishes what vanished, or holds it when that is so much that
// a disk which is not mounted is likelier than an editor at work. It also notes what
// the source itself holds.
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
	count := len(kept) + listing.HeldCount
	if len(kept) > 0 {
		r.Held = fmt.Sprintf("%d of %d articles vanished from %s at once; they stay published until you accept it", len(kept), listing.Known, r.Source)
	}
	if listing.Held != "" {
		r.Held = strings.TrimPrefix(r.Held+". "+listing.Held, ". ")
	}
	r.New = listing.HeldCount > 0
	r.Next = listing.Next
	state, changed := listing.State(kept)
	same := before.Held == r.Held && before.HeldCount == count
	if changed || !same || before.Error != "" || before.Accepted {
		var err error
		if r.Unpublished, err = s.store.FinishListing(ctx, r.Source, state, gone, s.now()); err != nil {
			return err
		}
		same = r.Held == ""
	}
	if !listing.Next.Equal(before.Due) {
		if err := s.store.PlanSource(ctx, r.Source, nil, listing.Next); err != nil {
			return err
		}
	}
	if same {
		return nil
	}
	return s.store.HoldSource(ctx, r.Source, r.Held, count, s.now())
}
