package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Retained is a kind of what is held about people, and goes after a time. The words are
// stored and shown.
type Retained string

// What goes after a time.
const (
	RetainedReplies      Retained = "replies"         // what relays said of each delivery, and why an address is suppressed
	RetainedDeliveries   Retained = "deliveries"      // of issues that are over; an issue's counts stay
	RetainedLetters      Retained = "letters"         // on request
	RetainedSignUps      Retained = "sign-ups"        // that nobody confirmed
	RetainedUnsubscribed Retained = "unsubscribed"    // subscriptions of those who left; a keyed hash stays
	RetainedBounces      Retained = "bounces"         // what came back; an issue's counts stay
	RetainedMessages     Retained = "bounce messages" // that were not understood
	RetainedReasons      Retained = "reasons"         // why people left, in their own words; counts stay
	RetainedImports      Retained = "imports"         // whose number, with which they can be undone
	RetainedOutbox       Retained = "outbox"          // mail that the catcher kept; files, which package jobs deletes
)

// peopleAtOnce is how many rows of people one transaction deletes: few enough that nobody
// who sends has to wait long.
const peopleAtOnce = 500

// What is older than $1, of each kind.
const (
	oldLetters = `FROM letters l JOIN chunks c ON c.id = l.chunk WHERE l.created_at < $1
		AND (c.closed = 1 OR c.owner = '' AND l.expires_at > 0 AND l.expires_at < $1)` // or nobody delivers it any more
	oldSignUps  = "FROM subscriptions WHERE state = 'pending' AND updated_at < $1"
	oldLeft     = "FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber WHERE b.state = 'unsubscribed' AND b.updated_at < $1"
	oldBounces  = "FROM bounces WHERE at < $1"
	oldMessages = "FROM bounce_messages m JOIN bounces b ON b.id = m.bounce WHERE b.at < $1"
	oldReasons  = "FROM reasons WHERE words <> '' AND at < $1"
	oldImports  = "FROM imports WHERE state IN ('done', 'undone') AND ended_at < $1 AND undone_at < $1"
)

// forgetting is how rows of a kind go: where they are, and a step that deletes some of
// them, the oldest first, and returns how many; 0: there are no more.
type forgetting struct {
	old  string
	step func(x *tx, before, now time.Time) (int, error)
}

func forgettings() map[Retained]forgetting {
	return map[Retained]forgetting{
		RetainedLetters:      {oldLetters, (*tx).forgetLetters},
		RetainedSignUps:      {oldSignUps, (*tx).forgetSignUps},
		RetainedUnsubscribed: {oldLeft, (*tx).forgetLeft},
		RetainedBounces:      {oldBounces, (*tx).forgetBounces},
		RetainedMessages:     {oldMessages, (*tx).forgetMessages},
		RetainedReasons:      {oldReasons, (*tx).forgetReasons},
		RetainedImports:      {oldImports, (*tx).forgetImports},
	}
}

// Forget deletes what is held of a kind from before a time, in small transactions, the
// oldest first. step is called after each of them, with how many rows went: there is
// time for others then. An error of it ends the pass; the next one goes on where it
// was. Nothing goes that decides what is sent to whom: nothing of an issue that is not
// over, no suppression, and nothing that keeps a list from bringing somebody back.
func (s *Store) Forget(ctx context.Context, kind Retained, before, now time.Time, step func(n int) error) error {
	switch kind {
	case RetainedReplies:
		if err := s.forgetIssues(ctx, kind, before, step); err != nil {
			return err
		}
		if err := s.forgetNotes(ctx, before, step); err != nil {
			return err
		}
	case RetainedDeliveries:
		if err := s.forgetIssues(ctx, kind, before, step); err != nil {
			return err
		}
	default:
		f, ok := forgettings()[kind]
		if !ok {
			return fmt.Errorf("nothing in the database is called %q: %w", kind, ErrNotFound)
		}
		for {
			n, err := s.forgetStep(ctx, kind, func(x *tx) (int, error) { return f.step(x, before, now) })
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if err := step(n); err != nil {
				return err
			}
		}
	}
	return s.EndForgetting(ctx, kind, 0, now)
}

// forgetStep runs one step in a transaction, which also counts what went.
func (s *Store) forgetStep(ctx context.Context, kind Retained, step func(*tx) (int, error)) (n int, err error) {
	err = s.write(ctx, "forget old "+string(kind), func(x *tx) error {
		if n, err = step(x); err != nil || n == 0 {
			return err
		}
		_, err := x.exec(`INSERT INTO retention (kind, at, removed, running, total) VALUES ($1, 0, 0, $2, $2)
			ON CONFLICT (kind) DO UPDATE SET running = retention.running + excluded.running, total = retention.total + excluded.total`, string(kind), n)
		return err
	})
	return n, err
}

// EndForgetting notes that a pass is through with a kind; n went that no step of Forget
// counted.
func (s *Store) EndForgetting(ctx context.Context, kind Retained, n int, now time.Time) error {
	return s.write(ctx, "note what is forgotten", func(x *tx) error {
		_, err := x.exec(`INSERT INTO retention (kind, at, removed, running, total) VALUES ($1, $2, $3, 0, $3)
			ON CONFLICT (kind) DO UPDATE SET at = excluded.at, removed = retention.running + excluded.removed, running = 0,
			total = retention.total + excluded.total`, string(kind), ms(now), n)
		return err
	})
}

