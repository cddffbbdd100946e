package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

var pipelining = []string{"PIPELINING"}

func queued(to string) result {
	return result{to, newsletter.Reply{Phase: newsletter.PhaseDot, Code: 250, Enhanced: "2.0.0", Text: "2.0.0 queued"}}
}

func want(to ...string) (list []received) {
	for _, a := range to {
		list = append(list, received{From: "news@example.org", To: []string{a}, Body: fmt.Sprintf("To: %s\r\n\r\n.for %[1]s\r\n", a)})
	}
	return list
}

func check(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var usable = newsletter.Reply{Phase: newsletter.PhaseDot, Code: 250}

// TestPipelined: the body of a message and the commands of the next leave
// together, for this server answers neither alone.
func TestPipelined(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining, withhold: 3}
	c := dial(t, s.start(t))
	results, end := run(c, message("a@x.org"), message("b@x.org"), message("c@x.org"))
	c.Quit()
	check(t, "end", usable, end)
	check(t, "results", []result{queued("a@x.org"), queued("b@x.org"), queued("c@x.org")}, results)
	check(t, "delivered", want("a@x.org", "b@x.org", "c@x.org"), s.messages())
	check(t, "lines", strings.Join([]string{
		"CONNECT", "EHLO client.example.org",
		"MAIL FROM:<news@example.org>", "RCPT TO:<a@x.org>", "DATA", ".",
		"MAIL FROM:<news@example.org>", "RCPT TO:<b@x.org>", "DATA", ".",
		"MAIL FROM:<news@example.org>", "RCPT TO:<c@x.org>", "DATA", ".",
		"QUIT",
	}, "\n"), s.lines())
}

// TestStepByStep: where the relay does not offer PIPELINING, nothing is said
// before the last answer came.
func TestStepByStep(t *testing.T) {
	t.Parallel()
	s := &server{}
	c := dial(t, s.start(t))
	results, end := run(c, message("a@x.org"), message("rcpt550.b@x.org"), message("c@x.org"))
	c.Quit()
	check(t, "end", usable, end)
	check(t, "results", []result{
		queued("a@x.org"),
		{"rcpt550.b@x.org", newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.0.0", Text: "5.0.0 as planned"}},
		queued("c@x.org"),
	}, results)
	check(t, "delivered", want("a@x.org", "c@x.org"), s.messages())
	check(t, "lines", strings.Join([]string{
		"CONNECT", "EHLO client.example.org",
		"MAIL FROM:<news@example.org>", "RCPT TO:<a@x.org>", "DATA", ".",
		"MAIL FROM:<news@example.org>", "RCPT TO:<rcpt550.b@x.org>", "RSET",
		"MAIL FROM:<news@example.org>", "RCPT TO:<c@x.org>", "DATA", ".",
		"QUIT",
	}, "\n"), s.lines())
}

// TestRefused: a refusal inside a pipeline costs nobody else his mail, and
// nobody gets an empty one.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, to string
		from     string
		refused  string // DATA without recipients
		hook     func(line string) string
		reply    newsletter.Reply
		between  []string // lines between the refused group and the next MAIL
	}{
		{
			name: "RCPT", to: "rcpt550.b@x.org",
			reply:   newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.0.0", Text: "5.0.0 as planned"},
			between: []string{"RSET"},
		},
		{
			name: "RCPT for now", to: "rcpt451.b@x.org",
			reply:   newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 451, Enhanced: "4.0.0", Text: "4.0.0 as planned"},
			between: []string{"RSET"},
		},
		{
			name: "RCPT and yet 354", to: "rcpt550.b@x.org", refused: "354 go on",
			reply:   newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.0.0", Text: "5.0.0 as planned"},
			between: []string{".", "RSET"},
		},
		{
			name: "MAIL", from: "mail552.b@example.org", to: "b@x.org",
			reply:   newsletter.Reply{Phase: newsletter.PhaseMail, Code: 552, Enhanced: "5.0.0", Text: "5.0.0 as planned"},
			between: []string{"RSET"},
		},
		{
			name: "MAIL and yet 354", from: "mail451.b@example.org", to: "rcpt550.b@x.org", refused: "354 go on",
			hook: func(line string) string {
				if line == "DATA" {
					return "354 go on" // though there is no envelope
				}
				return ""
			},
			reply:   newsletter.Reply{Phase: newsletter.PhaseMail, Code: 451, Enhanced: "4.0.0", Text: "4.0.0 as planned"},
			between: []string{".", "RSET"},
		},
		{
			name: "DATA", to: "data554.b@x.org",
			reply:   newsletter.Reply{Phase: newsletter.PhaseData, Code: 554, Enhanced: "5.0.0", Text: "5.0.0 as planned"},
			between: []string{"RSET"},
		},
		{
			name: "the message", to: "dot554.b@x.org",
			reply:   newsletter.Reply{Phase: newsletter.PhaseDot, Code: 554, Enhanced: "5.0.0", Text: "5.0.0 as planned"},
			between: []string{"."},
		},
	} {
		for _, behind := range []bool{false, true} { // alone in its write, or behind a message
			t.Run(fmt.Sprintf("%s behind=%v", tt.name, behind), func(t *testing.T) {
				t.Parallel()
				s := &server{caps: pipelining, refused: tt.refused, hook: tt.hook}
				c := dial(t, s.start(t))
				bad := message(tt.to)
				if tt.from != "" {
					bad.From = tt.from
				}
				list := []*mailer.Outgoing{bad, message("c@x.org")}
				wantResults, wantMail := []result{{tt.to, tt.reply}, queued("c@x.org")}, want("c@x.org")
				if behind {
					list = append([]*mailer.Outgoing{message("a@x.org")}, list...)
					wantResults, wantMail = append([]result{queued("a@x.org")}, wantResults...), want("a@x.org", "c@x.org")
				}
				results, end := run(c, list...)
				c.Quit()
				check(t, "end", usable, end)
				check(t, "results", wantResults, results)
				check(t, "delivered", wantMail, s.messages())
				_, after, _ := strings.Cut(s.lines(), "RCPT TO:<"+tt.to+">\nDATA\n")
				got, _, _ := strings.Cut(after, "MAIL")
				check(t, "between", strings.Join(tt.between, "\n")+"\n", got)
			})
		}
	}
}

