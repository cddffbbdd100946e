package mailer_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"syndicate/internal/mailer"
)

// backend is a go-smtp backend that lets "joe" with "secret" in.
type backend struct {
	mu   sync.Mutex
	user string
	got  []received
}

type backendSession struct {
	*backend
	m received
}

func (b *backend) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &backendSession{backend: b}, nil
}

func (s *backendSession) AuthMechanisms() []string { return []string{"PLAIN", "LOGIN"} }

func (s *backendSession) Auth(mech string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "joe" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.user = user + " with " + mech
		return nil
	}
	if mech == "LOGIN" {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

func (s *backendSession) Mail(from string, _ *smtp.MailOptions) error {
	s.m.From = from
	return nil
}

func (s *backendSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.m.To = append(s.m.To, to)
	return nil
}

func (s *backendSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if strings.HasPrefix(s.m.To[0], "later") {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
	}
	s.m.Body = string(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, s.m)
	return nil
}

func (s *backendSession) Reset()        { s.m = received{} }
func (s *backendSession) Logout() error { return nil }

// loginServer is the server side of AUTH LOGIN.
type loginServer struct {
	check func(user, password string) error
	user  string
	step  int
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

// startBackend starts a go-smtp server; implicit TLS if cert is given to the
// listener and not to the server.
func startBackend(t *testing.T, cert *tls.Certificate, implicit bool) (*backend, mailer.Relay) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{}
	s := smtp.NewServer(b)
	s.Domain = "localhost"
	s.AllowInsecureAuth = true
	s.MaxMessageBytes = 1 << 20
	s.ErrorLog = quiet{}
	relay := mailer.Relay{
		Name: "test", Host: "127.0.0.1", Port: port(t, l), TLS: "none", Helo: "client.example.org",
		Timeouts: generous,
	}
	if cert != nil {
		config := &tls.Config{Certificates: []tls.Certificate{*cert}}
		relay.TLS = "starttls"
		if implicit {
			l = tls.NewListener(l, config)
			relay.TLS = "implicit"
		} else {
			s.TLSConfig = config
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return b, relay
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
