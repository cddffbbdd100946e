package intake

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// conn is one client's connection, below TLS. What go-smtp does not bound is bounded
// here: it sets the deadline for reading before every command, and only then.
type conn struct {
	net.Conn
	server *Server
	client netip.Addr
	end    time.Time // no command is read after it

	looking bool // nothing more is read; of whoever reads the message, see whole

	// Held by server.mu.
	storing  bool // a message is at its end, its answer is not sent yet
	ended    bool // no further command is read
	message  bool // it has a recipient: a message is under way
	commands int  // since the last message
	refused  int  // recipients
}

// connOf returns the connection of ours below what go-smtp has.
func connOf(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn) // gate admits no other
	return own
}

// SetReadDeadline is called before every command: it says for how long that is waited
// for, whatever the deadline, or that it is enough.
func (c *conn) SetReadDeadline(time.Time) error {
	s, now := c.server, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.commands++
	switch {
	case c.ended:
		return io.EOF // it was told why
	case s.closed:
		return errClosing
	case c.commands > s.o.Commands:
		return errMany
	case now.After(c.end):
		return errSlow
	}
	wait := s.o.Timeouts.Command
	if s.crowded() {
		wait = min(wait, s.o.Timeouts.Crowded)
	}
	return c.Conn.SetReadDeadline(now.Add(wait))
}

// body gives a message the time that it may take; false: it comes too late.
func (c *conn) body() bool {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.o.Timeouts.Body
	if s.crowded() {
		wait = min(wait, 10*s.o.Timeouts.Crowded)
	}
	return !s.closed && !c.ended && c.Conn.SetReadDeadline(time.Now().Add(wait)) == nil
}

// whole reports whether a message in chunks came to its end before its client closed
// TLS, which nothing below notices: to go-smtp (0.25.1) a chunk ends where it is closed.
// over is the connection as go-smtp has it.
func (c *conn) whole(over net.Conn) bool {
	secured, ok := over.(*tls.Conn)
	if !ok {
		return true // or Read has said that it was cut off
	}
	c.looking = true
	n, err := secured.Read(make([]byte, 1)) // go-smtp waits for the answer before it reads on
	c.looking = false
	if n > 0 {
		c.enough() // it was of the next command
		return true
	}
	return !errors.Is(err, io.EOF)
}

// begin announces that a message is being stored; false: it comes too late.
func (c *conn) begin() bool {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	c.storing = true
	s.storing.Add(1)
	return true
}

// done says that it is stored, or that it is not. The answer is sent before the next
// command is read, which then is not.
func (c *conn) done(taken bool) {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c.storing = false
	if taken {
		c.commands = 0
	}
	s.storing.Done()
}

// enough ends the connection after the answer that is sent next.
func (c *conn) enough() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.ended = true
}

// refuse counts a recipient that was refused, and reports whether it was the last.
func (c *conn) refuse() (last bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.refused++
	c.ended = c.refused >= c.server.o.Refusals
	return c.ended
}

// underWay says whether a message is under way.
func (c *conn) underWay(is bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.message = is
}

// Read tells in SMTP's words that it took too long, or ended in the middle of a message:
// go-smtp would take an interrupted message for one that is refused for good, and a chunk
// that was cut off (BDAT) for a whole one.
func (c *conn) Read(b []byte) (int, error) {
	if c.looking {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.mu.Lock()
		defer c.server.mu.Unlock()
		c.ended = true // it hears so once; what has come of a command is taken for one
		if c.server.closed {
			return n, errClosing
		}
		return n, errSlow
	}
	if errors.Is(err, io.EOF) {
		c.server.mu.Lock()
		defer c.server.mu.Unlock()
		if c.message {
			return n, errCut // no kind of EOF: TLS would make that io.EOF again
		}
	}
	return n, err
}

// Close closes it, once or more often.
func (c *conn) Close() error {
	c.server.leave(c)
	return c.Conn.Close()
}
