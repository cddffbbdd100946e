package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// What finds chunks ($1: now, $2: rehearsal, $3 and $4: see Except) that may be
// leased; those whose worker is gone; and those of cancelled issues, to be swept.
const (
	dueFree  = "FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.closed = 0 AND c.owner = '' AND c.due_at <= $1 AND i.state = 'sending' AND i.rehearsal = $2 AND c.wave <= i.wave" + wanted
	dueLost  = "FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.closed = 0 AND c.owner <> '' AND c.expires_at <= $1 AND i.state = 'sending' AND i.rehearsal = $2" + wanted
	dueSweep = "FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.closed = 0 AND c.owner <> '' AND c.expires_at <= $1 AND i.state = 'cancelled' AND i.rehearsal = $2"

	leaseLost = "SELECT c.id " + dueLost + " ORDER BY c.kind DESC, c.expires_at LIMIT 1{{skip locked c}}"
	leaseFree = "SELECT c.id " + dueFree + " ORDER BY c.kind DESC, c.due_at, c.id LIMIT 1{{skip locked c}}" // as the index has them

	// Not what is excepted, nor of a group whose receiver pushes back.
	wanted = " AND NOT (i.newsletter {{in strings $3}}) AND NOT (c.grp {{in strings $4}})" +
		" AND NOT EXISTS (SELECT 1 FROM slowed p WHERE p.grp = c.grp AND p.paused_until > $1)"
)

// LeaseChunk gives a worker the next due chunk of an issue that is sending, with
// its rows that are pending and due: first letters on request, then chunks whose
// lease expired, then by due time. Taking it raises the fence, so that a worker which held it before is
// refused. Rows found in sending, whose outcome nobody knows, become pending
// again, or uncertain with hold. ErrNotFound: nothing is due. What is in except is
// left alone, and chunks of groups that are paused to nobody.
func (s *Store) LeaseChunk(ctx context.Context, worker string, rehearsal bool, lease time.Duration, hold bool, except ...Except) (Lease, error) {
	for {
		// Looked at without a write first: mostly there is nothing.
		if due, err := s.ChunkDue(ctx, rehearsal, except...); err != nil || !due {
			return Lease{}, s.wrap("lease a chunk", orNotFound(err))
		}
		var l Lease
		var swept bool
		err := s.write(ctx, "lease a chunk", func(x *tx) (err error) {
			l, swept, err = x.lease(worker, rehearsal, lease, hold, except)
			return err
		})
		switch {
		case err != nil:
			return Lease{}, err
		case swept:
			continue
		case l.Chunk == 0: // somebody was faster
			return Lease{}, s.wrap("lease a chunk", ErrNotFound)
		}
		// Now that it is ours, its rows are read without keeping others from writing.
		if l.Rows, err = s.leaseRows(ctx, l); err != nil {
			rerr := s.Release(context.WithoutCancel(ctx), l.Chunk, l.Fence) // or it would wait for its lease to end
			return Lease{}, errors.Join(s.wrap("lease a chunk", err), rerr)
		}
		if len(l.Rows) > 0 {
			return l, nil
		}
		if err := s.Release(ctx, l.Chunk, l.Fence); err != nil && !errors.Is(err, ErrStale) {
			return Lease{}, err
		}
	}
}

func orNotFound(err error) error {
	if err == nil {
		return ErrNotFound
	}
	return err
}

// Except names chunks of issues that are not to be leased now. Letters on request
// wait for none of that.
type Except struct {
	Newsletters []string // that rest
	Groups      []string // recipient-domain groups of which enough waits
	Issues      bool     // all of them
}

func noIssues(except []Except) bool {
	return slices.ContainsFunc(except, func(e Except) bool { return e.Issues })
}

// exceptArgs makes the arguments $3 and $4 of dueFree and its like.
func exceptArgs(except []Except) (newsletters, groups string) {
	var all Except
	for _, e := range except {
		all.Newsletters = append(all.Newsletters, e.Newsletters...)
		all.Groups = append(all.Groups, e.Groups...)
	}
	return jsonArg(all.Newsletters), jsonArg(all.Groups)
}

// ChunkDue reports whether LeaseChunk would find something to do.
func (s *Store) ChunkDue(ctx context.Context, rehearsal bool, except ...Except) (bool, error) {
	newsletters, groups := exceptArgs(except)
	now, args := s.clockSQL(btoi(rehearsal), newsletters, groups)
	exists := func(from string) string {
		return "EXISTS (SELECT 1 " + rebind(from, now) + ")"
	}
	letters, err := s.letterDue(ctx, rehearsal)
	if err != nil || letters || noIssues(except) {
		return letters, err
	}
	n, err := one(s.reader(ctx), value[int], "SELECT CASE WHEN "+exists(dueFree)+" OR "+exists(dueLost)+" OR "+exists(dueSweep)+" THEN 1 ELSE 0 END", args...)
	return n == 1, err
}

