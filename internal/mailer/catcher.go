package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// CatcherOptions are the settings of a catcher.
type CatcherOptions struct {
	Dir      string           // where the messages go; made if it is missing
	Listen   string           // a loopback address; empty: 127.0.0.1:0
	MaxBytes int64            // of one message; 0: 32 MB
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: none
}

// Catcher is an SMTP server on loopback that keeps each message as a file
// <time>-<number>-<recipient>.eml, byte for byte as it was sent, beneath the envelope:
// delivery adds a Return-Path (RFC 5321 4.4) and a Delivered-To (RFC 9228). A file
// appears complete or not at all; names sort by time.
type Catcher struct {
	o        CatcherOptions
	server   *smtp.Server
	listener net.Listener
	addr     string
	number   atomic.Int64
	serving  sync.WaitGroup // the listener, and messages being written

	mu     sync.Mutex
	closed bool
}

// StartCatcher starts a catcher. It refuses to listen anywhere but on loopback:
// it takes mail from everybody.
func StartCatcher(o CatcherOptions) (*Catcher, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 32 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the outbox: %w", err)
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("the catcher listens on loopback only, not on %q", o.Listen)
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("start the catcher: %w", err)
	}
	c := &Catcher{o: o, listener: listener, addr: listener.Addr().String()}
	c.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &catch{catcher: c}, nil
	}))
	c.server.Domain = "localhost"
	c.server.MaxMessageBytes = o.MaxBytes
	c.server.MaxRecipients = 1 // as Run sends them; the file is named after it
	c.server.ReadTimeout = 10 * time.Minute
	c.server.WriteTimeout = time.Minute
	c.server.ErrorLog = slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug) // lost connections, mostly
	c.serving.Go(func() {
		if err := c.server.Serve(listener); err != nil && !errors.Is(err, net.ErrClosed) {
			o.Log.Error("catcher stopped", "err", err)
		}
	})
	return c, nil
}

// Addr returns the address it listens on, as host:port.
func (c *Catcher) Addr() string { return c.addr }

// Relay returns the relay to dial for it.
func (c *Catcher) Relay() Relay {
	addr, _ := net.ResolveTCPAddr("tcp", c.addr) // a listener's own address
	return Relay{Name: "catcher", Host: addr.IP.String(), Port: addr.Port, TLS: "none", Auth: "none", Helo: "localhost"}
}

// Close hangs up, waits until messages that are being written are complete or
// gone, and frees the port.
func (c *Catcher) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	err := c.server.Close()
	// The server closes the listeners that it knows, and may not have begun to serve.
	_ = c.listener.Close()
	c.serving.Wait()
	if errors.Is(err, smtp.ErrServerClosed) { // before
		return nil
	}
	return err
}

// begin announces a message to Close; false: it is too late.
func (c *Catcher) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.serving.Add(1)
	}
	return !c.closed
}

// catch is one SMTP session of the catcher.
type catch struct {
	catcher  *Catcher
	from, to string
}

// Mail takes any sender.
func (s *catch) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt takes any recipient.
func (s *catch) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

// Reset forgets the envelope.
func (s *catch) Reset() { s.from, s.to = "", "" }

// Logout has nothing to free.
func (s *catch) Logout() error { return nil }

// Data keeps the message.
func (s *catch) Data(r io.Reader) error {
	c := s.catcher
	if !c.begin() {
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "closing"}
	}
	defer c.serving.Done()
	err := c.keep(s.from, s.to, r)
	var refusal *smtp.SMTPError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal): // too large
		return refusal
	}
	c.o.Log.Error("catcher cannot keep a message", "err", err)
	return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "cannot keep the message: " + plainWords(err.Error())}
}

// keep writes a message next to its place, then moves it there.
func (c *Catcher) keep(from, to string, r io.Reader) error {
	f, err := os.CreateTemp(c.o.Dir, incoming+"*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = io.Copy(f, io.MultiReader(strings.NewReader(trace(from, to)), r))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%06d-%s.eml", c.o.Now().UTC().Format(outboxTime), c.number.Add(1), fileName(to))
	return nameless(os.Rename(f.Name(), filepath.Join(c.o.Dir, name)))
}

// trace is what delivery writes above a message. An address may be anything that a line
// can hold, but not end it.
func trace(from, to string) string {
	return fmt.Sprintf("Return-Path: <%s>\r\nDelivered-To: %s\r\n", plainWords(from), plainWords(to))
}

// fileName keeps of an address what is safe in a file name everywhere.
func fileName(address string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("@.-_+", r):
			return r
		}
		return '_'
	}, address[:min(len(address), 100)])
}
