package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
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
			b := listBatch{x: x, name: name, source: "file", now: now}
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

// cells are the fields of a line that were given, by name.
type cells map[string]string

func cellsOf(l newsletter.Line) cells {
	c := cells{}
	set := func(field string, v *string) {
		if v != nil {
			c[field] = *v
		}
	}
	set("name", l.Name)
	set("language", l.Language)
	set("time_zone", l.TimeZone)
	if l.Topics != nil {
		c["topics"] = newsletter.JoinTopics(*l.Topics)
	}
	return c
}

func (c cells) encode() string {
	b, err := json.Marshal(c) // keys are sorted
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}

// listBatch takes lines into a newsletter inside one transaction.
type listBatch struct {
	x            *tx
	name, source string
	now          time.Time
	known        map[string]*listed // by hash of the address
	tombs        map[string]string  // cause by hash
	suppressed   map[string]bool
}

// listed is a subscriber as far as a list may change it.
type listed struct {
	id              int64
	hash            string
	state           string // of the subscription; empty: none
	owned, fileLine string // JSON
	named           bool   // the owner set the name, in whatever subscription
}

func (b *listBatch) hash(l newsletter.Line) string { return b.x.s.keys.AddressHash(l.Email) }

// load reads what is known of the lines' addresses.
func (b *listBatch) load(lines []newsletter.Line) error {
	hashes := make([]string, len(lines))
	for i, l := range lines {
		hashes[i] = b.hash(l)
	}
	arg := jsonArg(hashes)
	rows, err := list(b.x, func(scan func(...any) error) (k listed, err error) {
		err = scan(&k.id, &k.hash, &k.state, &k.owned, &k.fileLine, &k.named)
		return k, err
	}, `SELECT s.id, s.hash, coalesce(b.state, ''), coalesce(b.set_by_owner, '{}'), coalesce(b.file_line, ''),
		EXISTS (SELECT 1 FROM subscriptions o WHERE o.subscriber = s.id AND o.set_by_owner LIKE '%"name":true%')
		FROM subscribers s LEFT JOIN subscriptions b ON b.subscriber = s.id AND b.newsletter = $1 WHERE s.hash {{in strings $2}}`, b.name, arg)
	if err != nil {
		return err
	}
	b.known = make(map[string]*listed, len(rows))
	for i := range rows {
		b.known[rows[i].hash] = &rows[i]
	}
	pairs, err := list(b.x, func(scan func(...any) error) (p [2]string, err error) {
		err = scan(&p[0], &p[1])
		return p, err
	}, "SELECT hash, cause FROM tombstones WHERE hash {{in strings $1}} AND newsletter IN ('', $2)", arg, b.name)
	if err != nil {
		return err
	}
	b.tombs = make(map[string]string, len(pairs))
	for _, p := range pairs {
		if b.tombs[p[0]] == "" || p[1] != "removed" { // the stricter one
			b.tombs[p[0]] = p[1]
		}
	}
	held, err := list(b.x, value[string], "SELECT hash FROM suppressions WHERE hash {{in strings $1}}", arg)
	b.suppressed = make(map[string]bool, len(held))
	for _, h := range held {
		b.suppressed[h] = true
	}
	return err
}

