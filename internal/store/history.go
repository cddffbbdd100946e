package store

import (
	"context"
	"time"

	"syndicate/internal/newsletter"
)

// Tombstone keeps an address from being brought back by a file.
type Tombstone struct {
	Newsletter string // empty: every one
	Cause      string // removed, changed, erased, left
	At         time.Time
}

// Tombstones returns what keeps an address from being brought back.
func (s *Store) Tombstones(ctx context.Context, email string) ([]Tombstone, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (t Tombstone, err error) {
		err = scan(&t.Newsletter, &t.Cause, stamp{&t.At})
		return t, err
	}, "SELECT newsletter, cause, at FROM tombstones WHERE hash = $1 ORDER BY newsletter", s.keys.AddressHash(email))
	return all, s.wrap("look for removals", err)
}

// PastDelivery is a delivery of an issue to one subscriber, settled or not.
type PastDelivery struct {
	Newsletter string
	Number     int
	Rehearsal  bool
	Digest     int // its number in the issue
	Issue      newsletter.IssueState
	Subject    string
	State      newsletter.DeliveryState
	Attempts   int
	FirstTry   time.Time // zero: there was none
	At         time.Time // when it was settled, zero: it is not
	DueAt      time.Time // when it is tried again, zero: at once, or not
	Code       int       // of the relay's last reply, 0: none is kept
	Reply      string
	Waits      bool // for the issue's canary
}

// History returns what a subscriber got of the latest issues (limit 0: of all), or is to
// get, or was not sent, latest first.
func (s *Store) History(ctx context.Context, subscriber int64, rehearsal bool, limit int) ([]PastDelivery, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (p PastDelivery, err error) {
		err = scan(&p.Newsletter, &p.Number, &p.Rehearsal, &p.Digest, &p.Issue, &p.Subject, &p.State, &p.Attempts, stamp{&p.FirstTry}, stamp{&p.At}, stamp{&p.DueAt}, &p.Code, &p.Reply, &p.Waits)
		return p, err
	}, `SELECT i.newsletter, i.number, i.rehearsal, d.digest, i.state, i.subject, d.state, d.attempts, d.first_try, d.settled_at, d.due_at, coalesce(d.reply_code, 0), coalesce(d.reply, ''),
			CASE WHEN c.wave > i.wave THEN 1 ELSE 0 END
		FROM (SELECT * FROM issues WHERE rehearsal = $2 AND forgotten < 2 ORDER BY id DESC LIMIT $3) AS i
		JOIN chunks c ON c.issue = i.id AND c.first_subscriber <= $1 AND c.last_subscriber >= $1
		JOIN deliveries d ON d.chunk = c.id AND d.subscriber = $1 ORDER BY i.id DESC`, subscriber, btoi(rehearsal), limitOr(limit))
	return all, s.wrap("read what a subscriber got", err)
}
