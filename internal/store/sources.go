package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// SourceState returns what is remembered of a source; the zero state (but for
// the name) if it was never listed.
func (s *Store) SourceState(ctx context.Context, source string) (SourceState, error) {
	st, err := missing(one(s.reader(ctx), func(scan func(...any) error) (st SourceState, err error) {
		err = scan(&st.Name, stamp{&st.CheckedAt}, stamp{&st.FailedAt}, &st.Error, &st.Held, &st.HeldCount, &st.Accepted, stamp{&st.Due}, &st.State)
		return st, err
	}, "SELECT "+sourceColumns+", state FROM sources WHERE name = $1", source))
	st.Name = source
	return st, s.wrap("read the state of "+source, err)
}

const sourceColumns = "name, checked_at, failed_at, error, held, held_count, accepted, due"

func scanSource(scan func(...any) error) (st SourceState, err error) {
	err = scan(&st.Name, stamp{&st.CheckedAt}, stamp{&st.FailedAt}, &st.Error, &st.Held, &st.HeldCount, &st.Accepted, stamp{&st.Due})
	return st, err
}

// FinishListing ends a complete listing in one transaction: it remembers the
// source's state (nil: unchanged) and unpublishes the vanished articles. Their
// rows stay, with id and seq, for when they come back. It clears an error or a
// hold.
func (s *Store) FinishListing(ctx context.Context, source string, state []byte, vanished []string, now time.Time) (unpublished int, err error) {
	err = s.write(ctx, "finish listing "+source, func(x *tx) error {
		if err := x.lockArticles(); err != nil {
			return err
		}
		_, err := x.exec(`INSERT INTO sources (name, state, checked_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET state = coalesce(excluded.state, sources.state), checked_at = excluded.checked_at,
			failed_at = 0, error = '', held = '', held_count = 0, accepted = 0`, source, state, ms(now))
		if err != nil {
			return err
		}
		unpublished, err = x.unpublish(source, vanished)
		return err
	})
	return unpublished, err
}

// Unpublish takes articles of a source away, as FinishListing does with those that
// vanished, and returns how many there were.
func (s *Store) Unpublish(ctx context.Context, source string, keys []string) (unpublished int, err error) {
	err = s.write(ctx, "unpublish articles of "+source, func(x *tx) error {
		if err := x.lockArticles(); err != nil {
			return err
		}
		unpublished, err = x.unpublish(source, keys)
		return err
	})
	return unpublished, err
}

func (x *tx) unpublish(source string, keys []string) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	rows, err := list(x, scanStored, "SELECT "+storedColumns+" FROM articles WHERE source = $1 AND state <> 'unpublished' AND source_key {{in strings $2}}", source, jsonArg(keys))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	var version int64
	if slices.ContainsFunc(rows, func(r storedArticle) bool { return r.state == "public" }) {
		if version, err = x.articlesChanged(); err != nil {
			return 0, err
		}
	}
	for i := range rows {
		if err := x.deleteLabels(&rows[i]); err != nil {
			return 0, err
		}
		if _, err := x.exec("UPDATE articles SET state = 'unpublished', changed = CASE WHEN $2 > changed THEN $2 ELSE changed END WHERE ref = $1", rows[i].ref, version); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// FailSource remembers that a listing failed. Articles stay as they are.
func (s *Store) FailSource(ctx context.Context, source, message string, now time.Time) error {
	return s.write(ctx, "record the failure of "+source, func(x *tx) error {
		_, err := x.exec(`INSERT INTO sources (name, failed_at, error) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET failed_at = excluded.failed_at, error = excluded.error`, source, ms(now), message)
		return err
	})
}

// PlanSource remembers when a source is to be asked again (zero: it has no
// schedule) and, unless it is nil, the source's state.
func (s *Store) PlanSource(ctx context.Context, source string, state []byte, due time.Time) error {
	return s.write(ctx, "plan the next visit of "+source, func(x *tx) error {
		_, err := x.exec(`INSERT INTO sources (name, state, due) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET state = coalesce(excluded.state, sources.state), due = excluded.due`, source, state, ms(due))
		return err
	})
}

// NextVisit returns when the first of some sources is to be asked again; zero: none
// has a schedule.
func (s *Store) NextVisit(ctx context.Context, sources []string) (time.Time, error) {
	at, err := one(s.reader(ctx), value[int64], "SELECT coalesce(min(due), 0) FROM sources WHERE due > 0 AND name {{in strings $1}}", jsonArg(sources))
	return fromMS(at), s.wrap("look for the next visit", err)
}

// HoldSource remembers that n articles, vanished or new, wait for an operator.
func (s *Store) HoldSource(ctx context.Context, source, message string, n int, now time.Time) error {
	return s.write(ctx, "hold "+source, func(x *tx) error {
		_, err := x.exec(`INSERT INTO sources (name, checked_at, held, held_count) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET checked_at = excluded.checked_at, failed_at = 0, error = '', held = excluded.held, held_count = excluded.held_count`,
			source, ms(now), message, n)
		return err
	})
}

// PruneArticles accepts a hold: the next listing may unpublish what vanished, and
// take what is new. It returns how many articles were held; ErrNotFound if none are.
func (s *Store) PruneArticles(ctx context.Context, source string) (held int, err error) {
	err = s.write(ctx, "accept the hold of "+source, func(x *tx) error {
		n, err := missing(x.query1("SELECT held_count FROM sources WHERE name = $1 AND held <> ''{{for update}}", source))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("nothing is held: %w", ErrNotFound)
		}
		held = int(n)
		_, err = x.exec("UPDATE sources SET accepted = 1 WHERE name = $1", source)
		return err
	})
	return held, err
}

// ReleaseDue makes scheduled articles public whose time has come, oldest first,
// and returns how many.
func (s *Store) ReleaseDue(ctx context.Context, now time.Time) (released int, err error) {
	// Looked at without the lock first: there is nothing to do most of the time.
	next, err := s.NextRelease(ctx)
	if err != nil || next.IsZero() || next.After(now) {
		return 0, err
	}
	err = s.write(ctx, "release scheduled articles", func(x *tx) error {
		if err := x.lockArticles(); err != nil {
			return err
		}
		due, err := list(x, scanStored, "SELECT "+storedColumns+" FROM articles WHERE state = 'scheduled' AND published <= $1 ORDER BY published, source_key", ms(now))
		if released = len(due); err != nil || released == 0 {
			return err
		}
		fresh := 0
		for i := range due {
			fresh += btoi(due[i].seq == 0)
		}
		seq, err := x.next("seq", fresh)
		if err != nil {
			return err
		}
		version, err := x.articlesChanged()
		if err != nil {
			return err
		}
		var labels []any
		for i := range due {
			r := &due[i]
			if r.seq == 0 {
				r.seq = seq
				seq++
			}
			if _, err := x.exec("UPDATE articles SET state = 'public', seq = $2, changed = $3 WHERE ref = $1", r.ref, r.seq, version); err != nil {
				return err
			}
			m, err := r.decodeMeta()
			if err != nil {
				return err
			}
			eachLabel(m.Authors, m.Tags, r.section, func(kind, label, name string) {
				labels = append(labels, kind, label, r.ref, name)
			})
		}
		return x.insertLabels(labels)
	})
	return released, err
}

// NextRelease returns when the next scheduled article is due; zero: none is.
func (s *Store) NextRelease(ctx context.Context) (time.Time, error) {
	at, err := one(s.reader(ctx), value[int64], "SELECT coalesce(min(published), 0) FROM articles WHERE state = 'scheduled'")
	return fromMS(at), s.wrap("look for scheduled articles", err)
}
