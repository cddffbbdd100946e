package mailer

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"syndicate/internal/newsletter"
)

// Conn is a connection to a relay, ready for mail. Run and Quit belong to one
// goroutine; Close may be called from any.
type Conn struct {
	raw      *boundedConn // deadlines and Close; below TLS
	client   *smtp.Client
	r        *bufio.Reader // go-mail's, above TLS
	w        *bufio.Writer
	caps     Capabilities
	timeouts Timeouts
	limit    int // messages, 0: none
	used     int
	refused  bool // the last group was refused: RSET heads the next

	out, text []byte // reused: the next write, the last reply's words
}

// Capabilities returns what the relay offered.
func (c *Conn) Capabilities() Capabilities { return c.caps }

const rset = "RSET\r\n"

// appendCommand appends the command of a phase of a group.
func (c *Conn) appendCommand(dst []byte, phase newsletter.Phase, o *Outgoing) []byte {
	switch phase {
	case newsletter.PhaseMail:
		dst = append(append(append(dst, "MAIL FROM:<"...), o.From...), '>')
		if o.Size > 0 && c.caps.declareSize {
			dst = fmt.Appendf(dst, " SIZE=%d", o.Size)
		}
	case newsletter.PhaseRcpt:
		dst = append(append(append(dst, "RCPT TO:<"...), o.To...), '>')
	default:
		dst = append(dst, "DATA"...)
	}
	return append(dst, "\r\n"...)
}

// maxWrite is as much as one deadline is good for.
const maxWrite = 256 << 10

// write writes b in few large writes and returns how much of it may have left.
func (c *Conn) write(b []byte) (n int, err error) {
	for n < len(b) {
		if err := c.raw.SetWriteDeadline(time.Now().Add(c.timeouts.Data)); err != nil {
			return n, err
		}
		// A large write passes go-mail's bufio.Writer by; what is less, Flush sends.
		m, err := c.w.Write(b[n:min(n+maxWrite, len(b))])
		if err == nil {
			err = c.w.Flush()
		}
		n += m
		if err != nil {
			return n - c.w.Buffered(), err
		}
	}
	return n, nil
}

// answer reads the reply to a phase. Code 0 is the lack of one, or one that
// makes no sense there; either way the connection is of no use any more. The
// words of a good reply matter at the final dot only.
func (c *Conn) answer(phase newsletter.Phase) newsletter.Reply {
	wait := c.timeouts.Command
	if phase == newsletter.PhaseDot {
		wait = c.timeouts.Dot
	}
	if err := c.raw.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return noReply(phase, err, wait)
	}
	code, text, err := readReply(c.r, c.text[:0])
	c.text = text
	if err != nil {
		return noReply(phase, err, wait)
	}
	good := code/100 == 2
	if phase == newsletter.PhaseData {
		good = code/100 == 3
	}
	switch {
	case good && phase != newsletter.PhaseDot:
		return newsletter.Reply{Phase: phase, Code: code}
	case good || code >= 400:
		return newReply(phase, code, string(text))
	}
	return newsletter.Reply{Phase: phase, Text: plainWords(fmt.Sprintf("unexpected reply to %s: %d %s", phase, code, text))}
}

// Quit says goodbye and closes the connection.
func (c *Conn) Quit() {
	_ = c.raw.SetDeadline(time.Now().Add(min(c.timeouts.Command, 5*time.Second)))
	_ = c.client.Quit() // nothing depends on the answer
	_ = c.Close()
}

// Close closes the connection at once. A Run on it ends.
func (c *Conn) Close() error { return c.raw.Close() }

// boundedConn bounds what a relay may say before the first message, where
// go-mail reads lines of any length.
type boundedConn struct {
	net.Conn
	left int
}

// maxHandshake is more than greeting, EHLO, certificates and AUTH ever need.
const maxHandshake = 256 << 10

func (c *boundedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the relay says too much before the first message")
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// unbound lifts the bound; readReply has its own.
func (c *boundedConn) unbound() { c.left = math.MaxInt }
