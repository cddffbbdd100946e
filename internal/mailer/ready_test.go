package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// TestReady: a message is marked, and then asked about once more, before the relay
// has any of it.
func TestReady(t *testing.T) {
	t.Parallel()
	for _, caps := range [][]string{pipelining, nil} {
		s := &server{caps: caps}
		c := dial(t, s.start(t))
		var list []*mailer.Outgoing
		marked, asked := 0, 0
		for i := range 20 {
			o := message(fmt.Sprintf("r%d@x.org", i))
			o.Mark = func(context.Context) error {
				marked++
				return nil
			}
			o.Ready = func() error {
				asked++
				if n := len(s.messages()); n > i || marked != asked {
					t.Errorf("%d messages were taken and %d marked before message %d may be", n, marked, i)
				}
				return nil
			}
			list = append(list, o)
		}
		results, end := run(c, list...)
		c.Quit()
		check(t, "end", usable, end)
		check(t, "asked", 20, asked)
		if len(results) != 20 || len(s.messages()) != 20 {
			t.Errorf("%d results, %d messages", len(results), len(s.messages()))
		}
	}
}

// TestNotReady: a message that may not leave costs the connection, and nobody gets
// it.
func TestNotReady(t *testing.T) {
	t.Parallel()
	for _, caps := range [][]string{pipelining, nil} {
		s := &server{caps: caps}
		b := message("b@x.org")
		b.Ready = func() error { return errors.New("the store is away") }
		results, end := run(dial(t, s.start(t)), message("a@x.org"), b, message("c@x.org"))
		kept := newsletter.Reply{Phase: newsletter.PhaseData, Text: "not sent: the store is away"}
		check(t, "results", []result{
			queued("a@x.org"), {"b@x.org", kept}, {"c@x.org", newsletter.Reply{Phase: newsletter.PhaseMail, Text: kept.Text}},
		}, results)
		check(t, "end", kept, end)
		check(t, "delivered", want("a@x.org"), s.messages())
	}
}
