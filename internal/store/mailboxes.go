package store

import (
	"context"
	"time"
)

// Mailbox is how one stands that bounces arrive in.
type Mailbox struct {
	Name     string
	ReadAt   time.Time // when all of it was read last; zero: never
	Failing  time.Time // since when it cannot be read; zero: it can
	Failures int       // since then
	Error    string    // the last one, without addresses
}

// MailRead notes that a mailbox was read.
func (s *Store) MailRead(ctx context.Context, name string, now time.Time) error {
	return s.write(ctx, "note that the mailbox "+name+" was read", func(x *tx) error {
		_, err := x.exec(`INSERT INTO mailboxes (name, read_at) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET read_at = excluded.read_at, failing_at = 0, failures = 0, error = ''`, name, ms(now))
		return err
	})
}

// MailFailed notes why a mailbox could not be read.
func (s *Store) MailFailed(ctx context.Context, name, why string, now time.Time) error {
	return s.write(ctx, "note that the mailbox "+name+" could not be read", func(x *tx) error {
		_, err := x.exec(`INSERT INTO mailboxes (name, failing_at, failures, error) VALUES ($1, $2, 1, $3)
			ON CONFLICT (name) DO UPDATE SET failing_at = CASE WHEN mailboxes.failures = 0 THEN excluded.failing_at ELSE mailboxes.failing_at END,
			failures = mailboxes.failures + 1, error = excluded.error`, name, ms(now), why)
		return err
	})
}

// Mailboxes returns those that were ever read, or tried to be, by name.
func (s *Store) Mailboxes(ctx context.Context) ([]Mailbox, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (b Mailbox, err error) {
		err = scan(&b.Name, stamp{&b.ReadAt}, stamp{&b.Failing}, &b.Failures, &b.Error)
		return b, err
	}, "SELECT name, read_at, failing_at, failures, error FROM mailboxes ORDER BY name")
	return all, s.wrap("look how the mailboxes stand", err)
}