func (x *tx) lease(worker string, rehearsal bool, lease time.Duration, hold bool, except []Except) (l Lease, swept bool, err error) {
	now, err := x.clock()
	if err != nil {
		return l, false, err
	}
	if l.Chunk, err = x.dueLetter(now, rehearsal); err != nil {
		return l, false, err
	}
	newsletters, groups := exceptArgs(except)
	for _, query := range []string{leaseLost, leaseFree} {
		if err != nil || l.Chunk > 0 || noIssues(except) {
			break
		}
		l.Chunk, err = missing(x.query1(query, now, btoi(rehearsal), newsletters, groups))
	}
	if err != nil {
		return l, false, err
	}
	if l.Chunk == 0 {
		issue, err := missing(x.query1("SELECT i.id "+dueSweep+" LIMIT 1", now, btoi(rehearsal)))
		if err != nil || issue == 0 {
			return l, false, err
		}
		return l, true, x.sweepCancelled(issue)
	}
	l.Fence, err = x.query1("UPDATE chunks SET owner = $2, expires_at = $3, fence = fence + 1, counted = 0 WHERE id = $1 RETURNING fence", l.Chunk, worker, now+lease.Milliseconds())
	if err != nil {
		return l, false, err
	}
	l, err = x.describe(l)
	if err != nil {
		return l, false, err
	}
	outcome := newsletter.Pending
	if hold {
		outcome = newsletter.Uncertain
	}
	_, err = x.exec("UPDATE deliveries SET state = $2, attempts = attempts + 1, due_at = 0, settled_at = $3 WHERE chunk = $1 AND state = 1", l.Chunk, int(outcome), int64(btoi(hold))*now)
	l.At = fromMS(now)
	return l, false, err
}

// describe fills in what a leased chunk belongs to.
func (x *tx) describe(l Lease) (Lease, error) {
	found, err := one(x, func(scan func(...any) error) (Lease, error) {
		return l, scan(&l.Issue, &l.Newsletter, &l.Number, &l.Rehearsal, &l.Group)
	}, "SELECT i.id, i.newsletter, i.number, i.rehearsal, c.grp FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.id = $1", l.Chunk)
	if errors.Is(err, ErrNotFound) {
		return x.leaseLetter(l)
	}
	return found, err
}

// leaseRows reads the rows to send. Consent is looked at once more: a row whose
// subscriber left while it was in sending is cancelled.
func (s *Store) leaseRows(ctx context.Context, l Lease) ([]newsletter.Delivery, error) {
	if l.Letter != nil {
		return s.letterRows(ctx, l)
	}
	type row struct {
		newsletter.Delivery
		wanted bool
	}
	all, err := list(s.reader(ctx), func(scan func(...any) error) (r row, err error) {
		r.Chunk, r.Newsletter = l.Chunk, l.Newsletter
		err = scan(&r.N, &r.Subscriber, &r.Digest, &r.Attempts, stamp{&r.FirstTry}, &r.Email, &r.Name, &r.Group, &r.wanted)
		return r, err
	}, `SELECT d.n, d.subscriber, d.digest, d.attempts, d.first_try, coalesce(s.email, ''), coalesce(s.name, ''), `+receiver+`,
			CASE WHEN s.id IS NOT NULL AND b.state = 'confirmed' AND b.suppressed = 0 THEN 1 ELSE 0 END
		FROM deliveries d LEFT JOIN subscribers s ON s.id = d.subscriber LEFT JOIN receivers r ON r.domain = s.domain
			LEFT JOIN subscriptions b ON b.newsletter = $2 AND b.subscriber = d.subscriber
		WHERE d.chunk = $1 AND d.state = 0 AND d.due_at <= $3 ORDER BY d.n`, l.Chunk, l.Newsletter, ms(l.At))
	if err != nil {
		return nil, err
	}
	var rows []newsletter.Delivery
	var gone []int
	for _, r := range all {
		if r.wanted {
			rows = append(rows, r.Delivery)
		} else {
			gone = append(gone, r.N)
		}
	}
	if len(gone) == 0 {
		return rows, nil
	}
	err = s.write(ctx, "cancel what nobody wants", func(x *tx) error { return x.cancelGone(l, gone) })
	return rows, err
}

