package mailer_test

import (
	"errors"
	"fmt"
	"testing"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// TestReady: the relay has no message whole before it may; what stands before the
// final dot has left by then, and nothing is sent twice.
func TestReady(t *testing.T) {
	t.Parallel()
	for _, caps := range [][]string{pipelining, nil} {
		for _, atOnce := range []bool{true, false} {
			s := &server{caps: caps}
			c := dial(t, s.start(t))
			var list []*mailer.Outgoing
			asked := 0
			for i := range 20 {
				o := message(fmt.Sprintf("r%d@x.org", i))
				o.Ready = func(wait bool) (bool, error) {
					asked++
					if n := len(s.messages()); n > i {
						t.Errorf("%d messages were taken before message %d may be", n, i)
					}
					return atOnce || wait, nil
				}
				list = append(list, o)
			}
			results, end := run(c, list...)
			c.Quit()
			check(t, "end", usable, end)
			check(t, "asked", map[bool]int{true: 20, false: 40}[atOnce], asked)
			if len(results) != 20 || len(s.messages()) != 20 {
				t.Errorf("%d results, %d messages", len(results), len(s.messages()))
			}
		}
	}
}

// TestNotReady: a dot that may not leave costs the connection, and nobody gets the
// message.
func TestNotReady(t *testing.T) {
	t.Parallel()
	for _, caps := range [][]string{pipelining, nil} {
		for _, later := range []bool{true, false} {
			s := &server{caps: caps}
			b := message("b@x.org")
			b.Ready = func(wait bool) (bool, error) {
				if later && !wait {
					return false, nil
				}
				return true, errors.New("the store is away")
			}
			results, end := run(dial(t, s.start(t)), message("a@x.org"), b, message("c@x.org"))
			kept := newsletter.Reply{Phase: newsletter.PhaseData, Text: "not sent: the store is away"}
			check(t, "results", []result{
				queued("a@x.org"), {"b@x.org", kept}, {"c@x.org", newsletter.Reply{Phase: newsletter.PhaseMail, Text: kept.Text}},
			}, results)
			check(t, "end", kept, end)
			check(t, "delivered", want("a@x.org"), s.messages())
		}
	}
}
