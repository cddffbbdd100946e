package store

import (
	"fmt"
	"slices"
	"strings"

	"syndicate/internal/newsletter"
)

const replyLimit = 500 // bytes of a reply that are kept

// held is what a group needs to know of a chunk it writes to.
type held struct {
	chunk, fence int64
	closed       bool
	counted      bool             // it is in nobody's hands
	progress     int64            // when something of it was settled last
	issue        newsletter.Issue // ID (0: it is a letter's), Newsletter, Rehearsal, State, Horizon
}

func (x *tx) commitEntries(in []*entry) error {
	chunks, now, err := x.lockChunks(in)
	if err != nil {
		return err
	}
	var marks, sent, others []*entry
	for _, e := range in {
		c := chunks[e.Chunk]
		valid := c != nil && c.fence == e.Fence && !c.closed
		e.err = nil
		switch {
		case !e.mark && e.State == newsletter.Sent && c != nil:
			sent = append(sent, e)
		case e.mark && valid && c.issue.State == newsletter.IssueSending:
			marks = append(marks, e)
		case !e.mark && valid:
			others = append(others, e)
		default:
			e.err = fmt.Errorf("delivery %d of chunk %d: %w", e.N, e.Chunk, ErrStale)
		}
	}
	if err := x.mark(marks, now); err != nil {
		return err
	}
	if err := x.settleSent(sent, chunks, now); err != nil {
		return err
	}
	if err := x.settleOthers(others, chunks, now); err != nil {
		return err
	}
	if err := x.noteProgress(append(sent, others...), chunks, now); err != nil {
		return err
	}
	return x.recountReturned(chunks)
}

