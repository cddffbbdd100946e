package mailer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

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
	for line, phase := range map[string]newsletter.Phase{
		"MAIL": newsletter.PhaseMail, "RCPT": newsletter.PhaseRcpt, "DATA": newsletter.PhaseData, ".": newsletter.PhaseDot,
	} {
		s := &server{caps: pipelining, hook: func(said string) string {
			if strings.HasPrefix(said, line) {
				return "hang"
			}
			return ""
		}}
		relay := s.start(t)
		patience(func(d time.Duration) bool {
			relay.Timeouts = generous
			c := dial(t, relay)
			mailer.SetTimeouts(c, mailer.Timeouts{Command: d, Data: d, Dot: d})
			results, end := run(c, message("a@x.org"))
			if end.Phase < phase {
				return false
			}
			lost := newsletter.Reply{Phase: phase, Text: "no answer to " + phase.String() + " within " + d.String()}
			check(t, line, []result{{"a@x.org", lost}}, results)
			check(t, line, lost, end)
			return true
		})
	}
}

// patience tries with a longer deadline what failed too early, because the
// machine was busy.
func patience(try func(time.Duration) bool) {
	for d := 30 * time.Millisecond; !try(d) && d < time.Minute; d *= 4 {
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

// TestClose ends a Run that waits for a relay, from outside.
func TestClose(t *testing.T) {
	t.Parallel()
	s := &server{caps: pipelining}
	relay := s.start(t)
	c := dial(t, relay)
	s.hook = func(line string) string {
		if line == "." {
			go func() { _ = c.Close() }()
			return "hang"
		}
		return ""
	}
	results, end := run(c, message("a@x.org"))
	lost := newsletter.Reply{Phase: newsletter.PhaseDot, Text: "the connection was closed"}
	check(t, "results", []result{{"a@x.org", lost}}, results)
	check(t, "end", lost, end)
}
