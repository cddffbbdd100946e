package store

import "context"

// HighestSeq returns the highest seq that an article has, 0: none was public yet.
// Every article with a lower or equal seq is already committed.
func (s *Store) HighestSeq(ctx context.Context) (int64, error) {
	v, err := one(s.reader(ctx), value[int64], "SELECT value FROM counters WHERE name = 'seq'")
	return v, s.wrap("read the highest seq", err)
}
