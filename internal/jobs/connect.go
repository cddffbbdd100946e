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
	relay  *relay
	number int // among the relay's, from 0
	conn   *mailer.Conn
	stop   context.Context //nolint:containedctx // when it ends, nothing new is started
	hard   context.Context //nolint:containedctx // when it ends, everything is

	first     *item      // taken, to be sent first
	ahead     *ahead     // taken, to be sent later, nil: none
	spare     []byte     // for the next message that is made ahead
	flight    int        // handed to Run and not done
	answered  int        // deliveries that this connection settled one way or the other
	unsettled *unsettled // the result before, nil: it is stored
}

// connection works until the queue is closed.
func (d *deliverer) connection(stop, hard context.Context, r *relay, number int) {
	c := &connection{deliverer: d, relay: r, number: number, stop: stop, hard: hard}
	defer c.quit()
	for {
		if c.first = d.queue.take(stop, r, number, c.conn != nil); c.first == nil {
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
			c.closed()
			c.back()
			if c.stop.Err() == nil {
				c.bad(reply, err)
			}
			return
		}
		c.opened(conn)
		if !c.first.until.IsZero() && !time.Now().Before(c.first.until) {
			c.back() // its time has passed; the open connection waits for the next
			return
		}
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
	if c.stop.Err() != nil || c.hard.Err() != nil || c.relay.paused() || c.number >= int(c.relay.allowed.Load()) {
		c.back()
		return nil, false
	}
	it, made := c.take()
	if it == nil {
		return nil, c.flight > 0
	}
	c.first = it
	if it.lease.Letter == nil && c.s.quiet(it.lease.Newsletter) {
		c.first = nil
		c.queue.forgo(it)
		c.queue.loseIssue(it.lease.Issue)
		return nil, c.flight > 0
	}
	l, err := c.letters.get(ctx, keyOf(it))
	if err != nil {
		c.unfit(it, err)
		c.first = nil
		return nil, c.flight > 0
	}
	c.first = nil
	c.flight++
	return c.outgoing(it, l, made), true
}

// back returns what was taken and not handed to Run.
func (c *connection) back() {
	if c.first != nil {
		c.queue.putBack(c.first)
		c.first = nil
	}
	c.giveUpAhead()
}

func (c *connection) outgoing(it *item, l *letter, made *ahead) *mailer.Outgoing {
	return &mailer.Outgoing{
		From:  c.s.envelopeSender(l, it.whose()),
		To:    it.row.Email,
		Size:  l.template.Size(),
		Mark:  func(context.Context) error { return c.mark(it) },
		Ready: func() error { return c.ready(it) },
		Message: func(dst []byte) []byte {
			return c.message(dst, it, l, made)
		},
		Clean: true,
		Ref:   it,
	}
}

// unfit deals with a delivery whose message cannot be made: it is the whole
// issue's fault, or the store's.
func (c *connection) unfit(it *item, cause error) {
	c.queue.forgo(it)
	var content *contentError
	if !errors.As(cause, &content) {
		c.fail(cause)
		return
	}
	if it.lease.Letter != nil {
		c.unfitLetter(it, content)
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
	if reply.Phase >= newsletter.PhaseRcpt { // it may name the recipient
		reply.Text = newsletter.ReplyKind(reply.Text)
	}
	o := c.s.o.Delivery
	trouble, pause, first := c.relay.bad(reply, cause, o.BackoffFirst, o.BackoffMax, c.storeNow())
	if !first {
		return
	}
	c.refused.Add(1)
	c.s.log.Warn("relay paused", "relay", trouble.Relay, "error", trouble.Error, "for", pause)
	if err := c.s.store.PauseRelay(c.hard, trouble.Relay, trouble.Until, trouble.Error); err != nil {
		c.s.log.Warn("pause of a relay not stored", "relay", trouble.Relay, "error", err)
	} else {
		c.relay.stored()
	}
	time.AfterFunc(pause, func() { // those who wait look again
		c.queue.wake()
		poke(c.progress)
	})
	c.queue.wake() // a relay that stands in may begin
	poke(c.progress)
}

// good notes that the relay took a message or refused just that one.
func (c *connection) good(accepted bool) {
	over, news := c.relay.good(accepted)
	if !news {
		return
	}
	c.s.log.Info("relay works again", "relay", c.relay.Name)
	if err := c.s.store.ResumeRelay(c.hard, c.relay.Name, over...); err != nil {
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
	c.closed()
}

// closed notes that there is one connection less, or that one did not come to be.
func (c *connection) closed() {
	if int(c.relay.open.Add(-1)) >= int(c.relay.allowed.Load()) {
		poke(c.reshare) // another worker waits for it
	}
	c.queue.left() // or one of ours
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
