package store

import (
	"context"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Traces is what is held about somebody that no other query returns.
type Traces struct {
	SignUps  []SignUp        // with their address, that wait to be dealt with
	Letters  []TracedLetter  // theirs, and those of others to their address, latest first
	Messages []TracedMessage // that came back, were not understood, and name them
	Lines    []TracedLine
}

// TracedLetter is a letter and what became of it.
type TracedLetter struct {
	newsletter.Letter
	State    newsletter.DeliveryState
	Attempts int
	At       time.Time // when it was settled, zero: it is not
	Code     int
	Reply    string
}

// TracedMessage is a message that is kept whole.
type TracedMessage struct {
	Bounce int64
	At     time.Time
	Bytes  int
}

// TracedLine is what the operator's list last said of somebody.
type TracedLine struct {
	Newsletter string
	Cells      string // JSON
}

// Traces returns what is held about a subscriber and their address.
func (s *Store) Traces(ctx context.Context, subscriber int64, email string) (t Traces, err error) {
	q, hash := s.reader(ctx), s.keys.AddressHash(email)
	if t.SignUps, err = list(q, scanSignUp, "SELECT id, newsletter, email, asked FROM signups WHERE lower(email) = $1 ORDER BY id", strings.ToLower(email)); err != nil {
		return t, s.wrap("look for sign-ups", err)
	}
	t.Letters, err = list(q, func(scan func(...any) error) (l TracedLetter, err error) {
		l.Letter, err = scanLetter(func(columns ...any) error {
			return scan(append(columns, &l.State, &l.Attempts, stamp{&l.At}, &l.Code, &l.Reply)...)
		})
		return l, err
	}, "SELECT "+letterColumns+`, coalesce(d.state, 4), coalesce(d.attempts, 0), coalesce(d.settled_at, 0), coalesce(d.reply_code, 0), coalesce(d.reply, '')
		FROM letters l LEFT JOIN deliveries d ON d.chunk = l.chunk WHERE l.subscriber = $1 OR l.hash = $2 ORDER BY l.created_at DESC, l.chunk DESC`, subscriber, hash)
	if err != nil {
		return t, s.wrap("look for letters", err)
	}
	t.Messages, err = list(q, func(scan func(...any) error) (m TracedMessage, err error) {
		err = scan(&m.Bounce, stamp{&m.At}, &m.Bytes)
		return m, err
	}, `SELECT b.id, b.at, length(m.message) FROM bounce_names n JOIN bounce_messages m ON m.bounce = n.bounce JOIN bounces b ON b.id = n.bounce
		WHERE n.hash = $1 ORDER BY b.id DESC`, hash)
	if err != nil {
		return t, s.wrap("look for messages", err)
	}
	t.Lines, err = list(q, func(scan func(...any) error) (l TracedLine, err error) {
		err = scan(&l.Newsletter, &l.Cells)
		return l, err
	}, "SELECT newsletter, file_line FROM subscriptions WHERE subscriber = $1 AND file_line IS NOT NULL ORDER BY newsletter", subscriber)
	return t, s.wrap("look for lines of lists", err)
}