// cancelGone cancels rows of a lease whose subscribers left.
func (x *tx) cancelGone(l Lease, gone []int) error {
	ours, err := missing(x.query1("SELECT 1 FROM chunks WHERE id = $1 AND fence = $2{{for update}}", l.Chunk, l.Fence))
	if err != nil || ours == 0 {
		return err
	}
	i := newsletter.Issue{ID: l.Issue, Newsletter: l.Newsletter, Rehearsal: l.Rehearsal}
	if i.Horizon, err = x.query1("SELECT horizon FROM issues WHERE id = $1", l.Issue); err != nil {
		return err
	}
	if _, err = x.exec("UPDATE deliveries SET state = 4, settled_at = $2 WHERE chunk = $1 AND state = 0 AND n {{in ints $3}}", l.Chunk, ms(l.At), jsonArg(gone)); err != nil {
		return err
	}
	return x.returnCursors(i, "c.id = $4 AND d.n {{in ints $5}}", l.Chunk, jsonArg(gone))
}

// Renew prolongs a worker's leases (fences by chunk) and returns those that are
// lost: taken by another worker, or of an issue that is not sending any more. For
// a lost one, start nothing new, settle what is in flight, and Release it.
func (s *Store) Renew(ctx context.Context, worker string, leases map[int64]int64, lease time.Duration) (lost []int64, err error) {
	if len(leases) == 0 {
		return nil, nil
	}
	rows := make([][2]int64, 0, len(leases))
	for chunk, fence := range leases {
		rows = append(rows, [2]int64{chunk, fence})
	}
	chunks := slices.Sorted(maps.Keys(leases))
	err = s.write(ctx, "renew leases", func(x *tx) error {
		lost = nil
		now, err := x.clock()
		if err != nil {
			return err
		}
		// In the order in which the ledger locks them, or the two could wait for each other.
		if _, err := list(x, value[int64], "SELECT id FROM chunks WHERE id {{in ints $1}} ORDER BY id{{for update}}", jsonArg(chunks)); err != nil {
			return err
		}
		kept, err := list(x, value[int64], `UPDATE chunks SET expires_at = $2 FROM {{rows $1 chunk int, fence int}} AS v
			WHERE chunks.id = v.chunk AND chunks.fence = v.fence AND chunks.owner = $3 AND chunks.closed = 0
			AND (chunks.issue IS NULL OR EXISTS (SELECT 1 FROM issues i WHERE i.id = chunks.issue AND i.state = 'sending')) RETURNING chunks.id`, jsonArg(rows), now+lease.Milliseconds(), worker)
		if err != nil {
			return err
		}
		for _, chunk := range chunks {
			if !slices.Contains(kept, chunk) {
				lost = append(lost, chunk)
			}
		}
		return nil
	})
	return lost, err
}

// Release gives a chunk back: it is due when its next pending row is, or closed
// if there is none. The last one closed makes its issue sent. ErrStale: another
// worker has it, or it is gone.
func (s *Store) Release(ctx context.Context, chunk, fence int64) error {
	return s.write(ctx, fmt.Sprintf("release chunk %d", chunk), func(x *tx) error {
		issue, err := x.query1("SELECT coalesce(issue, 0) FROM chunks WHERE id = $1", chunk)
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("it was forgotten: %w", ErrStale) // a letter's, taken over and closed since
		}
		if err != nil {
			return err
		}
		var state newsletter.IssueState // none: of a letter
		if issue > 0 {
			if state, err = x.lockIssue(issue); err != nil {
				return err
			}
		}
		// The lock on the chunk first, then a fresh look at its rows.
		n, err := x.exec("UPDATE chunks SET owner = '', expires_at = 0 WHERE id = $1 AND fence = $2", chunk, fence)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("it was taken over: %w", ErrStale)
		}
		if state == newsletter.IssueCancelled {
			return x.sweepCancelled(issue)
		}
		// A row still in sending is due at once: whoever leases it finds it so.
		_, err = x.exec(`UPDATE chunks SET
			closed = CASE WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.chunk = $1 AND d.state IN (0, 1)) THEN 0 ELSE 1 END,
			due_at = coalesce((SELECT min(CASE WHEN d.state = 1 THEN 0 ELSE d.due_at END) FROM deliveries d WHERE d.chunk = $1 AND d.state IN (0, 1)), due_at)
			WHERE id = $1`, chunk)
		if err != nil {
			return err
		}
		if err := x.recount("id = $1", chunk); err != nil || issue == 0 {
			return err
		}
		return x.finishIssue(issue)
	})
}

