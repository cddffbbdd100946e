package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/newsletter"
)

// Suppress puts an address on the list of those never mailed, whether or not it
// is a subscriber's, and cancels what is pending for it, in one transaction.
func (s *Store) Suppress(ctx context.Context, email string, cause newsletter.Cause, issue int64, note string, now time.Time) error {
	return s.write(ctx, "suppress an address", func(x *tx) error {
		return x.suppress(newsletter.Suppression{Hash: s.keys.AddressHash(email), Cause: cause, Issue: issue, Note: note, At: now})
	})
}

// suppress keeps the cause that is harder to lift where there are two: the owner
// can lift a complaint, but not a bounce. What an import noted is only what another
// program knew: whatever happens here is noted in its place, so that undoing the
// import does not lift it. Who complains again does so now: no letter of before lifts
// that, and it is no longer held for an issue that went wrong.
func (x *tx) suppress(p newsletter.Suppression) error {
	_, err := x.exec(`INSERT INTO suppressions (hash, cause, issue, note, at, held) VALUES ($1, $2, $3, $4, $5,
			CASE WHEN $2 IN ('bounce', 'complaint') AND EXISTS (SELECT 1 FROM issues i WHERE i.id = $3 AND i.paused_by = 'breaker') THEN 1 ELSE 0 END)
		ON CONFLICT (hash) DO UPDATE SET cause = excluded.cause, issue = excluded.issue, note = excluded.note, at = excluded.at, held = excluded.held
		WHERE suppressions.cause IN ('complaint', 'erasure') AND excluded.cause IN ('bounce', 'operator')
			OR suppressions.issue = 0 AND suppressions.note LIKE 'import %' AND excluded.cause <> 'erasure'`, p.Hash, string(p.Cause), p.Issue, p.Note, ms(p.At))
	if err != nil {
		return err
	}
	_, err = x.exec(`UPDATE suppressions SET at = $2, held = CASE WHEN issue = $3 THEN held ELSE 0 END
		WHERE hash = $1 AND at < $2 AND cause IN ('complaint', 'erasure') AND $4 IN ('complaint', 'erasure')`, p.Hash, ms(p.At), p.Issue, string(p.Cause))
	if err != nil {
		return err
	}
	id, err := missing(x.query1("SELECT id FROM subscribers WHERE hash = $1", p.Hash))
	if err != nil || id == 0 {
		return err
	}
	if _, err := x.exec("UPDATE subscriptions SET suppressed = 1 WHERE subscriber = $1", id); err != nil {
		return err
	}
	if err := x.cancelLettersTo(p.Hash); err != nil {
		return err
	}
	return x.cancelPending(id, "")
}

// cancelPending cancels what a subscriber would still get from a newsletter
// (empty: from all). Its articles are new again to whoever comes back. The
// subscriptions were written before: a seal that runs has either seen that or its
// deliveries are seen here. Only chunks where something waits are locked: a ledger
// that hears of a bounce holds chunks already, and others hold the rest. A row that
// is in sending meanwhile and becomes pending again is cancelled when it is leased.
func (x *tx) cancelPending(subscriber int64, name string) error {
	type held struct {
		chunk int64
		issue newsletter.Issue // ID, Newsletter, Rehearsal, Horizon
	}
	all, err := list(x, func(scan func(...any) error) (h held, err error) {
		err = scan(&h.chunk, &h.issue.ID, &h.issue.Newsletter, &h.issue.Rehearsal, &h.issue.Horizon)
		return h, err
	}, `SELECT c.id, i.id, i.newsletter, i.rehearsal, i.horizon FROM chunks c JOIN issues i ON i.id = c.issue
		WHERE c.closed = 0 AND c.first_subscriber <= $1 AND c.last_subscriber >= $1 AND ($2 = '' OR i.newsletter = $2)
		AND EXISTS (SELECT 1 FROM deliveries d WHERE d.chunk = c.id AND d.subscriber = $1 AND d.state = 0) ORDER BY c.id{{for update c}}`, subscriber, name)
	if err != nil || len(all) == 0 {
		return err
	}
	chunks := make([]int64, len(all))
	for k, h := range all {
		chunks[k] = h.chunk
	}
	cancelled, err := list(x, value[int64], "UPDATE deliveries SET state = 4, settled_at = $3 WHERE chunk {{in ints $1}} AND subscriber = $2 AND state = 0 RETURNING chunk",
		jsonArg(chunks), subscriber, ms(x.s.wall()))
	if err != nil || len(cancelled) == 0 {
		return err
	}
	// The latest issue first: where its cursor returns to, the one before left it.
	slices.SortFunc(all, func(a, b held) int { return cmp.Compare(b.issue.ID, a.issue.ID) })
	for _, h := range all {
		if !slices.Contains(cancelled, h.chunk) {
			continue
		}
		if err := x.returnCursors(h.issue, "c.id = $4 AND d.subscriber = $5", h.chunk, subscriber); err != nil {
			return err
		}
	}
	// Where nobody waits any more there is nothing to wait for: whoever leases the chunk
	// now closes it, and with the last one the issue is sent.
	_, err = x.exec(`UPDATE chunks SET due_at = 0 WHERE id {{in ints $1}} AND owner = '' AND due_at > 0
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.chunk = chunks.id AND d.state IN (0, 1))`, jsonArg(cancelled))
	if err != nil {
		return err
	}
	return x.recount("id {{in ints $1}} AND counted = 1", jsonArg(cancelled))
}

