// Package intake is an SMTP server for what comes back. It takes mail to the addresses
// of this site that mail comes back to, and refuses all other: it relays nothing.
//
// The procedure: a connection is admitted or turned away (admit.go) and bounded in
// time, commands and refusals (conn.go). A recipient is asked about (session.go): one
// that is none of ours is refused before a byte of the message is sent. The message is
// read to its end, of which the beginning is kept in memory, and handed over; its
// sender hears that it was taken when it is stored, and to come again when it is not.
// So a message is either ours or still its sender's, whatever is killed when.
//
// The protocol itself (RFC 5321, PIPELINING, 8BITMIME, CHUNKING, SMTPUTF8, STARTTLS) is
// go-smtp's.
package intake

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// Options is what a Server works with. Zero values but those of Ours and Take get
// defaults.
type Options struct {
	Name string // what it calls itself: the domain whose mail it takes; empty: localhost

	// Ours returns the form in which an address is known, and whether mail to it is
	// taken. It is called for every recipient that anybody names.
	Ours func(address string) (ours string, ok bool)
	// Take stores what a message says. The message has a Return-Path and a Delivered-To
	// as where mail is delivered (RFC 5321 4.4), and is cut off after Head bytes. An
	// error means that it should come again.
	Take func(ctx context.Context, message io.Reader, to string) error

	Head int64 // bytes of a message that are kept for Take; 0: 1 MiB
	Size int64 // bytes that a message may have; 0: 32 MiB

	Connections int // at once; 0: 64
	PerClient   int // of these, from one IPv4 address or IPv6 network of 64 bits but this machine; 0: 8
	PerMinute   int // messages from such a client; 0: 60
	Commands    int // between two messages; 0: 100
	Refusals    int // recipients on one connection; 0: 10
	Timeouts    Timeouts

	Certificate *Certificate     // nil: no STARTTLS
	Now         func() time.Time // for PerMinute; nil: time.Now
	Log         *slog.Logger     // nil: none
}

// Timeouts bound the phases of a connection.
type Timeouts struct {
	Command time.Duration // for a command to arrive (RFC 5321 4.5.3.2.7); 0: 5 min
	Crowded time.Duration // the same while more than half of the connections are in use, and a tenth of a message's; 0: 10 s
	Body    time.Duration // for a whole message; 0: 10 min
	Life    time.Duration // after it, no further command is read; 0: 30 min
}

// reading is how many messages are read and stored at once: parsing takes some times
// their memory.
const reading = 4

// Server is an SMTP server. It is made before it listens, so that others can count
// with it.
type Server struct {
	o       Options
	counts  counters
	reading chan struct{}
	storing sync.WaitGroup // messages between their end and the answer

	mu      sync.Mutex
	closed  bool
	conns   map[*conn]struct{}
	clients map[netip.Addr]int // connections
	minute  time.Time          // that messages are counted in
	sent    map[netip.Addr]int // messages in it
}

// counters count since the start.
type counters struct{ taken, stranger, large, failed, away, hasty atomic.Int64 }

// Counts is what became of mail since the start.
type Counts struct {
	Taken      int64 // messages that were stored
	Strangers  int64 // recipients that were refused
	TooLarge   int64 // messages
	NotStored  int64 // messages that are to come again
	TurnedAway int64 // connections
	TooMany    int64 // messages, for a minute
}

// New returns a server that does not listen yet.
func New(o Options) *Server {
	o.Name = cmp.Or(o.Name, "localhost")
	o.Head, o.Size = cmp.Or(o.Head, 1<<20), cmp.Or(o.Size, 32<<20)
	o.Connections, o.PerClient = cmp.Or(o.Connections, 64), cmp.Or(o.PerClient, 8)
	o.PerMinute = cmp.Or(o.PerMinute, 60)
	o.Commands, o.Refusals = cmp.Or(o.Commands, 100), cmp.Or(o.Refusals, 10)
	t := &o.Timeouts
	t.Command, t.Crowded = cmp.Or(t.Command, 5*time.Minute), cmp.Or(t.Crowded, 10*time.Second)
	t.Body, t.Life = cmp.Or(t.Body, 10*time.Minute), cmp.Or(t.Life, 30*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		o: o, reading: make(chan struct{}, reading),
		conns: map[*conn]struct{}{}, clients: map[netip.Addr]int{}, sent: map[netip.Addr]int{},
	}
}

// Counts returns what became of mail since the start.
func (s *Server) Counts() Counts {
	c := &s.counts
	return Counts{Taken: c.taken.Load(), Strangers: c.stranger.Load(), TooLarge: c.large.Load(), NotStored: c.failed.Load(), TurnedAway: c.away.Load(), TooMany: c.hasty.Load()}
}

// maxLine bounds a line, also of a message. RFC 5321 4.5.3.1.6 allows a thousand bytes;
// what breaks mail also breaks that.
const maxLine = 64 << 10

// Serve answers on a listener until ctx ends. Then whoever is still sending is told to
// come again, what is being stored is stored, within the grace period, and Serve
// returns nil. The listener is closed in any case. A server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	taking, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: connOf(c.Conn()), over: c.Conn(), ctx: taking}, nil
	}))
	server.Domain = s.o.Name
	server.MaxMessageBytes = s.o.Size
	server.MaxLineLength = maxLine
	server.ReadTimeout = s.o.Timeouts.Command // conn says for how long it is
	server.WriteTimeout = time.Minute
	server.EnableSMTPUTF8 = true
	server.ErrorLog = serverLog{s.o.Log}
	if s.o.Certificate != nil {
		server.TLSConfig = &tls.Config{GetCertificate: s.o.Certificate.get, MinVersion: tls.VersionTLS12}
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(&gate{l, s}) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		l.Close()
		if err = <-ended; errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	if err != nil {
		err = fmt.Errorf("taking mail on %s: %w", l.Addr(), err)
	}
	s.hangUp()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	context.AfterFunc(patience, giveUp) // a database that does not answer
	if server.Shutdown(patience) != nil && patience.Err() != nil {
		s.cutAll()
	}
	s.storing.Wait()
	return err
}

// hangUp tells all who are connected to come again, but for those whose message is
// being stored: these hear first that it was taken.
func (s *Server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		if !c.storing {
			_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes whoever waits for it
		}
	}
}

// cutAll closes the connections that are left.
func (s *Server) cutAll() {
	s.mu.Lock()
	left := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		left = append(left, c)
	}
	s.mu.Unlock()
	for _, c := range left {
		_ = c.Close()
	}
}

// serverLog takes what go-smtp logs: lost connections and nonsense, with addresses of
// clients, mostly. Only its format is kept.
type serverLog struct{ log *slog.Logger }

// Printf implements smtp.Logger.
func (l serverLog) Printf(format string, args ...any) {
	if strings.HasPrefix(format, "accept") && len(args) > 0 {
		l.log.Warn("connection not accepted", "error", args[0])
		return
	}
	l.log.Debug("connection ended", "how", format)
}

// Println implements smtp.Logger.
func (l serverLog) Println(...any) { l.log.Debug("connection ended") }

// What clients are told that cannot go on.
var (
	errClosing = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Closing, please come again"}
	errSlow    = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "Too slow, please come again"}
	errCut     = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "Cut off, please come again"}
	errMany    = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Too many commands, please come again"}
)
