package jobs

import "slices"

// ahead is a delivery that was taken before its turn: its message is signed while its
// connection waits for the relay's answer or for a result to be stored. Signing is
// most of the work there is; without this all connections would wait for the same
// commit, and nobody sign. What comes to be of no use is thrown away: nothing about it
// is stored before its turn.
type ahead struct {
	item    *item
	done    chan struct{} // closed when the message is made, or cannot be
	message []byte
}

// signAhead takes a delivery and begins to make its message, where messages like this
// one's are signed.
func (c *connection) signAhead(l *letter) {
	if c.ahead != nil || !l.template.Signed() || c.stop.Err() != nil {
		return
	}
	it := c.queue.popAhead(c.relay)
	if it == nil {
		return
	}
	a := &ahead{item: it, done: make(chan struct{})}
	buffer := c.spare
	c.ahead, c.spare = a, nil
	go func() {
		defer close(a.done)
		if l, err := c.letters.get(c.hard, keyOf(it)); err == nil { // else it is found out in its turn
			a.message = l.template.Append(buffer[:0], c.s.personalOf(l, it))
		}
	}()
}

// take takes the next delivery: one that is limited, if it may go, and else the one
// that was taken ahead. What is not allowed yet is waited for by the queue, not here:
// a message may be in flight, and its end must not wait.
func (c *connection) take() (*item, *ahead) {
	switch {
	case c.first != nil:
		return c.first, nil
	case c.ahead == nil:
		return c.queue.pop(c.relay), nil
	}
	if it := c.queue.popLimited(c.relay); it != nil {
		return it, nil
	}
	a := c.ahead
	c.ahead = nil
	if !c.queue.keeps(a.item) {
		return c.queue.pop(c.relay), nil
	}
	return a.item, a
}

// message appends an item's message, made ahead or now, and has another one made.
func (c *connection) message(dst []byte, it *item, l *letter, a *ahead) []byte {
	if a != nil {
		<-a.done
		c.spare = a.message
	}
	if a != nil && len(a.message) > 0 {
		dst = append(dst, a.message...)
	} else {
		dst = l.template.Append(dst, c.s.personalOf(l, it))
	}
	c.signAhead(l)
	return dst
}

// giveUpAhead returns the delivery that was taken ahead.
func (c *connection) giveUpAhead() {
	if a := c.ahead; a != nil {
		c.ahead = nil
		<-a.done
		c.spare = a.message
		c.queue.putBack(a.item)
	}
}

// popAhead takes a delivery that is to wait: an issue's that nothing limits, if more
// than enough of them are left for everybody.
func (q *queue) popAhead(r *relay) *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.limit != nil || r.warm != nil || len(q.items) < q.low || q.items[0].lease.Letter != nil {
		return nil
	}
	return q.popLocked(r, false, true)
}

// popLimited is pop for those that something limits.
func (q *queue) popLimited(r *relay) *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.popLocked(r, true, false)
}

// keeps reports whether a delivery that was taken ahead may go: if its lease is over
// it is dropped, and if something limits it by now it has to wait for its turn.
func (q *queue) keeps(it *item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if it.lease.over() {
		q.dropLocked(it)
		return false
	}
	l := q.laneLocked(it)
	if l != nil {
		l.items = slices.Insert(l.items, 0, it)
	}
	return l == nil
}
