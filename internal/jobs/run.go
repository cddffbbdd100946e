package jobs

import (
	"context"
	"errors"
)

// RunOptions says what Run does.
type RunOptions struct {
	Newsletters []string // empty: all of them
	Due         bool     // only those whose time has come
	// Confirm is asked before real people are mailed, with all the previews that
	// have something to send; nil: nobody is asked. A rehearsal never asks.
	Confirm func(context.Context, []Preview) (bool, error)
}

// Run does the whole job once.
func (s *Service) Run(ctx context.Context, o RunOptions) (RunReport, error) {
	return RunReport{}, errors.ErrUnsupported
}

// Finish takes up interrupted and approved issues, and nothing else.
func (s *Service) Finish(ctx context.Context) (RunReport, error) {
	return RunReport{}, errors.ErrUnsupported
}

// SyncLists brings the operator's own lists into the store.
func (s *Service) SyncLists(ctx context.Context, names ...string) ([]ListReport, error) {
	return nil, errors.ErrUnsupported
}
