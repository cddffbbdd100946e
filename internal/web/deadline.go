package web

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// net/http sets eight deadlines a request, and nearly none of them ever waits for
// anything: the request is there already, and the answer fits into the socket. An
// unchanged feed costs less than they do. So a connection here remembers which
// deadline it was given and sets it when somebody is about to wait. One that is set
// already and ends no later does for the next requests too; when it ends too early,
// the one that is wanted is set, and the waiting goes on. A slow client is cut off
// at the same moment as without all this.

// LazyDeadlines returns a listener whose connections over TCP set their deadlines
// that way.
func LazyDeadlines(l net.Listener) net.Listener { return lazyListener{l} }

type lazyListener struct{ net.Listener }

// Accept returns the next connection.
func (l lazyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &lazyConn{Conn: tcp, tcp: tcp, reading: lazyDeadline{set: tcp.SetReadDeadline}, writing: lazyDeadline{set: tcp.SetWriteDeadline}}, err
	}
	return c, err
}

type lazyConn struct {
	net.Conn
	tcp              *net.TCPConn
	reading, writing lazyDeadline
}

func (c *lazyConn) Read(p []byte) (int, error) {
	for {
		if err := c.reading.begin(); err != nil {
			return 0, err
		}
		n, err := c.tcp.Read(p)
		if again := c.reading.end(err); !again || n > 0 {
			return n, err
		}
	}
}

func (c *lazyConn) Write(p []byte) (n int, err error) {
	for {
		if err := c.writing.begin(); err != nil {
			return n, err
		}
		m, err := c.tcp.Write(p[n:])
		n += m
		if !c.writing.end(err) {
			return n, err
		}
	}
}

// ReadFrom lets the kernel copy files. What it has copied when a deadline ends is
// not to be told, so here the deadline is the one that is wanted.
func (c *lazyConn) ReadFrom(src io.Reader) (int64, error) {
	if err := c.writing.beginExact(); err != nil {
		return 0, err
	}
	n, err := c.tcp.ReadFrom(src)
	c.writing.end(err)
	return n, err
}

// CloseWrite lets net/http say that the answer is over.
func (c *lazyConn) CloseWrite() error { return c.tcp.CloseWrite() }

// SetReadDeadline sets until when reads wait, those that wait now too.
func (c *lazyConn) SetReadDeadline(t time.Time) error { return c.reading.want(t) }

// SetWriteDeadline sets until when writes wait.
func (c *lazyConn) SetWriteDeadline(t time.Time) error { return c.writing.want(t) }

// SetDeadline sets both.
func (c *lazyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.reading.want(t), c.writing.want(t))
}

// lazyDeadline is the deadline of one direction of a connection.
type lazyDeadline struct {
	set func(time.Time) error // on the connection itself

	mu      sync.Mutex
	wanted  time.Time // zero: none
	armed   time.Time // what is set on the connection
	over    bool      // that one has ended
	waiting int       // who reads or writes
	exact   bool      // and must have the very one that is wanted
}

// want notes a deadline. Who waits already and could wait past it is given it at once.
func (d *lazyDeadline) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.waiting > 0 && (d.exact || !d.endsInTime()) {
		return d.arm()
	}
	return nil
}

// begin sees to it that nobody waits longer than is wanted.
func (d *lazyDeadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over || !d.endsInTime() {
		if err := d.arm(); err != nil {
			return err
		}
	}
	d.waiting++
	return nil
}

func (d *lazyDeadline) beginExact() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.arm(); err != nil {
		return err
	}
	d.waiting++
	d.exact = true
	return nil
}

// end reports whether what ended was only the deadline that was set, before the one
// that is wanted.
func (d *lazyDeadline) end(err error) (again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
	d.exact = false
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.over = true
	return d.wanted.IsZero() || d.wanted.After(time.Now()) // the machine's own clock, as the deadlines are
}

// endsInTime reports whether the deadline that is set is no later than the one that
// is wanted.
func (d *lazyDeadline) endsInTime() bool {
	return d.wanted.IsZero() || !d.armed.IsZero() && !d.armed.After(d.wanted)
}

func (d *lazyDeadline) arm() error {
	d.armed, d.over = d.wanted, false
	return d.set(d.wanted)
}
