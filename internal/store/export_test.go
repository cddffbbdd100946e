package store

import (
	"context"

	"syndicate/internal/newsletter"
)

// CountRows counts an issue's deliveries row by row: what the tallies must say.
func (s *Store) CountRows(ctx context.Context, issue int64) (map[newsletter.DeliveryState]int, error) {
	counts := map[newsletter.DeliveryState]int{}
	_, err := list(s.reader(ctx), func(scan func(...any) error) (none struct{}, err error) {
		var state newsletter.DeliveryState
		var n int
		err = scan(&state, &n)
		counts[state] = n
		return none, err
	}, "SELECT d.state, count(*) FROM chunks c JOIN deliveries d ON d.chunk = c.id WHERE c.issue = $1 GROUP BY d.state", issue)
	return counts, err
}
