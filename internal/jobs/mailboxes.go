package jobs

import (
	"context"
	"errors"

	"syndicate/internal/store"
)

// The mailboxes that bounces arrive in, as the store and /metrics call them. Whoever
// reads one has the claim of that name.
const (
	maildirBox = "maildir"
	imapBox    = "imap"
)

// MailReport says what a run took in from a mailbox.
type MailReport struct {
	Mailbox string   `json:"mailbox"` // maildir or imap
	Taken   int      `json:"taken"`   // messages
	Unread  []string `json:"unread,omitempty"`
	Error   string   `json:"error,omitempty"` // why it could not be read to the end
	Hint    string   `json:"hint,omitempty"`
}

// mailTaker takes in what a mailbox has, and returns how many messages that were.
// unread is told why one could not be read.
type mailTaker func(ctx context.Context, unread func(error)) (int, error)

// mailboxes returns those that are configured.
func (s *Service) mailboxes() (names []string, take map[string]mailTaker) {
	take = map[string]mailTaker{}
	add := func(name string, t mailTaker) { names, take[name] = append(names, name), t }
	if s.o.Bounces.Maildir != "" {
		add(maildirBox, s.takeMaildir)
	}
	if s.o.Bounces.IMAP.Host != "" {
		add(imapBox, s.takeIMAP)
	}
	return names, take
}

// takeMail takes in once what has come back by now, for a run. A mailbox that another
// process reads is left to it; one that cannot be read keeps nothing from being done.
func (s *Service) takeMail(ctx context.Context, r *RunReport) error {
	names, take := s.mailboxes()
	for _, name := range names {
		claims, err := s.store.Claims(ctx)
		if err != nil {
			return err
		}
		k := claims[name]
		if k.Held && k.Left > 0 {
			continue
		}
		m := MailReport{Mailbox: name}
		err = s.alone(ctx, name, k.Fence, func(ctx context.Context) (err error) {
			m.Taken, err = take[name](ctx, func(why error) { m.Unread = append(m.Unread, why.Error()) })
			return s.noteMail(ctx, name, err)
		})
		switch {
		case errors.Is(err, errBegun):
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			m.Error = err.Error()
			var advice interface{ Hint() string }
			if errors.As(err, &advice) {
				m.Hint = advice.Hint()
			}
		}
		r.Mail = append(r.Mail, m)
	}
	return nil
}

// noteMail notes that a mailbox was read, or why it could not be, and returns that.
func (s *Service) noteMail(ctx context.Context, name string, failure error) error {
	switch {
	case ctx.Err() != nil:
		return errors.Join(failure, ctx.Err())
	case failure != nil:
		return errors.Join(failure, s.store.MailFailed(ctx, name, failure.Error(), s.now()))
	}
	return s.store.MailRead(ctx, name, s.now())
}

// Mailboxes says how the mailboxes stand that bounces arrive in. Of one that was never
// read there is only the name.
func (s *Service) Mailboxes(ctx context.Context) ([]store.Mailbox, error) {
	names, _ := s.mailboxes()
	if len(names) == 0 {
		return nil, nil
	}
	known, err := s.store.Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]store.Mailbox, len(names))
	for i, name := range names {
		list[i].Name = name
		for _, b := range known {
			if b.Name == name {
				list[i] = b
			}
		}
	}
	return list, nil
}
