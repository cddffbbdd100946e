package store

import (
	"context"
	"strings"

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

// Raw runs a statement of a test's own.
func (s *Store) Raw(ctx context.Context, query string, args ...any) error {
	return s.write(ctx, "do what a test wants", func(x *tx) error {
		_, err := x.exec(query, args...)
		return err
	})
}

// CountRaw returns the one number a query of a test's own asks for.
func (s *Store) CountRaw(ctx context.Context, query string, args ...any) (int, error) {
	return one(s.reader(ctx), value[int], query, args...)
}

// ExplainLease returns the engine's plan for finding a free chunk.
func (s *Store) ExplainLease(ctx context.Context, now int64) (string, error) {
	explain := "EXPLAIN "
	if s.file != "" {
		explain += "QUERY PLAN "
	}
	lines, err := list(s.reader(ctx), func(scan func(...any) error) (line string, err error) {
		if s.file != "" {
			var none int
			return line, scan(&none, &none, &none, &line)
		}
		return line, scan(&line)
	}, explain+leaseFree, now, 0, "[]", "[]")
	return strings.Join(lines, "\n"), err
}
