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

// TestKill kills a process at a random instant of an issue, again and again.
// Nothing is lost. Whoever has a second copy had a message on its way at that
// instant, which its row said; a connection leaves one second copy at most, and two
// such rows. With uncertain: hold nobody has a second copy, and just those rows are
// held. On PostgreSQL the other
// processes take up what the dead one left within its lease and a second.
func TestKill(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, e engine) {
		for _, hold := range []bool{false, true} {
			t.Run(map[bool]string{false: "resend", true: "hold"}[hold], func(t *testing.T) {
				s := newSite(t, e, setting{hold: hold, sink: sink.Options{Work: time.Millisecond}})
				if e.name == "postgres" {
					s.staff()
				}
				k := &killer{site: s, hold: hold}
				for tries := 0; k.rounds < *rounds; tries++ {
					if tries > 5**rounds+10 {
						t.Fatalf("only %d of %d tries caught a message on its way", k.rounds, tries)
					}
					k.round()
					if t.Failed() {
						return
					}
				}
				t.Logf("%d kills of %d recipients: %d rows in sending, %d bodies open at the relay, 0 lost, %d copies beyond one (most in a round: %d of %d in sending), %d held; resumed after %s at most",
					k.rounds, len(s.readers), k.sending, k.open, k.repeats, k.most, k.mostOf, k.held, k.resumed.Round(time.Millisecond))
			})
		}
	})
}

// killer counts what rounds of killing led to.
type killer struct {
	*site
	hold bool

	rounds, sending, repeats, held int
	most, mostOf                   int
	open                           int64
	resumed                        time.Duration // the longest
}

func (k *killer) round() {
	k.t.Helper()
	k.sink.Reset()
	var open int64
	var killed time.Time
	var victim *process
	ready := make(chan struct{})
	instant := k.watch.instant(len(k.readers), 0.06, 0.93, func() {
		<-ready
		open = k.sink.Open()
		victim.signal(syscall.SIGKILL)
		killed = time.Now()
	})
	sender := k.send()
	staff := slices.DeleteFunc(append([]*process{sender}, k.workers...), func(p *process) bool { return !p.running() })
	victim = staff[rand.IntN(len(staff))]
	close(ready)
	select {
	case <-instant:
	case <-sender.done:
		k.t.Fatal("nothing was to be killed")
	}
	share := float64(k.watch.soFar()) / float64(len(k.readers))
	victim.wait()
	k.rows.gone(victim.name)
	left := k.rows.open("/" + strconv.Itoa(victim.cmd.Process.Pid) + "/")
	var sending []string
	for _, d := range left {
		if d.sending {
			sending = append(sending, d.email)
		}
	}
	k.goOn(sender, victim)
	if k.t.Failed() || share < 0.05 || share > 0.95 || len(sending) == 0 {
		return // once more
	}
	k.rounds++
	if len(sending) > 2*connections {
		k.t.Errorf("%d rows in sending, over %d connections", len(sending), connections)
	}
	// A connection keeps a final dot back until the result before it is stored.
	repeats := k.check(func(a string, _ sink.Recipient) int {
		if !k.hold && slices.Contains(sending, a) {
			return 1
		}
		return 0
	})
	if most := min(len(sending), connections); repeats > most {
		k.t.Errorf("%d copies beyond one, of %d messages on their way over %d connections", repeats, len(sending), connections)
	}
	k.heldAre(sending)
	k.resume(left, killed)
	k.sending += len(sending)
	k.open += open
	k.repeats += repeats
	if repeats > k.most {
		k.most, k.mostOf = repeats, len(sending)
	}
}

// goOn lets the issue be finished: by the processes that live on PostgreSQL, and by
// a new one on SQLite, which is a run or a daemon in turn.
func (k *killer) goOn(sender, victim *process) {
	k.t.Helper()
	code := 0
	if k.hold && k.rows.postgres {
		code = 3 // some are held
	}
	switch {
	case k.rows.postgres:
		if sender != victim {
			if got := sender.wait(); got != 0 && got != code {
				k.t.Errorf("send ended with %d", got)
			}
		}
		k.finished()
		if sender != victim {
			k.workers = slices.DeleteFunc(k.workers, func(p *process) bool { return p == victim })
			k.hire()
		}
	case k.rounds%2 == 0:
		p := k.start(k.name("run"), "run", "--yes")
		if got := p.wait(); got != 0 && !(k.hold && got == 3) {
			k.t.Errorf("run ended with %d", got)
		}
		k.finished()
	default:
		p := k.start(k.name("serve"), "serve")
		k.finished()
		p.signal(syscall.SIGTERM)
		p.ended(0)
	}
}

// heldAre wants just those rows held that were in sending, with hold.
func (k *killer) heldAre(sending []string) {
	k.t.Helper()
	for a, state := range k.rows.states() {
		want := "sent"
		if k.hold && slices.Contains(sending, a) {
			want = "uncertain"
			k.held++
		}
		if state != want {
			k.t.Errorf("%s is %s, want %s", a, state, want)
		}
	}
}

// resume wants each chunk that the dead process left to be taken up in time.
func (k *killer) resume(left []delivery, killed time.Time) {
	k.t.Helper()
	first := map[int64]time.Time{}
	for _, d := range left {
		at := k.watch.firstTry(d.email)
		if was := first[d.chunk]; !at.IsZero() && (was.IsZero() || at.Before(was)) {
			first[d.chunk] = at
		}
		if limit := killed.Add(lease + 50*time.Millisecond); d.expires.After(limit) {
			k.t.Errorf("the lease of chunk %d ends %s after its owner", d.chunk, d.expires.Sub(killed))
		}
	}
	for chunk, at := range first {
		after := at.Sub(killed)
		k.resumed = max(k.resumed, after)
		if k.rows.postgres && after > lease+time.Second+*slack {
			k.t.Errorf("chunk %d was taken up after %s", chunk, after)
		}
	}
}
