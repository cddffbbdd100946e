package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Bounced is what something that came back says of one recipient, and what is known
// of whose mail it was.
type Bounced struct {
	Kind     newsletter.ReportKind
	Reason   newsletter.Reason
	Status   string // RFC 3463
	Code     int    // SMTP reply code
	Words    string // the receiver's
	Reporter string
	Source   string
	Said     []byte // what makes it this report: one that comes twice counts once
	Message  []byte // as it came, kept where it was not understood
	// Names are the addresses that stand in Message, checked: it goes with the first of
	// them who wants to be forgotten, and is not kept where one of them did, or left the address.
	Names []string

	// Whose mail it was: by a key that this site made, or by what the report says.
	Returned  *newsletter.Returned
	MessageID string // of the mail that came back
	Email     string // whom the report names, checked; empty: nobody
	Final     string // where the mail ended, if that is another address, checked
	// Beside are the addresses, checked, of other reports in the same message that a key
	// makes about the same mail: where they name its recipient, this one is about another.
	Beside []string
	// Named says that Email alone will do: the report is signed, or nothing better
	// can be had. It must have been mailed lately all the same, but for who wants to
	// leave: that can be undone. Who leaves by a mail that has another Message-ID than
	// those of this site leaves nothing of ours.
	Named bool
	// Rehearsed says that what the catcher kept counts as mailed: no relay is configured.
	Rehearsed bool
}

// BounceOutcome says what a report led to. The words are stored and shown.
type BounceOutcome string

// The outcomes.
const (
	BounceSuppressed   BounceOutcome = "suppressed"
	BounceUnsubscribed BounceOutcome = "unsubscribed"
	BounceCounted      BounceOutcome = "counted" // a soft one
	BounceNoted        BounceOutcome = "noted"   // nothing for the person
	BounceNobody       BounceOutcome = "nobody"  // it is not known whom it is about, or not sure
	BounceTwice        BounceOutcome = "twice"   // it was taken before, and led to something; nothing is stored
)

// mailedLately is for how long a report that only names somebody is believed.
const mailedLately = 14 * 24 * time.Hour

// addressee is whom a report is about.
type addressee struct {
	subscriber int64 // 0: of an address that is nobody's now
	hash       string
	issue      int64
	newsletter string // of the issue, empty: of none
}

func (x *tx) bounce(b Bounced, who addressee, limit newsletter.SoftLimit, now time.Time) (BounceOutcome, error) {
	suppress := func(cause newsletter.Cause, note string) error {
		return x.suppress(newsletter.Suppression{Hash: who.hash, Cause: cause, Issue: who.issue, Note: note, At: now})
	}
	switch b.Kind {
	case newsletter.ReportHard:
		return BounceSuppressed, suppress(newsletter.CauseBounce, newsletter.ReplyKind(b.Words))
	case newsletter.ReportComplaint:
		if err := x.leave(who, "complaint", now); err != nil {
			return "", err
		}
		return BounceSuppressed, suppress(newsletter.CauseComplaint, b.Reporter)
	case newsletter.ReportUnsubscribe:
		return BounceUnsubscribed, x.leave(who, "mail", now)
	case newsletter.ReportSoft:
		at, err := list(x, func(scan func(...any) error) (t time.Time, err error) {
			err = scan(stamp{&t})
			return t, err
		}, `SELECT at FROM bounces WHERE hash = $1 AND kind = 'soft' AND at > $2
			AND at > (SELECT coalesce(max(at), 0) FROM bounces WHERE hash = $1 AND outcome = 'suppressed')`, who.hash, ms(now.Add(-limit.Within)))
		if err != nil || !limit.Reached(append(at, now), now) {
			return BounceCounted, err
		}
		return BounceSuppressed, suppress(newsletter.CauseBounce, fmt.Sprintf("bounced softly %d times, the last: %s", len(at)+1, b.Reason))
	}
	return BounceNoted, nil
}

// leave ends somebody's subscription to the newsletter of the issue that the report is
// about, or to all of them if that is not known.
func (x *tx) leave(who addressee, how string, now time.Time) error {
	if who.subscriber == 0 {
		return nil
	}
	if err := x.leaveThemselves(who.subscriber, who.newsletter, how, now); err != nil {
		return err
	}
	_, err := x.exec(`UPDATE subscriptions SET state = 'unsubscribed', left_at = $3, left_by = $4, updated_at = $3
		WHERE subscriber = $1 AND ($2 = '' OR newsletter = $2) AND state <> 'unsubscribed'`, who.subscriber, who.newsletter, ms(now), how)
	if err != nil {
		return err
	}
	return x.cancelPending(who.subscriber, who.newsletter)
}

