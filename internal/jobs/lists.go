package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

// maxListProblems bounds what a report holds of a list's skipped lines.
const maxListProblems = 100

// SyncLists brings the operator's own lists of subscribers into the store; names
// empty: of all newsletters. A list that cannot be read is reported and changes
// nothing; an error means that the store failed or that ctx ended.
//
// With prune, whoever came by a list and is not on it any more is removed, if the
// list tells: one that is empty, or has lines that could not be read, removes
// nobody.
func (s *Service) SyncLists(ctx context.Context, prune bool, names ...string) ([]ListReport, error) {
	var reports []ListReport
	for _, n := range s.o.Newsletters {
		if len(names) > 0 && !slices.Contains(names, n.Name) {
			continue
		}
		r, err := s.syncList(ctx, n.Name, prune)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return reports, fmt.Errorf("syncing %s: %w", s.o.ListName(n.Name), err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// syncList syncs one list; fs.ErrNotExist: the newsletter has none.
func (s *Service) syncList(ctx context.Context, name string, prune bool) (ListReport, error) {
	r := ListReport{Newsletter: name, File: s.o.ListName(name)}
	f, err := s.o.Lists(name)
	if errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err != nil {
		r.Error = err.Error()
		return r, nil
	}
	defer f.Close()
	lines, problems, err := roster.ReadAll(f)
	unread := 0
	for _, p := range problems {
		if !p.Columns {
			r.Skipped++
		}
		if p.Unread {
			unread = cmp.Or(unread, p.Line)
		}
	}
	for _, p := range problems[:min(len(problems), maxListProblems)] {
		r.Problems = append(r.Problems, ListProblem{Line: p.Line, Message: p.Message, Columns: p.Columns})
	}
	if err != nil { // half a list is no list
		r.Error = err.Error()
		return r, nil
	}
	switch {
	case !prune:
	case unread > 0:
		r.Unpruned = fmt.Sprintf("nobody was removed: line %d could not be read, and somebody may stand there", unread)
	case len(lines) == 0:
		r.Unpruned = "nobody was removed: the list is empty"
	}
	r.Result, err = s.store.SyncList(ctx, name, lines, prune && r.Unpruned == "", s.now())
	return r, err
}

// known makes the newsletters known to the store, so that each has a time since
// which its occurrences count.
func (s *Service) known(ctx context.Context) error {
	for _, n := range s.o.Newsletters {
		if _, err := s.store.SyncNewsletter(ctx, n.Name, s.Rehearsal(), s.now()); err != nil {
			return err
		}
	}
	return nil
}

// newsletters returns those named, all if there are no names; store.ErrNotFound.
func (s *Service) newsletters(names []string) ([]newsletter.Newsletter, error) {
	if len(names) == 0 {
		return s.o.Newsletters, nil
	}
	out := make([]newsletter.Newsletter, 0, len(names))
	for _, name := range names {
		n, err := s.Newsletter(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(have newsletter.Newsletter) bool { return have.Name == n.Name }) {
			out = append(out, n)
		}
	}
	return out, nil
}