// TestNestedEnvelope: RCPT and DATA accepted though MAIL was refused belong to
// somebody else's envelope. A dot would send an empty message.
func TestNestedEnvelope(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining, hook: func(line string) string {
		switch {
		case strings.HasPrefix(line, "MAIL"):
			return "503 5.5.1 nested MAIL command"
		case strings.HasPrefix(line, "RCPT"):
			return "250 ok"
		case line == "DATA":
			return "354 go on"
		}
		return ""
	}}
	c := dial(t, s.start(t))
	results, end := run(c, message("a@x.org"), message("b@x.org"))
	check(t, "results", []result{{"a@x.org", newsletter.Reply{Phase: newsletter.PhaseMail, Code: 503, Enhanced: "5.5.1", Text: "5.5.1 nested MAIL command"}}}, results)
	if end.Code != 0 || strings.Contains(s.lines(), "\n.") || len(s.messages()) > 0 {
		t.Errorf("ended with %+v after\n%s", end, s.lines())
	}
}

// TestMark: no byte of a message leaves before its mark is granted.
func TestMark(t *testing.T) {
	t.Parallel()
	for _, caps := range [][]string{pipelining, nil} {
		var mu sync.Mutex
		marked, early := map[string]bool{}, 0
		s := &server{caps: caps}
		s.onMessage = func(m received) {
			mu.Lock()
			defer mu.Unlock()
			if !marked[m.To[0]] {
				early++
			}
		}
		c := dial(t, s.start(t))
		var list []*mailer.Outgoing
		for i := range 50 {
			o := message(fmt.Sprintf("r%d@x.org", i))
			o.Mark = func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				marked[o.To] = true
				return nil
			}
			list = append(list, o)
		}
		results, end := run(c, list...)
		c.Quit()
		check(t, "end", usable, end)
		if len(results) != 50 || len(s.messages()) != 50 || early > 0 {
			t.Errorf("%d results, %d messages, %d before their mark", len(results), len(s.messages()), early)
		}
	}
}

