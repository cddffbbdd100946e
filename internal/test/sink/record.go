package sink

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Recipient is what became of one address.
type Recipient struct {
	Attempts   int `json:"attempts"`             // RCPT commands
	Copies     int `json:"copies"`               // messages accepted
	Later      int `json:"later,omitempty"`      // 4xx said
	Refused    int `json:"refused,omitempty"`    // 5xx said
	Dropped    int `json:"dropped,omitempty"`    // connections lost before the final dot, by our doing
	Unanswered int `json:"unanswered,omitempty"` // copies whose reply the client may not have got, by our doing

	id uint64 // of the first copy's Message-ID
}

const shards = 64

// shard holds a part of the recipients.
type shard struct {
	mu sync.Mutex
	m  map[string]*Recipient
}

// with works on the record of an address.
func (s *Server) with(address string, f func(*Recipient)) {
	x := &s.known[hash(0, address)%shards]
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.m[address]
	if r == nil {
		r = &Recipient{}
		x.m[address] = r
	}
	f(r)
}

// totals are counters over all recipients.
type totals struct {
	connections, atOnce, accepted, bytes        atomic.Int64
	later, refused, dropped, unanswered         atomic.Int64
	empty, astray, otherID, logins, noSender    atomic.Int64
	noLogin, muted, silent, perConnection, tlss atomic.Int64
	first, last                                 atomic.Int64 // Unix nanoseconds
}

// Report is what a server saw.
type Report struct {
	Recipients int `json:"recipients"` // distinct ones that were tried
	None       int `json:"recipients_without_copy"`
	More       int `json:"recipients_with_several_copies"`

	Accepted int64 `json:"accepted"` // messages
	Bytes    int64 `json:"bytes"`
	Open     int64 `json:"open"` // bodies open now

	Later      int64 `json:"later"` // replies of each kind
	Refused    int64 `json:"refused"`
	Dropped    int64 `json:"dropped"`
	Unanswered int64 `json:"unanswered"`
	Limited    int64 `json:"limited"` // 421 after PerConnection
	NoLogin    int64 `json:"logins_refused"`
	NoSender   int64 `json:"senders_refused"`
	Muted      int64 `json:"muted"`  // final dots without an answer
	Silent     int64 `json:"silent"` // connections that never heard a word

	Empty   int64 `json:"empty"`    // messages without content
	Astray  int64 `json:"astray"`   // messages addressed to somebody else
	OtherID int64 `json:"other_id"` // further copies with another Message-ID

	Connections int64   `json:"connections"`
	AtOnce      int64   `json:"connections_at_once"` // the most
	Encrypted   int64   `json:"encrypted"`
	Logins      int64   `json:"logins"`
	Seconds     float64 `json:"seconds"` // from the first accepted message to the last
	Rate        float64 `json:"messages_per_second"`
}

// Report counts.
func (s *Server) Report() Report {
	t := &s.totals
	r := Report{
		Accepted: t.accepted.Load(), Bytes: t.bytes.Load(), Open: s.open.Load(),
		Later: t.later.Load(), Refused: t.refused.Load(), Dropped: t.dropped.Load(), Unanswered: t.unanswered.Load(),
		Limited: t.perConnection.Load(), NoLogin: t.noLogin.Load(), NoSender: t.noSender.Load(), Muted: t.muted.Load(), Silent: t.silent.Load(),
		Empty: t.empty.Load(), Astray: t.astray.Load(), OtherID: t.otherID.Load(),
		Connections: t.connections.Load(), AtOnce: t.atOnce.Load(), Encrypted: t.tlss.Load(), Logins: t.logins.Load(),
	}
	for _, x := range s.Recipients() {
		r.Recipients++
		switch {
		case x.Copies == 0:
			r.None++
		case x.Copies > 1:
			r.More++
		}
	}
	if d := time.Duration(t.last.Load() - t.first.Load()); d > 0 {
		r.Seconds = d.Seconds()
		r.Rate = float64(r.Accepted-1) / r.Seconds
	}
	return r
}

// Recipients returns the record of every address that was tried.
func (s *Server) Recipients() map[string]Recipient {
	out := map[string]Recipient{}
	for i := range s.known {
		x := &s.known[i]
		x.mu.Lock()
		for a, r := range x.m {
			out[a] = *r
		}
		x.mu.Unlock()
	}
	return out
}

// Accepted returns how many messages were accepted.
func (s *Server) Accepted() int64 { return s.totals.accepted.Load() }

// Open returns how many bodies are open: 354 was said, and no reply to the final
// dot.
func (s *Server) Open() int64 { return s.open.Load() }

// Reset forgets what was counted, not the connections that are open.
func (s *Server) Reset() {
	t := &s.totals
	for _, n := range []*atomic.Int64{
		&t.connections, &t.atOnce, &t.accepted, &t.bytes, &t.later, &t.refused, &t.dropped, &t.unanswered, &t.empty, &t.astray, &t.otherID,
		&t.logins, &t.noSender, &t.noLogin, &t.muted, &t.silent, &t.perConnection, &t.tlss, &t.first, &t.last,
	} {
		n.Store(0)
	}
	for i := range s.known {
		x := &s.known[i]
		x.mu.Lock()
		maps.DeleteFunc(x.m, func(string, *Recipient) bool { return true })
		x.mu.Unlock()
	}
}

// attempt notes a RCPT and says what is to happen.
func (s *Server) attempt(address string) fault {
	f := s.faults.Load().of(s.o.Seed, address)
	s.with(address, func(r *Recipient) {
		if r.Attempts++; r.Attempts > 1 && f != refuse {
			f = none
		}
		switch f {
		case later, refuseDot:
			r.Later++
			s.totals.later.Add(1)
		case refuse:
			r.Refused++
			s.totals.refused.Add(1)
		case dropBody:
			r.Dropped++
			s.totals.dropped.Add(1)
		}
	})
	return f
}

// accept counts a message.
func (s *Server) accept(address string, m *message) {
	now := time.Now().UnixNano()
	t := &s.totals
	t.first.CompareAndSwap(0, now)
	t.last.Store(now)
	t.bytes.Add(m.size)
	if m.size == 0 {
		t.empty.Add(1)
	} else if !m.to(address) {
		t.astray.Add(1)
	}
	id := m.id()
	s.with(address, func(r *Recipient) {
		if r.Copies++; r.Copies == 1 {
			r.id = id
		} else if r.id != id {
			t.otherID.Add(1)
		}
	})
	t.accepted.Add(1)
}

// unanswered notes that the client may not know of a copy.
func (s *Server) unanswered(address string) {
	if address == "" {
		return
	}
	s.with(address, func(r *Recipient) { r.Unanswered++ })
	s.totals.unanswered.Add(1)
}
