package main

import (
	"errors"
	"fmt"
	"time"

	"syndicate/internal/config"
	"syndicate/internal/jobs"
	"syndicate/internal/mailbox"
	"syndicate/internal/mailer"
	"syndicate/internal/store"
)

// imapAccount is the folder on a server that bounces arrive in; without a host there is
// none.
func imapAccount(cfg *config.Config) (mailbox.Account, error) {
	m := cfg.Bounces.IMAP
	if m == nil {
		return mailbox.Account{}, nil
	}
	a := mailbox.Account{
		Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, Password: m.Password.Reveal(),
		Folder: m.Folder, Processed: m.Processed,
	}
	if m.CAFile != "" {
		pool, err := mailer.ReadCAs(cfg.Path(m.CAFile))
		if err != nil {
			return a, fmt.Errorf("%s: %w", cfg.Where("bounces.imap.ca_file"), err)
		}
		a.RootCAs = pool
	}
	return a, nil
}

// mailbox logs in and looks at the folder that bounces arrive in.
func (k *check) mailbox(cfg *config.Config, a mailbox.Account) {
	if a.Host == "" {
		return
	}
	const what = "imap"
	found, err := mailbox.Check(k.ctx, a)
	if err != nil {
		key := "host"
		var failed *mailbox.Error
		if errors.As(err, &failed) {
			key = failed.Key
		}
		k.failed(what, fmt.Errorf("%s: %w", cfg.Where("bounces.imap."+key), err))
		return
	}
	told := "the server tells when mail comes"
	if !found.Idle {
		told = "the server is asked each minute (it does not offer IDLE)"
	}
	k.ok(what, "%s: the folder %q has %s; %s", a.Addr(), a.Folder, count(found.Messages, "message"), told)
}

// mailboxStatus is how a mailbox stands that bounces arrive in, in JSON.
type mailboxStatus struct {
	Name     string    `json:"name"` // maildir or imap
	ReadAt   time.Time `json:"read_at,omitzero"`
	Failing  time.Time `json:"failing,omitzero"`   // since when
	Failures int       `json:"failures,omitempty"` // since then
	Error    string    `json:"error,omitempty"`
}

func mailboxStatuses(all []store.Mailbox) []mailboxStatus {
	list := make([]mailboxStatus, len(all))
	for i, b := range all {
		list[i] = mailboxStatus(b)
	}
	return list
}

func (s *site) tellMailboxes(l *lines, all []mailboxStatus) {
	for _, b := range all {
		read := "not read yet: syndicate serve and run do it"
		if !b.ReadAt.IsZero() {
			read = "read " + moment(b.ReadAt, s.cfg.Site.TimeZone)
		}
		l.add(b.Name, "%s", read)
	}
}

// warnMailboxes tells of those that cannot be read.
func (s *site) warnMailboxes(all []mailboxStatus) {
	for _, b := range all {
		if b.Error == "" {
			continue
		}
		times := "once"
		if b.Failures > 1 {
			times = number(b.Failures) + " times"
		}
		s.warn(b.Name, fmt.Sprintf("%s (%s since %s)", b.Error, times, moment(b.Failing, s.cfg.Site.TimeZone)), "what came back is not known meanwhile; syndicate check looks at it now")
	}
}

// addMail tells what a run took in of what came back.
func (l *lines) addMail(all []jobs.MailReport) {
	for _, m := range all {
		switch {
		case m.Taken > 0:
			l.add(m.Mailbox, "%s that came back taken in", count(m.Taken, "message"))
		case m.Error != "":
			l.add(m.Mailbox, "could not be read; the next run tries again")
		default:
			l.add(m.Mailbox, "nothing came back")
		}
	}
}

// warnMail tells of mailboxes and messages that could not be read.
func (s *site) warnMail(all []jobs.MailReport) {
	for _, m := range all {
		for _, why := range m.Unread {
			s.warn(m.Mailbox, why, "")
		}
		if m.Error != "" {
			s.warn(m.Mailbox, m.Error, m.Hint)
		}
	}
}
