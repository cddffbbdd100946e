package store

import (
	"context"
	"time"
)

// Overview gathers what an operator wants to see first.
func (s *Store) Overview(ctx context.Context) (o Overview, err error) {
	q := s.reader(ctx)
	fail := func(err error) (Overview, error) { return Overview{}, s.wrap("look the store over", err) }
	o.Articles = map[string]int{}
	_, err = list(q, func(scan func(...any) error) (none struct{}, err error) {
		var state string
		var n int
		err = scan(&state, &n)
		o.Articles[state] = n
		return none, err
	}, "SELECT state, count(*) FROM articles GROUP BY state")
	if err != nil {
		return fail(err)
	}
	newest, err := one(q, value[int64], "SELECT coalesce(max(published), 0) FROM articles WHERE state = 'public'")
	if err != nil {
		return fail(err)
	}
	o.Newest = fromMS(newest)
	if o.NextRelease, err = s.NextRelease(ctx); err != nil {
		return fail(err)
	}
	if o.Sources, err = list(q, scanSource, "SELECT "+sourceColumns+" FROM sources ORDER BY name"); err != nil {
		return fail(err)
	}
	o.Subscribers, err = list(q, func(scan func(...any) error) (c SubscriberCount, err error) {
		err = scan(&c.Newsletter, &c.State, &c.Count, &c.Suppressed)
		return c, err
	}, "SELECT newsletter, state, count(*), sum(suppressed) FROM subscriptions GROUP BY newsletter, state ORDER BY newsletter, state")
	if err != nil {
		return fail(err)
	}
	if o.Open, err = s.Issues(ctx, IssueQuery{Open: true}); err != nil {
		return fail(err)
	}
	relays, at, err := s.Relays(ctx)
	if err != nil {
		return fail(err)
	}
	for _, r := range relays {
		if r.PausedUntil.After(at) {
			o.Relays = append(o.Relays, r)
		}
	}
	if o.Suppressed, err = one(q, value[int], "SELECT count(*) FROM suppressions"); err != nil {
		return fail(err)
	}
	return o, nil
}

// PauseRelay keeps all workers from a relay until a time by the database's clock. A longer pause, of
// another worker, stays.
func (s *Store) PauseRelay(ctx context.Context, name string, until time.Time, reason string) error {
	return s.write(ctx, "pause relay "+name, func(x *tx) error {
		_, err := x.exec(`INSERT INTO relays (name, paused_until, reason) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET paused_until = excluded.paused_until, reason = excluded.reason
			WHERE relays.paused_until < excluded.paused_until`, name, ms(until), reason)
		return err
	})
}

// ResumeRelay ends the pause of a relay, if it is one of these: another worker may
// have paused it since, and knows why.
func (s *Store) ResumeRelay(ctx context.Context, name string, pauses ...time.Time) error {
	return s.write(ctx, "resume relay "+name, func(x *tx) error {
		until := make([]int64, len(pauses))
		for i, p := range pauses {
			until[i] = ms(p)
		}
		_, err := x.exec("UPDATE relays SET paused_until = 0, reason = '' WHERE name = $1 AND paused_until {{in ints $2}}", name, jsonArg(until))
		return err
	})
}

// Relays returns the relays that were ever paused, by name, and the time by which
// their pauses are measured.
func (s *Store) Relays(ctx context.Context) ([]Relay, time.Time, error) {
	now, err := s.clock(ctx)
	if err != nil {
		return nil, now, s.wrap("read relays", err)
	}
	all, err := list(s.reader(ctx), func(scan func(...any) error) (r Relay, err error) {
		err = scan(&r.Name, stamp{&r.PausedUntil}, &r.Reason)
		return r, err
	}, "SELECT name, paused_until, reason FROM relays ORDER BY name")
	return all, now, s.wrap("read relays", err)
}
