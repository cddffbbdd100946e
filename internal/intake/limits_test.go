package intake_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"syndicate/internal/intake"
)

// elsewhere is a listener whose clients come from addresses of their own.
type elsewhere struct {
	net.Listener
	from func() string
}

type from struct {
	net.Conn
	addr net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.addr }

func (l *elsewhere) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return from{c, &net.TCPAddr{IP: net.ParseIP(l.from()), Port: 1234}}, nil
}

func startElsewhere(t *testing.T, next func() string, set ...func(*intake.Options)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, &elsewhere{l, next}, patience, set...)
}

// TestConnections: whoever is one too many, in all or of one network, is told to come
// again, and may when another has left.
func TestConnections(t *testing.T) {
	t.Parallel()
	var at atomic.Pointer[string]
	s := startElsewhere(t, func() string { return *at.Load() }, func(o *intake.Options) { o.Connections, o.PerClient = 4, 2 })
	dial := func(ip, want string) *client {
		t.Helper()
		at.Store(&ip)
		c := s.connect()
		c.want(want)
		return c
	}
	first := dial("192.0.2.1", "220")
	dial("::ffff:192.0.2.1", "220")
	dial("192.0.2.1", "421 4.7.0").wantClosed()
	dial("2001:db8:1:2:3::1", "220")
	dial("2001:db8:1:2:4::1", "220")
	dial("2001:db8:1:2:5::1", "421").wantClosed() // the same network
	dial("192.0.2.9", "421").wantClosed()         // in all
	first.say("QUIT", "221")
	first.wantClosed()
	dial("192.0.2.9", "220")
	dial("192.0.2.9", "421").wantClosed()
	if n := s.Counts(); n != (intake.Counts{TurnedAway: 4}) {
		t.Errorf("%+v", n)
	}
}

// TestPerMinute: a client that hands over message after message is told to come again,
// until the minute is over; a server on this machine is not.
func TestPerMinute(t *testing.T) {
	t.Parallel()
	var minutes atomic.Int64
	clock := func(o *intake.Options) {
		o.PerMinute = 2
		o.Now = func() time.Time { return time.Unix(60*minutes.Load(), 0) }
	}
	s := startElsewhere(t, func() string { return "192.0.2.1" }, clock)
	c := s.dial()
	for range 2 {
		c.deliver(own, report, "250")
		c.deliver(own, report, "250")
		c.say("MAIL FROM:<>", "450 4.7.1")
		s.dial().deliverFails("450 4.7.1")
		minutes.Add(1)
	}
	s = start(t, clock)
	c = s.dial()
	for range 5 {
		c.deliver(own, report, "250")
	}
}

func (c *client) deliverFails(prefix string) {
	c.t.Helper()
	c.say("EHLO mx.example.net", "250 ")
	c.say("MAIL FROM:<>", prefix)
}

// TestOneServerInFront: a mail server on this machine has as many as there are.
func TestOneServerInFront(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *intake.Options) { o.Connections, o.PerClient = 4, 1 })
	for range 4 {
		s.dial()
	}
	s.connect().want("421")
}

// TestCommands: a connection that asks and asks and hands nothing over ends; one that
// hands over goes on.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *intake.Options) { o.Commands, o.Refusals = 10, 3 })
	c := s.dial()
	for range 5 {
		c.deliver(own, report, "250")
		c.say("NOOP", "250")
	}
	for range 9 {
		c.say("NOOP", "250")
	}
	c.want("421")
	c.wantClosed()

	c = s.dial()
	c.say("EHLO x", "250 ")
	c.say("MAIL FROM:<>", "250")
	c.say("RCPT TO:<a@example.com>", "550")
	c.say("RCPT TO:<b@example.com>", "550")
	c.say("RCPT TO:<c@example.com>", "421 4.7.0")
	c.wantClosed()

	c = s.dial()
	for range 3 {
		c.say("HELP ME", "502")
		c.say("WHAT IS", "500")
	}
	c.say("THIS ONE", "500")
	c.want("500")
	c.wantClosed()
}

// TestSilence: whoever does not speak, or stops in the middle of a command or a
// message, is hung up on.
func TestSilence(t *testing.T) {
	t.Parallel()
	brief := func(o *intake.Options) { o.Timeouts = intake.Timeouts{Command: 50 * time.Millisecond} }
	s := start(t, brief)
	c := s.dial()
	c.want("421")
	c.wantClosed()

	c = s.connect()
	c.send("MAIL")
	c.want("220")
	if line, err := c.reply(); err != nil || !strings.HasPrefix(line, "4") && !strings.HasPrefix(line, "5") {
		t.Fatalf("%q, %v", line, err) // as far as it came, if it came at all
	}
	c.wantClosed()

	s = start(t, func(o *intake.Options) { o.Timeouts = intake.Timeouts{Body: 50 * time.Millisecond} })
	c = s.dial()
	c.envelope(own)
	c.say("DATA", "354")
	c.want("421 4.4.2")
	c.wantClosed()

	s = start(t, func(o *intake.Options) { o.Timeouts = intake.Timeouts{Life: time.Nanosecond} })
	c = s.dial()
	c.want("421")
	c.wantClosed()
	if len(s.messages()) > 0 {
		t.Errorf("taken: %q", s.messages())
	}
}

// TestCrowded: where many are connected, nobody is waited for as long as else.
func TestCrowded(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *intake.Options) {
		o.Connections, o.Timeouts = 2, intake.Timeouts{Crowded: 50 * time.Millisecond}
	})
	s.dial().say("EHLO x", "250 ") // waits for minutes
	c := s.dial()
	c.want("421")
	c.wantClosed()
}

// TestSlowChunk: a chunk that does not come is waited for no longer than a command, and
// is not refused for good.
func TestSlowChunk(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *intake.Options) {
		o.Timeouts = intake.Timeouts{Command: 50 * time.Millisecond, Body: 50 * time.Millisecond}
	})
	c := s.connect()
	c.send("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + own + ">\r\nBDAT 100 LAST\r\nabc")
	for {
		line, err := c.reply()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "421") {
			break
		}
		if !strings.HasPrefix(line, "2") {
			t.Fatal(line)
		}
	}
	c.wantClosed()
	if len(s.messages()) > 0 {
		t.Errorf("taken: %q", s.messages())
	}
}
