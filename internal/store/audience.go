package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// slice is how many subscriptions one query looks at where all of them are to be
// counted: what it sorts stays small, and nobody waits for it.
const slice = 50_000

// Groups counts the subscriptions of a newsletter that would be served now, by
// what they are served: confirmed, not suppressed, not paused, due, and by mail.
func (s *Store) Groups(ctx context.Context, name string, rehearsal bool, turn newsletter.Turn, now time.Time) ([]GroupCount, error) {
	count := map[newsletter.Group]int{}
	for after := int64(0); ; {
		some, through, err := groupsAfter(s.reader(ctx), newsletter.Issue{Newsletter: name, Rehearsal: rehearsal, Turn: turn, Horizon: math.MaxInt64}, after, slice, now)
		if err != nil {
			return nil, s.wrap("group the subscribers of "+name, err)
		}
		if len(some) == 0 {
			break
		}
		for _, g := range some {
			count[g.Group] += g.Count
		}
		after = through
	}
	var all []GroupCount
	for g, n := range count {
		all = append(all, GroupCount{g, n})
	}
	slices.SortFunc(all, func(a, b GroupCount) int {
		return cmp.Or(cmp.Compare(a.Cursor, b.Cursor), cmp.Compare(a.Language, b.Language), cmp.Compare(a.Topics, b.Topics), cmp.Compare(a.Max, b.Max))
	})
	return all, nil
}

// NextGroups looks at the next subscribers of an unsealed issue in ascending order
// of id, at most limit of them: confirmed, not suppressed, not paused, due, by mail, and not
// served up to its horizon. It returns the groups they are in, and the last one's id.
func (s *Store) NextGroups(ctx context.Context, issue newsletter.Issue, after int64, limit int, now time.Time) ([]GroupCount, int64, error) {
	all, through, err := groupsAfter(s.reader(ctx), issue, after, limit, now)
	return all, through, s.wrap(fmt.Sprintf("read the audience of issue %d", issue.ID), err)
}

// served is which subscriptions after one of them an issue serves at all: a condition,
// and its arguments behind others that come first.
func served(i newsletter.Issue, after int64, now time.Time, first ...any) (cond string, args []any) {
	due, args := whoseTurn("b.cadence", "b."+servedColumn(i.Rehearsal), i.Turn, append(first, i.Newsletter, after, ms(now), i.Horizon)...)
	k := len(first)
	return fmt.Sprintf("b.newsletter = $%d AND b.subscriber > $%d AND b.state = 'confirmed' AND b.suppressed = 0 AND b.by_feed = 0 AND b.paused_till <= $%d AND b.%s < $%d AND ",
		k+1, k+2, k+3, cursorColumn(i.Rehearsal), k+4) + due, args
}

// whoseTurn returns a condition on a subscription's cadence and the day on which it
// was last served, and its arguments behind others that come first.
func whoseTurn(cadence, served string, turn newsletter.Turn, args ...any) (cond string, all []any) {
	var b strings.Builder
	fmt.Fprintf(&b, "(%s = '' OR %s < CASE %s", cadence, served, cadence)
	for _, c := range newsletter.Cadences() {
		args = append(args, int64(turn.Since(c)))
		fmt.Fprintf(&b, " WHEN '%s' THEN $%d", c, len(args))
	}
	b.WriteString(" ELSE 2147483647 END)")
	return b.String(), args
}

// groupsAfter counts the next subscriptions that an issue serves, about as many as
// limit, by what they are served, and says how far they go. It asks for ranges of ids,
// which are wider where there are few: an ordered query with a LIMIT is planned by
// PostgreSQL as a sort of all that is left, each time, as long as it has not analyzed a
// table that has grown.
func groupsAfter(q querier, i newsletter.Issue, after int64, limit int, now time.Time) (all []GroupCount, through int64, err error) {
	last, err := one(q, value[int64], "SELECT coalesce(max(subscriber), 0) FROM subscriptions WHERE newsletter = $1", i.Newsletter)
	count, total := map[newsletter.Group]int{}, 0
	for width := int64(limit); err == nil && after < last && total < (limit+1)/2; {
		end := min(after+width, last)
		some, n, rerr := groupsWithin(q, i, after, end, now)
		if err = rerr; n > 2*limit && width > int64(limit) {
			width = max(width/4, int64(limit)) // many, after few
			continue
		}
		for _, g := range some {
			count[g.Group] += g.Count
		}
		total += n
		after, through = end, end
		width *= 2
	}
	for g, n := range count {
		all = append(all, GroupCount{g, n})
	}
	return all, through, err
}

// groupsWithin counts those of (after, through].
func groupsWithin(q querier, i newsletter.Issue, after, through int64, now time.Time) (all []GroupCount, total int, err error) {
	where, args := served(i, after, now, through)
	all, err = list(q, func(scan func(...any) error) (g GroupCount, err error) {
		err = scan(&g.Cursor, &g.Language, &g.Topics, &g.Max, &g.Count)
		total += g.Count
		return g, err
	}, "SELECT b."+cursorColumn(i.Rehearsal)+` AS position, b.language, b.topics, b.max_items, count(*) FROM subscriptions b
		WHERE `+where+` AND b.subscriber <= $1 GROUP BY position, b.language, b.topics, b.max_items`, args...)
	return all, total, err
}

// audience reads whom an issue serves of (after, through], in ascending order, and
// locks their subscriptions.
func (x *tx) audience(i newsletter.Issue, after, through int64, zone string, now time.Time) ([]Recipient, error) {
	where, args := served(i, after, now, through)
	return list(x, func(scan func(...any) error) (r Recipient, err error) {
		var hour int
		var own string
		err = scan(&r.Subscriber, &r.Group.Cursor, &r.Group.Language, &r.Group.Topics, &r.Group.Max, &r.Domain, &hour, &own)
		if hour >= 0 {
			if own == "" {
				own = zone
			}
			r.NotBefore = NextHour(now, hour, own)
		}
		return r, err
	}, "SELECT b.subscriber, b."+cursorColumn(i.Rehearsal)+`, b.language, b.topics, b.max_items, `+receiver+`, b.hour, b.time_zone
		FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber LEFT JOIN receivers r ON r.domain = s.domain
		WHERE `+where+` AND b.subscriber <= $1{{postgres AND s.id > $3 AND s.id <= $1}} ORDER BY b.subscriber{{for update b}}`, args...)
}

// NextHour returns when the wall clock of a zone next shows that hour; zero if it
// does now. A zone that is not known counts as UTC.
func NextHour(now time.Time, hour int, zone string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	local := now.In(loc)
	if local.Hour() == hour {
		return time.Time{}
	}
	y, m, d := local.Date()
	t := hourOf(y, m, d, hour, loc)
	if t.Before(now) {
		t = hourOf(y, m, d+1, hour, loc)
	}
	return t.UTC()
}

// hourOf returns when the hour of a day begins: one that there is twice, in autumn,
// the first time, one that the clock leaps over, in spring, when it has leapt.
func hourOf(y int, m time.Month, d, hour int, loc *time.Location) time.Time {
	t := time.Date(y, m, d, hour, 0, 0, 0, loc)
	if t.Hour() == hour {
		if before := t.Add(-time.Hour); before.Hour() == hour {
			return before
		}
		return t
	}
	// time.Date does not say which side of the leap it takes.
	start, end := t.ZoneBounds()
	if !start.IsZero() && t.Sub(start) < 12*time.Hour {
		return start
	}
	return end
}
