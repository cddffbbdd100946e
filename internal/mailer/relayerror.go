package mailer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"syndicate/internal/newsletter"
)

var (
	errNoSTARTTLS = errors.New("the relay does not offer STARTTLS")
	errNoAuth     = errors.New("the relay offers no login")
	errClearAuth  = errors.New("the password is not sent over a connection that is not encrypted")
)

// RelayError says which relay failed in which phase.
type RelayError struct {
	Relay string // name
	Addr  string // host:port
	Reply newsletter.Reply
	Err   error // the cause
}

func (e *RelayError) Error() string {
	s := fmt.Sprintf("relay %s (%s): %s: ", e.Relay, e.Addr, e.Reply.Phase)
	if e.Reply.Code != 0 {
		s += fmt.Sprintf("%d ", e.Reply.Code)
	}
	return s + e.Reply.Text
}

// Unwrap returns the cause.
func (e *RelayError) Unwrap() error { return e.Err }

// Hint returns what an operator can do about it, or nothing.
func (e *RelayError) Hint() string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		record    tls.RecordHeaderError
		dns       *net.DNSError
	)
	switch {
	case errors.Is(e.Err, errNoSTARTTLS):
		return "use tls: implicit with the relay's TLS port (mostly 465), or tls: none if the way to it is safe"
	case errors.Is(e.Err, errClearAuth):
		return "use tls: starttls or tls: implicit, or leave username out"
	case errors.Is(e.Err, errNoAuth):
		return "leave username out if the relay knows this machine by its address"
	case errors.As(e.Err, &authority):
		return "name the authority that signed the relay's certificate in ca_file"
	case errors.As(e.Err, &name):
		return "host must be a name in the relay's certificate"
	case errors.As(e.Err, &record):
		return "tls: implicit wants the relay's TLS port, mostly 465; other ports want tls: starttls"
	case errors.As(e.Err, &dns):
		return "check host in config.yaml"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nothing listens there: check host and port, and that the relay runs"
	case errors.Is(e.Err, os.ErrDeadlineExceeded) && e.Reply.Phase == newsletter.PhaseConnect:
		return "check host and port; providers often block port 25; a port that expects TLS wants tls: implicit"
	case e.Reply.Phase == newsletter.PhaseAuth && e.Reply.Code/100 == 5:
		return "check username and password"
	}
	return ""
}
