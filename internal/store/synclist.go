package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"syndicate/internal/newsletter"
)

const (
	listBatchSize = 1000 // lines in one transaction
	maxNotes      = 100
)

// SyncList brings a newsletter's subscribers up to date with the operator's
// list. A line that is new makes a confirmed subscription. A cell of a known line
// applies only if it changed since the last sync (a column that was not there was
// empty) and its owner never set that field. A subscription that was made
// elsewhere keeps its fields when it is first met on the list. A line that left
// changes nothing, unless prune: then the subscription is deleted, if the list
// made it and its owner did not leave. An address that left,
// was removed, changed, erased or suppressed is never brought back.
//
// Lines are taken a thousand to a transaction; a list as it was last time costs
// one look.
func (s *Store) SyncList(ctx context.Context, name string, lines []newsletter.Line, prune bool, now time.Time) (SyncResult, error) {
	hash := listHash(lines, prune)
	type known struct {
		hash    string
		refused int
	}
	last, err := missing(one(s.reader(ctx), func(scan func(...any) error) (k known, err error) {
		err = scan(&k.hash, &k.refused)
		return k, err
	}, "SELECT hash, refused FROM lists WHERE newsletter = $1", name))
	if err != nil {
		return SyncResult{}, s.wrap("read the list of "+name, err)
	}
	if last.hash == hash {
		return SyncResult{Unchanged: len(lines) - last.refused, Refused: last.refused}, nil
	}
	var total SyncResult
	for part := range slices.Chunk(lines, listBatchSize) {
		var r SyncResult
		err := s.write(ctx, "take over the list of "+name, func(x *tx) (err error) {
			b := x.listBatch(name, "file", now)
			r, err = b.sync(part)
			return err
		})
		if err != nil {
			return total, err
		}
		total.add(r)
	}
	if prune {
		if total.Pruned, err = s.pruneList(ctx, name, lines); err != nil {
			return total, err
		}
	}
	err = s.write(ctx, "remember the list of "+name, func(x *tx) error {
		_, err := x.exec(`INSERT INTO lists (newsletter, hash, refused) VALUES ($1, $2, $3)
			ON CONFLICT (newsletter) DO UPDATE SET hash = excluded.hash, refused = excluded.refused`, name, hash, total.Refused)
		return err
	})
	return total, err
}

func (r *SyncResult) add(x SyncResult) {
	r.Added += x.Added
	r.Changed += x.Changed
	r.Unchanged += x.Unchanged
	r.Refused += x.Refused
	r.Notes = append(r.Notes, x.Notes[:min(len(x.Notes), maxNotes-len(r.Notes))]...)
}

func listHash(lines []newsletter.Line, prune bool) string {
	h := hasher{Hash: sha256.New()}
	h.number(int64(btoi(prune)))
	for _, l := range lines {
		h.text(l.Email, cellsOf(l).encode())
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (b *listBatch) sync(lines []newsletter.Line) (r SyncResult, err error) {
	if err := b.load(lines); err != nil {
		return r, err
	}
	var fresh []newsletter.Line
	seen := map[string]bool{}
	for _, l := range lines {
		h := b.hash(l)
		switch result := b.judge(l); {
		case seen[h]: // the first line of an address counts
			r.Unchanged++
		case result == Created:
			fresh = append(fresh, l)
		case result == Gone, result == Suppressed, result == Unsubscribed:
			r.Refused++
			if len(r.Notes) < maxNotes {
				r.Notes = append(r.Notes, SyncNote{Line: l.N, Reason: result})
			}
		default:
			changed, err := b.update(b.known[h], l)
			if err != nil {
				return r, err
			}
			r.Changed += btoi(changed)
			r.Unchanged += btoi(!changed)
		}
		seen[h] = true
	}
	r.Added = len(fresh)
	return r, b.create(fresh)
}

// update applies the cells that changed since the last sync and that their owner
// never set.
func (b *listBatch) update(k *listed, l newsletter.Line) (changed bool, err error) {
	have := cellsOf(l)
	line := have.encode()
	if line == k.fileLine {
		return false, nil
	}
	var last cells
	owned := map[string]bool{}
	if err := fromJSON([]byte(k.owned), &owned); err != nil {
		return false, err
	}
	if k.fileLine != "" {
		if err := fromJSON([]byte(k.fileLine), &last); err != nil {
			return false, err
		}
	}
	set := func(field string) bool {
		v, given := have[field]
		return given && k.fileLine != "" && v != last[field] && !owned[field]
	}
	for _, field := range []string{"language", "time_zone", "topics"} {
		if !set(field) {
			continue
		}
		changed = true
		if _, err := b.x.exec("UPDATE subscriptions SET "+field+" = $3, updated_at = $4 WHERE newsletter = $1 AND subscriber = $2", b.name, k.id, have[field], ms(b.now)); err != nil {
			return false, err
		}
	}
	if set("name") && !k.named {
		changed = true
		if _, err := b.x.exec("UPDATE subscribers SET name = $2 WHERE id = $1", k.id, have["name"]); err != nil {
			return false, err
		}
	}
	for field, v := range last { // a column that is not given this time is not forgotten
		if _, given := have[field]; !given {
			have[field] = v
		}
	}
	_, err = b.x.exec("UPDATE subscriptions SET file_line = $3 WHERE newsletter = $1 AND subscriber = $2", b.name, k.id, have.encode())
	return changed, err
}

// pruneList deletes the subscriptions that the list made and has no more.
func (s *Store) pruneList(ctx context.Context, name string, lines []newsletter.Line) (pruned int, err error) {
	keep := make(map[string]bool, len(lines))
	for _, l := range lines {
		keep[s.keys.AddressHash(l.Email)] = true
	}
	type row struct {
		id   int64
		hash string
	}
	after := int64(0)
	for {
		rows, err := list(s.reader(ctx), func(scan func(...any) error) (r row, err error) {
			err = scan(&r.id, &r.hash)
			return r, err
		}, `SELECT s.id, s.hash FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber WHERE b.newsletter = $1 AND b.subscriber > $2{{postgres AND s.id > $2}}
			AND b.source = 'file' AND b.state <> 'unsubscribed' ORDER BY b.subscriber LIMIT $3`, name, after, listBatchSize)
		if err != nil {
			return pruned, s.wrap("prune the list of "+name, err)
		}
		if len(rows) == 0 {
			return pruned, nil
		}
		after = rows[len(rows)-1].id
		rows = slices.DeleteFunc(rows, func(r row) bool { return keep[r.hash] })
		if len(rows) == 0 {
			continue
		}
		var n int
		err = s.write(ctx, "prune the list of "+name, func(x *tx) error {
			n = 0
			for _, r := range rows {
				// Who has left meanwhile stays known as such.
				id, err := missing(x.query1("SELECT subscriber FROM subscriptions WHERE newsletter = $1 AND subscriber = $2 AND source = 'file' AND state <> 'unsubscribed'{{for update}}", name, r.id))
				if err != nil {
					return err
				}
				if id == 0 {
					continue
				}
				if _, err := x.removeSubscriptions(id, name); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return pruned, err
		}
		pruned += n
	}
}