// TestMarkRefused: a message that must not be sent any more leaves no trace but
// a closed connection; the one before is safe, the one after is not touched.
func TestMarkRefused(t *testing.T) {
	t.Parallel()
	for _, caps := range [][]string{pipelining, nil} {
		s := &server{caps: caps}
		relay := s.start(t)
		b := message("b@x.org")
		b.Mark = func(context.Context) error { return errors.New("the subscriber left") }
		results, end := run(dial(t, relay), message("a@x.org"), b, message("c@x.org"))
		check(t, "results", []result{
			queued("a@x.org"),
			{"b@x.org", newsletter.Reply{Phase: newsletter.PhaseData, Text: "not sent: the subscriber left"}},
		}, results)
		check(t, "end", newsletter.Reply{Phase: newsletter.PhaseData, Text: "closed, to withdraw a message"}, end)
		check(t, "delivered", want("a@x.org"), s.messages())

		// Refused by the relay as well, it costs no connection.
		b.To = "rcpt550.b@x.org"
		c := dial(t, relay)
		results, end = run(c, b, message("c@x.org"))
		c.Quit()
		check(t, "end", usable, end)
		check(t, "results", []result{
			{"rcpt550.b@x.org", newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.0.0", Text: "5.0.0 as planned"}},
			queued("c@x.org"),
		}, results)
	}
}

// TestLost: what is reported, by phase, when the relay leaves; with and without
// a word, with a message in flight before and none.
func TestLost(t *testing.T) {
	t.Parallel()
	for _, caps := range [][]string{pipelining, nil} {
		for _, fault := range []string{"mail", "rcpt", "data", "dot"} {
			for _, code := range []string{"421", "drop"} {
				t.Run(fmt.Sprint(caps, fault, code), func(t *testing.T) {
					t.Parallel()
					s := &server{caps: caps}
					relay := s.start(t)
					bad := message("b@x.org")
					if fault == "mail" {
						bad.From = "mail" + code + ".b@example.org"
					} else {
						bad.To = fault + code + ".b@x.org"
					}
					results, end := run(dial(t, relay), message("a@x.org"), bad, message("c@x.org"))
					lost := newsletter.Reply{
						Phase: map[string]newsletter.Phase{"mail": newsletter.PhaseMail, "rcpt": newsletter.PhaseRcpt, "data": newsletter.PhaseData, "dot": newsletter.PhaseDot}[fault],
						Text:  "the relay closed the connection",
					}
					if code == "421" {
						lost.Code, lost.Enhanced, lost.Text = 421, "4.0.0", "4.0.0 as planned"
					}
					wantResults := []result{queued("a@x.org"), {bad.To, lost}}
					if fault == "dot" { // the next had been asked for
						wantResults = append(wantResults, result{"c@x.org", newsletter.Reply{Phase: newsletter.PhaseMail, Text: lost.Text}})
					}
					check(t, "results", wantResults, results)
					check(t, "end", lost, end)
					check(t, "delivered", want("a@x.org"), s.messages())
				})
			}
		}
	}
}

// TestLostInBody: the relay leaves in the middle of a message that is larger than
// all buffers on the way. Its final dot never left, so it may be sent again.
func TestLostInBody(t *testing.T) {
	t.Parallel()
	big := message("b@x.org")
	line := strings.Repeat("x", 76) + "\r\n"
	big.Message = func(dst []byte) []byte { return append(dst, strings.Repeat(line, 32<<20/len(line))...) }
	s := &server{caps: pipelining, cutBodies: true}
	results, end := run(dial(t, s.start(t)), big, message("c@x.org"))
	if len(results) != 2 || results[0].Reply.Phase != newsletter.PhaseData || results[0].Reply.Code != 0 ||
		results[1].Reply.Phase != newsletter.PhaseMail || results[1].Reply.Code != 0 || end.Phase != newsletter.PhaseData {
		t.Errorf("%+v, ended with %+v", results, end)
	}
	if v := newsletter.Judge(results[0].Reply); v.State != newsletter.Pending || !v.Lost {
		t.Errorf("judged %+v", v)
	}
}

// TestSilence: a relay that stops answering is given up in its phase.
func TestSilence(t *testing.T) {
	t.Parallel()
	short := generous
	for _, tt := range []struct {
		line  string
		phase newsletter.Phase
		set   *time.Duration
		text  string
	}{
		{"MAIL", newsletter.PhaseMail, &short.Command, "no answer to MAIL within 50ms"},
		{"RCPT", newsletter.PhaseRcpt, &short.Command, "no answer to RCPT within 50ms"},
		{"DATA", newsletter.PhaseData, &short.Command, "no answer to DATA within 50ms"},
		{".", newsletter.PhaseDot, &short.Dot, "no answer to final dot within 50ms"},
	} {
		short = generous
		*tt.set = 50 * time.Millisecond
		s := &server{caps: pipelining, hook: func(line string) string {
			if strings.HasPrefix(line, tt.line) {
				return "hang"
			}
			return ""
		}}
		relay := s.start(t)
		relay.Timeouts = short
		results, end := run(dial(t, relay), message("a@x.org"))
		lost := newsletter.Reply{Phase: tt.phase, Text: tt.text}
		check(t, tt.line, []result{{"a@x.org", lost}}, results)
		check(t, tt.line, lost, end)
	}
}

// TestNonsense: answers that make no sense where they come end the connection;
// at the final dot nobody knows what became of the message.
func TestNonsense(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line, say string
		phase     newsletter.Phase
		text      string
	}{
		{"MAIL", "354 go", newsletter.PhaseMail, "unexpected reply to MAIL: 354 go"},
		{"RCPT", "354 go", newsletter.PhaseRcpt, "unexpected reply to RCPT: 354 go"},
		{"DATA", "250 ok", newsletter.PhaseData, "unexpected reply to DATA: 250 ok"},
		{".", "354 go", newsletter.PhaseDot, "unexpected reply to final dot: 354 go"},
		{"RCPT", "ok", newsletter.PhaseRcpt, `not an SMTP reply: "ok\r\n"`},
		{"DATA", "354 go on\r\n250 queued", newsletter.PhaseData, "the relay spoke out of turn: unexpected reply to DATA: 250 queued"},
		{"DATA", "354 go on\r\n421 4.3.2 closing", newsletter.PhaseData, "4.3.2 closing"},
	} {
		s := &server{caps: pipelining, hook: func(line string) string {
			if strings.HasPrefix(line, tt.line) {
				return tt.say
			}
			return ""
		}}
		results, end := run(dial(t, s.start(t)), message("a@x.org"))
		lost := newsletter.Reply{Phase: tt.phase, Text: tt.text}
		if strings.Contains(tt.say, "421") {
			lost.Code, lost.Enhanced = 421, "4.3.2"
		}
		check(t, tt.line, []result{{"a@x.org", lost}}, results)
		check(t, tt.line, lost, end)
		if tt.line != "." && len(s.messages()) > 0 {
			t.Errorf("%s: delivered %v", tt.say, s.messages())
		}
	}
}

