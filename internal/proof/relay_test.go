package proof

import (
	"testing"
	"time"

	"syndicate/internal/test/sink"
)

// unanswered is for check: a second copy where the relay took the first and its
// answer was lost.
func unanswered(_ string, r sink.Recipient) int { return r.Unanswered }

// trouble is what a relay does in the middle of an issue.
type trouble struct {
	name    string
	setting setting
	mode    sink.Mode                        // that the relay falls into
	until   func(*site) bool                 // it has been noticed; then the relay works again
	repeats func(string, sink.Recipient) int // nil: never
	verify  func(*testing.T, *site)
}

// TestRelay: whatever a relay does, nothing is lost, nobody suffers for what is not
// his fault, and a second copy comes only where the answer to the first was lost.
func TestRelay(t *testing.T) {
	t.Parallel()
	faults := func(f sink.Faults) setting { return setting{sink: sink.Options{Faults: f}} }
	seen := func(least int64, of func(sink.Report) int64) func(*site) bool {
		return func(s *site) bool { return of(s.sink.Report()) >= least }
	}
	pushedBack := func(t *testing.T, s *site) {
		for a, r := range s.sink.Recipients() {
			if r.Later > 0 && r.Attempts != 2 {
				t.Errorf("%s was put off once and tried %d times", a, r.Attempts)
			}
		}
		if s.sink.Report().Later == 0 {
			t.Error("nobody was put off")
		}
	}
	for _, x := range []trouble{
		{name: "451", setting: faults(sink.Faults{Later: 0.1}), verify: pushedBack},
		{name: "451 at the dot", setting: faults(sink.Faults{RefuseDot: 0.1}), verify: pushedBack},
		{name: "550", setting: faults(sink.Faults{Refuse: 0.03}), verify: refusedAre},
		{name: "550 and yet 354", setting: setting{sink: sink.Options{Eager: true, Faults: sink.Faults{Refuse: 0.03}}}, verify: refusedAre},
		{name: "550 step by step", setting: setting{sink: sink.Options{NoPipelining: true, Faults: sink.Faults{Refuse: 0.03}}}, verify: refusedAre},
		{name: "lost before the dot", setting: faults(sink.Faults{DropBody: 0.05})},
		{name: "lost after the dot", setting: faults(sink.Faults{DropReply: 0.05}), repeats: unanswered},
		{name: "421", setting: setting{sink: sink.Options{PerConnection: 7}}},
		{
			name: "down", mode: sink.Down, repeats: unanswered,
			until: func() func(*site) bool {
				var began time.Time
				return func(s *site) bool {
					if began.IsZero() {
						began = time.Now()
					}
					return time.Since(began) > *outage
				}
			}(),
		},
		{name: "silent", mode: sink.Silent, repeats: unanswered, until: seen(3, func(r sink.Report) int64 { return r.Silent })},
		{name: "mute", mode: sink.Mute, repeats: unanswered, until: seen(connections, func(r sink.Report) int64 { return r.Muted })},
		{name: "wrong password", setting: setting{login: true}, mode: sink.Locked, until: seen(3, func(r sink.Report) int64 { return r.NoLogin })},
		{name: "refused sender", mode: sink.Unwelcome, until: seen(3, func(r sink.Report) int64 { return r.NoSender })},
	} {
		t.Run(x.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, e engine) { x.run(t, e) })
		})
	}
}

func (x trouble) run(t *testing.T, e engine) {
	set := x.setting
	set.recipients = *recipients * 2 / 3
	if x.mode != sink.Working {
		set.sink.Work = time.Millisecond // it must not be over before
	}
	s := newSite(t, e, set)
	s.staff()
	var instant <-chan struct{}
	if x.mode != sink.Working {
		instant = s.watch.instant(len(s.readers), 0.2, 0.6, func() {})
	}
	sender := s.send()
	if instant != nil {
		s.await(instant, sender)
		if err := s.sink.SetMode(x.mode); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the relay's trouble is noticed", func() bool { return x.until(s) })
		if err := s.sink.SetMode(sink.Working); err != nil {
			t.Fatal(err)
		}
	}
	s.finished()
	sender.wait() // it may have given the relay up, or say what failed
	s.dismiss()
	if x.repeats == nil {
		x.repeats = never
	}
	repeats := s.check(x.repeats)
	if x.verify != nil {
		x.verify(t, s)
	} else {
		s.only("sent")
	}
	if n := s.rows.count("SELECT count(*) FROM suppressions"); n != int(s.sink.Report().Refused) {
		t.Errorf("%d addresses suppressed", n)
	}
	r := s.sink.Report()
	t.Logf("%d recipients, %d messages, %d copies beyond one; %d put off, %d refused, %d lost before and %d after the dot, %d × 421, %d silent, %d mute, %d logins and %d senders refused",
		r.Recipients, r.Accepted, repeats, r.Later, r.Refused, r.Dropped, r.Unanswered, r.Limited, r.Silent, r.Muted, r.NoLogin, r.NoSender)
}

// refusedAre wants those failed whom the relay refused, with its words, and nobody
// else.
func refusedAre(t *testing.T, s *site) {
	refused := 0
	states := s.rows.states()
	for a, r := range s.sink.Recipients() {
		want := "sent"
		if r.Refused > 0 {
			want = "failed"
			refused++
			if r.Attempts != 1 {
				t.Errorf("%s was refused and tried %d times", a, r.Attempts)
			}
		}
		if states[a] != want {
			t.Errorf("%s is %s, want %s", a, states[a], want)
		}
	}
	if refused == 0 {
		t.Error("nobody was refused")
	}
	if n := s.rows.count("SELECT count(*) FROM deliveries WHERE state = 3 AND reply_code = 550 AND reply = '5.1.1 nobody of that name lives here'"); n != refused {
		t.Errorf("the relay's words are kept %d times, of %d", n, refused)
	}
}
