package intake_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/intake"
)

const own = "bounces@bounces.example.org"

// patience keeps a test from hanging; nothing waits for it.
const patience = time.Minute

// server is a running server, and what it took.
type server struct {
	*intake.Server
	t    *testing.T
	addr string
	stop func() error // ends it, and says what Serve returned

	mu    sync.Mutex
	taken []string
}

// start starts a server that takes mail to own and to own with +key.
func start(t *testing.T, set ...func(*intake.Options)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, l, patience, set...)
}

func startOn(t *testing.T, l net.Listener, grace time.Duration, set ...func(*intake.Options)) *server {
	t.Helper()
	s := &server{t: t, addr: l.Addr().String()}
	o := intake.Options{
		Name: "bounces.example.org",
		Ours: func(a string) (string, bool) {
			low := strings.ToLower(a)
			return low, low == own || low == strings.Replace(own, "@", "+key@", 1) || low == strings.Replace(own, "@", "+other@", 1)
		},
		Take: func(_ context.Context, message io.Reader, to string) error {
			b, err := io.ReadAll(message)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.taken = append(s.taken, to+"\n"+string(b))
			return err
		},
	}
	for _, f := range set {
		f(&o)
	}
	s.Server = intake.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l, grace) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("it does not end")
		}
	})
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.taken...)
}

// client speaks SMTP line by line, also such as nobody should.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *textproto.Reader
}

// dial connects and reads the greeting.
func (s *server) dial() *client {
	s.t.Helper()
	c := s.connect()
	c.want("220 ")
	return c
}

func (s *server) connect() *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return newClient(s.t, conn)
}

func newClient(t *testing.T, conn net.Conn) *client {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{t, conn, textproto.NewReader(bufio.NewReader(conn))}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, s); err != nil {
		c.t.Fatalf("sending %.40q: %v", s, err)
	}
}

// reply reads a whole reply and returns its last line.
func (c *client) reply() (string, error) {
	for {
		line, err := c.r.ReadLine()
		if err != nil || len(line) < 4 || line[3] != '-' {
			return line, err
		}
	}
}

func (c *client) want(prefix string) {
	c.t.Helper()
	if line, err := c.reply(); err != nil || !strings.HasPrefix(line, prefix) {
		c.t.Fatalf("%q, %v; want %s", line, err, prefix)
	}
}

// say sends a line and wants a reply.
func (c *client) say(line, prefix string) {
	c.t.Helper()
	c.send(line + "\r\n")
	if got, err := c.reply(); err != nil || !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("to %.100q: %q, %v; want %s", line, got, err, prefix)
	}
}

// wantClosed wants nothing more to come.
func (c *client) wantClosed() {
	c.t.Helper()
	line, err := c.reply()
	var slow net.Error
	if err == nil || errors.As(err, &slow) && slow.Timeout() {
		c.t.Fatalf("%q, %v; want the connection to end", line, err)
	}
}

// envelope says all that comes before a message.
func (c *client) envelope(to string) {
	c.t.Helper()
	c.say("EHLO mx.example.net", "250 ")
	c.say("MAIL FROM:<>", "250 2.0.0")
	c.say("RCPT TO:<"+to+">", "250 2.0.0")
}

// deliver hands a message over; it ends with a line end.
func (c *client) deliver(to, message, prefix string) {
	c.t.Helper()
	c.envelope(to)
	c.say("DATA", "354")
	c.say(message+".", prefix)
}

const report = "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered\r\n\r\nNo such user.\r\n"

func delivered(to string) string {
	return fmt.Sprintf("%s\nReturn-Path: <>\r\nDelivered-To: %[1]s\r\n%s", to, report)
}
