package mailbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/emersion/go-imap/v2"

	"syndicate/internal/newsletter"
)

var (
	errSlow       = errors.New("the server does not answer")
	errNoSTARTTLS = errors.New("the server does not offer STARTTLS")
	errClear      = errors.New("the password is not sent over a connection that is not encrypted")
	errNoLogin    = errors.New("the server lets nobody log in here")
	errGone       = errors.New("the server closed the connection")
)

// connecting is the first step of a conversation.
const connecting = "connecting"

// Error says what the server did not do.
type Error struct {
	Addr string // host:port
	Step string // such as "logging in"
	Key  string // of the account, that it is about: host, tls, username, folder or processed
	Err  error  // the cause
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Addr, e.Step, e.text())
}

// maxWords is how much of what a server says is repeated.
const maxWords = 200

// text is the cause in words, without addresses: servers repeat what they were told.
func (e *Error) text() string {
	var said *imap.Error
	switch {
	case errors.As(e.Err, &said) && said.Text == "":
		return "the server refuses it"
	case errors.As(e.Err, &said):
		return "the server says: " + words(said.Text)
	case errors.Is(e.Err, io.EOF), errors.Is(e.Err, io.ErrUnexpectedEOF), errors.Is(e.Err, net.ErrClosed), errors.Is(e.Err, syscall.ECONNRESET):
		return errGone.Error()
	case errors.As(e.Err, new(*net.OpError)):
		return e.Err.Error()
	}
	return words(e.Err.Error())
}

func words(s string) string {
	s = newsletter.ReplyKind(strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > maxWords {
		return string(r[:maxWords]) + "…"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what an operator can do about it, or nothing.
func (e *Error) Hint() string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		record    tls.RecordHeaderError
		dns       *net.DNSError
		said      *imap.Error
	)
	switch {
	case errors.Is(e.Err, errNoSTARTTLS):
		return "use tls: implicit with the server's TLS port, mostly 993"
	case errors.Is(e.Err, errClear):
		return "use tls: implicit or starttls; none is for a server on this machine"
	case errors.As(e.Err, &authority):
		return "name the authority that signed the server's certificate in ca_file"
	case errors.As(e.Err, &name):
		return "host must be a name in the server's certificate"
	case errors.As(e.Err, &record):
		return "tls: implicit wants the server's TLS port, mostly 993; port 143 wants tls: starttls"
	case errors.As(e.Err, &dns):
		return "check host"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nothing listens there: check host and port, and that the server runs"
	case errors.Is(e.Err, errSlow) && e.Step == connecting:
		return "check host and port; a port that expects TLS wants tls: implicit"
	case errors.As(e.Err, &said) && e.Key == "username":
		return "check username and password; some providers want a password made for programs"
	case errors.As(e.Err, &said) && e.Key == "folder":
		return "check folder; the server's web mail or mail programs show what folders there are"
	case errors.As(e.Err, &said) && e.Key == "processed":
		return "processed: seen marks messages, delete deletes them, anything else is the folder they are moved to"
	}
	return ""
}

// fail says which step failed of what. Where the server did not say it, it is about the
// server.
func (r *Reader) fail(step, key string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if !errors.As(err, new(*imap.Error)) && key != "tls" && !errors.Is(err, errNoLogin) {
		key = "host"
	}
	return &Error{Addr: r.a.Addr(), Step: step, Key: key, Err: err}
}