// recountReturned counts anew the chunks that were given back before what
// happened to their rows was heard.
func (x *tx) recountReturned(chunks map[int64]*held) error {
	var ids []int64
	for id, c := range chunks {
		if c.counted {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return x.recount("id {{in ints $1}}", jsonArg(ids))
}

// lockChunks locks the chunks of a group, always in the same order, against
// lease, release and unsubscribing. It returns the database's time, too.
func (x *tx) lockChunks(in []*entry) (chunks map[int64]*held, now int64, err error) {
	ids := make([]int64, len(in))
	for i, e := range in {
		ids[i] = e.Chunk
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	scan := func(scan func(...any) error) (h held, err error) {
		i := &h.issue
		err = scan(&h.chunk, &h.fence, &h.closed, &h.counted, &h.progress, &i.ID, &i.Newsletter, &i.Rehearsal, &i.State, &i.Horizon, &now)
		return h, err
	}
	find := func(where string, arg any) ([]held, error) {
		clock, args := x.s.clockSQL(arg)
		return list(x, scan, `SELECT c.id, c.fence, c.closed, c.counted, c.progress_at, coalesce(i.id, 0), coalesce(i.newsletter, ''), coalesce(i.rehearsal, 0),
				coalesce(i.state, 'sending'), coalesce(i.horizon, 0), `+clock+`
			FROM chunks c LEFT JOIN issues i ON i.id = c.issue WHERE c.id `+where, args...)
	}
	var rows []held
	if x.pg != nil {
		rows, err = find("= ANY($1::bigint[]) ORDER BY c.id FOR UPDATE OF c", ids)
	} else {
		for _, id := range ids { // few: so it is quicker
			found, err := find("= $1", id)
			if err != nil {
				return nil, 0, err
			}
			rows = append(rows, found...)
		}
	}
	chunks = make(map[int64]*held, len(rows))
	for i := range rows {
		chunks[rows[i].chunk] = &rows[i]
	}
	return chunks, now, err
}

// change runs an UPDATE of the deliveries of some entries and returns the entries
// whose deliveries were not as it wants them. update ends with "{{these}} AND" and what
// else must hold; $3 is the time. SQLite changes them one by one, which takes it
// half as long as looking them up in a list.
func (x *tx) change(in []*entry, update string, now int64) (missed []*entry, err error) {
	if x.pg == nil {
		for _, e := range in {
			n, err := x.exec(update, e.Chunk, e.N, now)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				missed = append(missed, e)
			}
		}
		return missed, nil
	}
	chunks, ns := make([]int64, len(in)), make([]int64, len(in))
	for i, e := range in {
		chunks[i], ns[i] = e.Chunk, int64(e.N)
	}
	done, err := list(x, scanPair, update+" RETURNING chunk, n", chunks, ns, now)
	if err != nil || len(done) == len(in) {
		return nil, err
	}
	changed := make(map[[2]int64]bool, len(done))
	for _, d := range done {
		changed[d] = true
	}
	for _, e := range in {
		if !changed[[2]int64{e.Chunk, int64(e.N)}] {
			missed = append(missed, e)
		}
	}
	return missed, nil
}

func scanPair(scan func(...any) error) (p [2]int64, err error) {
	err = scan(&p[0], &p[1])
	return p, err
}

func (x *tx) mark(in []*entry, now int64) error {
	if len(in) == 0 {
		return nil
	}
	missed, err := x.change(in, "UPDATE deliveries SET state = 1, first_try = CASE WHEN first_try = 0 THEN $3 ELSE first_try END {{these}} AND state = 0", now)
	for _, e := range missed {
		e.err = fmt.Errorf("delivery %d of chunk %d is not open: %w", e.N, e.Chunk, ErrStale)
	}
	return err
}

func (x *tx) settleSent(in []*entry, chunks map[int64]*held, now int64) error {
	if len(in) == 0 {
		return nil
	}
	const update = `UPDATE deliveries SET state = 2, attempts = attempts + 1, settled_at = $3, reply_code = NULL, reply = NULL,
		first_try = CASE WHEN first_try = 0 THEN $3 ELSE first_try END {{these}} AND state `
	missed, err := x.change(in, update+"NOT IN (2, 4)", now)
	if err != nil {
		return err
	}
	var cancelled []*entry
	if len(missed) > 0 {
		settled, err := x.change(missed, update+"= 4", now)
		if err != nil {
			return err
		}
		for _, e := range missed {
			if !slices.Contains(settled, e) {
				cancelled = append(cancelled, e)
			}
		}
	}
	for _, e := range in {
		// Cancelling returned the cursor of somebody whose message did arrive.
		if i := chunks[e.Chunk].issue; i.ID > 0 && (i.State == newsletter.IssueCancelled || slices.Contains(cancelled, e)) {
			col := cursorColumn(i.Rehearsal)
			_, err := x.exec("UPDATE subscriptions SET "+col+" = $1, "+servedColumn(i.Rehearsal)+` = (SELECT i.day FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.id = $3)
				WHERE newsletter = $2 AND `+col+` < $1
				AND subscriber = (SELECT subscriber FROM deliveries WHERE chunk = $3 AND n = $4)`, i.Horizon, i.Newsletter, e.Chunk, e.N)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *tx) settleOthers(in []*entry, chunks map[int64]*held, now int64) error {
	if len(in) == 0 {
		return nil
	}
	rows := make([][]any, len(in))
	for i, e := range in {
		pending, due := e.State == newsletter.Pending, int64(0)
		if e.RetryIn > 0 {
			due = now + e.RetryIn.Milliseconds()
		}
		rows[i] = []any{
			e.Chunk, e.N, int(e.State), btoi(!pending || due > 0 && !e.Uncounted), due, e.Reply.Code, replyText(e.Reply),
			chunks[e.Chunk].issue.Newsletter, btoi(chunks[e.Chunk].issue.State == newsletter.IssueCancelled),
		}
	}
	// A state that would be pending is cancelled where nobody wants the message
	// any more.
	const unwanted = `(v.state = 0 AND v.newsletter <> '' AND (v.cancelled = 1 OR NOT EXISTS (SELECT 1 FROM subscriptions b
		WHERE b.newsletter = v.newsletter AND b.subscriber = deliveries.subscriber AND b.state = 'confirmed' AND b.suppressed = 0)))`
	done, err := list(x, func(scan func(...any) error) (r [3]int64, err error) {
		err = scan(&r[0], &r[1], &r[2])
		return r, err
	}, `UPDATE deliveries SET
			state = CASE WHEN `+unwanted+` THEN 4 ELSE v.state END,
			attempts = attempts + v.counts, due_at = v.due,
			settled_at = CASE WHEN v.state = 0 AND NOT `+unwanted+` THEN 0 ELSE CAST($2 AS BIGINT) END,
			first_try = CASE WHEN first_try = 0 AND v.counts = 1 THEN $2 ELSE first_try END,
			reply_code = v.code, reply = v.reply
		FROM {{rows $1 chunk int, n int, state int, counts int, due int, code int, reply text, newsletter text, cancelled int}} AS v
		WHERE deliveries.chunk = v.chunk AND deliveries.n = v.n AND deliveries.state IN (0, 1)
		RETURNING deliveries.chunk, deliveries.n, deliveries.state`, jsonArg(rows), now)
	if err != nil {
		return err
	}
	state := make(map[[2]int64]newsletter.DeliveryState, len(done))
	for _, d := range done {
		state[[2]int64{d[0], d[1]}] = newsletter.DeliveryState(d[2])
	}
	for _, e := range in {
		got, ok := state[[2]int64{e.Chunk, int64(e.N)}]
		i := chunks[e.Chunk].issue
		switch {
		case !ok:
			err = x.explainRefusal(e)
		case i.ID == 0: // a letter moves no cursor
		case got == newsletter.Cancelled || i.State == newsletter.IssueCancelled && got != newsletter.Uncertain:
			err = x.returnCursors(i, "c.id = $4 AND d.n = $5", e.Chunk, e.N)
		}
		if ok && err == nil && e.Suppress && e.State == newsletter.Failed {
			err = x.suppressTried(e, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// explainRefusal: what was sent absorbs later events; the rest is stale.
func (x *tx) explainRefusal(e *entry) error {
	state, err := missing(x.query1("SELECT state FROM deliveries WHERE chunk = $1 AND n = $2", e.Chunk, e.N))
	if err == nil && newsletter.DeliveryState(state) != newsletter.Sent {
		e.err = fmt.Errorf("delivery %d of chunk %d is not open: %w", e.N, e.Chunk, ErrStale)
	}
	return err
}

// suppressTried suppresses the address that a message went to: its owner may have
// another one by now. What was forgotten meanwhile stays so.
func (x *tx) suppressTried(e *entry, now int64) error {
	known, err := missing(x.query1(`SELECT 1 FROM deliveries d JOIN subscribers s ON s.id = d.subscriber
		LEFT JOIN letters l ON l.chunk = d.chunk WHERE d.chunk = $1 AND d.n = $2 AND coalesce(l.hash, s.hash) <> ''`, e.Chunk, e.N))
	if err != nil || known == 0 || e.Address == "" {
		return err
	}
	return x.suppress(newsletter.Suppression{Hash: x.s.keys.AddressHash(e.Address), Cause: newsletter.CauseBounce, Issue: e.Issue, Note: newsletter.ReplyKind(replyText(e.Reply)), At: fromMS(now)})
}

// noteProgress stamps the chunks, at most once a second each.
func (x *tx) noteProgress(in []*entry, chunks map[int64]*held, now int64) error {
	var ids []int64
	for _, e := range in {
		if chunks[e.Chunk].progress < now-1000 {
			ids = append(ids, e.Chunk)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	_, err := x.exec("UPDATE chunks SET progress_at = $2 WHERE id {{in ints $1}} AND progress_at < $2", jsonArg(slices.Compact(ids)), now)
	return err
}

// replyText makes a relay's words fit to be stored by any engine.
func replyText(r newsletter.Reply) string {
	t := r.Text
	if len(t) > replyLimit {
		t = t[:replyLimit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(t, "�"), "\x00", "")
}
