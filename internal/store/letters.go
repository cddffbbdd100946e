package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// What finds chunks of letters on request ($1: now, $2: rehearsal), as dueFree and
// its like find those of issues. They go out whatever rests or has enough waiting,
// but not to a receiver that pushes back.
const (
	letterDue  = "FROM chunks c JOIN letters l ON l.chunk = c.id WHERE c.closed = 0 AND c.kind = 1 AND l.rehearsal = $2"
	letterFree = letterDue + " AND c.owner = '' AND c.due_at <= $1 AND NOT EXISTS (SELECT 1 FROM slowed p WHERE p.grp = c.grp AND p.paused_until > $1)"
	letterLost = letterDue + " AND c.owner <> '' AND c.expires_at <= $1"
)

const letterColumns = "l.chunk, l.kind, l.rehearsal, l.newsletter, l.subscriber, l.address, l.content, l.asked, l.expires_at, l.created_at"

func scanLetter(scan func(...any) error) (l newsletter.Letter, err error) {
	err = scan(&l.Chunk, &l.Kind, &l.Rehearsal, &l.Newsletter, &l.Subscriber, &l.Address, &l.Content, &l.Asked, stamp{&l.Expires}, stamp{&l.CreatedAt})
	return l, err
}

// LetterCap bounds the letters to one address, whoever asks for them. Zero: no limit.
type LetterCap struct {
	Most          int           // of the letter's kind; those that answer a sign-up are one
	PerSubscriber int           // of the letter's kind that one subscriber asks for, wherever they go; zero: no limit
	Within        time.Duration // before now
}

// CreateLetter writes a letter on request down for delivery at once. Its address, if
// it is empty, is the subscriber's. ErrLimit: so many went there, or were asked for
// by the subscriber, that this one does not. ErrConflict: the address is suppressed: after a bounce or by the operator it
// gets no mail at all, after a complaint or an erasure only what lets its owner come
// back. ErrNotFound: there is no such subscriber.
func (s *Store) CreateLetter(ctx context.Context, l newsletter.Letter, content newsletter.LetterContent, limit LetterCap, now time.Time) (created newsletter.Letter, err error) {
	frozen, err := freeze(content)
	if err != nil {
		return l, fmt.Errorf("freeze a letter: %w", err)
	}
	err = s.write(ctx, "write a letter", func(x *tx) error {
		created = l
		created.Content, created.CreatedAt = frozen.hash, fromMS(ms(now))
		return x.createLetter(&created, frozen, limit)
	})
	return created, err
}

