package mailer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/test/selfsigned"
)

// certificate makes a self-signed certificate for names and returns it with a
// pool that trusts it and its PEM form.
func certificate(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool, []byte) {
	t.Helper()
	pair, err := selfsigned.New(selfsigned.Options{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return cert, pair.Pool(), pair.Certificate
}

// TestRealServer sends through go-smtp, in clear and encrypted either way, logged
// in or not.
func TestRealServer(t *testing.T) {
	t.Parallel()
	cert, pool, _ := certificate(t)
	for _, tt := range []struct {
		name     string
		cert     *tls.Certificate
		implicit bool
		auth     string
		want     string // capabilities
		user     string
	}{
		{name: "clear", auth: "none", want: "not encrypted, no login, pipelining, messages up to 1.0 MB"},
		{name: "clear to loopback", want: "not encrypted, login with PLAIN, pipelining, messages up to 1.0 MB", user: "joe with PLAIN"},
		{name: "STARTTLS", cert: &cert, auth: "auto", want: "TLS 1.3, login with PLAIN, pipelining, messages up to 1.0 MB", user: "joe with PLAIN"},
		{name: "implicit", cert: &cert, implicit: true, auth: "login", want: "TLS 1.3, login with LOGIN, pipelining, messages up to 1.0 MB", user: "joe with LOGIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, relay := startBackend(t, tt.cert, tt.implicit)
			relay.RootCAs, relay.Auth, relay.Username, relay.Password = pool, tt.auth, "joe", "secret"
			caps, err := mailer.Check(t.Context(), relay)
			if err != nil || caps.String() != tt.want {
				t.Fatalf("%v, %v", caps, err)
			}
			c := dial(t, relay)
			big := message("big@x.org")
			body := strings.Repeat("."+strings.Repeat("x", 75)+"\r\n", 5000)
			big.Message = func(dst []byte) []byte { return append(dst, body...) }
			results, end := run(c, message("a@x.org"), message("nobody@x.org"), message("later@x.org"), big, message("b@x.org"))
			c.Quit()
			ok := newsletter.Reply{Phase: newsletter.PhaseDot, Code: 250, Enhanced: "2.0.0", Text: "2.0.0 OK: queued"}
			check(t, "end", usable, end)
			check(t, "results", []result{
				{"a@x.org", ok},
				{"nobody@x.org", newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.1.1", Text: "5.1.1 no such user"}},
				{"later@x.org", newsletter.Reply{Phase: newsletter.PhaseDot, Code: 451, Enhanced: "4.3.0", Text: "4.3.0 later"}},
				{"big@x.org", ok},
				{"b@x.org", ok},
			}, results)
			delivered := want("a@x.org", "big@x.org", "b@x.org")
			delivered[1].Body = body
			b.mu.Lock()
			defer b.mu.Unlock()
			check(t, "delivered", delivered, b.got)
			check(t, "user", tt.user, b.user)
		})
	}
}

// TestDialFails: each failure has its phase, its code, a sentence and a hint, and
// leaves no connection behind (the server's clean-up waits for them).
func TestDialFails(t *testing.T) {
	t.Parallel()
	cert, pool, _ := certificate(t)
	other, otherPool, _ := certificate(t, "other.example.org")
	say := func(at, words string) *server {
		return &server{hook: func(line string) string {
			if strings.HasPrefix(line, at) {
				return words
			}
			return ""
		}}
	}
	login := func(r *mailer.Relay) { r.Username, r.Password = "joe", "wrong" }
	starttls := func(r *mailer.Relay) { r.TLS = "starttls" }
	for _, tt := range []struct {
		name   string
		server *server
		change func(*mailer.Relay)
		want   newsletter.Reply
		hint   string
	}{
		{"greeting", say("CONNECT", "554 5.7.1 go away"), nil, newsletter.Reply{Phase: newsletter.PhaseConnect, Code: 554, Enhanced: "5.7.1", Text: "5.7.1 go away"}, ""},
		{"busy", say("CONNECT", "421 4.7.0 too many"), nil, newsletter.Reply{Phase: newsletter.PhaseConnect, Code: 421, Enhanced: "4.7.0", Text: "4.7.0 too many"}, ""},
		{
			"slow banner", say("CONNECT", "hang"), nil,
			newsletter.Reply{Phase: newsletter.PhaseConnect, Text: "no answer to connect within "},
			"tls: implicit",
		},
		{"gone", say("CONNECT", "drop"), nil, newsletter.Reply{Phase: newsletter.PhaseConnect, Text: "the relay closed the connection"}, ""},
		{
			"flood", say("CONNECT", "220 "+strings.Repeat("x", 1<<20)), nil,
			newsletter.Reply{Phase: newsletter.PhaseConnect, Text: "the relay says too much before the first message"},
			"",
		},
		{"EHLO", say("EHLO", "550 5.7.1 not you"), func(r *mailer.Relay) { r.Username = "" }, newsletter.Reply{Phase: newsletter.PhaseHello, Code: 550, Enhanced: "5.7.1", Text: "5.7.1 not you"}, ""},
		{
			"slow EHLO", say("EHLO", "hang"), nil,
			newsletter.Reply{Phase: newsletter.PhaseHello, Text: "no answer to EHLO within "},
			"",
		},
		{"no STARTTLS", &server{}, starttls, newsletter.Reply{Phase: newsletter.PhaseTLS, Text: "the relay does not offer STARTTLS"}, "tls: implicit"},
		{
			"STARTTLS refused", &server{caps: []string{"STARTTLS"}, hook: say("STARTTLS", "454 4.7.0 TLS is not available").hook}, starttls,
			newsletter.Reply{Phase: newsletter.PhaseTLS, Code: 454, Enhanced: "4.7.0", Text: "4.7.0 TLS is not available"},
			"",
		},
		{
			"slow handshake", &server{caps: []string{"STARTTLS"}}, starttls,
			newsletter.Reply{Phase: newsletter.PhaseTLS, Text: "no answer to STARTTLS within "},
			"",
		},
		{
			"unknown authority", &server{caps: []string{"STARTTLS"}, startTLS: &tls.Config{Certificates: []tls.Certificate{cert}}},
			func(r *mailer.Relay) { r.TLS, r.RootCAs = "starttls", x509.NewCertPool() },
			newsletter.Reply{Phase: newsletter.PhaseTLS, Text: "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
			"ca_file",
		},
		{
			"wrong name", &server{caps: []string{"STARTTLS"}, startTLS: &tls.Config{Certificates: []tls.Certificate{other}}},
			func(r *mailer.Relay) { r.TLS, r.RootCAs = "starttls", otherPool },
			newsletter.Reply{Phase: newsletter.PhaseTLS, Text: "tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"},
			"name in the relay's certificate",
		},
		{
			"no TLS on an implicit port", &server{}, func(r *mailer.Relay) { r.TLS, r.RootCAs = "implicit", pool },
			newsletter.Reply{Phase: newsletter.PhaseTLS, Text: "tls: first record does not look like a TLS handshake"},
			"tls: starttls",
		},
		{
			"wrong password", &server{caps: []string{"AUTH PLAIN"}, hook: say("AUTH", "535 5.7.8 authentication failed").hook}, login,
			newsletter.Reply{Phase: newsletter.PhaseAuth, Code: 535, Enhanced: "5.7.8", Text: "5.7.8 authentication failed"},
			"username and password",
		},
		{"no AUTH", &server{}, login, newsletter.Reply{Phase: newsletter.PhaseAuth, Text: "the relay offers no login"}, "leave username out"},
		{
			"other AUTH", &server{caps: []string{"AUTH GSSAPI NTLM"}}, login,
			newsletter.Reply{Phase: newsletter.PhaseAuth, Text: "the relay offers only other ways to log in: GSSAPI, NTLM"},
			"",
		},
		{
			"unknown AUTH", &server{caps: []string{"AUTH PLAIN"}}, func(r *mailer.Relay) { r.Username, r.Auth = "joe", "magic" },
			newsletter.Reply{Phase: newsletter.PhaseAuth, Text: `auth: "magic" is not auto, plain, login, cram-md5, scram-sha-256 or none`},
			"",
		},
		{
			"unknown TLS", &server{}, func(r *mailer.Relay) { r.TLS = "ssl" },
			newsletter.Reply{Phase: newsletter.PhaseConnect, Text: `tls: "ssl" is not starttls, implicit or none`},
			"",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			relay := tt.server.start(t)
			relay.Name = "main"
			if tt.change != nil {
				tt.change(&relay)
			}
			var (
				c     *mailer.Conn
				reply newsletter.Reply
				err   error
				want  = tt.want
			)
			patience(func(d time.Duration) bool {
				if strings.HasPrefix(tt.name, "slow") {
					relay.Timeouts.Connect, relay.Timeouts.Command = d, d
					want.Text = tt.want.Text + d.String()
				}
				c, reply, err = mailer.Dial(t.Context(), relay)
				return c != nil || reply.Phase >= want.Phase
			})
			var failed *mailer.RelayError
			if c != nil || !errors.As(err, &failed) {
				t.Fatalf("%v, %v", c, err)
			}
			check(t, "reply", want, reply)
			if v := newsletter.Judge(reply); !v.RelayBad || v.State != newsletter.Pending {
				t.Errorf("judged %+v", v)
			}
			if s := err.Error(); !strings.HasPrefix(s, "relay main (127.0.0.1:") || !strings.Contains(s, reply.Text) {
				t.Error(s)
			}
			if !strings.Contains(failed.Hint(), tt.hint) || tt.hint == "" && failed.Hint() != "" {
				t.Errorf("hint %q, want %q", failed.Hint(), tt.hint)
			}
			if strings.Contains(err.Error(), relay.Password) && relay.Password != "" {
				t.Error("the password can be read")
			}
		})
	}
}

func TestDialNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := port(t, l)
	l.Close()
	_, reply, err := mailer.Dial(t.Context(), mailer.Relay{Host: "127.0.0.1", Port: nobody})
	var failed *mailer.RelayError
	if !errors.As(err, &failed) || reply.Phase != newsletter.PhaseConnect || reply.Code != 0 || !strings.Contains(failed.Hint(), "nothing listens there") {
		t.Errorf("%+v, %v", reply, err)
	}
}

// TestDialCancelled: a relay that does not greet does not keep a stopping worker.
func TestDialCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &server{hook: func(string) string {
		cancel()
		return "hang"
	}}
	_, reply, err := mailer.Dial(ctx, s.start(t))
	if err == nil || reply.Phase != newsletter.PhaseConnect || reply.Code != 0 {
		t.Errorf("%+v, %v", reply, err)
	}
}

