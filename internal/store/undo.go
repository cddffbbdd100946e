package store

import (
	"context"
	"fmt"
	"time"
)

// KeptReason says why undoing an import left a subscription.
type KeptReason string

// Why undoing an import leaves a subscription.
const (
	KeptOwner KeptReason = "owner" // its owner signed up, left, came back or set something since, or an operator changed it
	KeptList  KeptReason = "list"  // the operator's own list has it, too
)

// UndoImport removes what an import made and nobody touched since: subscriptions,
// with what is pending for them, and suppressions; and it takes up again what the import
// ended. Nothing remembers that they were there; what was sent to them stays in the books.
// It works in steps, and goes on with one that was interrupted; tell is told how many are
// done. ErrConflict: it was undone before. ErrNotFound.
func (s *Store) UndoImport(ctx context.Context, id int64, now time.Time, tell func(done int)) (i Import, err error) {
	err = s.write(ctx, fmt.Sprintf("undo import %d", id), func(x *tx) error {
		if i, err = one(x, scanImport, "SELECT "+importColumns+" FROM imports WHERE id = $1{{for update}}", id); err != nil {
			return err
		}
		if i.State == ImportUndone {
			return fmt.Errorf("it was undone before: %w", ErrConflict)
		}
		_, err := x.exec("UPDATE imports SET state = 'undoing' WHERE id = $1", id)
		return err
	})
	if err != nil {
		return i, err
	}
	i.Kept = map[KeptReason]int{}
	restore := func(x *tx, i *Import, after int64) (undoPart, error) { return x.restoreSome(i, after, now) }
	for _, step := range []func(*tx, *Import, int64) (undoPart, error){(*tx).undoSome, restore} {
		for after := int64(0); ; {
			var part undoPart
			err := s.write(ctx, fmt.Sprintf("undo import %d", id), func(x *tx) (err error) {
				part, err = step(x, &i, after)
				return err
			})
			if err != nil {
				return i, err
			}
			if part.seen == 0 {
				break
			}
			after = part.last
			i.Removed += part.removed
			i.Restored += part.restored
			for reason, n := range part.kept {
				i.Kept[reason] += n
			}
			tell(i.Removed + i.Restored)
		}
	}
	for {
		n := 0
		err := s.write(ctx, fmt.Sprintf("undo import %d", id), func(x *tx) (err error) {
			n, err = x.liftSome(&i)
			return err
		})
		if err != nil {
			return i, err
		}
		if n == 0 {
			break
		}
		i.Lifted += n
	}
	err = s.write(ctx, fmt.Sprintf("undo import %d", id), func(x *tx) error {
		kept, err := encodeKept(i.Kept)
		if err != nil {
			return err
		}
		if _, err := x.exec("UPDATE imports SET state = 'undone', undone_at = $2, kept = $3 WHERE id = $1", id, ms(now), kept); err != nil {
			return err
		}
		return x.forgetLists() // what the operator's lists have may be new now
	})
	i.State, i.UndoneAt = ImportUndone, now
	return i, err
}

// undoPart is what one step of undoing came to.
type undoPart struct {
	seen, removed, restored int
	last                    int64 // subscriber
	kept                    map[KeptReason]int
}

func (x *tx) undoSome(i *Import, after int64) (p undoPart, err error) {
	type row struct {
		id              int64
		touched, listed bool
	}
	rows, err := list(x, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.touched, &r.listed)
		return r, err
	}, `SELECT subscriber, updated_at <> created_at, file_line IS NOT NULL FROM subscriptions
		WHERE newsletter = $1 AND subscriber > $2 AND source = $3 ORDER BY subscriber LIMIT $4{{for update}}`, i.Newsletter, after, i.Source(), listBatchSize)
	if err != nil || len(rows) == 0 {
		return p, err
	}
	p = undoPart{seen: len(rows), last: rows[len(rows)-1].id, kept: map[KeptReason]int{}}
	var ids []int64
	for _, r := range rows {
		switch {
		case r.listed:
			p.kept[KeptList]++
		case r.touched:
			p.kept[KeptOwner]++
		default:
			ids = append(ids, r.id)
		}
	}
	if len(ids) == 0 {
		return p, nil
	}
	p.removed = len(ids)
	arg := jsonArg(ids)
	if _, err := x.exec("DELETE FROM subscriptions WHERE newsletter = $1 AND subscriber {{in ints $2}}", i.Newsletter, arg); err != nil {
		return p, err
	}
	if err := x.cancelPendingOf(ids, i.Newsletter); err != nil {
		return p, err
	}
	gone, err := list(x, value[int64], `DELETE FROM subscribers WHERE id {{in ints $1}} AND NOT EXISTS (SELECT 1 FROM subscriptions b WHERE b.subscriber = subscribers.id)
		RETURNING id`, arg)
	if err != nil {
		return p, err
	}
	if _, err := x.exec("DELETE FROM former WHERE subscriber {{in ints $1}}", jsonArg(gone)); err != nil {
		return p, err
	}
	if err := x.forgetLettersOfAll(gone); err != nil {
		return p, err
	}
	_, err = x.exec("UPDATE imports SET removed = removed + $2 WHERE id = $1", i.ID, len(ids))
	return p, err
}

// restoreSome takes up again subscriptions that the import ended, where nobody had to do
// with them since: what went out meanwhile is in their next issue.
func (x *tx) restoreSome(i *Import, after int64, now time.Time) (p undoPart, err error) {
	type row struct {
		id      int64
		touched bool
	}
	rows, err := list(x, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.touched)
		return r, err
	}, `SELECT subscriber, updated_at <> left_at FROM subscriptions WHERE newsletter = $1 AND subscriber > $2
		AND state = 'unsubscribed' AND left_by = $3 AND source <> $3 ORDER BY subscriber LIMIT $4{{for update}}`, i.Newsletter, after, i.Source(), listBatchSize)
	if err != nil || len(rows) == 0 {
		return p, err
	}
	p = undoPart{seen: len(rows), last: rows[len(rows)-1].id, kept: map[KeptReason]int{}}
	var ids []int64
	for _, r := range rows {
		if r.touched {
			p.kept[KeptOwner]++
		} else {
			ids = append(ids, r.id)
		}
	}
	if len(ids) == 0 {
		return p, nil
	}
	p.restored = len(ids)
	_, err = x.exec("UPDATE subscriptions SET state = 'confirmed', left_at = 0, left_by = '', updated_at = $3 WHERE newsletter = $1 AND subscriber {{in ints $2}}",
		i.Newsletter, jsonArg(ids), ms(now))
	if err != nil {
		return p, err
	}
	_, err = x.exec("UPDATE imports SET restored = restored + $2 WHERE id = $1", i.ID, len(ids))
	return p, err
}

// liftSome takes back suppressions that the import made and nothing confirmed since.
func (x *tx) liftSome(i *Import) (int, error) {
	hashes, err := list(x, value[string], "SELECT hash FROM suppressions WHERE note = $1 ORDER BY hash LIMIT $2", i.Source(), listBatchSize)
	if err != nil || len(hashes) == 0 {
		return 0, err
	}
	n, err := x.lift("hash {{in strings $1}}", jsonArg(hashes))
	if err != nil {
		return 0, err
	}
	_, err = x.exec("UPDATE imports SET lifted = lifted + $2 WHERE id = $1", i.ID, n)
	return n, err
}
