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
	Count  int // at most Pace.Block() are given
}

// staleBucket is how long a bucket is kept that nobody takes from: much longer
// than what it knows matters.
const staleBucket = 48 * time.Hour

// TakeSlots takes slots of several buckets, for all workers by the database's
// clock, and returns in the order of the asks what was given. No bucket may be
// asked twice at once. A bucket that nobody used before begins now.
func (s *Store) TakeSlots(ctx context.Context, asks []SlotAsk) ([]newsletter.Slots, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	var out []newsletter.Slots
	err := s.write(ctx, "take slots of the limits", func(x *tx) (err error) {
		out, err = x.takeSlots(asks)
		return err
	})
	return out, err
}

func (x *tx) takeSlots(asks []SlotAsk) ([]newsletter.Slots, error) {
	names := make([]string, len(asks))
	for i, a := range asks {
		names[i] = a.Bucket
	}
	slices.Sort(names)
	known, err := x.lockBuckets(names)
	if err != nil {
		return nil, err
	}
	if len(known) < len(names) {
		// In the order of their names, so that two who add some do not wait for each other.
		var rows []any
		for _, name := range names {
			if _, ok := known[name]; !ok {
				rows = append(rows, name, 0)
			}
		}
		if _, err := x.insert("INSERT INTO buckets (name, next_at)", "ON CONFLICT (name) DO NOTHING", 2, rows); err != nil {
			return nil, err
		}
		if known, err = x.lockBuckets(names); err != nil {
			return nil, err
		}
	}
	// The time is read when the rows are ours: waiting for them takes time, too.
	at, err := x.clock()
	if err != nil {
		return nil, err
	}
	now := time.UnixMilli(at)
	out := make([]newsletter.Slots, len(asks))
	var changed [][]any
	for i, a := range asks {
		next := time.UnixMicro(known[a.Bucket])
		out[i], next = a.Pace.Take(next, now, a.Count)
		if to := next.UnixMicro(); to != known[a.Bucket] {
			changed = append(changed, []any{a.Bucket, to})
		}
	}
	if len(changed) == 0 {
		return out, nil
	}
	_, err = x.exec("UPDATE buckets SET next_at = v.at FROM {{rows $1 name text, at int}} AS v WHERE buckets.name = v.name", jsonArg(changed))
	return out, err
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

// SweepLimits forgets buckets that nobody has used for days.
func (s *Store) SweepLimits(ctx context.Context) error {
	return s.write(ctx, "sweep the limits", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		_, err = x.exec("DELETE FROM buckets WHERE next_at < $1", time.UnixMilli(now).Add(-staleBucket).UnixMicro())
		return err
	})
}
