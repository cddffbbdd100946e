package store

import (
	"context"
	"time"
)

// UnknownDomains returns the domains with at least so many confirmed subscribers
// of a newsletter whose receiver is to be looked up, largest first. Groups that
// are known by name are none.
func (s *Store) UnknownDomains(ctx context.Context, name string, least, limit int) ([]string, error) {
	now, err := s.clock(ctx)
	if err != nil {
		return nil, s.wrap("look for domains", err)
	}
	all, err := list(s.reader(ctx), value[string], `SELECT s.domain FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber
		WHERE b.newsletter = $1 AND b.state = 'confirmed' AND b.suppressed = 0 AND s.domain LIKE '%.%'
		AND NOT EXISTS (SELECT 1 FROM receivers r WHERE r.domain = s.domain AND r.expires_at > $2)
		GROUP BY s.domain HAVING count(*) >= $3 ORDER BY count(*) DESC, s.domain LIMIT $4`, name, ms(now), least, limit)
	return all, s.wrap("look for domains", err)
}

// KeepReceivers notes for a time which receivers domains' mail goes to: group by
// domain; empty: the DNS did not answer, what was known before stands.
func (s *Store) KeepReceivers(ctx context.Context, groups map[string]string, ttl time.Duration) error {
	return s.write(ctx, "keep receivers", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		rows := make([]any, 0, 3*len(groups))
		for domain, group := range groups {
			rows = append(rows, domain, group, now+ttl.Milliseconds())
		}
		_, err = x.insert("INSERT INTO receivers (domain, grp, expires_at)",
			"ON CONFLICT (domain) DO UPDATE SET grp = CASE WHEN excluded.grp = '' THEN receivers.grp ELSE excluded.grp END, expires_at = excluded.expires_at", 3, rows)
		return err
	})
}

// ForgetReceivers makes every domain its own group again, but those that are
// known by name.
func (s *Store) ForgetReceivers(ctx context.Context) error {
	n, err := one(s.reader(ctx), value[int], "SELECT count(*) FROM receivers")
	if err != nil || n == 0 {
		return s.wrap("forget receivers", err)
	}
	return s.write(ctx, "forget receivers", func(x *tx) error {
		_, err := x.exec("DELETE FROM receivers")
		return err
	})
}

// receiver is the recipient-domain group in a query that joins
// receivers r ON r.domain = s.domain to subscribers s.
const receiver = "coalesce(nullif(r.grp, ''), s.domain, '')"
