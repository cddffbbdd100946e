package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode"

	"github.com/emersion/go-smtp"
)

// session is what one client says, message after message.
type session struct {
	server *Server
	conn   *conn
	over   net.Conn        // conn, or TLS over it
	ctx    context.Context //nolint:containedctx // go-smtp hands none over; it ends with the grace period
	from   string
	to     string // as it is known; empty: none yet
}

// Mail takes any sender: reports come from nobody (<>), requests from people.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.hasty(s.conn.client) {
		s.server.counts.hasty.Add(1)
		return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Too many messages for a minute, please come again"}
	}
	s.from = from
	return nil
}

// Rcpt takes what is ours, one recipient a message: each has a key of its own, and what
// is said to several is sent to each.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	ours, ok := "", false
	if len(to) <= maxAddress {
		ours, ok = s.server.o.Ours(to)
	}
	switch {
	case ok && (s.to == "" || strings.EqualFold(s.to, ours)):
		s.to = ours
		s.conn.underWay(true)
		return nil
	case ok:
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "One recipient a message, please send it again for the others"}
	}
	s.server.counts.stranger.Add(1)
	if s.conn.refuse() {
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Too many recipients that are not here"}
	}
	return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "No mail for that address here, and none is passed on"}
}

// maxAddress is how many bytes an address may have: RFC 5321 4.5.3.1.3 allows 256.
const maxAddress = 320

// Reset forgets the envelope.
func (s *session) Reset() {
	s.from, s.to = "", ""
	s.conn.underWay(false)
}

// Logout has nothing to free.
func (s *session) Logout() error {
	s.conn.underWay(false)
	return nil
}

// Data reads a message to its end and has it stored.
func (s *session) Data(r io.Reader) error {
	srv := s.server
	if !s.conn.body() {
		return errClosing
	}
	var head bytes.Buffer
	_, err := io.Copy(&head, io.LimitReader(r, srv.o.Head))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if _, chunks := r.(*io.PipeReader); chunks && err == nil && !s.conn.whole(s.over) {
		err = errCut
	}
	if err != nil {
		return s.broken(err)
	}
	if !s.conn.begin() {
		return errClosing
	}
	taken := false
	defer func() { s.conn.done(taken) }()
	err = s.take(io.MultiReader(strings.NewReader(s.envelope()), &head))
	taken = err == nil
	return err
}

// take has a message stored, some at a time.
func (s *session) take(message io.Reader) (err error) {
	srv := s.server
	defer func() {
		if why := recover(); why != nil {
			// Taken for bad: it would do the same again and again. The value is logged
			// only if the runtime made it: others may hold an address.
			what := "a value that is not logged"
			if e, ok := why.(runtime.Error); ok {
				what = e.Error()
			}
			srv.counts.failed.Add(1)
			srv.o.Log.Error("a message could not be read", "panic", what, "stack", string(debug.Stack()))
			err = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "This message cannot be read"}
		}
	}()
	select {
	case srv.reading <- struct{}{}:
		defer func() { <-srv.reading }()
	case <-s.ctx.Done():
		return errClosing
	}
	if err := srv.o.Take(s.ctx, message, s.to); err != nil {
		srv.counts.failed.Add(1)
		srv.o.Log.Error("message not stored, its sender keeps it", "error", err)
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Cannot be stored now, please come again"}
	}
	srv.counts.taken.Add(1)
	return nil
}

// envelope is what mail servers write before a message where they deliver it.
func (s *session) envelope() string {
	from := s.from
	if len(from) > maxAddress || strings.ContainsFunc(from, unicode.IsControl) {
		from = "unknown" // not one that could be written down
	}
	return fmt.Sprintf("Return-Path: <%s>\r\nDelivered-To: %s\r\n", from, s.to)
}

// broken answers to a message that did not come to its end. Nothing of it is kept.
func (s *session) broken(err error) error {
	var told *smtp.SMTPError
	switch {
	case errors.Is(err, smtp.ErrDataReset): // by its sender
		return err
	case errors.Is(err, smtp.ErrDataTooLarge):
		s.server.counts.large.Add(1)
		return smtp.ErrDataTooLarge
	case errors.As(err, &told):
		s.conn.enough()
		return told
	case errors.Is(err, smtp.ErrTooLongLine):
		s.conn.enough()
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "A line of it is too long"}
	}
	s.conn.enough()
	return errClosing // nobody is there to hear it
}
