package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// TestFaults sends messages with random faults, with and without PIPELINING,
// over as many connections as it takes. Whatever happens: each message is
// settled once a turn and as its fault demands, who should get his message gets
// exactly that one, after its mark, and nobody gets anything else.
func TestFaults(t *testing.T) {
	t.Parallel()
	codes := []string{"421", "451", "550", "drop"}
	var faults []string
	for _, phase := range []string{"mail", "rcpt", "data", "dot"} {
		for _, code := range codes {
			faults = append(faults, phase+code)
		}
	}
	faults = append(faults, "withdrawn", "withdrawn", "withdrawn")

	rapid.Check(t, func(t *rapid.T) {
		s := &server{
			caps:    rapid.SampledFrom([][]string{nil, pipelining, pipelining}).Draw(t, "caps"),
			refused: rapid.SampledFrom([]string{"503 5.5.1 no recipients", "354 go on"}).Draw(t, "refused"),
		}
		var mu sync.Mutex
		marked, told := map[string]int{}, map[*mailer.Outgoing]bool{}
		s.onMessage = func(m received) {
			mu.Lock()
			defer mu.Unlock()
			if len(m.To) != 1 || m.Body != want(m.To[0])[0].Body || marked[m.To[0]] == 0 {
				t.Errorf("%v, marked %d times, got %q", m.To, marked[m.To[0]], m.Body)
			}
		}
		relay := s.start(t)

		fates := rapid.SliceOfN(rapid.OneOf(rapid.Just(""), rapid.Just(""), rapid.SampledFrom(faults)), 1, 20).Draw(t, "faults")
		var queue []*mailer.Outgoing
		for i, fault := range fates {
			o := message(fmt.Sprintf("%s.%d@x.org", fault, i))
			o.Ref = fault
			if strings.HasPrefix(fault, "mail") {
				o.From = fmt.Sprintf("%s.%d@example.org", fault, i)
			}
			if fault == "" || strings.HasPrefix(fault, "mail") {
				o.To = fmt.Sprintf("%d@x.org", i)
				o.Message = message(o.To).Message
			}
			o.Mark = func(context.Context) error {
				for range 50 { // a store takes its time
					runtime.Gosched()
				}
				mu.Lock()
				defer mu.Unlock()
				if told[o] {
					t.Errorf("%s was marked after it was settled", o.To)
				}
				if fault == "withdrawn" {
					return errors.New(fault)
				}
				marked[o.To]++
				return nil
			}
			queue = append(queue, o)
		}

		flying, expect := map[*mailer.Outgoing]bool{}, map[string]int{}
		settled := func(o *mailer.Outgoing, r newsletter.Reply) {
			if !flying[o] {
				t.Fatalf("%s settled twice, or never asked for", o.To)
			}
			delete(flying, o)
			mu.Lock()
			told[o] = true
			mu.Unlock()
			fault := fmt.Sprint(o.Ref)
			phase := map[string]newsletter.Phase{"mail": newsletter.PhaseMail, "rcpt": newsletter.PhaseRcpt, "data": newsletter.PhaseData}
			phase["dot"], phase["with"] = newsletter.PhaseDot, newsletter.PhaseData
			switch {
			case r.Phase == newsletter.PhaseMail && r.Code == 0 && fault != "maildrop":
				queue = append(queue, o) // lost with the one before: another connection
			case fault == "":
				if r.Phase != newsletter.PhaseDot || r.Code != 250 {
					t.Fatalf("%s: %+v", o.To, r)
				}
				expect[o.To]++
			case fault == "withdrawn":
				if r.Phase != newsletter.PhaseData || r.Code != 0 || r.Text != "not sent: withdrawn" {
					t.Fatalf("%s: %+v", o.To, r)
				}
			default:
				name := strings.TrimRight(fault, "0123456789")
				name = strings.TrimSuffix(name, "drop")
				code := strings.TrimPrefix(fault, name)
				if r.Phase != phase[name] || code == "drop" && r.Code != 0 || code != "drop" && fmt.Sprint(r.Code) != code {
					t.Fatalf("%s: %+v", o.To, r)
				}
			}
		}
		for rounds := 0; len(queue) > 0; rounds++ {
			if rounds > 2*len(fates) {
				t.Fatalf("%d messages are never sent", len(queue))
			}
			c := dial(t, relay)
			end := c.Run(t.Context(), func(context.Context) (*mailer.Outgoing, bool) {
				if len(queue) == 0 {
					return nil, false
				}
				o := queue[0]
				queue = queue[1:]
				flying[o] = true
				mu.Lock()
				delete(told, o) // another turn
				mu.Unlock()
				return o, true
			}, settled)
			if len(flying) > 0 {
				t.Fatalf("%d messages were never settled", len(flying))
			}
			if end.Code == 250 && len(queue) > 0 {
				t.Fatalf("stopped with %d messages to go", len(queue))
			}
			c.Quit()
		}
		got := map[string]int{}
		for _, m := range s.messages() {
			got[m.To[0]]++
		}
		if fmt.Sprint(got) != fmt.Sprint(expect) {
			t.Fatalf("delivered %v, want %v", got, expect)
		}
	})
}