// sweepCancelled closes the chunks of a cancelled issue that no worker holds.
// What was in sending there is uncertain.
func (x *tx) sweepCancelled(issue int64) error {
	now, err := x.clock()
	if err != nil {
		return err
	}
	const idle = "issue = $1 AND closed = 0 AND (owner = '' OR expires_at <= $2)"
	_, err = x.exec("UPDATE deliveries SET state = CASE WHEN state = 0 THEN 4 ELSE 5 END, settled_at = $2 WHERE state IN (0, 1) AND chunk IN (SELECT id FROM chunks WHERE "+idle+")", issue, now)
	if err != nil {
		return err
	}
	_, err = x.exec("UPDATE chunks SET closed = 1, owner = '', expires_at = 0, fence = fence + 1 WHERE "+idle, issue, now)
	if err != nil {
		return err
	}
	return x.recount("issue = $1 AND closed = 1 AND counted = 0", issue)
}

// FreeLeases gives back all leases on SQLite, where the daemon that starts knows
// that the owners are dead, and ends the claims on discrete jobs. On PostgreSQL,
// where they may live, it does nothing.
func (s *Store) FreeLeases(ctx context.Context) error {
	if s.file == "" {
		return nil
	}
	return s.write(ctx, "free the leases of dead workers", func(x *tx) error {
		if _, err := x.exec("DELETE FROM shares WHERE worker <> ''"); err != nil {
			return err
		}
		if _, err := x.exec("UPDATE claims SET held = 0, expires_at = 0"); err != nil {
			return err
		}
		_, err := x.exec("UPDATE chunks SET owner = '', expires_at = 0, due_at = 0 WHERE closed = 0 AND owner <> ''")
		return err
	})
}

// OpenWork returns how many chunks of issues that are sending, and letters, are open, and how long
// it is until the next of them is due or its lease expires (0 or less: it is, or
// none is open), leaving out what waits for a canary and the newsletters in resting.
func (s *Store) OpenWork(ctx context.Context, rehearsal bool, resting ...string) (open int, next time.Duration, err error) {
	now, args := s.clockSQL(btoi(rehearsal), jsonArg(resting))
	_, err = list(s.reader(ctx), func(scan func(...any) error) (none struct{}, err error) {
		return none, scan(&open, millis{&next})
	}, `SELECT count(*), coalesce(min(at) - `+now+`, 0) FROM (
			SELECT `+nextAt+` AS at FROM chunks c JOIN issues i ON i.id = c.issue LEFT JOIN slowed p ON p.grp = c.grp
			WHERE c.closed = 0 AND i.state = 'sending' AND i.rehearsal = $1 AND c.wave <= i.wave AND NOT (i.newsletter {{in strings $2}})
			UNION ALL
			SELECT `+nextAt+` FROM chunks c JOIN letters l ON l.chunk = c.id LEFT JOIN slowed p ON p.grp = c.grp
			WHERE c.closed = 0 AND c.kind = 1 AND l.rehearsal = $1) AS work`, args...)
	return open, next, s.wrap("look for open work", err)
}

// nextAt is when chunk c, of a receiver that p pauses, may be leased or taken over.
const nextAt = "CASE WHEN c.owner <> '' THEN c.expires_at WHEN p.paused_until > c.due_at THEN p.paused_until ELSE c.due_at END"

// rebind turns the parameters of dueFree and its like into those of a query that
// has $1: rehearsal, $2 and $3: see Except, and its own expression for now.
func rebind(from, now string) string {
	return strings.NewReplacer("$1", now, "$2", "$1", "$3", "$2", "$4", "$3").Replace(from)
}

// NextTry returns how long it is until the next chunk of an issue that may be leased
// is due; less than 0: it was so long ago. What is due at once, and where there is
// none, is due since 1970.
func (s *Store) NextTry(ctx context.Context, issue int64) (next time.Duration, err error) {
	now, args := s.clockSQL(issue)
	_, err = list(s.reader(ctx), func(scan func(...any) error) (none struct{}, err error) {
		return none, scan(millis{&next})
	}, `SELECT coalesce(min(`+nextAt+`), 0) - `+now+`
		FROM chunks c JOIN issues i ON i.id = c.issue LEFT JOIN slowed p ON p.grp = c.grp WHERE c.issue = $1 AND c.closed = 0 AND c.wave <= i.wave`, args...)
	return next, s.wrap(fmt.Sprintf("look for work of issue %d", issue), err)
}
