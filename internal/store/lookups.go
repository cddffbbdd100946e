package store

import (
	"context"
	"time"

	"syndicate/internal/newsletter"
)

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

// GroupDomains counts what Groups counts by recipient-domain group as well.
func (s *Store) GroupDomains(ctx context.Context, name string, rehearsal bool, turn newsletter.Turn, now time.Time) ([]GroupDomain, error) {
	due, args := whoseTurn("b.cadence", "b."+servedColumn(rehearsal), turn, name, ms(now))
	all, err := list(s.reader(ctx), func(scan func(...any) error) (g GroupDomain, err error) {
		err = scan(&g.Cursor, &g.Language, &g.Topics, &g.Max, &g.Domain, &g.Count)
		return g, err
	}, "SELECT b."+cursorColumn(rehearsal)+` AS position, b.language, b.topics, b.max_items, `+receiver+` AS receiver, count(*)
		FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber LEFT JOIN receivers r ON r.domain = s.domain
		WHERE b.newsletter = $1 AND b.state = 'confirmed' AND b.suppressed = 0 AND b.by_feed = 0 AND b.paused_till <= $2 AND `+due+`
		GROUP BY position, b.language, b.topics, b.max_items, receiver`, args...)
	return all, s.wrap("group the subscribers of "+name, err)
}

// GroupDomain is a group of subscriptions at one receiver.
type GroupDomain struct {
	newsletter.Group
	Domain string // see newsletter.DomainGroup
	Count  int
}