// judge says what adding the line would do; Created: it may be created.
func (b *listBatch) judge(l newsletter.Line) AddResult {
	h := b.hash(l)
	if k := b.known[h]; k != nil && k.state != "" {
		switch {
		case k.state == string(newsletter.SubscriptionUnsubscribed):
			return Unsubscribed
		case b.suppressed[h]:
			return Suppressed
		}
		return Exists
	}
	if b.suppressed[h] {
		return Suppressed
	}
	switch cause := b.tombs[h]; {
	case cause == "", b.source == "form", b.source == "cli" && cause == "removed":
		return Created
	}
	return Gone
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

// add subscribes whom judge lets in. results tells of each line.
func (b *listBatch) add(lines []newsletter.Line) (results []AddResult, err error) {
	if err := b.load(lines); err != nil {
		return nil, err
	}
	var fresh []newsletter.Line
	seen := map[string]bool{}
	for _, l := range lines {
		result := b.judge(l)
		if h := b.hash(l); result == Created {
			if seen[h] { // by a line before
				result = Exists
			} else {
				fresh = append(fresh, l)
			}
			seen[h] = true
		}
		results = append(results, result)
	}
	return results, b.create(fresh)
}

// create makes subscribers where there are none, and their subscriptions, which
// start at the newsletter's last horizon.
func (b *listBatch) create(lines []newsletter.Line) error {
	if len(lines) == 0 {
		return nil
	}
	x, now := b.x, ms(b.now)
	var people []any
	hashes := make([]string, len(lines))
	for i, l := range lines {
		hashes[i] = b.hash(l)
		name := cellsOf(l)["name"]
		if k := b.known[hashes[i]]; k == nil {
			_, domain, _ := strings.Cut(l.Email, "@")
			people = append(people, l.Email, hashes[i], name, newsletter.DomainGroup(domain), now)
		} else if name != "" && !k.named { // known from another newsletter, perhaps without a name
			if _, err := x.exec("UPDATE subscribers SET name = $2 WHERE id = $1 AND name = ''", k.id, name); err != nil {
				return err
			}
		}
	}
	if _, err := x.insert("INSERT INTO subscribers (email, hash, name, domain, created_at)", "ON CONFLICT (hash) DO NOTHING", 5, people); err != nil {
		return err
	}
	type person struct {
		id   int64
		hash string
	}
	ids := make(map[string]int64, len(lines))
	rows, err := list(x, func(scan func(...any) error) (p person, err error) {
		err = scan(&p.id, &p.hash)
		return p, err
	}, "SELECT id, hash FROM subscribers WHERE hash {{in strings $1}}", jsonArg(hashes))
	if err != nil {
		return err
	}
	for _, p := range rows {
		ids[p.hash] = p.id
	}
	var horizons [2]int64
	for r := range horizons {
		if horizons[r], err = missing(x.query1("SELECT horizon FROM tracks WHERE newsletter = $1 AND rehearsal = $2", b.name, r)); err != nil {
			return err
		}
	}
	state, consent := newsletter.SubscriptionConfirmed, now
	if b.source == "form" {
		state, consent = newsletter.SubscriptionPending, 0
	}
	const columns = 20
	subs := make([]any, 0, columns*len(lines))
	for i, l := range lines {
		c := cellsOf(l)
		var fileLine any
		if b.source == "file" {
			fileLine = c.encode()
		}
		subs = append(subs, b.name, ids[hashes[i]], string(state), 0, c["language"], c["time_zone"], c["topics"], "", -1, 0, 0,
			horizons[0], horizons[1], consent, b.source, "{}", "{}", fileLine, now, now)
	}
	_, err = x.insert(`INSERT INTO subscriptions (newsletter, subscriber, state, suppressed, language, time_zone, topics, cadence, hour, max_items, paused_till,
		cursor, rehearsal_cursor, consent_at, source, proof, set_by_owner, file_line, created_at, updated_at)`, "ON CONFLICT DO NOTHING", columns, subs)
	if err != nil {
		return err
	}
	// Back by hand or by their owner: not gone any more.
	if b.source != "file" {
		_, err = x.exec("DELETE FROM tombstones WHERE hash {{in strings $1}} AND newsletter IN ('', $2)", jsonArg(hashes), b.name)
	}
	return err
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
		}, `SELECT s.id, s.hash FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber WHERE b.newsletter = $1 AND b.subscriber > $2
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
		err = s.write(ctx, "prune the list of "+name, func(x *tx) error {
			for _, r := range rows {
				if _, err := x.removeSubscriptions(r.id, name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return pruned, err
		}
		pruned += len(rows)
	}
}