// addressee finds whom a report is about; no hash: nobody, or nobody for sure.
func (x *tx) addressee(b Bounced, now time.Time) (who addressee, err error) {
	leaves := b.Kind == newsletter.ReportUnsubscribe
	if b.Returned != nil {
		r := *b.Returned
		if leaves { // by a mail of before they changed their address, too
			if r.Subscriber, err = x.knownAs(r.Subscriber); err != nil {
				return who, err
			}
		}
		who, err := x.returned(r)
		if err != nil || who.hash == "" || b.Email == "" || leaves {
			return who, err
		}
		// The mail may have gone to an address that its owner has changed since.
		if hash := x.s.keys.AddressHash(b.Email); hash != who.hash {
			n, err := x.query1("SELECT count(*) FROM tombstones WHERE hash = $1 AND cause = 'changed'", hash)
			if err != nil {
				return who, err
			}
			if n > 0 {
				who.subscriber, who.hash = 0, hash
			}
		}
		return who, nil
	}
	if b.Email == "" {
		return who, nil
	}
	hash := x.s.keys.AddressHash(b.Email)
	id, err := missing(x.query1("SELECT id FROM subscribers WHERE hash = $1", hash))
	if err != nil {
		return who, err
	}
	if b.MessageID != "" && id != 0 {
		who, err := x.mailedAs(b.MessageID, id)
		if err != nil || who.issue > 0 {
			who.hash = hash
			return who, err
		}
	}
	if leaves && b.MessageID != "" { // of before they changed their address, or none of ours: then it is to leave something else
		return x.mailedTo(hash, b.MessageID)
	}
	if id == 0 || !b.Named {
		return who, nil
	}
	var at int64
	last, err := missing(one(x, func(scan func(...any) error) (last addressee, err error) {
		err = scan(&last.issue, &last.newsletter, &at)
		return last, err
	}, `SELECT i.id, i.newsletter, d.settled_at FROM (SELECT id, newsletter FROM issues WHERE rehearsal <= $2 ORDER BY id DESC LIMIT 100) i
		JOIN chunks c ON c.issue = i.id AND c.first_subscriber <= $1 AND c.last_subscriber >= $1
		JOIN deliveries d ON d.chunk = c.id AND d.subscriber = $1 WHERE d.state IN (1, 2, 5) ORDER BY i.id DESC LIMIT 1`, id, btoi(b.Rehearsed)))
	switch {
	case err != nil:
		return who, err
	case leaves: // without an issue it is not known what: all
	case last.issue == 0 || at <= ms(now.Add(-mailedLately)):
		return who, nil
	}
	last.subscriber, last.hash = id, hash
	return last, nil
}

// aboutAnother reports whether a report that came by the key of one recipient is about
// another: it does not name them, and one beside it does, also by an address that its
// owner has changed since. A single report that names another address is about whose
// key it is: the mail was forwarded.
func (x *tx) aboutAnother(b Bounced, hash string) (bool, error) {
	hashes := func(addresses ...string) (all []string) {
		for _, a := range addresses {
			if a != "" {
				all = append(all, x.s.keys.AddressHash(a))
			}
		}
		return all
	}
	beside := hashes(b.Beside...)
	if len(beside) == 0 || slices.Contains(hashes(b.Email, b.Final), hash) {
		return false, nil
	}
	if slices.Contains(beside, hash) {
		return true, nil
	}
	n, err := x.query1("SELECT count(*) FROM tombstones WHERE hash {{in strings $1}} AND newsletter = '' AND cause = 'changed'", jsonArg(beside))
	return n > 0, err
}

// maxIssuesTried is among how many of the latest issues a Message-ID is looked for: as
// many as thirty daily newsletters have in a year, in a few milliseconds.
const maxIssuesTried = 10_000

// mailedAs finds the issue whose message to a subscriber has a Message-ID; no issue: none.
// Only who has the mail can know it, so that no delivery need be known of any more; that of
// a rehearsal has never left this machine.
func (x *tx) mailedAs(messageID string, subscriber int64) (who addressee, err error) {
	_, domain, ok := strings.Cut(messageID, "@")
	if !ok || len(messageID) != len(x.s.keys.MessageID(0, subscriber, domain)) {
		return who, nil
	}
	issues, err := list(x, func(scan func(...any) error) (i addressee, err error) {
		err = scan(&i.issue, &i.newsletter)
		return i, err
	}, "SELECT id, newsletter FROM issues ORDER BY id DESC LIMIT $1", maxIssuesTried)
	for _, i := range issues {
		if x.s.keys.MessageID(i.issue, subscriber, domain) == messageID {
			return addressee{subscriber: subscriber, issue: i.issue, newsletter: i.newsletter}, nil
		}
	}
	return who, err
}

// returned finds whom a key is about.
func (x *tx) returned(r newsletter.Returned) (who addressee, err error) {
	if r.Issue == 0 {
		// A letter may go to an address that is not its subscriber's: whoever has that
		// speaks for it alone.
		who, err = missing(one(x, func(scan func(...any) error) (who addressee, err error) {
			err = scan(&who.hash, &who.subscriber)
			return who, err
		}, `SELECT l.hash, coalesce(s.id, 0) FROM letters l LEFT JOIN subscribers s ON s.id = l.subscriber AND s.hash = l.hash
			WHERE l.chunk = $1 AND l.subscriber = $2`, r.Chunk, r.Subscriber))
		return who, err
	}
	if who.hash, err = missing(one(x, value[string], "SELECT hash FROM subscribers WHERE id = $1", r.Subscriber)); err != nil || who.hash == "" {
		return who, err
	}
	who.subscriber, who.issue = r.Subscriber, r.Issue
	who.newsletter, err = missing(one(x, value[string], "SELECT newsletter FROM issues WHERE id = $1", r.Issue))
	return who, err
}

