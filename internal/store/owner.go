package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// AddressChange is what ChangeAddress does.
type AddressChange struct {
	Letter     int64                    // whose link confirms it, by its chunk
	Notice     newsletter.LetterContent // to the address of before
	NoticeEnds time.Time                // when that is given up
}

// ChangeAddress gives a subscriber the address that the letter of a change went to,
// in one transaction, and writes a notice to the one of before. No list brings that
// one back. If the new address is a subscriber's already, both are one from then on:
// whoever has the link of each is the owner of each. What is pending is cancelled,
// for a worker may have it in its hands with the old address: the next issue has it.
//
// ErrNotFound: there is no such letter, or its subscriber is gone. ErrStale: the
// address was changed since it was written. ErrConflict: the new one is suppressed.
func (s *Store) ChangeAddress(ctx context.Context, c AddressChange, now time.Time) (subscriber int64, err error) {
	content, err := freeze(c.Notice)
	if err != nil {
		return 0, fmt.Errorf("freeze a letter: %w", err)
	}
	err = s.write(ctx, "change an address", func(x *tx) error {
		l, err := one(x, scanLetter, "SELECT "+letterColumns+" FROM letters l WHERE l.chunk = $1 AND l.kind = 'change'", c.Letter)
		if err != nil {
			return err
		}
		subscriber = l.Subscriber
		old, err := one(x, value[string], "SELECT email FROM subscribers WHERE id = $1{{for update}}", subscriber)
		if err != nil {
			return err
		}
		if l.Address == "" || strings.EqualFold(old, l.Address) || l.Asked != strconv.Quote(s.keys.AddressHash(old)) {
			return fmt.Errorf("it is not the address of then: %w", ErrStale)
		}
		hash := s.keys.AddressHash(l.Address)
		cause, err := missing(one(x, value[string], "SELECT cause FROM suppressions WHERE hash = $1", hash))
		if err != nil {
			return err
		}
		if cause != "" {
			return fmt.Errorf("the new address is suppressed (%s): %w", cause, ErrConflict)
		}
		notice := newsletter.Letter{
			Kind: newsletter.LetterChanged, Rehearsal: l.Rehearsal, Newsletter: l.Newsletter, Subscriber: subscriber, Address: old,
			Content: content.hash, Expires: c.NoticeEnds, CreatedAt: fromMS(ms(now)),
		}
		if err := x.cancelLetters(subscriber); err != nil {
			return err
		}
		other, err := missing(x.query1("SELECT id FROM subscribers WHERE hash = $1{{for update}}", hash))
		if err != nil {
			return err
		}
		if err := x.moved(s.keys.AddressHash(old), subscriber, cmp.Or(other, subscriber)); err != nil {
			return err
		}
		if other != 0 {
			notice.Subscriber = other
			if err := x.merge(subscriber, other, now); err != nil {
				return err
			}
			subscriber = other
		} else if err := x.readdress(subscriber, l.Address, hash); err != nil {
			return err
		}
		if err := x.leaveTombstone(s.keys.AddressHash(old), "changed", now); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM tombstones WHERE hash = $1 AND newsletter = ''", hash); err != nil {
			return err
		}
		switch err := x.mayWrite(notice.Kind, s.keys.AddressHash(old)); {
		case errors.Is(err, ErrConflict): // nobody reads it there
		case err != nil:
			return err
		default:
			if err := x.createLetter(&notice, content, LetterCap{}); err != nil {
				return err
			}
		}
		return x.forgetLists()
	})
	return subscriber, err
}

// readdress gives a subscriber an address that is nobody's and not suppressed.
func (x *tx) readdress(subscriber int64, address, hash string) error {
	_, domain, _ := strings.Cut(address, "@")
	_, err := x.exec("UPDATE subscribers SET email = $2, hash = $3, domain = $4 WHERE id = $1", subscriber, address, hash, newsletter.DomainGroup(domain))
	if err != nil {
		return err
	}
	// Workers that have leased some of it have read the address of before.
	if err := x.cancelPending(subscriber, ""); err != nil {
		return err
	}
	_, err = x.exec("UPDATE subscriptions SET suppressed = 0 WHERE subscriber = $1", subscriber)
	return err
}