// Forgettable counts what Forget would delete.
func (s *Store) Forgettable(ctx context.Context, kind Retained, before time.Time) (n int, err error) {
	q := s.reader(ctx)
	switch kind {
	case RetainedReplies:
		var notes int
		n, err = one(q, value[int], "SELECT count(*) FROM issues i JOIN chunks c ON c.issue = i.id JOIN deliveries d ON d.chunk = c.id WHERE "+
			issueOver+" AND i.forgotten < 1 AND c.closed = 1 AND d.reply IS NOT NULL", ms(before))
		if err == nil {
			notes, err = one(q, value[int], "SELECT count(*) FROM suppressions WHERE "+oldNotes, ms(before))
		}
		n += notes
	case RetainedDeliveries:
		n, err = one(q, value[int], "SELECT CAST(coalesce(sum("+chunkRows+"), 0) AS BIGINT) FROM issues i JOIN chunks c ON c.issue = i.id WHERE "+
			issueOver+" AND i.forgotten < 2 AND "+chunkHasRows, ms(before))
	default:
		n, err = one(q, value[int], "SELECT count(*) "+forgettings()[kind].old, ms(before))
	}
	return n, s.wrap("count old "+string(kind), err)
}

// Retention is what became of a kind.
type Retention struct {
	Kind    Retained
	At      time.Time // when a pass was last through with it, zero: none was yet
	Removed int       // by that pass
	Total   int       // by all of them
}

// Retentions returns what became of each kind that a pass ever began with.
func (s *Store) Retentions(ctx context.Context) ([]Retention, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (r Retention, err error) {
		err = scan(&r.Kind, stamp{&r.At}, &r.Removed, &r.Total)
		return r, err
	}, "SELECT kind, at, removed, total FROM retention ORDER BY kind")
	return all, s.wrap("read what was forgotten", err)
}

// forgetLeft deletes the subscriptions of those who left, and who has none any more with
// them: a keyed hash stays, so that no list brings them back to what they left.
func (x *tx) forgetLeft(before, now time.Time) (int, error) {
	type row struct {
		newsletter, hash string
		subscriber       int64
	}
	rows, err := list(x, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.newsletter, &r.subscriber, &r.hash)
		return r, err
	}, "SELECT b.newsletter, b.subscriber, s.hash "+oldLeft+" ORDER BY b.updated_at LIMIT $2{{for update b}}", ms(before), peopleAtOnce)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	var tombstones []any
	var ids []int64
	of := map[string][]int64{}
	for _, r := range rows {
		tombstones = append(tombstones, r.hash, r.newsletter, "left", ms(now))
		ids, of[r.newsletter] = append(ids, r.subscriber), append(of[r.newsletter], r.subscriber)
	}
	_, err = x.insert("INSERT INTO tombstones (hash, newsletter, cause, at)", `ON CONFLICT (hash, newsletter) DO UPDATE
		SET cause = excluded.cause, at = excluded.at WHERE tombstones.cause = 'removed'`, 4, tombstones)
	if err != nil {
		return 0, err
	}
	for name, subscribers := range of {
		if _, err := x.exec("DELETE FROM subscriptions WHERE newsletter = $1 AND subscriber {{in ints $2}}", name, jsonArg(subscribers)); err != nil {
			return 0, err
		}
	}
	slices.Sort(ids)
	return len(rows), x.forgetPeople(slices.Compact(ids))
}

// forgetPeople deletes which of these subscribers have no subscription any more, with
// their letters, and the words of what came back from them.
func (x *tx) forgetPeople(ids []int64) error {
	type person struct {
		id   int64
		hash string
	}
	gone, err := list(x, func(scan func(...any) error) (p person, err error) {
		return p, scan(&p.id, &p.hash)
	}, "DELETE FROM subscribers WHERE id {{in ints $1}} AND NOT EXISTS (SELECT 1 FROM subscriptions b WHERE b.subscriber = subscribers.id) RETURNING id, hash", jsonArg(ids))
	if err != nil || len(gone) == 0 {
		return err
	}
	hashes := make([]string, len(gone))
	ids = ids[:0]
	for i, p := range gone {
		hashes[i], ids = p.hash, append(ids, p.id)
	}
	if _, err := x.exec("DELETE FROM former WHERE subscriber {{in ints $1}}", jsonArg(ids)); err != nil {
		return err
	}
	if err := x.forgetLettersOfAll(ids); err != nil {
		return err
	}
	// That something bounced counts as long as it does: they may come back.
	arg := jsonArg(hashes)
	for _, theirs := range []string{"SELECT id FROM bounces WHERE hash <> '' AND hash", "SELECT bounce FROM bounce_names WHERE hash"} {
		if _, err := x.exec("DELETE FROM bounce_messages WHERE bounce IN ("+theirs+" {{in strings $1}})", arg); err != nil {
			return err
		}
	}
	_, err = x.exec("UPDATE bounces SET words = '', reporter = '' WHERE hash <> '' AND hash {{in strings $1}}", arg)
	return err
}

func (x *tx) forgetReasons(before, _ time.Time) (int, error) {
	n, err := x.exec("UPDATE reasons SET words = '' WHERE id IN (SELECT id "+oldReasons+" ORDER BY id LIMIT $2)", ms(before), peopleAtOnce)
	return int(n), err
}

func (x *tx) forgetImports(before, _ time.Time) (int, error) {
	n, err := x.exec("DELETE FROM imports WHERE id IN (SELECT id "+oldImports+" ORDER BY id LIMIT $2)", ms(before), peopleAtOnce)
	return int(n), err
}
