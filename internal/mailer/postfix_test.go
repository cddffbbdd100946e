package mailer_test

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/mailer"
	"syndicate/internal/test/dkimpy"
	"syndicate/internal/test/postfix"
)

// TestSignedThroughPostfix hands signed messages to Postfix over STARTTLS and lets
// two verifiers look at what arrived in the mailbox.
func TestSignedThroughPostfix(t *testing.T) {
	t.Parallel()
	verifier := dkimpy.Find(t)
	server := postfix.Start(t)
	list := keys(t, "rsa", "ed")
	c := signed(t, list...)
	c.ListName = strings.Repeat("La lettre du très long nom ", 12)
	c.FeedbackID = strings.Repeat("12345:", 40) + "end"
	tpl := build(t, c)

	names := []string{"", "Zoë Müller", "日本太郎", strings.Repeat("Anne-Marie é ", 20), `O"Neill, <b> \`, "double  space", ".dots."}
	var out []*mailer.Outgoing
	for i, name := range names {
		p := personal()
		p.Name, p.To = name, mail.Address{Name: name, Address: fmt.Sprintf("reader%d@%s", i, postfix.Domain)}
		p.Date = time.Now() // a signature from the future is no good
		p.UnsubscribeURL += strings.Repeat("x", 100*i)
		out = append(out, &mailer.Outgoing{
			From: c.From.Address, To: p.To.Address, Size: tpl.Size(),
			Message: func(dst []byte) []byte { return tpl.Append(dst, p) },
		})
	}
	conn := dial(t, mailer.Relay{
		Host: "127.0.0.1", Port: server.Port, TLS: "starttls", RootCAs: server.CAs, Helo: "client.example.org", Timeouts: generous,
	})
	if !strings.HasPrefix(conn.Capabilities().TLS, "TLS 1.") {
		t.Fatalf("%v", conn.Capabilities())
	}
	results, _ := run(conn, out...)
	for _, r := range results {
		if r.Reply.Code != 250 {
			t.Fatalf("%+v", r)
		}
	}
	conn.Quit()
	arrived, err := server.Messages(t.Context(), len(out))
	if err != nil {
		t.Fatal(err)
	}

	records := map[string]string{}
	for _, k := range list {
		records[k.RecordName()] = k.Record()
	}
	said, err := verifier.Verify(t.Context(), arrived, records)
	if err != nil {
		t.Fatal(err)
	}
	want := []dkimpy.Result{{Good: true, Selector: "rsa"}, {Good: true, Selector: "ed"}}
	for i, raw := range arrived {
		if !bytes.Contains(raw, []byte(" with ESMTPS ")) {
			t.Errorf("a message came without TLS:\n%.600s", raw)
		}
		if diff := cmp.Diff(want, said[i]); diff != "" {
			t.Errorf("dkimpy (-want +got):\n%s\n%s", diff, raw)
		}
		good(t, raw, len(list), list...)
	}
	if len(said) != len(out) {
		t.Errorf("%d messages, want %d", len(said), len(out))
	}

	// The verifier does tell what was changed.
	var changed [][]byte
	for _, change := range []struct{ from, to string }{
		{"Subject: ", "Subject: Re "},
		{"List-Unsubscribe: <https://news", "List-Unsubscribe: <https://fake"},
		{"List-Unsubscribe-Post: List-", "List-Unsubscribe-Post: Lost-"},
		{"fin\n", "Fin\n"},
		{"Subject: ", "Subject: another\nSubject: "},
	} {
		raw := bytes.Replace(arrived[0], []byte("\n"+change.from), []byte("\n"+change.to), 1)
		if bytes.Equal(raw, arrived[0]) {
			t.Fatalf("no %q in the message", change.from)
		}
		changed = append(changed, raw)
	}
	if said, err = verifier.Verify(t.Context(), changed, records); err != nil {
		t.Fatal(err)
	}
	for i, results := range said {
		for _, r := range results {
			if r.Good {
				t.Errorf("change %d is not noticed by %s", i, r.Selector)
			}
		}
	}
}
