package jobs

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// Passed is an article that an edit made one of a newsletter whose issues are
// past it already: nobody gets it.
type Passed struct {
	File       string   `json:"file"` // its title, where it has no file
	Newsletter string   `json:"newsletter"`
	Changed    []string `json:"changed"` // "language", "tags", "authors", "section"
}

// passedBy notes which newsletters want articles now that they did not want when
// they came to them.
func (s *Service) passedBy(ctx context.Context, r *SourceReport, articles []store.Relabelled) error {
	for _, n := range s.o.Newsletters {
		for _, a := range articles {
			if n.Select.Matches(&a.Was) || !n.Select.Matches(&a.Is) {
				continue
			}
			track, err := s.store.Track(ctx, n.Name, s.Rehearsal())
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if track.Horizon >= a.Is.Seq {
				r.Passed = append(r.Passed, Passed{File: cmp.Or(a.Is.File, a.Is.Title), Newsletter: n.Name, Changed: changedLabels(&a.Was, &a.Is)})
			}
		}
	}
	return nil
}

// changedLabels names what differs of that which newsletters select by.
func changedLabels(was, is *newsletter.Article) []string {
	var out []string
	for _, label := range []struct {
		name string
		same bool
	}{
		{"language", was.Language == is.Language},
		{"tags", slices.Equal(was.Tags, is.Tags)},
		{"authors", slices.Equal(was.Authors, is.Authors)},
		{"section", was.Section == is.Section},
	} {
		if !label.same {
			out = append(out, label.name)
		}
	}
	return out
}
