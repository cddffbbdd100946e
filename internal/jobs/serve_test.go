package jobs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// serve runs the daemon until the test or stop ends it.
func (s *site) serve(v *jobs.Service) (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Serve(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				s.t.Errorf("serve: %v", err)
			}
		})
	}
	s.t.Cleanup(stop)
	return stop
}

// outcome returns the outcome of the newsletter's last occurrence.
func (s *site) outcome(rehearsal bool) string {
	o, err := s.store.LastOccurrence(s.t.Context(), "weekly", rehearsal)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.t.Fatal(err)
	}
	return o.Local + " " + o.Outcome
}

// TestServe: the daemon composes what is due and delivers it, on both engines,
// and stops when told.
func TestServe(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")))
		s.article()
		readers := s.subscribe(12)
		stop := s.serve(v)
		s.clock.add(time.Hour)
		v.Changed()
		eventually(t, "everybody has the issue", func() bool { return len(k.to()) == 12 })
		if s.store.Engine() == "sqlite" {
			if err := v.Serve(t.Context()); !errors.Is(err, store.ErrLocked) {
				t.Errorf("a second daemon: %v", err)
			}
		}
		same(t, k.to(), readers)
		eventually(t, "the issue is sent", func() bool {
			i, err := s.store.Issue(t.Context(), 1)
			return err == nil && i.State == newsletter.IssueSent
		})
		s.clock.add(24 * time.Hour)
		v.Changed()
		eventually(t, "nothing new is recorded", func() bool { return s.outcome(false) == "2026-05-05T07:00 nothing new" })
		stop()
	})
}

// TestServeStops: told to stop in the middle of an issue, the daemon finishes
// what is in flight; the next one sends the rest.
func TestServeStops(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	readers := s.subscribe(80)
	some := make(chan struct{})
	var once sync.Once
	n := 0
	var mu sync.Mutex
	k := newSink(t, func(k *sink) {
		k.onData = func(*smtp.Conn, received) error {
			mu.Lock()
			defer mu.Unlock()
			if n++; n > 20 {
				once.Do(func() { close(some) })
			}
			return nil
		}
	})
	v := s.service(withRelay(k.relay("main")))
	stop := s.serve(v)
	if _, err := v.Send(t.Context(), sendNoWait); err != nil {
		t.Fatal(err)
	}
	<-some
	stop()
	r, err := v.IssueReport(t.Context(), 1)
	if err != nil || r.Sent != len(k.to()) || r.Sent+r.Deferred != 80 {
		t.Errorf("%d sent, %d arrived, %d left (%v)", r.Sent, len(k.to()), r.Deferred, err)
	}
	next := s.service(withRelay(k.relay("main")))
	s.serve(next)
	eventually(t, "the issue is sent", func() bool {
		i, err := s.store.Issue(t.Context(), 1)
		return err == nil && i.State == newsletter.IssueSent
	})
	same(t, k.to(), readers)
}

// TestServeMissed: a daemon that starts after an occurrence passed makes up for
// it, or not, as the newsletter says.
func TestServeMissed(t *testing.T) {
	t.Parallel()
	for policy, want := range map[newsletter.Missed]string{
		newsletter.MissedOnce: "2026-05-05T07:00 issue",
		newsletter.MissedSkip: "2026-05-05T07:00 skipped",
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.edit(func(n *newsletter.Newsletter) { n.Schedule, n.Missed = "0 7 * * *", policy })
			s.article()
			s.subscribe(1)
			s.runWith(s.service(), due) // first seen
			s.clock.add(25*time.Hour + time.Minute)
			s.serve(s.service())
			eventually(t, want, func() bool { return s.outcome(true) == want })
		})
	}
}

// TestServeApproval: what another process approves goes out.
func TestServeApproval(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit(func(n *newsletter.Newsletter) { n.Approval = true })
	k := newSink(t)
	s.article()
	readers := s.subscribe(3)
	s.serve(s.service(withRelay(k.relay("main"))))
	other := s.service(withRelay(k.relay("main")))
	r, err := other.Send(t.Context(), sendNoWait)
	if err != nil {
		t.Fatal(err)
	}
	i := s.issue(r).Issue
	if err := other.Approve(t.Context(), i.ID, jobs.ShortHash(i.Hash)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "everybody has the issue", func() bool { return len(k.to()) == 3 })
	same(t, k.to(), readers)
}

