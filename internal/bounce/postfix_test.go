package bounce_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/smtp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/bounce"
	"syndicate/internal/test/postfix"
)

// TestPostfix reads what a real Postfix sends back.
func TestPostfix(t *testing.T) {
	t.Parallel()
	server := postfix.Start(t)
	c, err := smtp.Dial(fmt.Sprintf("127.0.0.1:%d", server.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // after Quit there is nothing to close
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.StartTLS(&tls.Config{RootCAs: server.CAs, ServerName: "127.0.0.1"}))
	to := []string{"ann@nobody.example", "ann@full.example", "ann@policy.example", "ann@gone.example"}
	for i, who := range to {
		must(c.Mail(fmt.Sprintf("b+key%d@%s", i, postfix.Domain)))
		must(c.Rcpt(who))
		w, err := c.Data()
		must(err)
		_, err = fmt.Fprintf(w, "From: News <news@example.org>\r\nTo: %s\r\nSubject: Weekly\r\nMessage-ID: <%d@news.example.org>\r\n\r\nHello.\r\n", who, i)
		must(err)
		must(w.Close())
	}
	must(c.Quit())
	arrived, err := server.Messages(t.Context(), len(to))
	must(err)
	var got []string
	for _, raw := range arrived {
		reports, err := bounce.Parse(bytes.NewReader(raw), bounce.Options{})
		must(err)
		for _, r := range reports {
			key := slices.ContainsFunc(r.To, func(a string) bool { return strings.HasPrefix(a, "b+key"+r.MessageID[:1]+"@") })
			got = append(got, fmt.Sprintf("%s %s, %s: %s, %s, its key found: %t", r.Recipient, r.Status, r.Kind, r.Reason, r.Diagnostic, key))
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		"ann@full.example 5.2.2, soft: mailbox full, mailbox full, its key found: true",
		"ann@gone.example 5.1.2, hard: no such domain, nothing leaves this machine, its key found: true",
		"ann@nobody.example 5.1.1, hard: no such user, user unknown, its key found: true",
		"ann@policy.example 5.7.1, block: policy, not from you, its key found: true",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
