package jobs

import (
	"context"
	"errors"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// idleConnection is how long an open connection waits for more mail.
const idleConnection = 3 * time.Second

// connection is one connection to one relay: opened when there is mail, used
// until there is none, opened again when it is lost.
type connection struct {
	*deliverer
	relay *relay
	conn  *mailer.Conn
	stop  context.Context //nolint:containedctx // when it ends, nothing new is started
	hard  context.Context //nolint:containedctx // when it ends, everything is

	first    *item         // taken, to be sent first
	flight   int           // handed to Run and not done
	answered int           // deliveries that this connection settled one way or the other
	settling chan struct{} // closed when the settlement before is stored; nil: none
}

// connection works until the queue is closed.
func (d *deliverer) connection(stop, hard context.Context, index int, r *relay) {
	c := &connection{deliverer: d, relay: r, stop: stop, hard: hard}
	defer c.quit()
	// A relay is used while those before it are paused.
	ready := func() bool {
		for _, before := range d.relays[:index] {
			if !before.paused() {
				return false
			}
		}
		return !r.paused()
	}
	for {
		limit := time.Duration(0)
		if c.conn != nil {
			limit = idleConnection
		}
		if c.first = d.queue.take(stop, ready, limit); c.first == nil {
			c.quit()
			if stop.Err() != nil || d.queue.isClosed() {
				return
			}
			continue
		}
		c.send()
	}
}

// send sends the first delivery and what follows it, over one connection.
func (c *connection) send() {
	if c.conn == nil {
		conn, reply, err := mailer.Dial(c.stop, c.relay.Relay)
		if err != nil {
			c.back()
			if c.stop.Err() == nil {
				c.bad(reply, err)
			}
			return
		}
		c.opened(conn)
	}
	reply := c.conn.Run(c.hard, c.next, c.done)
	c.settled()
	full := c.first != nil // the connection has had its share of messages
	c.back()
	switch {
	case reply.Code == 250 && full:
		c.quit()
	case reply.Code != 250:
		c.forget()
		// Relays end connections now and then, but not before the first message.
		if c.answered == 0 && c.hard.Err() == nil {
			c.bad(reply, nil)
		}
	}
}

// next hands the next delivery to Run; see mailer.Conn.Run.
func (c *connection) next(ctx context.Context) (*mailer.Outgoing, bool) {
	if c.stop.Err() != nil || c.hard.Err() != nil || c.relay.paused() {
		c.back()
		return nil, false
	}
	it := c.first
	if it == nil {
		if it = c.queue.pop(); it == nil {
			return nil, c.flight > 0
		}
	}
	if c.s.quiet(it.lease.Newsletter) {
		c.first = nil
		c.queue.finish(it)
		c.queue.loseIssue(it.lease.Issue)
		return nil, c.flight > 0
	}
	c.first = it
	limit := time.Duration(0) // while a message is in flight, it waits for us
	if c.flight == 0 {
		limit = time.Hour
	}
	wait, ok := c.relay.limit.reserve(limit)
	if !ok {
		return nil, true
	}
	if wait > 0 && !sleep(c.stop, wait) {
		c.back()
		return nil, false
	}
	l, err := c.letters.get(ctx, it.lease.Issue, it.row.Digest)
	if err != nil {
		c.unfit(it, err)
		c.first = nil
		return nil, c.flight > 0
	}
	c.first = nil
	c.flight++
	return c.outgoing(it, l), true
}

// back returns what was taken and not handed to Run.
func (c *connection) back() {
	if c.first != nil {
		c.queue.putBack(c.first)
		c.first = nil
	}
}

func (c *connection) outgoing(it *item, l *letter) *mailer.Outgoing {
	return &mailer.Outgoing{
		From: l.from,
		To:   it.row.Email,
		Size: l.template.Size(),
		Mark: func(ctx context.Context) error {
			it.markErr = c.ledger.Mark(ctx, it.row.Chunk, it.row.N, it.lease.Fence)
			it.marked = it.markErr == nil
			return it.markErr
		},
		Ready: c.ready,
		Message: func(dst []byte) []byte {
			return l.template.Append(dst, c.s.personal(l, it.row, c.s.now()))
		},
		Ref: it,
	}
}

// unfit deals with a delivery whose message cannot be made: it is the whole
// issue's fault, or the store's.
func (c *connection) unfit(it *item, cause error) {
	c.queue.finish(it)
	var content *contentError
	if !errors.As(cause, &content) {
		c.fail(cause)
		return
	}
	c.s.log.Error("message cannot be built", "issue", it.lease.Issue, "digest", it.row.Digest, "error", cause)
	err := c.s.store.Pause(c.hard, it.lease.Issue, newsletter.ByContent, "its message cannot be built: "+cause.Error())
	if err != nil && !errors.Is(err, store.ErrConflict) {
		c.fail(err)
	}
	c.queue.loseIssue(it.lease.Issue)
}

// bad pauses the relay; nobody's delivery suffers for it.
func (c *connection) bad(reply newsletter.Reply, cause error) {
	o := c.s.o.Delivery
	trouble, pause, first := c.relay.bad(reply, cause, o.BackoffFirst, o.BackoffMax, c.s.now())
	if !first {
		return
	}
	c.refused.Add(1)
	c.s.log.Warn("relay paused", "relay", trouble.Relay, "error", trouble.Error, "for", pause)
	if err := c.s.store.PauseRelay(c.hard, trouble.Relay, trouble.Until, trouble.Error); err != nil {
		c.s.log.Warn("pause of a relay not stored", "relay", trouble.Relay, "error", err)
	}
	time.AfterFunc(pause, func() { // those who wait look again
		c.queue.wake()
		poke(c.progress)
	})
	c.queue.wake() // a relay that stands in may begin
	poke(c.progress)
}

// good notes that the relay took a message or refused just that one.
func (c *connection) good() {
	if !c.relay.good() {
		return
	}
	c.s.log.Info("relay works again", "relay", c.relay.Name)
	if err := c.s.store.PauseRelay(c.hard, c.relay.Name, time.Time{}, ""); err != nil {
		c.s.log.Warn("end of a relay's pause not stored", "relay", c.relay.Name, "error", err)
	}
	c.queue.wake()
}

func (c *connection) opened(conn *mailer.Conn) {
	c.conn, c.answered = conn, 0
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns[conn] = true
	if c.hard.Err() != nil {
		_ = conn.Close() // opened too late to be cut with the others
	}
}

// quit says goodbye and closes the connection.
func (c *connection) quit() {
	if c.conn != nil {
		c.conn.Quit()
		c.forget()
	}
}

// forget closes the connection at once.
func (c *connection) forget() {
	if c.conn == nil {
		return
	}
	_ = c.conn.Close() // it is lost, or was closed by Quit
	c.mu.Lock()
	delete(c.conns, c.conn)
	c.mu.Unlock()
	c.conn = nil
}

// sleep waits; false: ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
