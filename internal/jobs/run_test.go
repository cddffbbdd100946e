package jobs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestRun follows a site through its first issues, on both engines: everything
// goes out once, a second run finds nothing new, and a new article leads to an
// issue with just that article.
func TestRun(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")))
		first, second := s.article(), s.article()
		readers := s.subscribe(25)

		r := s.run(v)
		s.counts(s.issue(r), newsletter.IssueSent, 25, 0, 0, 0)
		same(t, k.to(), readers)
		if r.ExitCode() != 0 || r.Accepted != 25 || r.Newsletters[0].Articles != 2 || r.Newsletters[0].Number != 1 {
			t.Errorf("report %+v", r)
		}
		for _, m := range k.messages() {
			if !strings.Contains(m.Text, first) || !strings.Contains(m.Text, second) {
				t.Fatalf("an article is missing in\n%s", m.Text)
			}
			if m.From != "weekly@news.example.org" || m.Header.Get("List-Id") == "" || !strings.Contains(m.Header.Get("List-Unsubscribe"), "https://news.example.org/unsubscribe/") {
				t.Fatalf("envelope or headers are wrong: %v", m.Header)
			}
		}

		k.forget()
		r = s.run(v)
		if len(r.Issues) != 0 || r.Newsletters[0].Nothing != "no new article" || r.ExitCode() != 0 {
			t.Errorf("a second run: %+v", r)
		}
		same(t, k.to(), nil)

		third := s.article()
		r = s.run(s.service(withRelay(k.relay("main"))))
		s.counts(s.issue(r), newsletter.IssueSent, 25, 0, 0, 0)
		same(t, k.to(), readers)
		if r.Newsletters[0].Number != 2 {
			t.Errorf("issue %d, want 2", r.Newsletters[0].Number)
		}
		for _, m := range k.messages() {
			if !strings.Contains(m.Text, third) || strings.Contains(m.Text, first) || strings.Contains(m.Text, second) {
				t.Fatalf("not just the new article in\n%s", m.Text)
			}
		}
	})
}

// TestRehearsal runs without a relay: mail goes to files, and nothing of it
// counts once there is a relay.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(3)

	r := s.run(s.service())
	s.counts(s.issue(r), newsletter.IssueSent, 3, 0, 0, 0)
	if !r.Rehearsal || r.Outbox != s.outbox {
		t.Errorf("not a rehearsal: %+v", r)
	}
	if files, err := filepath.Glob(filepath.Join(s.outbox, "*.eml")); err != nil || len(files) != 3 {
		t.Errorf("%d messages in the outbox, want 3 (%v)", len(files), err)
	}
	if r := s.run(s.service()); r.Newsletters[0].Nothing == "" {
		t.Errorf("the rehearsal has no memory: %+v", r)
	}

	// A rehearsal that was left unfinished is nothing to a relay, and the reverse.
	s.article()
	if _, err := s.service().Send(t.Context(), sendNoWait); err != nil {
		t.Fatal(err)
	}
	k := newSink(t)
	r = s.run(s.service(withRelay(k.relay("main"))))
	s.counts(s.issue(r), newsletter.IssueSent, 3, 0, 0, 0)
	if r.Newsletters[0].Number != 1 || r.Newsletters[0].Articles != 2 {
		t.Errorf("the first real issue: %+v", r.Newsletters[0])
	}
	same(t, k.to(), readers)
	s.clock.add(time.Second) // names of files begin with the time
	r = s.run(s.service())
	s.counts(s.issue(r), newsletter.IssueSent, 3, 0, 0, 0)
	same(t, k.to(), readers)
	if files, err := os.ReadDir(s.outbox); err != nil || len(files) != 6 {
		t.Errorf("%d messages in the outbox, want 6 (%v)", len(files), err)
	}
}
