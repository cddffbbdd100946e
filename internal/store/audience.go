package store

import (
	"context"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// Groups counts the subscriptions of a newsletter that would be served now, by
// what they are served: confirmed, not suppressed, not paused.
func (s *Store) Groups(ctx context.Context, name string, rehearsal bool, now time.Time) ([]GroupCount, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (g GroupCount, err error) {
		err = scan(&g.Cursor, &g.Language, &g.Topics, &g.Max, &g.Count)
		return g, err
	}, "SELECT "+cursorColumn(rehearsal)+` AS position, language, topics, max_items, count(*) FROM subscriptions
		WHERE newsletter = $1 AND state = 'confirmed' AND suppressed = 0 AND paused_till <= $2
		GROUP BY position, language, topics, max_items ORDER BY position, language, topics, max_items`, name, ms(now))
	return all, s.wrap("group the subscribers of "+name, err)
}

// Audience returns the next subscribers of an unsealed issue in ascending order
// of id: confirmed, not suppressed, not paused, and not served up to its horizon.
func (s *Store) Audience(ctx context.Context, issue newsletter.Issue, after int64, limit int, now time.Time) ([]Recipient, error) {
	zone, err := one(s.reader(ctx), value[string], "SELECT time_zone FROM issues WHERE id = $1", issue.ID)
	if err != nil {
		return nil, s.wrap(fmt.Sprintf("read issue %d", issue.ID), err)
	}
	all, err := audience(s.reader(ctx), issue, after, 1<<62, limit, "", zone, now)
	return all, s.wrap(fmt.Sprintf("read the audience of issue %d", issue.ID), err)
}

// audience reads (after, through]; lock locks the subscriptions' rows.
func audience(q querier, i newsletter.Issue, after, through int64, limit int, lock, zone string, now time.Time) ([]Recipient, error) {
	col := "b." + cursorColumn(i.Rehearsal)
	return list(q, func(scan func(...any) error) (r Recipient, err error) {
		var hour int
		var own string
		err = scan(&r.Subscriber, &r.Group.Cursor, &r.Group.Language, &r.Group.Topics, &r.Group.Max, &r.Domain, &hour, &own)
		if hour >= 0 {
			if own == "" {
				own = zone
			}
			r.NotBefore = nextHour(now, hour, own)
		}
		return r, err
	}, "SELECT b.subscriber, "+col+`, b.language, b.topics, b.max_items, `+receiver+`, b.hour, b.time_zone
		FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber LEFT JOIN receivers r ON r.domain = s.domain
		WHERE b.newsletter = $1 AND b.subscriber > $2 AND b.subscriber <= $3 AND b.state = 'confirmed' AND b.suppressed = 0 AND b.paused_till <= $4
		AND `+col+` < $5 ORDER BY b.subscriber LIMIT $6`+lock, i.Newsletter, after, through, ms(now), i.Horizon, limitOr(limit))
}

// nextHour returns when the wall clock of a zone next shows that hour; zero if it
// does now. A zone that is not known counts as UTC.
func nextHour(now time.Time, hour int, zone string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	local := now.In(loc)
	if local.Hour() == hour {
		return time.Time{}
	}
	t := time.Date(local.Year(), local.Month(), local.Day(), hour, 0, 0, 0, loc)
	if t.Before(now) {
		t = time.Date(local.Year(), local.Month(), local.Day()+1, hour, 0, 0, 0, loc)
	}
	return t.UTC()
}
