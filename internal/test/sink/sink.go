// Package sink is an SMTP server for tests and benchmarks that counts: how many
// copies of a message each recipient got, how often it was tried, and what it was
// told. It throws the messages away, but looks at each: is it empty, is it the one
// for this recipient, has a second copy the Message-ID of the first?
//
// It fails as it is told. Shares of the recipients are put off, refused or lose
// their connection (Faults); the whole server goes down, falls silent, takes no
// login or no sender any more (Mode). Which recipients a fault hits depends on
// their address and the seed alone, so that a run can be repeated.
//
// The program in sinkd is the same as a process of its own.
package sink

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what the server offers and how it behaves.
type Options struct {
	Addr string // to listen on; empty: a free port of 127.0.0.1

	NoPipelining       bool
	TLS                *tls.Config // STARTTLS is offered with it; nil: not at all
	Username, Password string      // a login is demanded with them (PLAIN, LOGIN)

	PerConnection int           // messages after which a connection gets 421; 0: no limit
	Latency       time.Duration // before each group of replies leaves: a round trip
	Work          time.Duration // before the reply to a message: what a server does with it
	// Eager answers DATA with 354 although no recipient was accepted, as servers may
	// that process a pipelined group at once (RFC 2920 3.1).
	Eager bool

	Faults Faults
	Seed   uint64

	// On is told what happens, on the goroutine of the connection: before the
	// reply to it leaves, but for Answered. It must be quick.
	On func(Event)
}

// Event is a step of a message.
type Event struct {
	Kind Kind
	To   string
}

// Kind is the kind of an Event.
type Kind int

// The events of a message, in their order.
const (
	Tried    Kind = iota // RCPT came
	Opened               // DATA came, and 354 will be said: a body is open
	Begun                // the first bytes of the body came
	Accepted             // the final dot came: the message counts
	Answered             // the reply to it has left
)

// Mode is how the server as a whole behaves.
type Mode int32

// The modes. But for Working each is a trouble that hits everybody.
const (
	Working   Mode = iota
	Down           // nobody listens; connections are cut
	Silent         // connections are accepted and never hear a word
	Mute           // the final dot is never answered; the message does not count
	Locked         // logins are refused (535); open connections get 421
	Unwelcome      // every sender is refused (550 to MAIL)
)

// Server is a running sink.
type Server struct {
	o    Options
	addr string
	mode atomic.Int32

	faults atomic.Pointer[Faults]
	totals totals
	open   atomic.Int64
	known  [shards]shard

	mu       sync.Mutex
	listener net.Listener // nil: down
	live     map[*conn]bool
	closed   bool
	serving  sync.WaitGroup
}

// Start starts a server. Close it.
func Start(o Options) (*Server, error) {
	s := &Server{o: o, addr: o.Addr, live: map[*conn]bool{}}
	if s.addr == "" {
		s.addr = "127.0.0.1:0"
	}
	s.faults.Store(&o.Faults)
	for i := range s.known {
		s.known[i].m = map[string]*Recipient{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.listen()
}

// listen opens the listener; the caller holds mu.
func (s *Server) listen() error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.addr)
	if err != nil {
		return err
	}
	s.addr = l.Addr().String() // the same after an outage
	s.listener = l
	s.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(c)
		}
	})
	return nil
}

// serve starts a connection's goroutine.
func (s *Server) serve(raw net.Conn) {
	c := &conn{s: s, raw: raw}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.listener == nil {
		raw.Close()
		return
	}
	s.live[c] = true
	s.totals.connections.Add(1)
	s.totals.atOnce.Store(max(s.totals.atOnce.Load(), int64(len(s.live))))
	s.serving.Go(func() {
		c.run()
		s.mu.Lock()
		delete(s.live, c)
		s.mu.Unlock()
	})
}

// Addr returns host and port.
func (s *Server) Addr() (host string, port int) {
	a, err := net.ResolveTCPAddr("tcp", s.addr)
	if err != nil {
		return "", 0 // it listens there, so it is an address
	}
	return a.IP.String(), a.Port
}

// SetFaults replaces the faults.
func (s *Server) SetFaults(f Faults) { s.faults.Store(&f) }

// Mode returns the present mode.
func (s *Server) Mode() Mode { return Mode(s.mode.Load()) }

// SetMode changes the mode. Into and out of Down and Silent connections are cut: a
// client that waits for an answer would not notice that it will come now.
func (s *Server) SetMode(m Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := Mode(s.mode.Swap(int32(m)))
	if m == Down || m == Silent || was == Silent || was == Mute {
		for c := range s.live {
			c.cut()
		}
	}
	switch {
	case m == Down && s.listener != nil:
		s.listener.Close()
		s.listener = nil
	case m != Down && s.listener == nil && !s.closed:
		return s.listen()
	}
	return nil
}

// Close ends the server and its connections.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	if s.listener != nil {
		s.listener.Close()
	}
	for c := range s.live {
		c.cut()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// tell reports an event.
func (s *Server) tell(k Kind, to string) {
	if s.o.On != nil {
		s.o.On(Event{k, to})
	}
}
