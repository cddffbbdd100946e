package proof

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"syndicate/internal/store/storetest"
	"syndicate/internal/test/sink"
)

// TestDatabaseRestarts stops the PostgreSQL server in the middle of an issue. The
// processes wait for it and go on. What the relay took and could not be written
// down is sent again: one message a connection.
func TestDatabaseRestarts(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	s := newSite(t, engine{"postgres", server.Database}, setting{sink: sink.Options{Work: time.Millisecond}})
	s.rows.db.SetMaxIdleConns(-1) // a connection would not outlive the server
	s.staff()
	s.hire() // the one that sends may give up
	instant := s.watch.instant(len(s.readers), 0.2, 0.6, func() {})
	sender := s.send()
	s.await(instant, sender)
	server.Stop(t)
	began := time.Now()
	eventually(t, "the processes notice", func() bool { return time.Since(began) > *outage && s.workers[0].mentions("level=ERROR", "level=WARN") })
	server.Start(t)
	s.finished()
	sender.wait()
	s.dismiss()
	s.only("sent")
	s.fewRepeats(workers + 1)
}

// TestDatabaseHangs: the connections to PostgreSQL stay open, and nothing comes
// through any more. A process that is told to stop does so within its grace period
// (and a moment for its last words) all the same.
func TestDatabaseHangs(t *testing.T) {
	t.Parallel()
	const short, lastWords = 2 * time.Second, 5 * time.Second
	x := setting{sink: sink.Options{Work: time.Millisecond}, grace: short}
	s := newSite(t, engine{"postgres", storetest.Postgres}, x)
	direct := s.dsn
	blocked, block := storetest.Blackhole(t, s.dsn)
	s.dsn = blocked
	s.write("config.yaml", s.config(x))
	worker := s.hire()
	instant := s.watch.instant(len(s.readers), 0.2, 0.6, block)
	sender := s.send()
	s.await(instant, sender)
	told := time.Now()
	for _, p := range []*process{worker, sender} {
		p.signal(syscall.SIGTERM)
	}
	worker.wait()
	sender.wait()
	if took := time.Since(told); took > short+lastWords+*slack {
		t.Errorf("it took %s to end", took)
	}
	s.dsn, s.workers = direct, nil
	s.write("config.yaml", s.config(x))
	s.hire()
	s.finished()
	s.dismiss()
	s.only("sent")
	s.fewRepeats(1) // connections are those of all processes together
}

// TestDatabaseBusy: another process holds SQLite's write lock for longer than
// anybody waits for it.
func TestDatabaseBusy(t *testing.T) {
	t.Parallel()
	s := newSite(t, engine{"sqlite", storetest.SQLite}, setting{sink: sink.Options{Work: time.Millisecond}})
	s.staff()
	instant := s.watch.instant(len(s.readers), 0.2, 0.6, func() {})
	sender := s.send()
	s.await(instant, sender)
	c, err := s.rows.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	s.workers[0].says("database is locked")
	if _, err := c.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	s.finished()
	sender.wait()
	s.dismiss()
	s.only("sent")
	s.fewRepeats(1)
}

// TestDiskFull: no room is left for the database, and later there is.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("proof", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("no small disk can be mounted here (root may): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	on := engine{"sqlite", func(testing.TB) string { return "sqlite:" + filepath.Join(dir, "syndicate.db") }}
	s := newSite(t, on, setting{sink: sink.Options{Work: time.Millisecond}})
	s.staff()
	instant := s.watch.instant(len(s.readers), 0.2, 0.6, func() {})
	sender := s.send()
	s.await(instant, sender)
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	s.workers[0].says("full")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s.finished()
	sender.wait()
	s.dismiss()
	s.only("sent")
	s.fewRepeats(1)
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4<<10); ; {
		if _, err := f.Write(block); err != nil {
			if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, io.ErrShortWrite) {
				t.Fatal(err)
			}
			return
		}
	}
}

// fewRepeats allows one second copy a connection: what the relay took while the
// database took nothing.
func (s *site) fewRepeats(processes int) {
	s.t.Helper()
	if n := s.check(once); n > processes*connections {
		s.t.Errorf("%d copies beyond one, over %d connections", n, processes*connections)
	} else {
		s.t.Logf("0 lost, %d copies beyond one, over %d connections", n, processes*connections)
	}
}
