package store

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

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

// listBatch takes lines into a newsletter inside one transaction, or only looks what
// would become of them.
type listBatch struct {
	q            querier
	x            *tx // nil: to look only
	keys         *newsletter.Keyring
	name, source string
	leave        bool // who left by the list, leaves
	now          time.Time
	hashes       map[string]string           // of the lines' addresses
	known        map[string]*listed          // by hash of the address
	tombs        map[string]string           // cause by hash
	suppressed   map[string]newsletter.Cause // by hash
}

func (x *tx) listBatch(name, source string, now time.Time) listBatch {
	return listBatch{q: x, x: x, keys: x.s.keys, name: name, source: source, now: now}
}

// listed is a subscriber as far as a list may change it.
type listed struct {
	id              int64
	hash            string
	state, source   string // of the subscription, empty: none
	leftBy          string
	consentAt       time.Time
	owned, fileLine string // JSON
	named           bool   // the owner set the name, in whatever subscription
}

func (b *listBatch) hash(l newsletter.Line) string { return b.hashes[l.Email] }

// load reads what is known of the lines' addresses.
func (b *listBatch) load(lines []newsletter.Line) error {
	hashes := make([]string, len(lines))
	b.hashes = make(map[string]string, len(lines))
	for i, l := range lines {
		hashes[i] = b.keys.AddressHash(l.Email)
		b.hashes[l.Email] = hashes[i]
	}
	arg := jsonArg(hashes)
	rows, err := list(b.q, func(scan func(...any) error) (k listed, err error) {
		err = scan(&k.id, &k.hash, &k.state, &k.source, &k.leftBy, stamp{&k.consentAt}, &k.owned, &k.fileLine, &k.named)
		return k, err
	}, `SELECT s.id, s.hash, coalesce(b.state, ''), coalesce(b.source, ''), coalesce(b.left_by, ''), coalesce(b.consent_at, 0), coalesce(b.set_by_owner, '{}'), coalesce(b.file_line, ''),
		EXISTS (SELECT 1 FROM subscriptions o WHERE o.subscriber = s.id AND o.set_by_owner LIKE '%"name":true%')
		FROM subscribers s LEFT JOIN subscriptions b ON b.subscriber = s.id AND b.newsletter = $1 WHERE s.hash {{in strings $2}}`, b.name, arg)
	if err != nil {
		return err
	}
	b.known = make(map[string]*listed, len(rows))
	for i := range rows {
		b.known[rows[i].hash] = &rows[i]
	}
	pairs, err := list(b.q, func(scan func(...any) error) (p [2]string, err error) {
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
	held, err := list(b.q, func(scan func(...any) error) (p newsletter.Suppression, err error) {
		err = scan(&p.Hash, &p.Cause)
		return p, err
	}, "SELECT hash, cause FROM suppressions WHERE hash {{in strings $1}}", arg)
	b.suppressed = make(map[string]newsletter.Cause, len(held))
	for _, p := range held {
		b.suppressed[p.Hash] = p.Cause
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
		case b.suppressed[h] != "":
			return Suppressed
		}
		return Exists
	}
	if b.suppressed[h] != "" {
		return Suppressed
	}
	switch cause := b.tombs[h]; {
	case cause == "", b.byForm(), b.source == "cli" && cause == "removed":
		return Created
	}
	return Gone
}

// byForm reports whether somebody signed up, who need not be the address's owner.
func (b *listBatch) byForm() bool { return b.source == "form" || b.source == "embed" }

// add subscribes somebody, if judge lets them in.
func (b *listBatch) add(l newsletter.Line) (AddResult, error) {
	lines := []newsletter.Line{l}
	if err := b.load(lines); err != nil {
		return "", err
	}
	result := b.judge(l)
	if result != Created {
		return result, nil
	}
	return result, b.create(lines)
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
	subs := make([]any, 0, len(subscriptionInsert)*len(lines))
	for i, l := range lines {
		subs = append(subs, b.row(l, ids[hashes[i]], horizons)...)
	}
	head := "INSERT INTO subscriptions (" + strings.Join(subscriptionInsert[:], ", ") + ")"
	if _, err = x.insert(head, "ON CONFLICT DO NOTHING", len(subscriptionInsert), subs); err != nil {
		return err
	}
	// Back by hand: not gone any more. By a form, they are when its owner confirms.
	if b.source != "file" && !b.byForm() {
		_, err = x.exec("DELETE FROM tombstones WHERE hash {{in strings $1}} AND newsletter IN ('', $2)", jsonArg(hashes), b.name)
	}
	return err
}

// subscriptionInsert are the columns of row.
var subscriptionInsert = [...]string{
	"newsletter", "subscriber", "state", "suppressed", "language", "time_zone", "topics", "cadence", "hour", "max_items", "paused_till", "by_feed",
	"cursor", "rehearsal_cursor", "consent_at", "source", "proof", "left_at", "left_by", "set_by_owner", "file_line", "created_at", "updated_at",
}

// row is the new subscription of a line.
func (b *listBatch) row(l newsletter.Line, subscriber int64, horizons [2]int64) []any {
	c, now := cellsOf(l), ms(b.now)
	state, consent := newsletter.SubscriptionConfirmed, now
	switch {
	case b.byForm():
		state, consent = newsletter.SubscriptionPending, 0
	case l.State != "" && l.State != newsletter.SubscriptionConfirmed:
		state, consent = l.State, 0 // but what the list says
	}
	if !l.ConsentAt.IsZero() {
		consent = ms(l.ConsentAt)
	}
	left, by := int64(0), ""
	if state == newsletter.SubscriptionUnsubscribed {
		left, by = cmp.Or(ms(l.LeftAt), now), cmp.Or(l.LeftBy, b.source)
		if isImport(by) { // of another site, perhaps: the number means another one here
			by = b.source
		}
	}
	choices := newsletter.Choices{Hour: -1}
	if l.Choices != nil {
		choices = *l.Choices
	}
	owned := map[string]bool{}
	for _, field := range choices.SetByOwner {
		owned[field] = true
	}
	var fileLine any
	if b.source == "file" {
		fileLine = c.encode()
	}
	return []any{
		b.name, subscriber, string(state), btoi(l.Suppressed != ""), c["language"], c["time_zone"], c["topics"], string(choices.Cadence), choices.Hour,
		choices.MaxItems, ms(choices.PausedTill), btoi(choices.ByFeed), horizons[0], horizons[1], consent, b.source, cmp.Or(l.Proof, "{}"), left, by, jsonArg(owned), fileLine, now, now,
	}
}
