package jobs_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
)

// events counts what is logged, by message.
type events struct {
	slog.Handler

	mu    sync.Mutex
	count map[string]int
}

// logged makes a service's log countable.
func (s *site) logged() *events {
	e := &events{Handler: s.options.Log.Handler(), count: map[string]int{}}
	s.options.Log = slog.New(e)
	return e
}

func (e *events) Enabled(context.Context, slog.Level) bool { return true }

func (e *events) Handle(ctx context.Context, r slog.Record) error {
	e.mu.Lock()
	e.count[r.Message]++
	e.mu.Unlock()
	if e.Handler.Enabled(ctx, r.Level) {
		return e.Handler.Handle(ctx, r)
	}
	return nil
}

func (e *events) WithAttrs([]slog.Attr) slog.Handler { return e }

func (e *events) of(message string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count[message]
}

// TestServeFailingJob: a job that fails is tried again, later each time; the log
// tells it once. When a file changes, it is tried at once: the clock stands still
// from then on.
func TestServeFailingJob(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	log := s.logged()
	dir := t.TempDir()
	broken := filepath.Join(dir, "templates", "email", "digest.html")
	if err := os.MkdirAll(filepath.Dir(broken), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, []byte("{{range .Articles}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
	s.article()
	s.subscribe(1)
	v := s.service(func(o *jobs.Options) { o.SiteFS = os.DirFS(dir) })
	s.serve(v)
	s.clock.add(time.Hour)
	v.Changed()
	const name = "compose weekly 2026-05-04T07:00 rehearsal"
	for attempt := range int64(3) {
		eventually(t, "it fails", func() bool {
			claims, err := s.store.Claims(t.Context())
			k := claims[name]
			return err == nil && k.Fence > attempt && !k.Held && k.Left > 0
		})
		if attempt < 2 {
			s.clock.add(5 * time.Minute * 2)
		}
	}
	eventually(t, "the log tells of it", func() bool { return log.of("job failed") > 0 })
	if n := log.of("job failed"); n != 1 {
		t.Errorf("the log tells %d times that the job failed", n)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	v.Changed()
	eventually(t, "it is composed", func() bool { return s.outcome(true) == "2026-05-04T07:00 issue" })
	eventually(t, "the log tells that the job works", func() bool { return log.of("job works again") == 1 })
}

// TestServeSealsAlone: an issue that another node seals is left to it; when that
// one's claim runs out, it is gone, and the seal is taken up.
func TestServeSealsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.newsletter("daily")
		s.article()
		s.subscribe(3)
		if r, err := s.store.AddSubscriber(t.Context(), "daily", newsletter.Line{Email: "d@example.org"}, "cli", s.clock.now()); err != nil {
			t.Fatal(r, err)
		}
		v := s.service()
		state := func(id int64) newsletter.IssueState {
			i, err := s.store.Issue(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return i.State
		}
		send := func(name string) {
			t.Helper()
			if _, err := v.Send(t.Context(), jobs.SendOptions{Newsletter: name, NoWait: true}); err != nil {
				t.Fatal(err)
			}
		}
		send("daily")
		s.serve(v) // on SQLite it frees claims when it starts
		eventually(t, "the first issue is sent", func() bool { return state(1) == newsletter.IssueSent })
		const lease = 20 * time.Second // as the site's
		if _, err := s.store.Claim(t.Context(), "seal 2", 0, lease); err != nil {
			t.Fatal(err)
		}
		s.article()
		send("weekly")
		send("daily")
		eventually(t, "the other issue is sent", func() bool { return state(3) == newsletter.IssueSent })
		if is := state(2); is != newsletter.IssueSealing {
			t.Fatalf("the claimed issue is %s", is)
		}
		s.clock.add(lease)
		eventually(t, "the issue is sent", func() bool { return state(2) == newsletter.IssueSent })
	})
}

// TestRunWaitsForSeal: a run does not seal what another process seals, but waits
// for it, or for its end.
func TestRunWaitsForSeal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(3)
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")))
	if _, err := v.Send(t.Context(), sendNoWait); err != nil {
		t.Fatal(err)
	}
	held, err := s.store.Claim(t.Context(), "seal 1", 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	log := s.logged()
	done := make(chan jobs.RunReport, 1)
	go func() {
		r, err := s.service(withRelay(k.relay("main")), func(o *jobs.Options) {
			o.OnProgress = func(p jobs.Progress) {
				if p.Step == "seal" && !over.Load() {
					t.Error("two processes seal")
				}
			}
		}).Run(t.Context(), jobs.RunOptions{})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	eventually(t, "the run waits", func() bool { return log.of("another process seals") == 1 })
	over.Store(true)
	if err := s.store.EndClaim(t.Context(), "seal 1", held, false); err != nil {
		t.Fatal(err)
	}
	s.counts(s.issue(<-done), newsletter.IssueSent, 3, 0, 0, 0)
	same(t, k.to(), readers)
}