// TestServeFiles: files that come, change and go while the daemon runs are in the
// store and in the feeds soon after; an article with a date comes out in time.
func TestServeFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir, public := t.TempDir(), t.TempDir()
	articles := filepath.Join(dir, "articles") // comes later
	v := s.service(func(o *jobs.Options) {
		o.Sources = []source.Source{source.NewDir(source.DirOptions{Name: "articles", Root: articles, Label: "articles", Language: "en"})}
		o.Watch = []string{articles}
		o.Feeds = jobs.FeedOptions{Dir: public, Full: true}
	})
	s.serve(v)
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(articles, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(articles, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in := func(text string) bool {
		data, err := os.ReadFile(filepath.Join(public, "feed.json"))
		return err == nil && len(titles(string(data), text)) == 1
	}
	write("sea/one.md", "---\ntitle: The first lamp\ndate: 2026-05-01\n---\nText.\n")
	eventually(t, "the first article is in the feed", func() bool { return in("The first lamp") })
	write("sea/deep/two.md", "---\ntitle: The second lamp\ndate: 2026-05-02\n---\nText.\n")
	eventually(t, "an article in a new folder is in the feed", func() bool { return in("The second lamp") })
	write("sea/deep/two.md", "---\ntitle: The other lamp\ndate: 2026-05-02\n---\nText.\n")
	eventually(t, "the changed article is in the feed", func() bool { return in("The other lamp") && !in("The second lamp") })
	write("soon.md", "---\ntitle: The lamp to come\ndate: 2026-05-04T12:00:00Z\n---\nText.\n")
	eventually(t, "the scheduled article is in the store", func() bool {
		at, err := s.store.NextRelease(t.Context())
		return err == nil && !at.IsZero()
	})
	if in("The lamp to come") {
		t.Error("an article came out before its date")
	}
	s.clock.add(6 * time.Hour)
	v.Wake()
	write("sea/one.md", "---\ntitle: The first lamp, lit\ndate: 2026-05-01\n---\nText.\n")
	eventually(t, "the scheduled article is in the feed", func() bool { return in("The lamp to come") })
	if err := os.Rename(public, public+".gone"); err != nil { // not RemoveAll: the daemon may write meanwhile
		t.Fatal(err)
	}
	eventually(t, "deleted feeds are built again", func() bool { return in("The lamp to come") })
}

// TestServeFolderReturns: a folder that was moved away (or a disk that was not
// mounted) is taken in when it comes back. The clock stands, so no relisting helps.
func TestServeFolderReturns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	articles := filepath.Join(t.TempDir(), "articles")
	write := func(name, title string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(articles, 0o755), os.WriteFile(filepath.Join(articles, name),
			[]byte("---\ntitle: "+title+"\ndate: 2026-05-01\n---\nText.\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	state := func() store.SourceState {
		st, err := s.store.SourceState(t.Context(), "articles")
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	public := func() int {
		n, err := s.store.CountArticles(t.Context(), store.ArticleQuery{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	write("one.md", "The first lamp")
	s.serve(s.service(func(o *jobs.Options) {
		o.Sources = []source.Source{source.NewDir(source.DirOptions{Name: "articles", Root: articles, Language: "en"})}
		o.Watch = []string{articles}
	}))
	eventually(t, "the first article is public", func() bool { return public() == 1 })
	if err := os.Rename(articles, articles+".off"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the folder is missed", func() bool { return state().Error != "" })
	if err := os.Rename(articles+".off", articles); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the folder is found again", func() bool { return state().Error == "" })
	write("two.md", "The second lamp")
	eventually(t, "a new article in it is public", func() bool { return public() == 2 })
}

// TestServeTogether: several daemons on one database make one issue of each
// occurrence, and everybody gets it once.
func TestServeTogether(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	s := newSiteOn(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, dsn, o...) })
	s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
	k := newSink(t)
	s.article()
	readers := s.subscribe(60)
	for range 3 {
		other := storetest.Open(t, dsn, func(o *store.Options) { o.Now = s.clock.now })
		s.serve(s.service(withRelay(k.relay("main")), func(o *jobs.Options) { o.Store = other }))
	}
	for day := range 3 {
		s.clock.add(24 * time.Hour)
		want := s.clock.now().Format("2006-01-02") + "T07:00"
		if day == 0 {
			s.clock.add(time.Hour)
		} else {
			s.article()
		}
		eventually(t, want, func() bool {
			o, err := s.store.LastOccurrence(t.Context(), "weekly", false)
			return err == nil && o.Local == want && o.Outcome == "issue"
		})
		// Before the next day: an issue that is two days late would be paused.
		eventually(t, "everybody has the issue", func() bool { return len(k.to()) == (day+1)*60 })
	}
	same(t, k.to(), slices.Concat(readers, readers, readers))
	issues, err := s.store.Issues(t.Context(), store.IssueQuery{})
	if err != nil || len(issues) != 3 {
		t.Errorf("%d issues (%v)", len(issues), err)
	}
}

// TestServeFilesEverywhere: each node that has the folder publishes the files beside
// its articles, whichever ingests them, and new ones that no article needs.
func TestServeFilesEverywhere(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	s := newSiteOn(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, dsn, o...) })
	type node struct{ articles, public string }
	var nodes []node
	write := func(n node, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(n.articles, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		n := node{t.TempDir(), t.TempDir()}
		nodes = append(nodes, n)
		write(n, "one.md", "---\ntitle: The first lamp\ndate: 2026-05-01\n---\n![](lamp.png)\n")
		write(n, "lamp.png", "light")
		s.serve(s.service(func(o *jobs.Options) {
			o.Store = storetest.Open(t, dsn, func(o *store.Options) { o.Now = s.clock.now })
			o.Sources = []source.Source{source.NewDir(source.DirOptions{Name: "articles", Root: n.articles, Label: "articles", Language: "en"})}
			o.Watch = []string{n.articles}
			o.Feeds = jobs.FeedOptions{Dir: n.public, Full: true}
		}))
	}
	everywhere := func(name, text string) {
		t.Helper()
		for _, n := range nodes {
			eventually(t, name+" is published in "+n.public, func() bool {
				data, err := os.ReadFile(filepath.Join(n.public, "files", "articles", name))
				return err == nil && string(data) == text
			})
		}
	}
	everywhere("lamp.png", "light")
	for _, n := range nodes {
		write(n, "map.png", "here")
	}
	everywhere("map.png", "here")
}
