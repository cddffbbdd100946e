package mailer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"syndicate/internal/mailer"
	"syndicate/internal/test/dns"
)

// TestReturnDNS asks a real DNS server, whose mail servers are pipes: 192.0.2.1 greets,
// 192.0.2.2 is full, the others are not there.
func TestReturnDNS(t *testing.T) {
	t.Parallel()
	dial := func(_ context.Context, _, address string) (net.Conn, error) {
		greeting := map[string]string{"192.0.2.1:25": "220 mx ready\r\n", "192.0.2.2:25": "421 mx full\r\n"}[address]
		if greeting == "" {
			return nil, errors.New("no route")
		}
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			_, _ = io.WriteString(there, greeting)
			_, _ = io.Copy(io.Discard, there)
		}()
		return here, nil
	}
	for _, tt := range []struct{ zone, want string }{
		{"b.example.org. IN MX 10 mx.example.org.\nmx.example.org. IN A 192.0.2.1", "good mx.example.org takes its mail, and answers"},
		{"b.example.org. IN MX 10 one.example.org.\nb.example.org. IN MX 20 two.example.org.\none.example.org. IN A 192.0.2.2\ntwo.example.org. IN A 192.0.2.1", "good two.example.org"},
		{"b.example.org. IN A 192.0.2.1", "good b.example.org takes"},
		{"b.example.org. IN MX 10 mx.example.org.\nmx.example.org. IN A 192.0.2.2", "weak the MX of b.example.org does not answer on port 25 from here: mx.example.org (192.0.2.2)"},
		{"b.example.org. IN A 192.0.2.3", "weak b.example.org, which has no MX, does not answer on port 25 from here"},
		{"b.example.org. IN MX 10 mx.example.org.", "bad nobody takes mail for b.example.org: mx.example.org has no address in the DNS"},
		{"example.org. IN A 192.0.2.1", "bad nobody takes mail for b.example.org: b.example.org has no address"},
		{"b.example.org. IN MX 0 .", "bad the DNS says that b.example.org takes no mail"},
	} {
		address, stop, err := dns.Serve(func() (string, error) { return tt.zone, nil })
		if err != nil {
			t.Fatal(err)
		}
		got := mailer.CheckReturn(t.Context(), dns.Resolver(address), dial, "b.example.org")
		stop()
		word := "weak"
		switch {
		case got.Good:
			word = "good"
		case got.Bad:
			word = "bad"
		}
		if said := word + " " + got.Text; !strings.HasPrefix(said, tt.want) || !got.Good && got.Hint == "" {
			t.Errorf("%s\n got %s (%s)\nwant %s", tt.zone, said, got.Hint, tt.want)
		}
	}
	if got := mailer.CheckReturn(t.Context(), dns.Resolver(""), dial, "b.example.org"); got.Good || got.Bad || got.Hint == "" {
		t.Errorf("without a DNS: %+v", got)
	}
}