func (x *tx) createLetter(l *newsletter.Letter, content frozenContent, limit LetterCap) error {
	own, err := one(x, value[string], "SELECT email FROM subscribers WHERE id = $1{{for update}}", l.Subscriber)
	if err != nil {
		return err
	}
	if l.Address == "" {
		l.Address = own
	}
	hash := x.s.keys.AddressHash(l.Address)
	if err := x.mayWrite(l.Kind, hash); err != nil {
		return err
	}
	full, err := x.lettersFull(l.Kind, l.Address, limit, l.CreatedAt)
	if err != nil {
		return err
	}
	if full {
		return fmt.Errorf("%d letters of this kind went to the address: %w", limit.Most, ErrLimit)
	}
	if limit.PerSubscriber > 0 { // the subscriber is locked: whoever asks at the same time is counted
		n, err := x.query1("SELECT count(*) FROM letters WHERE subscriber = $1 AND kind = $2 AND created_at > $3", l.Subscriber, string(l.Kind), ms(l.CreatedAt.Add(-limit.Within)))
		if err != nil {
			return err
		}
		if int(n) >= limit.PerSubscriber {
			return fmt.Errorf("the subscriber asked for %d letters of this kind: %w", n, ErrLimit)
		}
	}
	if err := x.keepFrozen(content); err != nil {
		return err
	}
	_, domain, _ := strings.Cut(l.Address, "@")
	domain = newsletter.DomainGroup(domain)
	l.Chunk, err = x.query1(`INSERT INTO chunks (kind, issue, grp, first_subscriber, last_subscriber, due_at, owner, expires_at, fence, closed, progress_at, counted, pending, wave)
		VALUES (1, NULL, coalesce((SELECT nullif(grp, '') FROM receivers WHERE domain = $1), $1), $2, $2, 0, '', 0, 0, 0, $3, 1, 1, 0) RETURNING id`,
		domain, l.Subscriber, ms(l.CreatedAt))
	if err != nil {
		return err
	}
	if _, err = x.exec("INSERT INTO deliveries (chunk, n, subscriber, digest, old_cursor) VALUES ($1, 1, $2, 0, 0)", l.Chunk, l.Subscriber); err != nil {
		return err
	}
	_, err = x.exec(`INSERT INTO letters (chunk, kind, rehearsal, newsletter, subscriber, address, hash, mailbox, content, asked, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		l.Chunk, string(l.Kind), btoi(l.Rehearsal), l.Newsletter, l.Subscriber, l.Address, hash, x.mailbox(l.Kind, l.Address), l.Content, l.Asked, ms(l.Expires), ms(l.CreatedAt))
	if err != nil {
		return err
	}
	return x.notify()
}

// lettersFull reports whether as many letters of a kind went to an address, or to the
// mailbox behind its tags, as may.
func (x *tx) lettersFull(kind newsletter.LetterKind, address string, limit LetterCap, now time.Time) (bool, error) {
	if limit.Most <= 0 {
		return false, nil
	}
	n, err := x.query1("SELECT count(*) FROM letters WHERE (hash = $1 OR mailbox <> '' AND mailbox = $2) AND kind IN ($3, $4) AND created_at > $5",
		x.s.keys.AddressHash(address), x.mailbox(kind, address), string(kind), string(sibling(kind)), ms(now.Add(-limit.Within)))
	return int(n) >= limit.Most, err
}

// mailbox is what a letter is counted by that strangers can cause; empty: it is another, to
// an address that somebody subscribes with or changes to.
func (x *tx) mailbox(kind newsletter.LetterKind, address string) string {
	if kind != newsletter.LetterConfirm && kind != newsletter.LetterKnown {
		return ""
	}
	return x.s.keys.MailboxHash(address)
}

// sibling returns the kind of letter that is counted together with another: which of
// the two answers a sign-up is not in the hands of who asks.
func sibling(kind newsletter.LetterKind) newsletter.LetterKind {
	switch kind {
	case newsletter.LetterConfirm:
		return newsletter.LetterKnown
	case newsletter.LetterKnown:
		return newsletter.LetterConfirm
	}
	return kind
}

// mayWrite refuses letters to addresses that are suppressed.
func (x *tx) mayWrite(kind newsletter.LetterKind, hash string) error {
	cause, err := missing(one(x, value[string], "SELECT cause FROM suppressions WHERE hash = $1", hash))
	if err != nil || cause == "" || newsletter.Cause(cause).Lets(kind) {
		return err
	}
	return fmt.Errorf("the address is suppressed (%s): %w", cause, ErrConflict)
}

// LetterContent returns what a letter says; ErrNotFound.
func (s *Store) LetterContent(ctx context.Context, hash string) (c newsletter.LetterContent, err error) {
	text, err := one(s.reader(ctx), value[string], "SELECT content FROM frozen WHERE hash = $1", hash)
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	return c, s.wrap("read a letter", err)
}

// Letter returns the letter that a link came in, so that a page knows what is to be
// done: which address a change is to, for example. ErrNotFound: it is long past, or
// its subscriber was removed.
func (s *Store) Letter(ctx context.Context, chunk int64) (newsletter.Letter, error) {
	l, err := one(s.reader(ctx), scanLetter, "SELECT "+letterColumns+" FROM letters l WHERE l.chunk = $1", chunk)
	return l, s.wrap("look for a letter", err)
}

// LettersOf returns the letters that a subscriber asked for, latest first.
func (s *Store) LettersOf(ctx context.Context, subscriber int64) ([]newsletter.Letter, error) {
	all, err := list(s.reader(ctx), scanLetter, "SELECT "+letterColumns+" FROM letters l WHERE l.subscriber = $1 ORDER BY l.created_at DESC, l.chunk DESC", subscriber)
	return all, s.wrap("look for letters", err)
}

// letterDue reports whether a letter could be leased.
func (s *Store) letterDue(ctx context.Context, rehearsal bool) (bool, error) {
	now, args := s.clockSQL(btoi(rehearsal))
	exists := func(from string) string {
		return "EXISTS (SELECT 1 " + strings.NewReplacer("$1", now, "$2", "$1").Replace(from) + ")"
	}
	n, err := one(s.reader(ctx), value[int], "SELECT CASE WHEN "+exists(letterFree)+" OR "+exists(letterLost)+" THEN 1 ELSE 0 END", args...)
	return n == 1, err
}

// dueLetter returns the chunk of the next letter to lease, 0: none is due.
func (x *tx) dueLetter(now int64, rehearsal bool) (chunk int64, err error) {
	for _, from := range []string{letterLost, letterFree} {
		chunk, err = missing(x.query1("SELECT c.id "+from+" ORDER BY c.due_at, c.id LIMIT 1{{skip locked c}}", now, btoi(rehearsal)))
		if err != nil || chunk > 0 {
			break
		}
	}
	return chunk, err
}

// leaseLetter makes a lease of a chunk that has no issue.
func (x *tx) leaseLetter(l Lease) (Lease, error) {
	letter, err := one(x, func(scan func(...any) error) (n newsletter.Letter, err error) {
		err = scan(&n.Chunk, &n.Kind, &n.Rehearsal, &n.Newsletter, &n.Subscriber, &n.Address, &n.Content, &n.Asked, stamp{&n.Expires}, stamp{&n.CreatedAt}, &l.Group)
		return n, err
	}, "SELECT "+letterColumns+", c.grp FROM letters l JOIN chunks c ON c.id = l.chunk WHERE l.chunk = $1", l.Chunk)
	l.Letter, l.Newsletter, l.Rehearsal = &letter, letter.Newsletter, letter.Rehearsal
	return l, err
}

// letterRows reads the one row of a letter. What nobody may be sent any more is
// cancelled: its link has ended, its subscriber is gone, its address suppressed.
func (s *Store) letterRows(ctx context.Context, l Lease) ([]newsletter.Delivery, error) {
	type row struct {
		newsletter.Delivery
		own, cause string
	}
	rows, err := list(s.reader(ctx), func(scan func(...any) error) (r row, err error) {
		r.Chunk, r.Newsletter, r.Email, r.Group = l.Chunk, l.Newsletter, l.Letter.Address, l.Group
		err = scan(&r.N, &r.Subscriber, &r.Attempts, stamp{&r.FirstTry}, &r.own, &r.Name, &r.cause)
		return r, err
	}, `SELECT d.n, d.subscriber, d.attempts, d.first_try, coalesce(s.email, ''), coalesce(s.name, ''), coalesce(p.cause, '')
		FROM deliveries d JOIN letters l ON l.chunk = d.chunk LEFT JOIN subscribers s ON s.id = d.subscriber LEFT JOIN suppressions p ON p.hash = l.hash
		WHERE d.chunk = $1 AND d.state = 0 AND d.due_at <= $2`, l.Chunk, ms(l.At))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	r := rows[0]
	over := !l.Letter.Expires.IsZero() && !s.wall().Before(l.Letter.Expires)
	if r.own != "" && !over && (r.cause == "" || newsletter.Cause(r.cause).Lets(l.Letter.Kind)) {
		l.Letter.Owner = r.own
		return []newsletter.Delivery{r.Delivery}, nil
	}
	return nil, s.write(ctx, "cancel a letter", func(x *tx) error {
		_, err := x.exec("UPDATE deliveries SET state = 4, settled_at = $2 WHERE chunk = $1 AND state = 0 AND EXISTS (SELECT 1 FROM chunks c WHERE c.id = $1 AND c.fence = $3)", l.Chunk, ms(l.At), l.Fence)
		return err
	})
}

// cancelLetters cancels what a subscriber asked for and was not sent yet.
func (x *tx) cancelLetters(subscriber int64) error {
	_, err := x.exec(`UPDATE deliveries SET state = 4, settled_at = $2 WHERE state = 0 AND subscriber = $1
		AND chunk IN (SELECT chunk FROM letters WHERE subscriber = $1)`, subscriber, ms(x.s.wall()))
	return err
}

// cancelLettersTo cancels the letters to an address that may not go there while it is
// suppressed.
func (x *tx) cancelLettersTo(hash string) error {
	cause, err := one(x, value[string], "SELECT cause FROM suppressions WHERE hash = $1", hash)
	if err != nil {
		return err
	}
	kinds, err := list(x, value[string], "SELECT DISTINCT kind FROM letters WHERE hash = $1", hash)
	if err != nil {
		return err
	}
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return newsletter.Cause(cause).Lets(newsletter.LetterKind(kind)) })
	if len(kinds) == 0 {
		return nil
	}
	_, err = x.exec(`UPDATE deliveries SET state = 4, settled_at = $3 WHERE state = 0
		AND chunk IN (SELECT chunk FROM letters WHERE hash = $1 AND kind {{in strings $2}})`, hash, jsonArg(kinds), ms(x.s.wall()))
	return err
}

// forgetLetters deletes letters of before a time: what is known of them is who asked for
// what.
func (x *tx) forgetLetters(before, _ time.Time) (int, error) {
	ids, err := list(x, value[int64], "SELECT l.chunk "+oldLetters+" ORDER BY l.created_at LIMIT $2{{for update c}}", ms(before), peopleAtOnce)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), x.dropLetters(ids)
}

// forgetLettersOfAll is forgetLettersOf for many, of whom few have any.
func (x *tx) forgetLettersOfAll(subscribers []int64) error {
	lettered, err := list(x, value[int64], "SELECT DISTINCT subscriber FROM letters WHERE subscriber {{in ints $1}}", jsonArg(subscribers))
	for _, id := range lettered {
		if err == nil {
			err = x.forgetLettersOf(id)
		}
	}
	return err
}

// forgetLettersOf deletes the letters of somebody who is removed, for they hold the
// address. One that a worker has in its hands keeps its chunk, whose row is cancelled
// when it comes back.
func (x *tx) forgetLettersOf(subscriber int64) error {
	ids, err := list(x, value[int64], "SELECT c.id FROM chunks c JOIN letters l ON l.chunk = c.id WHERE l.subscriber = $1 AND c.owner = '' ORDER BY c.id{{for update c}}", subscriber)
	if err != nil {
		return err
	}
	if err := x.dropLetters(ids); err != nil {
		return err
	}
	if err := x.cancelLetters(subscriber); err != nil {
		return err
	}
	_, err = x.exec("UPDATE letters SET address = '', hash = '', mailbox = '', asked = '' WHERE subscriber = $1", subscriber)
	return err
}

// forgetLettersTo deletes the letters to an address, whoever asked for them, as
// forgetLettersOf does.
func (x *tx) forgetLettersTo(hash string) error {
	ids, err := list(x, value[int64], "SELECT c.id FROM chunks c JOIN letters l ON l.chunk = c.id WHERE l.hash = $1 AND c.owner = '' ORDER BY c.id{{for update c}}", hash)
	if err != nil {
		return err
	}
	if err := x.dropLetters(ids); err != nil {
		return err
	}
	_, err = x.exec("UPDATE deliveries SET state = 4, settled_at = $2 WHERE state = 0 AND chunk IN (SELECT chunk FROM letters WHERE hash = $1)", hash, ms(x.s.wall()))
	if err != nil {
		return err
	}
	_, err = x.exec("UPDATE letters SET address = '', hash = '', mailbox = '', asked = '' WHERE hash = $1", hash)
	return err
}

func (x *tx) dropLetters(ids []int64) error {
	arg := jsonArg(ids)
	for _, from := range []string{"letters WHERE chunk", "replies WHERE chunk", "deliveries WHERE chunk", "chunks WHERE id"} {
		if _, err := x.exec("DELETE FROM "+from+" {{in ints $1}}", arg); err != nil {
			return err
		}
	}
	return nil
}
