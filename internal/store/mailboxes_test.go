package store_test

import (
	"testing"
	"time"

	"syndicate/internal/store"
)

// TestMailboxes: a mailbox knows when it was read, and since when it cannot be.
func TestMailboxes(t *testing.T) {
	each(t, func(b *bench) {
		equal(b, len(must(b.Mailboxes(ctx))(b)), 0)
		began := b.Now()
		b.ok(b.MailFailed(ctx, "imap", "nothing listens there", b.Now()))
		b.Advance(time.Minute)
		b.ok(b.MailFailed(ctx, "imap", "wrong password", b.Now()))
		b.ok(b.MailRead(ctx, "maildir", b.Now()))
		equal(b, must(b.Mailboxes(ctx))(b), []store.Mailbox{
			{Name: "imap", Failing: began, Failures: 2, Error: "wrong password"}, {Name: "maildir", ReadAt: b.Now()},
		})
		b.ok(b.MailRead(ctx, "imap", b.Now()))
		read := b.Now()
		b.Advance(time.Minute)
		equal(b, must(b.Mailboxes(ctx))(b)[0], store.Mailbox{Name: "imap", ReadAt: read})
		b.ok(b.MailFailed(ctx, "imap", "gone", b.Now()))
		equal(b, must(b.Mailboxes(ctx))(b)[0], store.Mailbox{Name: "imap", ReadAt: read, Failing: b.Now(), Failures: 1, Error: "gone"})
	})
}
