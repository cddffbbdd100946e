package store

import (
	"context"
	"errors"

	"syndicate/internal/newsletter"
)

// Leaver returns the subscription that a link to leave ends: that of the address it was
// signed for, whoever has that now, else that of the subscriber who has another address
// since (moved). ErrNotFound: there is nothing left to end.
func (s *Store) Leaver(ctx context.Context, c newsletter.Claim) (b newsletter.Subscription, moved bool, err error) {
	b, err = one(s.reader(ctx), scanSubscription, "SELECT "+subscriptionColumns+` FROM subscribers s JOIN subscriptions b ON b.subscriber = s.id
		WHERE s.hash = $1 AND b.newsletter = $2`, c.Owner, c.Newsletter)
	if errors.Is(err, ErrNotFound) {
		moved = true
		b, err = one(s.reader(ctx), scanSubscription, "SELECT "+subscriptionColumns+` FROM former f JOIN subscribers s ON s.id = f.subscriber
			JOIN subscriptions b ON b.subscriber = s.id WHERE f.hash = $1 AND f.was = $2 AND b.newsletter = $3`, c.Owner, c.Subscriber, c.Newsletter)
	}
	return b, moved, s.wrap("look for who leaves", err)
}

// moved notes that a subscriber has left an address, and who they are now: after a merge
// another one.
func (x *tx) moved(hash string, was, now int64) error {
	if _, err := x.exec("UPDATE former SET subscriber = $2 WHERE subscriber = $1", was, now); err != nil {
		return err
	}
	_, err := x.exec("INSERT INTO former (hash, was, subscriber) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", hash, was, now)
	return err
}

// knownAs returns who a subscriber is now whom mail of before names.
func (x *tx) knownAs(was int64) (int64, error) {
	now, err := missing(x.query1("SELECT subscriber FROM former WHERE was = $1 LIMIT 1", was))
	if err != nil || now == 0 {
		return was, err
	}
	return now, nil
}

// mailedTo finds the issue whose message with a Message-ID went to an address that its
// subscriber has left since; no hash: none.
func (x *tx) mailedTo(hash, messageID string) (who addressee, err error) {
	pairs, err := list(x, scanPair, "SELECT was, subscriber FROM former WHERE hash = $1", hash)
	for _, p := range pairs {
		who, err = x.mailedAs(messageID, p[0])
		if err != nil || who.issue > 0 {
			who.subscriber, who.hash = p[1], hash
			return who, err
		}
	}
	return addressee{}, err
}