// TestHangUp: a relay that hangs up on an idle connection says why.
func TestHangUp(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining, hook: func(line string) string {
		if line == "." {
			return "250 2.0.0 queued\r\n421 4.7.0 that is enough"
		}
		return ""
	}}
	c := dial(t, s.start(t))
	results, _ := run(c, message("a@x.org"))
	check(t, "results", []result{queued("a@x.org")}, results)
	results, end := run(c, message("b@x.org"))
	lost := newsletter.Reply{Phase: newsletter.PhaseMail, Code: 421, Enhanced: "4.7.0", Text: "4.7.0 that is enough"}
	check(t, "results", []result{{"b@x.org", lost}}, results)
	check(t, "end", lost, end)
	c.Quit() // harmless by now
}

// TestSize: what the relay cannot take is not offered to it, and SIZE is declared
// where it is understood (RFC 1870).
func TestSize(t *testing.T) {
	t.Parallel()
	s := &server{caps: []string{"PIPELINING", "SIZE 100"}}
	c := dial(t, s.start(t))
	small, big, lied := message("a@x.org"), message("b@x.org"), message("c@x.org")
	small.Size, big.Size, lied.Size = 100, 101, 50
	lied.Message = func(dst []byte) []byte { return append(dst, strings.Repeat("x\r\n", 50)...) }
	results, end := run(c, small, big, lied, message("d@x.org"))
	check(t, "results", []result{
		{"b@x.org", newsletter.Reply{Phase: newsletter.PhaseData, Code: 552, Enhanced: "5.3.4", Text: "not sent: the message has 101 octets, the relay takes at most 100"}},
		queued("a@x.org"),
		{"c@x.org", newsletter.Reply{Phase: newsletter.PhaseData, Code: 552, Enhanced: "5.3.4", Text: "not sent: the message has 150 octets, the relay takes at most 100"}},
	}, results)
	check(t, "end", newsletter.Reply{Phase: newsletter.PhaseData, Text: "closed, to withdraw a message"}, end)
	check(t, "delivered", want("a@x.org"), s.messages())
	if !strings.Contains(s.lines(), "MAIL FROM:<news@example.org> SIZE=100\n") || strings.Contains(s.lines(), "b@x.org") {
		t.Error(s.lines())
	}
}

