package store

import (
	"context"
	"slices"
	"time"

	"syndicate/internal/newsletter"
)

// SlotAsk asks for slots of a bucket; see newsletter.Pace.
type SlotAsk struct {
	Bucket string
	Pace   newsletter.Pace
	Count  int           // at most Pace.Block() are given
	Lead   time.Duration // how long the answer takes, probably
}

// staleBucket is how long a bucket is kept that nobody takes from: much longer
// than what it knows matters.
const staleBucket = 48 * time.Hour

// TakeSlots takes slots of several buckets, for all workers by the database's
// clock, and returns in the order of the asks what was given, and the moment by
// that clock from which it counts. A bucket that nobody used before begins now.
func (s *Store) TakeSlots(ctx context.Context, asks []SlotAsk) (given []newsletter.Slots, at time.Time, err error) {
	if len(asks) == 0 {
		return nil, time.Time{}, nil
	}
	err = s.write(ctx, "take slots of the limits", func(x *tx) (err error) {
		given, at, err = x.takeSlots(asks)
		return err
	})
	return given, at, err
}

func (x *tx) takeSlots(asks []SlotAsk) ([]newsletter.Slots, time.Time, error) {
	names := make([]string, len(asks))
	for i, a := range asks {
		names[i] = a.Bucket
	}
	slices.Sort(names)
	names = slices.Compact(names)
	known, err := x.lockBuckets(names)
	if err == nil && len(known) < len(names) {
		known, err = x.addBuckets(names, known)
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	// The time is read when the rows are ours: waiting for them takes time, too.
	ms, err := x.clock()
	if err != nil {
		return nil, time.Time{}, err
	}
	now := time.UnixMilli(ms)
	out := make([]newsletter.Slots, len(asks))
	changed := map[string]bool{}
	for i, a := range asks {
		next := time.UnixMicro(known[a.Bucket])
		out[i], next = a.Pace.Take(next, now, a.Count, a.Lead)
		if to := next.UnixMicro(); to != known[a.Bucket] {
			known[a.Bucket], changed[a.Bucket] = to, true
		}
	}
	if len(changed) == 0 {
		return out, now, nil
	}
	var rows [][]any
	for name := range changed {
		rows = append(rows, []any{name, known[name]})
	}
	_, err = x.exec("UPDATE buckets SET next_at = v.at FROM {{rows $1 name text, at int}} AS v WHERE buckets.name = v.name", jsonArg(rows))
	return out, now, err
}

// addBuckets adds those that nobody used before, in the order of their names, so
// that two who add some do not wait for each other.
func (x *tx) addBuckets(names []string, known map[string]int64) (map[string]int64, error) {
	var rows []any
	for _, name := range names {
		if _, ok := known[name]; !ok {
			rows = append(rows, name, 0)
		}
	}
	if _, err := x.insert("INSERT INTO buckets (name, next_at)", "ON CONFLICT (name) DO NOTHING", 2, rows); err != nil {
		return nil, err
	}
	return x.lockBuckets(names)
}

// lockBuckets returns the next slots of the buckets that exist, locked.
func (x *tx) lockBuckets(names []string) (map[string]int64, error) {
	type bucket struct {
		name string
		next int64
	}
	all, err := list(x, func(scan func(...any) error) (b bucket, err error) {
		err = scan(&b.name, &b.next)
		return b, err
	}, "SELECT name, next_at FROM buckets WHERE name {{in strings $1}} ORDER BY name{{for update}}", jsonArg(names))
	out := make(map[string]int64, len(all))
	for _, b := range all {
		out[b.name] = b.next
	}
	return out, err
}

// SweepLimits forgets what of the limits nobody has used for days.
func (s *Store) SweepLimits(ctx context.Context) error {
	return s.write(ctx, "sweep the limits", func(x *tx) error {
		at, err := x.clock()
		if err != nil {
			return err
		}
		old := time.UnixMilli(at).Add(-staleBucket)
		if _, err := x.exec("DELETE FROM buckets WHERE next_at < $1", old.UnixMicro()); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM shares WHERE expires_at < $1", ms(old)); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM warm_ups WHERE day < $1", old.AddDate(0, 0, -7).Format(time.DateOnly)); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM claims WHERE expires_at < $1", ms(old)); err != nil {
			return err
		}
		_, err = x.exec("DELETE FROM slowed WHERE paused_until + level * step < $1", ms(old))
		return err
	})
}
