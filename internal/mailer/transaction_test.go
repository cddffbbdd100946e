package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

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
