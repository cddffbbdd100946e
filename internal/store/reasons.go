package store

import (
	"context"
	"time"

	"syndicate/internal/newsletter"
)

// keptWords is how many reasons in people's own words are kept of a newsletter, the
// latest.
const keptWords = 1000

// GiveReason notes why somebody left a newsletter, without them: all that stays with
// the subscription is that they were heard, once. Addresses and links in their words are
// taken out, because nobody could tell later whose words they are. heard is false where
// they were before, or have not left.
func (s *Store) GiveReason(ctx context.Context, subscriber int64, name string, reason newsletter.LeaveReason, words string, now time.Time) (heard bool, err error) {
	err = s.write(ctx, "note why somebody left", func(x *tx) error {
		if err := x.leaveThemselves(subscriber, name, "unsubscribe page", now); err != nil {
			return err
		}
		n, err := x.exec("UPDATE subscriptions SET heard = 1 WHERE newsletter = $1 AND subscriber = $2 AND state = 'unsubscribed' AND heard = 0", name, subscriber)
		if heard = n > 0; err != nil || !heard {
			return err
		}
		if _, err := x.exec("INSERT INTO reasons (newsletter, reason, words, at) VALUES ($1, $2, $3, $4)", name, string(reason), newsletter.MaskWords(words), ms(now)); err != nil {
			return err
		}
		_, err = x.exec(`UPDATE reasons SET words = '' WHERE newsletter = $1 AND words <> '' AND id <=
			(SELECT id FROM reasons WHERE newsletter = $1 AND words <> '' ORDER BY id DESC LIMIT 1 OFFSET $2)`, name, keptWords)
		return err
	})
	return heard, err
}

// maskReasons takes out of words that were kept before what would be taken out today.
func (x *tx) maskReasons() error {
	type row struct {
		id    int64
		words string
	}
	rows, err := list(x, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.words)
		return r, err
	}, "SELECT id, words FROM reasons WHERE words <> '' ORDER BY id")
	if err != nil {
		return err
	}
	for _, r := range rows {
		if masked := newsletter.MaskWords(r.words); masked != r.words {
			if _, err := x.exec("UPDATE reasons SET words = $2 WHERE id = $1", r.id, masked); err != nil {
				return err
			}
		}
	}
	return nil
}

// ReasonCount is how often a reason was given.
type ReasonCount struct {
	Newsletter string                 `json:"newsletter"`
	Reason     newsletter.LeaveReason `json:"reason"`
	Count      int                    `json:"count"`
}

// ReasonWords is a reason in somebody's own words.
type ReasonWords struct {
	Newsletter string                 `json:"newsletter"`
	Reason     newsletter.LeaveReason `json:"reason"`
	Words      string                 `json:"words"`
	At         time.Time              `json:"at"`
}

// Reasons returns why people left a newsletter (empty: each), the most frequent first,
// and the latest of what they wrote.
func (s *Store) Reasons(ctx context.Context, name string, limit int) (counts []ReasonCount, words []ReasonWords, err error) {
	counts, err = list(s.reader(ctx), func(scan func(...any) error) (c ReasonCount, err error) {
		err = scan(&c.Newsletter, &c.Reason, &c.Count)
		return c, err
	}, "SELECT newsletter, reason, count(*) FROM reasons WHERE $1 = '' OR newsletter = $1 GROUP BY newsletter, reason ORDER BY newsletter, count(*) DESC, reason", name)
	if err != nil {
		return nil, nil, s.wrap("read why people left", err)
	}
	words, err = list(s.reader(ctx), func(scan func(...any) error) (w ReasonWords, err error) {
		err = scan(&w.Newsletter, &w.Reason, &w.Words, stamp{&w.At})
		return w, err
	}, "SELECT newsletter, reason, words, at FROM reasons WHERE words <> '' AND ($1 = '' OR newsletter = $1) ORDER BY id DESC LIMIT $2", name, limitOr(limit))
	return counts, words, s.wrap("read why people left", err)
}
