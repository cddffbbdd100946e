package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"syndicate/internal/newsletter"
)

// Bounce does what a report leads to, in one transaction. One that led to nothing, since it
// was not known whom it is about or what it says, is not used up by that: when it comes again
// with more, it counts then, in the row that it has.
func (s *Store) Bounce(ctx context.Context, b Bounced, limit newsletter.SoftLimit, now time.Time) (outcome BounceOutcome, err error) {
	for range 4 { // it conflicts when it is taken elsewhere this very moment: look what that led to
		err = s.write(ctx, "take a bounce", func(x *tx) error {
			outcome, err = x.take(b, limit, now)
			return err
		})
		if !errors.Is(err, ErrConflict) {
			break
		}
	}
	return outcome, err
}

// take does what a report leads to, and stores it.
func (x *tx) take(b Bounced, limit newsletter.SoftLimit, now time.Time) (outcome BounceOutcome, err error) {
	said := saidHash(b.Said)
	before, err := x.tookBefore(said)
	if err != nil || before.id > 0 && !before.idle(b.Kind) {
		return BounceTwice, err
	}
	who, err := x.addressee(b, now)
	if err == nil && who.hash != "" && b.Returned != nil {
		var another bool
		if another, err = x.aboutAnother(b, who.hash); another {
			who = addressee{}
		}
	}
	switch {
	case err != nil:
		return "", err
	case who.hash == "" && before.hash != "":
		return BounceTwice, nil
	case who.hash == "" && before.id > 0: // as before
		return BounceNobody, nil
	}
	outcome = BounceNobody
	if who.hash != "" {
		if outcome, err = x.bounce(b, who, limit, now); err != nil {
			return "", err
		}
	}
	if before.id > 0 {
		return outcome, x.retake(before, b, who, outcome, now)
	}
	if err := x.countReport(b.Kind); err != nil {
		return "", err
	}
	if who.hash == "" {
		if full, err := x.strangers(b.Kind, now); err != nil || full {
			return outcome, err
		}
	}
	id, err := x.query1(`INSERT INTO bounces (at, said, kind, reason, status, code, words, reporter, source, hash, newsletter, issue, outcome)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
		ms(now), said, string(b.Kind), string(b.Reason), b.Status, b.Code, newsletter.ReplyKind(b.Words), b.Reporter, b.Source, who.hash, who.newsletter, who.issue, string(outcome))
	if err != nil || len(b.Message) == 0 || b.Kind != newsletter.ReportUnclassified {
		return outcome, err
	}
	return outcome, x.keepMessage(id, b)
}

// taken is how a report is stored that came before.
type taken struct {
	id   int64 // 0: it did not
	kind newsletter.ReportKind
	hash string
}

// tookBefore looks for a report, and keeps others from taking it meanwhile.
func (x *tx) tookBefore(said string) (taken, error) {
	return missing(one(x, func(scan func(...any) error) (t taken, err error) {
		err = scan(&t.id, &t.kind, &t.hash)
		return t, err
	}, "SELECT id, kind, hash FROM bounces WHERE said = $1 {{for update}}", said))
}

// idle reports whether a report has led to nothing, so that it may do now that it comes as
// a kind.
func (t taken) idle(as newsletter.ReportKind) bool {
	return t.hash == "" || t.kind == newsletter.ReportUnclassified && as != t.kind
}

// retake stores what a report led to that had led to nothing. It was counted then.
func (x *tx) retake(before taken, b Bounced, who addressee, outcome BounceOutcome, now time.Time) error {
	_, err := x.exec(`UPDATE bounces SET at = $2, kind = $3, reason = $4, status = $5, code = $6, words = $7, reporter = $8, source = $9,
		hash = $10, newsletter = $11, issue = $12, outcome = $13 WHERE id = $1`,
		before.id, ms(now), string(b.Kind), string(b.Reason), b.Status, b.Code, newsletter.ReplyKind(b.Words), b.Reporter, b.Source, who.hash, who.newsletter, who.issue, string(outcome))
	if err != nil || b.Kind == newsletter.ReportUnclassified {
		return err
	}
	_, err = x.exec("DELETE FROM bounce_messages WHERE bounce = $1", before.id) // it is understood now
	return err
}

// saidHash is what a report is known by if it comes again.
func saidHash(said []byte) string {
	sum := sha256.Sum256(said)
	return hex.EncodeToString(sum[:16])
}

// maxStrangers is how many reports about nobody are kept of a day: anybody can send them.
const maxStrangers = 10_000

// strangers reports whether a day has had its reports about nobody, and counts another
// one then, which is in no row.
func (x *tx) strangers(kind newsletter.ReportKind, now time.Time) (full bool, err error) {
	n, err := x.query1("SELECT count(*) FROM bounces WHERE hash = '' AND at > $1", ms(now.Add(-24*time.Hour)))
	if err != nil || n < maxStrangers {
		return false, err
	}
	_, err = x.exec(`INSERT INTO bounce_totals (issue, kind, count) VALUES (0, $1, 1)
		ON CONFLICT (issue, kind) DO UPDATE SET count = bounce_totals.count + 1`, string(kind))
	return true, err
}

// maxMessagesKept is how many messages are kept that were not understood: anybody can send
// them.
const maxMessagesKept = 1000

// keepMessage keeps a message that was not understood, unless it names somebody who was
// erased, or an address that its owner left.
func (x *tx) keepMessage(bounce int64, b Bounced) error {
	if n, err := x.query1("SELECT count(*) FROM bounce_messages"); err != nil || n >= maxMessagesKept {
		return err
	}
	hashes := make([]string, 0, len(b.Names))
	for _, address := range b.Names {
		hash := x.s.keys.AddressHash(address)
		if slices.Contains(hashes, hash) {
			continue
		}
		n, err := x.query1("SELECT count(*) FROM tombstones WHERE hash = $1 AND newsletter = '' AND cause <> 'removed'", hash)
		if err != nil || n > 0 {
			return err
		}
		hashes = append(hashes, hash)
	}
	if _, err := x.exec("INSERT INTO bounce_messages (bounce, message) VALUES ($1, $2)", bounce, b.Message); err != nil {
		return err
	}
	for _, hash := range hashes {
		if _, err := x.exec("INSERT INTO bounce_names (hash, bounce) VALUES ($1, $2)", hash, bounce); err != nil {
			return err
		}
	}
	return nil
}
