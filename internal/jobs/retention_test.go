package jobs_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/jobs"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

const days = 24 * time.Hour

// caught are the names of the files in the outbox.
func (s *site) caught() (names []string) {
	s.t.Helper()
	files, err := os.ReadDir(s.outbox)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// older are the kinds of which there is something, and how much.
func older(all []jobs.Kept) map[store.Retained]int {
	rows := map[store.Retained]int{}
	for _, k := range all {
		if k.Rows > 0 {
			rows[k.Kind] = k.Rows
		}
	}
	return rows
}

// TestRetain: each kind goes when it is as old as it is kept, by a run or by hand, and
// what goes was foretold.
func TestRetain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		v := s.service(func(o *jobs.Options) { o.Retention.Replies = jobs.Forever })
		s.article()
		s.subscribe(3)
		issue := s.issue(s.run(v)).Issue.ID
		tally, err := s.store.IssueTally(t.Context(), issue)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.caught()); n != 3 {
			t.Fatalf("%d messages were caught", n)
		}
		for _, name := range []string{"notes.eml", "20260504T060000.000000Z.txt", "20260504T060000.000000Z-1-of-mine.txt"} {
			if err := os.WriteFile(filepath.Join(s.outbox, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		foretold := func() map[store.Retained]int {
			t.Helper()
			all, err := v.Retention(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			return older(all)
		}
		gone := func(want map[store.Retained]int) {
			t.Helper()
			if d := cmp.Diff(want, foretold()); d != "" {
				t.Errorf("foretold (-want +got)\n%s", d)
			}
			all, err := v.Retain(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, older(all)); d != "" {
				t.Errorf("gone (-want +got)\n%s", d)
			}
		}
		s.clock.add(29 * days)
		gone(map[store.Retained]int{})
		s.clock.add(2 * days)
		if d := cmp.Diff(map[store.Retained]int{store.RetainedOutbox: 3}, foretold()); d != "" {
			t.Error(d)
		}
		s.run(v)
		if n := len(s.caught()); n != 3 {
			t.Errorf("%d files are left, want those of somebody else", n)
		}
		s.clock.add(150 * days)
		gone(map[store.Retained]int{store.RetainedDeliveries: 3})
		gone(map[store.Retained]int{})
		again, err := s.store.IssueTally(t.Context(), issue)
		if err != nil || again != tally {
			t.Errorf("counted %+v, then %+v, %v", tally, again, err)
		}
		past, err := s.store.Retentions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		totals := map[store.Retained]int{}
		for _, p := range past {
			totals[p.Kind] = p.Total
		}
		if totals[store.RetainedOutbox] != 3 || totals[store.RetainedDeliveries] != 3 {
			t.Errorf("in all %v", totals)
		}
		if _, ever := totals[store.RetainedReplies]; ever || len(totals) != 9 {
			t.Errorf("%v: all but what is kept for ever have their turn", totals)
		}
	})
}

// TestRetainDaily: the daemon does it by itself.
func TestRetainDaily(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	s.subscribe(2)
	s.run(s.service())
	s.clock.add(181 * days)
	v := s.service()
	s.serve(v)
	looks := 0
	eventually(t, "what is old is gone", func() bool {
		if looks++; looks%500 == 0 {
			v.Changed() // should it have failed: the clock, by which it is tried again, stands still
		}
		all, err := s.store.Retentions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range all {
			if r.At.Equal(s.clock.now()) {
				n++
			}
		}
		return n == 10
	})
	if names := s.caught(); len(names) > 0 {
		t.Errorf("left in the outbox: %v", names)
	}
}

// TestRetainAlone: one process does it at a time; a run leaves it to who does it, and
// who is told to do it waits.
func TestRetainAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	held, err := s.store.Claim(t.Context(), "retention", 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	s.article()
	s.run(s.service())
	if past, err := s.store.Retentions(t.Context()); err != nil || len(past) > 0 {
		t.Fatalf("beside another: %v, %v", past, err)
	}
	waits := make(chan struct{}, 1)
	done := make(chan error, 1)
	v := s.service(func(o *jobs.Options) { o.Log = slog.New(watcher{"another process forgets", waits}) })
	go func() {
		_, err := v.Retain(t.Context())
		done <- err
	}()
	<-waits
	if err := s.store.EndClaim(t.Context(), "retention", held, true); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if past, err := s.store.Retentions(t.Context()); err != nil || len(past) != 10 {
		t.Errorf("after the other: %v, %v", past, err)
	}
}

// watcher is a log that tells of a message.
type watcher struct {
	message string
	seen    chan struct{}
}

// Enabled implements slog.Handler.
func (w watcher) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (w watcher) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, w.message) {
		select {
		case w.seen <- struct{}{}:
		default:
		}
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (w watcher) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w watcher) WithGroup(string) slog.Handler { return w }