// merge makes one subscriber of two. Of two subscriptions to one newsletter that
// stays which is confirmed; of two confirmed ones that of the other, served up to
// where either was.
func (x *tx) merge(from, to int64, now time.Time) error {
	if err := x.cancelPending(from, ""); err != nil {
		return err
	}
	for _, col := range []string{"cursor", "rehearsal_cursor", "served", "rehearsal_served"} {
		_, err := x.exec(`UPDATE subscriptions SET `+col+` = o.value FROM (SELECT newsletter, `+col+` AS value FROM subscriptions WHERE subscriber = $1 AND state = 'confirmed') AS o
			WHERE subscriptions.subscriber = $2 AND subscriptions.newsletter = o.newsletter AND subscriptions.state = 'confirmed' AND subscriptions.`+col+` < o.value`, from, to)
		if err != nil {
			return err
		}
	}
	_, err := x.exec(`DELETE FROM subscriptions WHERE subscriber = $2 AND state <> 'confirmed'
		AND newsletter IN (SELECT newsletter FROM subscriptions WHERE subscriber = $1 AND state = 'confirmed')`, from, to)
	if err != nil {
		return err
	}
	_, err = x.exec(`UPDATE subscriptions SET subscriber = $2, suppressed = 0, updated_at = $3 WHERE subscriber = $1
		AND newsletter NOT IN (SELECT newsletter FROM subscriptions WHERE subscriber = $2)`, from, to, ms(now))
	if err != nil {
		return err
	}
	_, err = x.removeSubscriptions(from, "")
	return err
}

// leaveTombstone keeps lists from bringing an address back to any newsletter. The
// cause that is harder to undo stays.
func (x *tx) leaveTombstone(hash, cause string, now time.Time) error {
	_, err := x.exec(`INSERT INTO tombstones (hash, newsletter, cause, at) VALUES ($1, '', $2, $3)
		ON CONFLICT (hash, newsletter) DO UPDATE SET cause = excluded.cause, at = excluded.at WHERE tombstones.cause = 'removed'`, hash, cause, ms(now))
	return err
}

// Erase forgets an address: its subscriber, subscriptions, letters, sign-ups that wait,
// what is pending, and what relays and reports said of it. A keyed hash stays, so that nothing but the owner's own
// sign-up brings it back. It is no error where nobody has the address.
func (s *Store) Erase(ctx context.Context, email string, now time.Time) error {
	if err := s.erase(ctx, email, now); err != nil {
		return err
	}
	// It is erased, also where the log keeps it until the next pass of retention; and who
	// asked may not wait for the answer.
	if err := s.EmptyLog(context.WithoutCancel(ctx)); err != nil {
		s.log.Warn("the log of the database was not emptied after erasing somebody; the next pass of retention does it", "error", err)
	}
	return nil
}

func (s *Store) erase(ctx context.Context, email string, now time.Time) error {
	hash := s.keys.AddressHash(email)
	return s.write(ctx, "erase a subscriber", func(x *tx) error {
		id, err := missing(x.query1("SELECT id FROM subscribers WHERE hash = $1{{for update}}", hash))
		if err != nil {
			return err
		}
		if err := x.suppress(newsletter.Suppression{Hash: hash, Cause: newsletter.CauseErasure, At: now}); err != nil {
			return err
		}
		if _, err := x.exec("UPDATE suppressions SET note = '' WHERE hash = $1", hash); err != nil { // a relay may have named the address
			return err
		}
		if _, err := x.dropBounces("hash <> '' AND hash = $1", hash); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM bounce_messages WHERE bounce IN (SELECT bounce FROM bounce_names WHERE hash = $1)", hash); err != nil {
			return err
		}
		if err := x.forgetLettersTo(hash); err != nil {
			return err
		}
		if err := x.maskReasons(); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM signups WHERE lower(email) = $1", strings.ToLower(email)); err != nil {
			return err
		}
		if err := x.leaveTombstone(hash, "erased", now); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM former WHERE hash = $1", hash); err != nil || id == 0 {
			return err
		}
		if _, err := x.removeSubscriptions(id, ""); err != nil {
			return err
		}
		_, err = x.exec(`UPDATE deliveries SET reply = NULL WHERE subscriber = $1 AND reply IS NOT NULL
			AND chunk IN (SELECT id FROM chunks WHERE first_subscriber <= $1 AND last_subscriber >= $1)`, id)
		return err
	})
}
