// Package visits lists a source as ingesting does, and keeps what comes of it: for
// tests of sources, without a store.
package visits

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// Visitor visits a source.
type Visitor struct {
	T        testing.TB
	Source   source.Source
	Time     time.Time // now
	State    []byte    // what the source remembers
	Accepted bool      // an operator let through what is held; once
	Stored   map[string]newsletter.Article
}

// New returns a visitor that has not been anywhere.
func New(t testing.TB) *Visitor {
	return &Visitor{T: t, Time: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Stored: map[string]newsletter.Article{}}
}

// Now is the time.
func (v *Visitor) Now() time.Time { return v.Time }

// Found is what a visit found.
type Found struct {
	Emitted  string // titles, in order
	Held     string // by the source
	Gone     string // keys that were unpublished
	Kept     string // keys that vanished and are held
	Problems string // a line each
	Error    string
	Passing  bool
}

// Visit lists the source an hour later.
func (v *Visitor) Visit() Found {
	v.T.Helper()
	v.Time = v.Time.Add(time.Hour)
	return v.List(source.Now)
}

// List lists the source.
func (v *Visitor) List(mode source.Mode) (f Found) {
	v.T.Helper()
	ctx := context.Background()
	l, err := v.Source.List(ctx, source.Ask{State: v.State, Accepted: v.Accepted, Mode: mode})
	if err != nil {
		f.Error = err.Error()
		var failure *source.Failure
		if errors.As(err, &failure) {
			f.Passing = failure.Passing
			if failure.State != nil {
				v.State = failure.State
			}
		}
		return f
	}
	var titles []string
	err = l.Read(ctx, func(batch []newsletter.Article) error {
		for _, a := range batch {
			titles = append(titles, a.Title)
			v.Stored[a.Key] = a
		}
		return nil
	})
	if err != nil {
		v.T.Fatal(err)
	}
	if len(titles) != l.Changed {
		v.T.Errorf("%d articles were promised, %d came", l.Changed, len(titles))
	}
	gone, kept := slices.Clone(l.Vanished), []string(nil)
	if newsletter.HoldVanished(l.Known, len(gone)) && !v.Accepted {
		gone, kept = nil, gone
	}
	for _, k := range gone {
		delete(v.Stored, k)
	}
	if state, changed := l.State(kept); changed {
		v.State = state
	}
	v.Accepted = false
	var problems []string
	for _, p := range l.Problems() {
		problems = append(problems, p.Message)
	}
	return Found{
		Emitted: strings.Join(titles, ", "), Held: l.Held, Problems: strings.Join(problems, "\n"),
		Gone: strings.Join(gone, ", "), Kept: strings.Join(kept, ", "),
	}
}

// Titles are those of all articles that are stored, sorted.
func (v *Visitor) Titles() string {
	var titles []string
	for _, a := range v.Stored {
		titles = append(titles, a.Title)
	}
	slices.Sort(titles)
	return strings.Join(titles, ", ")
}
