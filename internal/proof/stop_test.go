package proof

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"syndicate/internal/test/sink"
)

// never is for check: nobody may have a second copy.
func never(string, sink.Recipient) int { return 0 }

// once is for check: anybody may have a second copy, but not a third.
func once(string, sink.Recipient) int { return 1 }

// TestFrozen stops a process with SIGSTOP for longer than its lease, and lets it go
// on as if nothing had been: only what was on its way is sent again, one message a
// connection.
func TestFrozen(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, e engine) {
		s := newSite(t, e, setting{sink: sink.Options{Work: time.Millisecond}})
		s.staff()
		var victim, sender *process
		for caught := false; !caught; {
			s.sink.Reset()
			victim = s.workers[rand.IntN(len(s.workers))]
			instant := s.watch.instant(len(s.readers), 0.2, 0.6, func() { victim.signal(syscall.SIGSTOP) })
			sender = s.send()
			s.await(instant, sender)
			owner := "%/" + strconv.Itoa(victim.cmd.Process.Pid) + "/%"
			ends := s.rows.count("SELECT coalesce(max(expires_at), 0) FROM chunks WHERE closed = 0 AND owner LIKE $1", owner)
			if caught = ends > 0; !caught { // it had nothing to do yet
				victim.signal(syscall.SIGCONT)
				s.finished()
				s.sent(sender)
				continue
			}
			eventually(t, "the lease ends", func() bool { return time.Now().UnixMilli() > int64(ends)+1000 })
		}
		if e.name == "postgres" {
			s.finished()
		}
		victim.signal(syscall.SIGCONT)
		s.finished()
		s.home(sender)
		if n := s.check(once); n > connections {
			t.Errorf("%d copies beyond one, over %d connections", n, connections)
		} else {
			t.Logf("0 lost, %d copies beyond one, over %d connections", n, connections)
		}
		s.only("sent")
	})
}

// TestTerminated ends a process with SIGTERM: it settles what is on its way, gives
// back its chunks and ends within its grace period.
func TestTerminated(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, e engine) {
		s := newSite(t, e, setting{sink: sink.Options{Work: time.Millisecond}})
		s.staff()
		victim := s.workers[rand.IntN(len(s.workers))]
		var told time.Time
		instant := s.watch.instant(len(s.readers), 0.1, 0.7, func() {
			told = time.Now()
			victim.signal(syscall.SIGTERM)
		})
		sender := s.send()
		s.await(instant, sender)
		victim.ended(0)
		if took := time.Since(told); took > grace+*slack {
			t.Errorf("it took %s to end", took)
		}
		if n := s.rows.count("SELECT count(*) FROM chunks WHERE owner LIKE $1", "%/"+strconv.Itoa(victim.cmd.Process.Pid)+"/%"); n > 0 {
			t.Errorf("%d chunks were not given back", n)
		}
		s.workers = slices.DeleteFunc(s.workers, func(p *process) bool { return p == victim })
		s.finished() // by the others; on SQLite send does it itself now
		s.home(sender)
		s.check(never)
		s.only("sent")
	})
}

// await waits for an instant, which the process that sends must not outlive.
func (s *site) await(instant <-chan struct{}, sender *process) {
	s.t.Helper()
	select {
	case <-instant:
	case <-time.After(3 * time.Minute):
		s.t.Fatalf("after %d messages the instant has not come; %s is running: %v", s.watch.soFar(), sender.name, sender.running())
	}
}

// home ends the processes: what delivers with SIGTERM, and what sends has ended.
func (s *site) home(sender *process) {
	s.t.Helper()
	s.sent(sender)
	s.dismiss()
}

// sent waits for the process that sends.
func (s *site) sent(sender *process) {
	s.t.Helper()
	if code := sender.wait(); code != 0 && code != 3 {
		s.t.Errorf("send ended with %d", code)
	}
}

// dismiss ends the processes that deliver.
func (s *site) dismiss() {
	s.t.Helper()
	for _, p := range s.workers {
		p.signal(syscall.SIGTERM)
		p.ended(0)
	}
}
