package jobs_test

import (
	"os"
	"path/filepath"
	"testing"

	"syndicate/internal/jobs"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// maildir is a mailbox as mail servers make them.
type maildir struct {
	t    *testing.T
	path string
}

func newMaildir(t *testing.T) maildir {
	t.Helper()
	d := maildir{t, filepath.Join(t.TempDir(), "Maildir")}
	for _, name := range []string{"tmp", "new"} { // cur/ is for whoever reads
		if err := os.MkdirAll(filepath.Join(d.path, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// deliver puts a message into it, in one step as they do.
func (d maildir) deliver(name, message string) {
	d.t.Helper()
	tmp := filepath.Join(d.path, "tmp", name)
	if err := os.WriteFile(tmp, []byte(message), 0o600); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(d.path, "new", name)); err != nil {
		d.t.Fatal(err)
	}
}

func (d maildir) has(name string) bool {
	_, err := os.Lstat(filepath.Join(d.path, name))
	return err == nil
}

func (d maildir) option(o *jobs.Options) { o.Bounces.Maildir = d.path }

// bounces counts the reports that the store has, by outcome.
func (s *site) bounces() map[store.BounceOutcome]int {
	s.t.Helper()
	all, err := s.store.Bounces(s.t.Context(), store.BounceQuery{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	n := map[store.BounceOutcome]int{}
	for _, b := range all {
		n[b.Outcome]++
	}
	return n
}

// TestMaildir: the daemon takes in what is in the Maildir when it starts and what comes
// later, on both engines, and leaves what it does not know to be mail.
func TestMaildir(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		emails := s.subscribe(3)
		s.article()
		k := newSink(t)
		box := newMaildir(t)
		v := s.service(withRelay(k.relay("main")), withBounces, box.option)
		s.run(v)
		back := map[string]string{} // what a mail server writes of who does not exist
		for _, m := range k.messages() {
			back[m.To] = notice(m.From, m.To, "5.1.1", "550 5.1.1 no such user", "")
		}
		suppressed := func(email string) bool {
			_, err := s.store.Suppression(t.Context(), email)
			return err == nil
		}
		box.deliver("1.M1.host", back[emails[0]])
		box.deliver("2.M2.host:2,", "\r\nwhatever\r\n")
		if err := os.Mkdir(filepath.Join(box.path, "new", "folder"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/etc/hostname", filepath.Join(box.path, "new", "3.M3.host")); err != nil {
			t.Fatal(err)
		}

		stop := s.serve(v)
		eventually(t, "what was there is taken in", func() bool {
			return suppressed(emails[0]) && box.has("cur/1.M1.host:2,S") && box.has("cur/2.M2.host:2,S")
		})
		if box.has("new/1.M1.host") || box.has("new/2.M2.host:2,") || !box.has("new/folder") || !box.has("new/3.M3.host") {
			t.Error("the wrong things are left in new/")
		}
		box.deliver("4.M4.host", back[emails[1]])
		eventually(t, "what comes later is taken in", func() bool { return suppressed(emails[1]) && box.has("cur/4.M4.host:2,S") })
		stop()
		if suppressed(emails[2]) {
			t.Error("somebody is suppressed of whom nothing came back")
		}

		// As after a crash between the store's transaction and the move.
		before := s.bounces()
		box.deliver("1.M1.host", back[emails[0]])
		again := s.service(withRelay(k.relay("main")), withBounces, box.option)
		s.serve(again)
		eventually(t, "it is moved all the same", func() bool { return !box.has("new/1.M1.host") })
		if after := s.bounces(); len(after) != len(before) || after[store.BounceSuppressed] != before[store.BounceSuppressed] {
			t.Errorf("what came twice counted twice: %v, then %v", before, after)
		}
	})
}

// TestMaildirUnreadable: a message that cannot be read keeps no other, and is told of
// once. It is a link to nothing: root may read everything else.
func TestMaildirUnreadable(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	log := s.logged()
	s.subscribe(2)
	s.article()
	k := newSink(t)
	box := newMaildir(t)
	v := s.service(withRelay(k.relay("main")), withBounces, box.option)
	s.run(v)
	if err := os.Symlink("nowhere", filepath.Join(box.path, "new", "1.bad")); err != nil {
		t.Fatal(err)
	}
	s.serve(v)
	for i, name := range []string{"2.good", "3.good"} {
		m := k.messages()[i]
		box.deliver(name, notice(m.From, m.To, "5.1.1", "550 5.1.1 no such user", ""))
		eventually(t, name+" is taken in", func() bool { return box.has("cur/" + name + ":2,S") })
		eventually(t, "the other is told of", func() bool { return log.of("message not read") > 0 })
		if _, err := s.store.Suppression(t.Context(), m.To); err != nil {
			t.Error(err)
		}
	}
	if n := log.of("message not read"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
