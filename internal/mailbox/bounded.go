package mailbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// errTooMuch ends a connection whose server does not stop talking.
var errTooMuch = errors.New("the server says more than it was asked for")

// How much a server may say: more than honest ones ever need, but for the messages
// themselves.
const (
	maxGreeting = 256 << 10 // with certificates
	maxAnswer   = 64 << 10
	maxFound    = 1 << 20 // numbers of messages
	maxLeaving  = 5 * time.Second
)

// boundedConn bounds what is read of an answer: the IMAP library reads lines of any
// length. It lies below TLS.
type boundedConn struct {
	net.Conn
	left atomic.Int64
	over atomic.Bool
}

// Read implements io.Reader.
func (c *boundedConn) Read(b []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		c.over.Store(true)
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), left)])
	c.left.Add(-int64(n))
	return n, err
}

// allow says how much may be read from now on.
func (c *boundedConn) allow(octets int64) { c.left.Store(octets) }

// step does one step of the conversation within a time. If it takes longer, or ctx
// ends, the connection is closed, which ends the step. A server that lies may bring
// the library to hang all the same: then it is left to itself, so do must change
// nothing that is used afterwards.
func step[T any](ctx context.Context, c *boundedConn, limit time.Duration, octets int64, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, ctx.Err()
	}
	c.allow(octets)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	var err error
	select {
	case r := <-done:
		if r.err != nil && c.over.Load() {
			r.err = errTooMuch
		}
		return r.value, r.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("%w within %s", errSlow, limit)
	}
	c.Close()
	left := time.NewTimer(maxLeaving)
	defer left.Stop()
	select {
	case <-done:
	case <-left.C:
	}
	return none, err
}

// ask is a step that only succeeds or fails.
func ask(ctx context.Context, c *boundedConn, limit time.Duration, octets int64, do func() error) error {
	_, err := step(ctx, c, limit, octets, func() (struct{}, error) { return struct{}{}, do() })
	return err
}
