package jobs_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"syndicate/internal/mailer"
)

// sink is a real SMTP server on loopback that takes mail, or fails as told.
type sink struct {
	t      *testing.T
	server *smtp.Server
	addr   *net.TCPAddr

	// The hooks may answer with an error or close the connection; nil: 250.
	onGreet func() error
	onMail  func(from string) error
	onRcpt  func(c *smtp.Conn, to string) error
	onData  func(c *smtp.Conn, m received) error // after the final dot; the message counts as taken if nil

	password string // empty: no login

	mu   sync.Mutex
	got  []received // taken
	seen []received // whose final dot arrived
}

// received is a message as it arrived.
type received struct {
	From, To  string
	MessageID string
	Header    mail.Header
	Text      string // decoded
	HTML      string // decoded
}

func newSink(t *testing.T, set ...func(*sink)) *sink {
	t.Helper()
	k := &sink{t: t}
	for _, f := range set {
		f(k)
	}
	k.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		if k.onGreet != nil {
			if err := k.onGreet(); err != nil {
				return nil, err
			}
		}
		return &session{k: k, c: c}, nil
	}))
	k.server.Domain = "sink.example.org"
	k.server.AllowInsecureAuth = true
	k.server.ErrorLog = discardLog{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP address")
	}
	k.addr = addr
	go func() { _ = k.server.Serve(l) }()
	t.Cleanup(func() { _ = k.server.Close() })
	return k
}

type discardLog struct{}

func (discardLog) Printf(string, ...any) {}
func (discardLog) Println(...any)        {}

// relay is how to reach the sink.
func (k *sink) relay(name string) mailer.Relay {
	return mailer.Relay{
		Name: name, Host: "127.0.0.1", Port: k.addr.Port, TLS: "none", Connections: 2, Helo: "client.example.org",
		Timeouts: mailer.Timeouts{Connect: 10 * time.Second, Command: 10 * time.Second, Data: 10 * time.Second, Dot: 10 * time.Second},
	}
}

// to returns the recipients of the messages taken, sorted.
func (k *sink) to() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, m := range k.got {
		out = append(out, m.To)
	}
	slices.Sort(out)
	return out
}

func (k *sink) messages() []received {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.got)
}

func (k *sink) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got, k.seen = nil, nil
}

type session struct {
	k        *sink
	c        *smtp.Conn
	from, to string
	loggedIn bool
}

func (s *session) AuthMechanisms() []string {
	if s.k.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, password string) error {
		if password != s.k.password {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.k.password != "" && !s.loggedIn {
		return smtp.ErrAuthRequired
	}
	s.from = from
	if s.k.onMail != nil {
		return s.k.onMail(from)
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if s.k.onRcpt != nil {
		return s.k.onRcpt(s.c, to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := parse(data)
	if err != nil {
		s.k.t.Errorf("a message that cannot be parsed: %v\n%s", err, data)
	}
	m.From, m.To = s.from, s.to
	s.k.mu.Lock()
	s.k.seen = append(s.k.seen, m)
	s.k.mu.Unlock()
	if s.k.onData != nil {
		if err := s.k.onData(s.c, m); err != nil {
			return err
		}
	}
	s.k.mu.Lock()
	s.k.got = append(s.k.got, m)
	s.k.mu.Unlock()
	return nil
}

// parse reads a message with its two parts.
func parse(data []byte) (m received, err error) {
	msg, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return m, err
	}
	m.Header, m.MessageID = msg.Header, msg.Header.Get("Message-ID")
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for _, into := range []*string{&m.Text, &m.HTML} {
		part, err := parts.NextPart()
		if err != nil {
			return m, err
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return m, err
		}
		*into = string(body)
	}
	return m, nil
}

// errCut is what a hook returns after it closed the connection: nobody hears it.
var errCut = errors.New("cut")

// cut closes a connection without an answer.
func cut(c *smtp.Conn) error {
	_ = c.Conn().Close()
	return errCut
}

func smtpError(code int, enhanced smtp.EnhancedCode, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}
