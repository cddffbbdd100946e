package store

import "context"

// HighestSeq returns the highest seq that an article has, 0: none was public yet.
// Every article with a lower or equal seq is already committed.
func (s *Store) HighestSeq(ctx context.Context) (int64, error) {
	v, err := one(s.reader(ctx), value[int64], "SELECT value FROM counters WHERE name = 'seq'")
	return v, s.wrap("read the highest seq", err)
}

// LeasedChunks returns how many chunks of issues that are sending are in a
// worker's hands, whether it lives or not.
func (s *Store) LeasedChunks(ctx context.Context, rehearsal bool) (int, error) {
	n, err := one(s.reader(ctx), value[int], `SELECT count(*) FROM chunks c JOIN issues i ON i.id = c.issue
		WHERE c.closed = 0 AND c.owner <> '' AND i.state = 'sending' AND i.rehearsal = $1`, btoi(rehearsal))
	return n, s.wrap("count leased chunks", err)
}