// cancelPendingOf is cancelPending for many, in ascending order.
func (x *tx) cancelPendingOf(subscribers []int64, name string) error {
	open, err := x.query1(`SELECT count(*) FROM chunks c JOIN issues i ON i.id = c.issue WHERE c.closed = 0 AND i.newsletter = $1
		AND c.first_subscriber <= $3 AND c.last_subscriber >= $2`, name, subscribers[0], subscribers[len(subscribers)-1])
	if err != nil || open == 0 {
		return err
	}
	for _, id := range subscribers {
		if err := x.cancelPending(id, name); err != nil {
			return err
		}
	}
	return nil
}

// SuppressionQuery selects suppressions, latest first.
type SuppressionQuery struct {
	Issue int64 // that led to them, 0: any
	Held  bool  // only those that wait for a review
	Limit int   // 0: all
}

// Suppressions returns the suppressions of a query.
func (s *Store) Suppressions(ctx context.Context, q SuppressionQuery) ([]newsletter.Suppression, error) {
	all, err := list(s.reader(ctx), scanSuppression, "SELECT "+suppressionColumns+` FROM suppressions
		WHERE ($1 = 0 OR issue = $1) AND held >= $2 ORDER BY at DESC, hash LIMIT $3`, q.Issue, btoi(q.Held), limitOr(q.Limit))
	return all, s.wrap("read suppressions", err)
}

const suppressionColumns = "hash, cause, issue, note, at, held"

func scanSuppression(scan func(...any) error) (p newsletter.Suppression, err error) {
	err = scan(&p.Hash, &p.Cause, &p.Issue, &p.Note, stamp{&p.At}, &p.Held)
	return p, err
}

// Suppression returns why an address is suppressed; ErrNotFound if it is not.
func (s *Store) Suppression(ctx context.Context, email string) (newsletter.Suppression, error) {
	p, err := one(s.reader(ctx), scanSuppression, "SELECT "+suppressionColumns+" FROM suppressions WHERE hash = $1", s.keys.AddressHash(email))
	return p, s.wrap("look for a suppression", err)
}

// Causes returns why addresses are suppressed, by address, of those that are.
func (s *Store) Causes(ctx context.Context, emails []string) (map[string]newsletter.Cause, error) {
	address, hashes := make(map[string]string, len(emails)), make([]string, len(emails))
	for i, email := range emails {
		hashes[i] = s.keys.AddressHash(email)
		address[hashes[i]] = email
	}
	all, err := list(s.reader(ctx), scanSuppression, "SELECT "+suppressionColumns+" FROM suppressions WHERE hash {{in strings $1}}", jsonArg(hashes))
	causes := make(map[string]newsletter.Cause, len(all))
	for _, p := range all {
		causes[address[p.Hash]] = p.Cause
	}
	return causes, s.wrap("look for suppressions", err)
}

// LiftSuppression lets an address be mailed again and reports whether it was
// suppressed.
func (s *Store) LiftSuppression(ctx context.Context, email string) (lifted bool, err error) {
	err = s.write(ctx, "lift a suppression", func(x *tx) error {
		n, err := x.lift("hash = $1", s.keys.AddressHash(email))
		lifted = n > 0
		return err
	})
	return lifted, err
}

// LiftIssueSuppressions lifts what an issue's bounces led to: a relay that was
// misconfigured refused good addresses. Who complained about the issue stays
// suppressed, unless that too is held for review.
func (s *Store) LiftIssueSuppressions(ctx context.Context, issue int64) (n int, err error) {
	err = s.write(ctx, fmt.Sprintf("lift the suppressions of issue %d", issue), func(x *tx) error {
		n, err = x.lift("issue > 0 AND issue = $1 AND (cause = 'bounce' OR held = 1)", issue)
		return err
	})
	return n, err
}

// ConfirmSuppressions ends the review of what an issue led to (0: every issue):
// they are suppressed for good.
func (s *Store) ConfirmSuppressions(ctx context.Context, issue int64) (n int, err error) {
	err = s.write(ctx, "confirm suppressions", func(x *tx) error {
		changed, err := x.exec("UPDATE suppressions SET held = 0 WHERE held = 1 AND ($1 = 0 OR issue = $1)", issue)
		n = int(changed)
		return err
	})
	return n, err
}

func (x *tx) lift(where string, arg any) (int, error) {
	hashes, err := list(x, value[string], "DELETE FROM suppressions WHERE "+where+" RETURNING hash", arg)
	if err != nil || len(hashes) == 0 {
		return 0, err
	}
	_, err = x.exec("UPDATE subscriptions SET suppressed = 0 WHERE subscriber IN (SELECT id FROM subscribers WHERE hash {{in strings $1}})", jsonArg(hashes))
	if err != nil {
		return 0, err
	}
	return len(hashes), x.forgetLists()
}

// forgetLists makes the next sync look at every line again: a line that was
// refused may be welcome now.
func (x *tx) forgetLists() error {
	_, err := x.exec("DELETE FROM lists")
	return err
}