// TestBadEnvelope: an address that could carry a command, or that only SMTPUTF8
// could carry, never leaves.
func TestBadEnvelope(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining}
	c := dial(t, s.start(t))
	var list []*mailer.Outgoing
	for _, to := range []string{"", "a", "@x.org", "a@", "a@x.org>\r\nDATA", "a b@x.org", "é@x.org", "a@x@y", strings.Repeat("x", 250) + "@x.org", "a@x.org\x00"} {
		list = append(list, message(to))
	}
	from, bounce := message("a@x.org"), message("b@x.org")
	from.From, bounce.From = "news@example.org>", ""
	empty := message("c@x.org")
	empty.Message = func(dst []byte) []byte { return dst }
	results, end := run(c, append(list, from, bounce, empty)...)
	for _, r := range results[:len(list)] {
		if r.Reply.Phase != newsletter.PhaseRcpt || r.Reply.Code != 553 || newsletter.Judge(r.Reply).Suppress {
			t.Errorf("%+v", r)
		}
	}
	if r := results[len(list)].Reply; r.Phase != newsletter.PhaseMail || r.Code != 553 {
		t.Errorf("%+v", r)
	}
	check(t, "empty", []result{
		queued("b@x.org"),
		{"c@x.org", newsletter.Reply{Phase: newsletter.PhaseData, Code: 554, Text: "not sent: the message is empty"}},
	}, results[len(list)+1:])
	if end.Code != 0 || len(s.messages()) != 1 || s.messages()[0].From != "" {
		t.Errorf("%+v, %v", end, s.messages())
	}
}

// TestStop: a cancelled Run finishes what is in flight, and its marks.
func TestStop(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining}
	c := dial(t, s.start(t))
	ctx, cancel := context.WithCancel(t.Context())
	var results []result
	end := c.Run(ctx, func(context.Context) (*mailer.Outgoing, bool) {
		o := message("a@x.org")
		o.Mark = func(ctx context.Context) error {
			cancel()
			return ctx.Err()
		}
		return o, true
	}, func(o *mailer.Outgoing, r newsletter.Reply) { results = append(results, result{o.To, r}) })
	c.Quit()
	check(t, "end", usable, end)
	check(t, "results", []result{queued("a@x.org")}, results)
	check(t, "delivered", want("a@x.org"), s.messages())
}

// TestNothingNow: while a message is in flight, nil and true settles it first.
func TestNothingNow(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining}
	c := dial(t, s.start(t))
	flying, asked, results := 0, 0, 0
	end := c.Run(t.Context(), func(context.Context) (*mailer.Outgoing, bool) {
		if flying > 0 {
			return nil, true
		}
		if asked == 3 {
			return nil, false
		}
		asked++
		flying++
		return message("a@x.org"), true
	}, func(_ *mailer.Outgoing, r newsletter.Reply) {
		check(t, "reply", queued("").Reply, r)
		results++
		flying--
	})
	c.Quit()
	check(t, "end", usable, end)
	if results != 3 || len(s.messages()) != 3 {
		t.Errorf("%d results, %d messages", results, len(s.messages()))
	}
}

func TestMessagesPerConnection(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining}
	relay := s.start(t)
	relay.MessagesPerConnection = 2
	c := dial(t, relay)
	results, end := run(c, message("a@x.org"), message("b@x.org"), message("c@x.org"))
	c.Quit()
	check(t, "end", usable, end)
	check(t, "results", []result{queued("a@x.org"), queued("b@x.org")}, results)
}

// TestClose ends a Run that waits for a relay, from outside.
func TestClose(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining}
	relay := s.start(t)
	c := dial(t, relay)
	s.hook = func(line string) string {
		if line == "." {
			go c.Close()
			return "hang"
		}
		return ""
	}
	results, end := run(c, message("a@x.org"))
	lost := newsletter.Reply{Phase: newsletter.PhaseDot, Text: "the connection was closed"}
	check(t, "results", []result{{"a@x.org", lost}}, results)
	check(t, "end", lost, end)
}
