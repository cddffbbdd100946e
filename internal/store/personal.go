package store

import (
	"context"
	"errors"
	"time"

	"syndicate/internal/newsletter"
)

// SetFeed gives a subscription a personal feed, or another in the place of the one
// it has, by the hash of the secret in its address; empty: it has none any more, and
// is served by mail again. ErrNotFound.
func (s *Store) SetFeed(ctx context.Context, subscriber int64, name, hash string, now time.Time) error {
	return s.write(ctx, "set a personal feed of "+name, func(x *tx) error {
		if hash == "" {
			if err := x.byMail(subscriber, name, now); err != nil {
				return err
			}
		}
		return x.changeOne("UPDATE subscriptions SET feed_hash = $3, updated_at = $4 WHERE newsletter = $1 AND subscriber = $2", name, subscriber, hash, ms(now))
	})
}

// ByFeed lets a subscription that has a personal feed be served by that alone, or by
// mail again. Then it begins where the articles are: what came out before is in the
// feed, what comes out from now on is mailed. What is pending is cancelled, for the
// feed has it. ErrConflict: it has no feed.
func (s *Store) ByFeed(ctx context.Context, subscriber int64, name string, feed bool, now time.Time) error {
	return s.write(ctx, "change how "+name+" comes", func(x *tx) error {
		if !feed {
			return x.byMail(subscriber, name, now)
		}
		err := x.changeOne("UPDATE subscriptions SET by_feed = 1, updated_at = $3 WHERE newsletter = $1 AND subscriber = $2 AND feed_hash <> ''", name, subscriber, ms(now))
		if errors.Is(err, ErrNotFound) {
			return ErrConflict
		}
		if err != nil {
			return err
		}
		return x.cancelPending(subscriber, name)
	})
}

// byMail ends the service by feed, if it is that.
func (x *tx) byMail(subscriber int64, name string, now time.Time) error {
	highest, err := x.query1("SELECT value FROM counters WHERE name = 'seq'{{for update}}")
	if err != nil {
		return err
	}
	_, err = x.exec(`UPDATE subscriptions SET by_feed = 0, cursor = $3, rehearsal_cursor = $3, updated_at = $4
		WHERE newsletter = $1 AND subscriber = $2 AND by_feed = 1`, name, subscriber, highest, ms(now))
	return err
}

// changeOne runs an update of one row; ErrNotFound.
func (x *tx) changeOne(query string, args ...any) error {
	n, err := x.exec(query, args...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// FeedOwner returns the subscription that has a personal feed, by its hash;
// ErrNotFound: it was revoked, or its owner left.
func (s *Store) FeedOwner(ctx context.Context, hash string) (newsletter.Subscription, error) {
	b, err := one(s.reader(ctx), scanSubscription, "SELECT "+subscriptionColumns+` FROM subscribers s JOIN subscriptions b ON b.subscriber = s.id
		WHERE b.feed_hash = $1 AND b.feed_hash <> '' AND b.state = 'confirmed'`, hash)
	return b, s.wrap("look for a personal feed", err)
}
