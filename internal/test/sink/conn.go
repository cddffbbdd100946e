package sink

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// conn is one connection.
type conn struct {
	s   *Server
	raw net.Conn
	net net.Conn // raw, or TLS over it
	r   *bufio.Reader
	w   *bufio.Writer

	wasCut   atomic.Bool
	loggedIn bool
	open     bool // a body is
	count    int  // of messages

	from    string
	to      string // the recipient accepted, "": none
	fault   fault
	message message
	last    string // of the message answered last, until the client shows that it knows
}

// cut closes the connection as a crash would.
func (c *conn) cut() {
	c.wasCut.Store(true)
	c.raw.Close()
}

func (c *conn) run() {
	defer c.raw.Close()
	c.net = c.raw
	c.r, c.w = bufio.NewReaderSize(c.raw, 64<<10), bufio.NewWriterSize(c.raw, 4<<10)
	defer func() {
		c.shut()
		if c.wasCut.Load() {
			c.s.unanswered(c.last)
		}
	}()
	if c.s.Mode() == Silent {
		c.s.totals.silent.Add(1)
		_, _ = c.r.WriteTo(discard{}) // until one of us hangs up
		return
	}
	c.say("220 sink.test ESMTP")
	for c.turn() {
	}
	_ = c.w.Flush()
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func (c *conn) say(line string) {
	_, _ = c.w.WriteString(line) // Flush says what went wrong
	_, _ = c.w.WriteString("\r\n")
}

// flush sends the replies, as soon as no further command is here already.
func (c *conn) flush() bool {
	if c.w.Buffered() == 0 || c.r.Buffered() > 0 {
		return true
	}
	if c.s.o.Latency > 0 {
		time.Sleep(c.s.o.Latency)
	}
	return c.w.Flush() == nil
}

func (c *conn) line() (verb, rest string, ok bool) {
	if !c.flush() {
		return "", "", false
	}
	b, err := c.r.ReadSlice('\n')
	if err != nil {
		return "", "", false
	}
	b = bytes.TrimRight(b, "\r\n")
	v, r, _ := bytes.Cut(b, []byte(" "))
	return strings.ToUpper(string(v)), string(r), true
}

// turn reads a command and answers it; false: the connection is to be closed.
func (c *conn) turn() bool {
	verb, rest, ok := c.line()
	if !ok {
		return false
	}
	switch verb {
	case "EHLO", "HELO":
		c.forget()
		c.hello(verb == "EHLO")
	case "STARTTLS":
		return c.startTLS()
	case "AUTH":
		return c.auth(rest)
	case "MAIL":
		return c.mail(rest)
	case "RCPT":
		c.rcpt(rest)
	case "DATA":
		return c.data()
	case "RSET":
		c.forget()
		c.say("250 2.0.0 forgotten")
	case "NOOP":
		c.say("250 2.0.0 done")
	case "QUIT":
		c.last = ""
		c.say("221 2.0.0 goodbye")
		return false
	default:
		c.say("502 5.5.2 unknown command")
	}
	return true
}

func (c *conn) forget() { c.from, c.to, c.fault = "", "", none }

func (c *conn) hello(extended bool) {
	if !extended {
		c.say("250 sink.test")
		return
	}
	c.say("250-sink.test")
	if !c.s.o.NoPipelining {
		c.say("250-PIPELINING")
	}
	if _, encrypted := c.net.(*tls.Conn); c.s.o.TLS != nil && !encrypted {
		c.say("250-STARTTLS")
	}
	if c.s.o.Username != "" {
		c.say("250-AUTH PLAIN LOGIN")
	}
	c.say("250-ENHANCEDSTATUSCODES")
	c.say("250-8BITMIME")
	c.say("250 SIZE 52428800")
}

func (c *conn) startTLS() bool {
	if c.s.o.TLS == nil {
		c.say("502 5.5.1 not here")
		return true
	}
	c.say("220 2.0.0 go ahead")
	if !c.flush() {
		return false
	}
	encrypted := tls.Server(c.raw, c.s.o.TLS)
	c.net = encrypted
	c.r.Reset(encrypted)
	c.w.Reset(encrypted)
	c.s.totals.tlss.Add(1)
	return true // the first read shakes hands
}

func (c *conn) auth(rest string) bool {
	how, given, _ := strings.Cut(rest, " ")
	ask := func(prompt string) (string, bool) {
		c.say("334 " + base64.StdEncoding.EncodeToString([]byte(prompt)))
		verb, _, ok := c.answer()
		return verb, ok
	}
	var user, password string
	ok := true
	switch strings.ToUpper(how) {
	case "PLAIN":
		if given == "" {
			given, ok = ask("")
		}
		parts := strings.Split(decode(given), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		if user, ok = ask("Username:"); ok {
			password, ok = ask("Password:")
		}
		user, password = decode(user), decode(password)
	}
	switch {
	case !ok:
		return false
	case c.s.Mode() == Locked || user != c.s.o.Username || password != c.s.o.Password:
		c.s.totals.noLogin.Add(1)
		c.say("535 5.7.8 wrong name or password")
	default:
		c.loggedIn = true
		c.s.totals.logins.Add(1)
		c.say("235 2.7.0 welcome")
	}
	return true
}

// answer reads a line that is no command.
func (c *conn) answer() (line, rest string, ok bool) {
	if c.w.Flush() != nil {
		return "", "", false
	}
	b, err := c.r.ReadSlice('\n')
	return string(bytes.TrimRight(b, "\r\n")), "", err == nil
}

func decode(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}

func (c *conn) mail(rest string) bool {
	switch {
	case c.s.o.PerConnection > 0 && c.count >= c.s.o.PerConnection:
		c.s.totals.perConnection.Add(1)
		c.say("421 4.7.0 enough messages over this connection")
		return false
	case c.s.Mode() == Locked && c.s.o.Username != "":
		c.say("421 4.3.2 log in again")
		return false
	case c.s.o.Username != "" && !c.loggedIn:
		c.say("530 5.7.0 log in first")
	case c.s.Mode() == Unwelcome:
		c.s.totals.noSender.Add(1)
		c.say("550 5.7.1 this sender may not send")
	case c.from != "":
		c.say("503 5.5.1 nested MAIL")
	default:
		c.from = "<" + path(rest) + ">"
		c.say("250 2.1.0 sender accepted")
	}
	return true
}

func (c *conn) rcpt(rest string) {
	if c.from == "" {
		c.say("503 5.5.1 MAIL first")
		return
	}
	to := path(rest)
	c.s.tell(Tried, to)
	switch f := c.s.attempt(to); f {
	case later:
		c.say("451 4.7.1 greylisted, come back later")
	case refuse:
		c.say("550 5.1.1 nobody of that name lives here")
	default:
		c.to, c.fault = to, f
		c.say("250 2.1.5 recipient accepted")
	}
}

// path takes the address out of "TO:<a@b> …".
func path(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return strings.ToLower(s)
}

// shut notes that no body is open any more.
func (c *conn) shut() {
	if c.open {
		c.open = false
		c.s.open.Add(-1)
	}
}

// data takes a message.
func (c *conn) data() bool {
	if c.to == "" && (!c.s.o.Eager || c.from == "") {
		c.say("503 5.5.1 RCPT first")
		return true
	}
	to := c.to
	c.open = true
	c.s.open.Add(1)
	c.s.tell(Opened, to)
	c.say("354 go ahead")
	if !c.flush() {
		return false
	}
	if c.fault == dropBody {
		_, _ = c.r.Peek(1) // begun, and never ended
		return false
	}
	err := c.message.read(c.r, func() {
		c.last = "" // it has read the reply before, or it would not go on
		c.s.tell(Begun, to)
	})
	switch {
	case err != nil:
		return false
	case to == "": // a lone dot, we hope
		if c.message.size > 0 {
			c.s.totals.astray.Add(1)
		}
		c.forget()
		c.say("554 5.5.1 no valid recipients")
		c.shut()
		return true
	case c.s.Mode() == Mute:
		c.s.totals.muted.Add(1)
		_, _ = c.r.WriteTo(discard{})
		return false
	}
	if c.s.o.Work > 0 {
		time.Sleep(c.s.o.Work)
	}
	if c.fault == refuseDot {
		c.say("451 4.3.0 not now")
	} else {
		c.s.accept(to, &c.message)
		c.s.tell(Accepted, to)
		if c.fault == dropReply {
			c.s.unanswered(to)
			return false
		}
		c.last = to
		c.say("250 2.0.0 taken")
	}
	c.count++
	c.forget()
	if !c.flush() {
		return false
	}
	c.shut()
	c.s.tell(Answered, to)
	return true
}
