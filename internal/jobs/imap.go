package jobs

import (
	"bytes"
	"context"
	"errors"
	"time"

	"syndicate/internal/bounce"
	"syndicate/internal/mailbox"
)

const (
	imapLook   = time.Second // how often a node looks whether the mailbox is free to be read
	imapSteady = time.Minute // a connection that lasted so long may end without a fault
	imapClaim  = 4           // leases; with the usual ones, a dead node is followed after two minutes
)

// imapReader reads the mailbox on the IMAP server for the daemon.
type imapReader struct {
	*Service
	box     *mailbox.Reader
	failing string          // what the last failure was about, see mailbox.Error
	passed  map[string]bool // what was said of messages that could not be read
}

// imapAccount is the mailbox as it is to be read.
func (s *Service) imapAccount() mailbox.Account {
	a := s.o.Bounces.IMAP
	a.Limit = bounce.MaxMessage
	return a
}

// takeIMAP takes in once what the mailbox has.
func (s *Service) takeIMAP(ctx context.Context, unread func(error)) (int, error) {
	box := mailbox.New(s.imapAccount(), unread)
	defer box.Close()
	if err := box.Open(ctx); err != nil {
		return 0, err
	}
	return box.Take(ctx, s.takeLetter)
}

// takeLetter takes in one message, or the beginning of it.
func (s *Service) takeLetter(ctx context.Context, message []byte) error {
	_, err := s.TakeMessage(ctx, bytes.NewReader(message))
	return err
}

// readIMAP reads the mailbox as long as ctx lives, whenever no other node does. A
// server that fails is tried again, later each time (see FailClaim); an error is the
// store's.
func (s *Service) readIMAP(ctx context.Context) error {
	m := &imapReader{Service: s, passed: map[string]bool{}}
	m.box = mailbox.New(s.imapAccount(), m.tellUnread)
	for {
		claims, err := s.store.Claims(ctx)
		if err != nil {
			return err
		}
		if k := claims[imapBox]; k.Left == 0 {
			err := s.aloneFor(ctx, imapBox, k.Fence, imapClaim*s.o.Delivery.Lease, imapClaim*s.o.Delivery.Renew, m.session)
			if err != nil && ctx.Err() == nil && !errors.Is(err, errBegun) && !errors.As(err, new(*mailbox.Error)) {
				return err
			}
		}
		if !sleep(ctx, imapLook) {
			return ctx.Err()
		}
	}
}

// session takes in what comes, over one connection.
func (m *imapReader) session(ctx context.Context) error {
	began, read := time.Now(), false
	defer m.box.Close()
	err := m.box.Open(ctx)
	for err == nil {
		if _, err = m.box.Take(ctx, m.takeLetter); err != nil {
			break
		}
		if err = m.noteMail(ctx, imapBox, nil); err != nil {
			break
		}
		read = true
		m.tell(nil)
		err = m.box.Wait(ctx)
	}
	var failure *mailbox.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &failure):
		return err
	case read && time.Since(began) >= imapSteady: // servers are restarted, networks too
		return nil
	}
	m.tell(failure)
	return m.noteMail(ctx, imapBox, failure)
}

// tell logs that the mailbox cannot be read, once, and when it can be again.
func (m *imapReader) tell(failure *mailbox.Error) {
	switch {
	case failure == nil && m.failing != "":
		m.log.Info("mailbox can be read again", "mailbox", imapBox)
		m.failing = ""
	case failure != nil && m.failing != failure.Key:
		m.log.Warn("mailbox not read", filled("mailbox", imapBox, "error", failure.Error(), "hint", failure.Hint())...)
		m.failing = failure.Key
	}
}

// tellUnread logs why a message could not be read, once.
func (m *imapReader) tellUnread(why error) {
	const remembered = 100
	text := why.Error()
	if m.passed[text] {
		return
	}
	if len(m.passed) >= remembered {
		clear(m.passed)
	}
	m.passed[text] = true
	m.log.Warn("message not read", "mailbox", imapBox, "error", text)
}
