package store

import (
	"context"
	"time"

	"syndicate/internal/newsletter"
)

// HeldLetter is a letter on request that may have arrived: the relay's last answer was
// lost, and the operator is to say what becomes of it.
type HeldLetter struct {
	newsletter.Letter
	HeldAt time.Time
	Code   int    // of the relay's last answer; 0: there was none
	Reply  string // or what went wrong
}

// heldLetters finds them; rehearsal is $1.
const heldLetters = "FROM letters l JOIN chunks c ON c.id = l.chunk JOIN deliveries d ON d.chunk = l.chunk WHERE l.rehearsal = $1 AND c.closed = 1 AND d.state = 5"

// HeldLetters returns the letters that are held, the oldest first; limit 0: all.
func (s *Store) HeldLetters(ctx context.Context, rehearsal bool, limit int) ([]HeldLetter, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (h HeldLetter, err error) {
		l := &h.Letter
		err = scan(&l.Chunk, &l.Kind, &l.Rehearsal, &l.Newsletter, &l.Subscriber, &l.Address, &l.Content, &l.Asked, stamp{&l.Expires}, stamp{&l.CreatedAt},
			stamp{&h.HeldAt}, &h.Code, &h.Reply)
		return h, err
	}, "SELECT "+letterColumns+", d.settled_at, coalesce(d.reply_code, 0), coalesce(d.reply, '') "+heldLetters+" ORDER BY l.chunk LIMIT $2", btoi(rehearsal), limitOr(limit))
	return all, s.wrap("list the letters that are held", err)
}

// ReleaseLetters lets held letters go out again, by their chunks (none: all), and
// returns how many. Those whose links have ended stay as they are.
func (s *Store) ReleaseLetters(ctx context.Context, rehearsal bool, chunks []int64, now time.Time) (int, error) {
	return s.settleHeld(ctx, "release letters", rehearsal, chunks, func(x *tx, l newsletter.Letter) (bool, error) {
		if !l.Expires.IsZero() && !now.Before(l.Expires) {
			return false, nil
		}
		if _, err := x.exec("UPDATE deliveries SET state = 0, attempts = 0, first_try = 0, due_at = 0, settled_at = 0 WHERE chunk = $1 AND state = 5", l.Chunk); err != nil {
			return false, err
		}
		_, err := x.exec("UPDATE chunks SET closed = 0, due_at = 0 WHERE id = $1", l.Chunk)
		return true, err
	})
}

// DropLetters gives held letters up, by their chunks (none: all), and returns how many.
func (s *Store) DropLetters(ctx context.Context, rehearsal bool, chunks []int64, now time.Time) (int, error) {
	return s.settleHeld(ctx, "drop letters", rehearsal, chunks, func(x *tx, l newsletter.Letter) (bool, error) {
		_, err := x.exec("UPDATE deliveries SET state = 4, settled_at = $2 WHERE chunk = $1 AND state = 5", l.Chunk, ms(now))
		return true, err
	})
}

// settleHeld does something with held letters, whose chunks are locked, and counts
// those with which it did.
func (s *Store) settleHeld(ctx context.Context, what string, rehearsal bool, chunks []int64, do func(*tx, newsletter.Letter) (bool, error)) (n int, err error) {
	err = s.write(ctx, what, func(x *tx) error {
		n = 0
		only, args := "", []any{btoi(rehearsal)}
		if len(chunks) > 0 {
			only, args = " AND l.chunk {{in ints $2}}", append(args, jsonArg(chunks))
		}
		held, err := list(x, scanLetter, "SELECT "+letterColumns+" "+heldLetters+only+" ORDER BY l.chunk{{for update c}}", args...)
		if err != nil {
			return err
		}
		var done []int64
		for _, l := range held {
			did, err := do(x, l)
			if err != nil {
				return err
			}
			if did {
				done = append(done, l.Chunk)
			}
		}
		if n = len(done); n == 0 {
			return nil
		}
		if err := x.recount("id {{in ints $1}}", jsonArg(done)); err != nil {
			return err
		}
		return x.notify()
	})
	return n, err
}
