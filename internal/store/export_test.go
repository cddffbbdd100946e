package store

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

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

// Audience returns whom an issue serves after a subscriber, at most limit of them (0:
// all), as SealBatch finds them.
func (s *Store) Audience(ctx context.Context, issue newsletter.Issue, after int64, limit int, now time.Time) (all []Recipient, err error) {
	err = s.write(ctx, "read an audience", func(x *tx) error {
		zone, err := one(x, value[string], "SELECT time_zone FROM issues WHERE id = $1", issue.ID)
		if err != nil {
			return err
		}
		all, err = x.audience(issue, after, math.MaxInt64, zone, now)
		return err
	})
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all, err
}

// Raw runs a statement of a test's own.
func (s *Store) Raw(ctx context.Context, query string, args ...any) error {
	return s.write(ctx, "do what a test wants", func(x *tx) error {
		_, err := x.exec(query, args...)
		return err
	})
}

// Hold does something while a step is under way.
func (s *Store) Hold(ctx context.Context, do func()) error {
	return s.write(ctx, "hold the turn", func(*tx) error {
		do()
		return nil
	})
}

// CountRaw returns the one number a query of a test's own asks for.
func (s *Store) CountRaw(ctx context.Context, query string, args ...any) (int, error) {
	return one(s.reader(ctx), value[int], query, args...)
}

// ExecRaw executes a statement of a test's own.
func (s *Store) ExecRaw(ctx context.Context, query string, args ...any) error {
	return s.write(ctx, "execute what a test wants", func(x *tx) error {
		_, err := x.exec(query, args...)
		return err
	})
}

// ExplainLease returns the engine's plan for finding a free chunk.
func (s *Store) ExplainLease(ctx context.Context, now int64) (string, error) {
	return s.explain(ctx, leaseFree, now, 0, "[]", "[]")
}

// ExplainSubscribers returns the engine's plan for reading a page of subscribers.
func (s *Store) ExplainSubscribers(ctx context.Context, q SubscriberQuery) (string, error) {
	query, args := q.sql()
	return s.explain(ctx, query, args...)
}

func (s *Store) explain(ctx context.Context, query string, args ...any) (string, error) {
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
	}, explain+query, args...)
	return strings.Join(lines, "\n"), err
}

// WriterExec executes a statement on SQLite's writer.
func (s *Store) WriterExec(ctx context.Context, query string) error {
	_, err := s.writer.ExecContext(ctx, query)
	return err
}

// WriterWaits returns how many milliseconds SQLite's writer waits for other processes.
func (s *Store) WriterWaits(ctx context.Context) (n int, err error) {
	err = s.writer.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&n)
	return n, err
}

// HoldRead begins a transaction that reads, which keeps SQLite's log from being emptied
// until end is called.
func (s *Store) HoldRead(ctx context.Context) (end func(), err error) {
	t, err := s.reads.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	var n int
	if err := t.QueryRowContext(ctx, "SELECT count(*) FROM subscribers").Scan(&n); err != nil {
		return nil, errors.Join(err, t.Rollback())
	}
	return func() { _ = t.Rollback() }, nil
}
