package store

import (
	"context"
	"errors"
	"time"

	"syndicate/internal/newsletter"
)

func scanTrack(scan func(...any) error) (t Track, err error) {
	err = scan(&t.Newsletter, &t.Rehearsal, &t.Horizon, &t.LastNumber, stamp{&t.Since})
	return t, err
}

const trackColumns = "newsletter, rehearsal, horizon, last_number, since"

// SyncNewsletter makes a newsletter known, once, and returns where it stands.
func (s *Store) SyncNewsletter(ctx context.Context, name string, rehearsal bool, now time.Time) (Track, error) {
	t, err := s.Track(ctx, name, rehearsal)
	if missingErr(err) {
		err = s.write(ctx, "start newsletter "+name, func(x *tx) error {
			_, err := x.exec(`INSERT INTO tracks (newsletter, rehearsal, horizon, last_number, since) VALUES ($1, $2, 0, 0, $3)
				ON CONFLICT DO NOTHING`, name, btoi(rehearsal), ms(now))
			return err
		})
		if err == nil {
			t, err = s.Track(ctx, name, rehearsal)
		}
	}
	return t, err
}

// Track returns where a newsletter stands; ErrNotFound before SyncNewsletter.
func (s *Store) Track(ctx context.Context, name string, rehearsal bool) (Track, error) {
	t, err := one(s.reader(ctx), scanTrack, "SELECT "+trackColumns+" FROM tracks WHERE newsletter = $1 AND rehearsal = $2", name, btoi(rehearsal))
	return t, s.wrap("read newsletter "+name, err)
}

const occurrenceColumns = "newsletter, rehearsal, local, at, outcome, note, issue, missed"

func scanOccurrence(scan func(...any) error) (o newsletter.Occurrence, err error) {
	err = scan(&o.Newsletter, &o.Rehearsal, &o.Local, stamp{&o.At}, &o.Outcome, &o.Note, &o.Issue, &o.Missed)
	return o, err
}

// LastOccurrence returns the latest recorded occurrence; ErrNotFound.
func (s *Store) LastOccurrence(ctx context.Context, name string, rehearsal bool) (newsletter.Occurrence, error) {
	all, err := s.Occurrences(ctx, name, rehearsal, 1)
	if err == nil && len(all) == 0 {
		err = s.wrap("last occurrence of "+name, ErrNotFound)
	}
	if err != nil {
		return newsletter.Occurrence{}, err
	}
	return all[0], nil
}

// Occurrences returns the latest recorded occurrences, latest first.
func (s *Store) Occurrences(ctx context.Context, name string, rehearsal bool, limit int) ([]newsletter.Occurrence, error) {
	all, err := list(s.reader(ctx), scanOccurrence, "SELECT "+occurrenceColumns+" FROM occurrences WHERE newsletter = $1 AND rehearsal = $2 ORDER BY local DESC LIMIT $3",
		name, btoi(rehearsal), limitOr(limit))
	return all, s.wrap("read occurrences of "+name, err)
}

// HeldOccurrences returns those from a day on that took place: they brought nothing
// new, or an issue that was neither cancelled nor waits for approval.
func (s *Store) HeldOccurrences(ctx context.Context, name string, rehearsal bool, from newsletter.Day) ([]newsletter.Occurrence, error) {
	all, err := list(s.reader(ctx), scanOccurrence, "SELECT "+occurrenceColumns+` FROM occurrences WHERE newsletter = $1 AND rehearsal = $2 AND local >= $3
		AND (outcome = 'nothing new' OR outcome = 'issue' AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.id = occurrences.issue AND i.state IN ('cancelled', 'awaiting approval')))
		ORDER BY local`, name, btoi(rehearsal), from.Time().Format(time.DateOnly))
	return all, s.wrap("read occurrences of "+name, err)
}

// RecordOccurrence notes that an occurrence passed without an issue. It is true
// for the first to record it.
func (s *Store) RecordOccurrence(ctx context.Context, o newsletter.Occurrence, now time.Time) (first bool, err error) {
	err = s.write(ctx, "record an occurrence of "+o.Newsletter, func(x *tx) error {
		first, err = x.recordOccurrence(o, now)
		return err
	})
	return first, err
}

func (x *tx) recordOccurrence(o newsletter.Occurrence, now time.Time) (first bool, err error) {
	n, err := x.exec(`INSERT INTO occurrences (newsletter, rehearsal, local, at, outcome, note, issue, missed, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		o.Newsletter, btoi(o.Rehearsal), o.Local, ms(o.At), o.Outcome, o.Note, o.Issue, o.Missed, ms(now))
	return n == 1, err
}

// limitOr is a LIMIT: 0 means all.
func limitOr(n int) int64 {
	if n <= 0 {
		return 1 << 62
	}
	return int64(n)
}

// missingErr reports whether err says that there is no such row.
func missingErr(err error) bool { return errors.Is(err, ErrNotFound) }
