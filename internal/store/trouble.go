package store

import (
	"context"
	"fmt"
)

// Troubles lists the deliveries of an issue that failed, are uncertain, or were
// tried and are to be tried again, in the order of its chunks; limit 0: all.
func (s *Store) Troubles(ctx context.Context, issue int64, limit int) ([]Trouble, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (t Trouble, err error) {
		err = scan(&t.Email, &t.State, &t.Attempts, &t.Code, &t.Reply)
		return t, err
	}, `SELECT coalesce(s.email, ''), d.state, d.attempts, coalesce(d.reply_code, 0), coalesce(d.reply, '')
		FROM chunks c JOIN deliveries d ON d.chunk = c.id LEFT JOIN subscribers s ON s.id = d.subscriber
		WHERE c.issue = $1 AND (d.state IN (3, 5) OR d.state = 0 AND d.attempts > 0) ORDER BY c.id, d.n LIMIT $2`, issue, limitOr(limit))
	return all, s.wrap(fmt.Sprintf("list the failures of issue %d", issue), err)
}
