package mailer

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	"syndicate/internal/newsletter"
)

// Relay is an SMTP server that takes our mail.
type Relay struct {
	Name string // in messages and limits; empty: Host
	Host string // name or IP address
	Port int    // 0: 587 for starttls, 465 for implicit, 25 for none

	TLS                string         // "starttls" (the default: encrypt or do not send), "implicit" or "none"
	RootCAs            *x509.CertPool // nil: the system's
	InsecureSkipVerify bool           // test servers only

	Auth     string // "auto" (the default), "plain", "login", "cram-md5", "scram-sha-256" or "none"
	Username string // empty: no login
	Password string

	Helo     string // name to greet with; empty: this machine's
	Timeouts Timeouts

	// Connections and Rate are limits over all workers; jobs holds them.
	Connections int     // open at once
	Rate        float64 // messages a second, 0: no limit

	// MessagesPerConnection ends Run after so many messages; 0: no limit.
	MessagesPerConnection int
}

// Timeouts bound the steps of a conversation. Zero fields take the defaults,
// those of RFC 5321 4.5.3.2 but for a shorter Connect.
type Timeouts struct {
	Connect time.Duration // TCP and TLS handshakes; 30 s
	Command time.Duration // the greeting and the reply to each command; 5 min
	Data    time.Duration // each write of message bytes; 3 min
	Dot     time.Duration // the reply to the end of a message; 10 min
}

// Conn is a connection to a relay, ready for mail. Run and Quit belong to one
// goroutine; Close may be called from any.
type Conn struct{}

// Dial connects, greets, encrypts and logs in. If it fails, the reply says in
// which phase and with which code (0: no answer), and the error, a *RelayError,
// says it to people.
func Dial(ctx context.Context, r Relay) (*Conn, newsletter.Reply, error) {
	return nil, newsletter.Reply{}, errors.New("not yet")
}

// Quit says goodbye and closes the connection.
func (c *Conn) Quit() {}

// Close closes the connection at once. A Run on it ends.
func (c *Conn) Close() error { return nil }

// RelayError says which relay failed in which phase.
type RelayError struct {
	Relay string // name
	Addr  string // host:port
	Reply newsletter.Reply
	Err   error // the cause; nil if the relay's reply is all
}

func (e *RelayError) Error() string { return "" }

// Unwrap returns the cause.
func (e *RelayError) Unwrap() error { return e.Err }

// Hint returns what an operator can do about it, or nothing.
func (e *RelayError) Hint() string { return "" }

// Capabilities is what a relay offered.
type Capabilities struct {
	TLS        string   // "TLS 1.3", empty: not encrypted
	Auth       string   // the mechanism we logged in with, empty: no login
	Offered    []string // login mechanisms
	Pipelining bool     // RFC 2920
	Size       int64    // octets, RFC 1870; 0: not said
}

// String says it in words.
func (c Capabilities) String() string { return "" }

// Check connects to the relay, logs in, leaves and says what it found.
func Check(ctx context.Context, r Relay) (Capabilities, error) { return Capabilities{}, nil }

// CatcherOptions are the settings of a catcher.
type CatcherOptions struct {
	Dir      string           // where the messages go; made if it is missing
	Listen   string           // a loopback address; empty: 127.0.0.1:0
	MaxBytes int64            // of one message; 0: 32 MB
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: none
}

// Catcher is an SMTP server on loopback that keeps each message as a file.
type Catcher struct{}

// StartCatcher starts a catcher.
func StartCatcher(o CatcherOptions) (*Catcher, error) { return nil, errors.New("not yet") }

// Addr returns the address it listens on, as host:port.
func (c *Catcher) Addr() string { return "" }

// Relay returns the relay to dial for it.
func (c *Catcher) Relay() Relay { return Relay{} }

// Caught returns how many messages were kept since the start.
func (c *Catcher) Caught() int64 { return 0 }

// Close stops the server.
func (c *Catcher) Close() error { return nil }