// StoredBounce is a report as it was taken.
type StoredBounce struct {
	ID         int64
	At         time.Time
	Kind       newsletter.ReportKind
	Reason     newsletter.Reason
	Status     string
	Code       int
	Words      string
	Reporter   string
	Source     string
	Hash       string // keyed, empty: not known whose
	Newsletter string
	Issue      int64
	Outcome    BounceOutcome
}

// BounceQuery selects reports, latest first.
type BounceQuery struct {
	Kind  newsletter.ReportKind // empty: any
	Issue int64                 // 0: any
	Email string                // whom they are about, empty: anybody
	Limit int                   // 0: all
}

const bounceColumns = "id, at, kind, reason, status, code, words, reporter, source, hash, newsletter, issue, outcome"

func scanBounce(scan func(...any) error) (b StoredBounce, err error) {
	err = scan(&b.ID, stamp{&b.At}, &b.Kind, &b.Reason, &b.Status, &b.Code, &b.Words, &b.Reporter, &b.Source, &b.Hash, &b.Newsletter, &b.Issue, &b.Outcome)
	return b, err
}

// Bounces returns the reports of a query.
func (s *Store) Bounces(ctx context.Context, q BounceQuery) ([]StoredBounce, error) {
	hash := ""
	if q.Email != "" {
		hash = s.keys.AddressHash(q.Email)
	}
	all, err := list(s.reader(ctx), scanBounce, "SELECT "+bounceColumns+` FROM bounces
		WHERE ($1 = '' OR kind = $1) AND ($2 = 0 OR issue = $2) AND ($3 = '' OR hash = $3) ORDER BY at DESC, id DESC LIMIT $4`,
		string(q.Kind), q.Issue, hash, limitOr(q.Limit))
	return all, s.wrap("read the bounces", err)
}

// BounceMessage returns a report and, where it was not understood, the message as it
// came; ErrNotFound.
func (s *Store) BounceMessage(ctx context.Context, id int64) (StoredBounce, []byte, error) {
	b, err := one(s.reader(ctx), scanBounce, "SELECT "+bounceColumns+" FROM bounces WHERE id = $1", id)
	if err != nil {
		return b, nil, s.wrap(fmt.Sprintf("read bounce %d", id), err)
	}
	message, err := missing(one(s.reader(ctx), value[[]byte], "SELECT message FROM bounce_messages WHERE bounce = $1", id))
	return b, message, s.wrap(fmt.Sprintf("read bounce %d", id), err)
}

// BounceCount is how many reports of a kind came.
type BounceCount struct {
	Kind  newsletter.ReportKind
	Count int
}

// CountBounces counts an issue's reports (0: of all issues) since a time (zero: all, of
// an issue those too that are forgotten, of all those about nobody that were too many for a
// day).
func (s *Store) CountBounces(ctx context.Context, issue int64, since time.Time) ([]BounceCount, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (c BounceCount, err error) {
		err = scan(&c.Kind, &c.Count)
		return c, err
	}, `SELECT kind, CAST(sum(count) AS BIGINT) FROM (
			SELECT kind, count(*) AS count FROM bounces WHERE at > $1 AND ($2 = 0 OR issue = $2) GROUP BY kind
			UNION ALL
			SELECT kind, count FROM bounce_totals WHERE issue = $2 AND $1 = 0) AS counts
		GROUP BY kind ORDER BY kind`, ms(since), issue)
	return all, s.wrap("count the bounces", err)
}

// forgetBounces deletes reports of before a time.
func (x *tx) forgetBounces(before, _ time.Time) (int, error) {
	return x.dropBounces("id IN (SELECT id "+oldBounces+" ORDER BY at LIMIT $2)", ms(before), peopleAtOnce)
}

// forgetMessages deletes messages that were not understood, of before a time.
func (x *tx) forgetMessages(before, _ time.Time) (int, error) {
	n, err := x.exec("DELETE FROM bounce_messages WHERE bounce IN (SELECT m.bounce "+oldMessages+" ORDER BY b.at LIMIT $2)", ms(before), peopleAtOnce)
	return int(n), err
}

// dropBounces deletes reports, with the messages, and keeps how many an issue had.
func (x *tx) dropBounces(where string, args ...any) (int, error) {
	for _, query := range []string{
		`INSERT INTO bounce_totals (issue, kind, count) SELECT issue, kind, count(*) FROM bounces WHERE issue > 0 AND ` + where + ` GROUP BY issue, kind
			ON CONFLICT (issue, kind) DO UPDATE SET count = bounce_totals.count + excluded.count`,
		"DELETE FROM bounce_messages WHERE bounce IN (SELECT id FROM bounces WHERE " + where + ")",
	} {
		if _, err := x.exec(query, args...); err != nil {
			return 0, err
		}
	}
	n, err := x.exec("DELETE FROM bounces WHERE "+where, args...)
	return int(n), err
}