func TestNoLoginInTheOpen(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"", "auto", "plain", "cram-md5", "scram-sha-256"} {
		if err := mailer.LoginInTheOpen(mailer.Relay{Auth: auth, Username: "joe", Password: "secret"}); err == nil || !strings.Contains(err.Error(), "not encrypted") {
			t.Errorf("%q: %v", auth, err)
		}
	}
	if err := mailer.LoginInTheOpen(mailer.Relay{}); err != nil {
		t.Error(err)
	}
}

func TestRelayAddr(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]mailer.Relay{
		"a.example.org:587": {Host: "a.example.org"},
		"a.example.org:465": {Host: "a.example.org", TLS: "implicit"},
		"a.example.org:25":  {Host: "a.example.org", TLS: "none"},
		"[::1]:2525":        {Host: "::1", Port: 2525},
	} {
		if got := r.Addr(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestReadCAs(t *testing.T) {
	t.Parallel()
	cert, _, encoded := certificate(t)
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "bad.pem")
	for file, data := range map[string][]byte{good: encoded, bad: []byte("nothing")} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, relay := startBackend(t, &cert, false)
	var err error
	if relay.RootCAs, err = mailer.ReadCAs(good); err != nil {
		t.Fatal(err)
	}
	if _, err := mailer.Check(t.Context(), relay); err != nil {
		t.Error(err)
	}
	if _, err := mailer.ReadCAs(bad); err == nil || !strings.Contains(err.Error(), "bad.pem holds no certificate") {
		t.Error(err)
	}
	if _, err := mailer.ReadCAs(filepath.Join(dir, "none.pem")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
