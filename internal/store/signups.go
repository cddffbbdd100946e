package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// SignUp is a request that waits to be dealt with.
type SignUp struct {
	ID         int64
	Newsletter string
	Email      string // as checked by package roster
	newsletter.SignUp
}

// SignUpLimits bound what strangers can have mailed. Zero: no limit.
type SignUpLimits struct {
	Letters    LetterCap
	PerNetwork int // sign-ups of a network within a day
	PerDay     int // sign-ups at all
}

// SignUpResult says what became of a sign-up. Nobody who asked is told.
type SignUpResult string

// The results of a sign-up.
const (
	SignUpConfirm SignUpResult = "confirm" // a letter asks the owner to confirm
	SignUpKnown   SignUpResult = "known"   // a letter says that there is nothing to do
	SignUpRefused SignUpResult = "refused" // the address is not to be mailed
	SignUpCapped  SignUpResult = "capped"  // too many for the address, or from the network
	SignUpFull    SignUpResult = "full"    // too many at all
	SignUpGone    SignUpResult = "gone"    // somebody else dealt with it
	SignUpReader  SignUpResult = "reader"  // a letter has the link to the issues
	SignUpNoOne   SignUpResult = "no one"  // that was asked for, by who is not subscribed
)

// AskSignUp notes a sign-up: one row, whatever the address is. ErrLimit: as many as
// most wait already.
func (s *Store) AskSignUp(ctx context.Context, name, email string, asked newsletter.SignUp, most int) error {
	b, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("note a sign-up: %w", err)
	}
	return s.write(ctx, "note a sign-up", func(x *tx) error {
		// They are mostly without gaps; to count them takes longer.
		n, err := x.query1("SELECT coalesce((SELECT max(id) FROM signups) - (SELECT min(id) FROM signups) + 1, 0)")
		if err == nil && int(n) >= most {
			n, err = x.query1("SELECT count(*) FROM signups")
		}
		if err == nil && int(n) >= most {
			err = fmt.Errorf("%d wait: %w", n, ErrLimit)
		}
		if err != nil {
			return err
		}
		_, err = x.exec("INSERT INTO signups (newsletter, email, asked) VALUES ($1, $2, $3)", name, email, string(b))
		return err
	})
}

// SignUps returns what waits after one of them (0: all), the oldest first.
func (s *Store) SignUps(ctx context.Context, after int64, limit int) ([]SignUp, error) {
	all, err := list(s.reader(ctx), scanSignUp, "SELECT id, newsletter, email, asked FROM signups WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
	return all, s.wrap("read sign-ups", err)
}

func scanSignUp(scan func(...any) error) (u SignUp, err error) {
	var asked string
	if err := scan(&u.ID, &u.Newsletter, &u.Email, &asked); err != nil {
		return u, err
	}
	err = json.Unmarshal([]byte(asked), &u.SignUp)
	return u, err
}

// SignUpLetters are what may be answered, ready to be stored.
type SignUpLetters struct {
	Confirm, Known newsletter.LetterContent
	Archive        newsletter.LetterContent // where that alone was asked for
	Expires        time.Time                // of the link that confirms
	KnownExpires   time.Time                // when Known and Archive are given up
	Rehearsal      bool
}

// TakeSignUp deals with a sign-up, in one transaction: whoever is not subscribed is
// asked to confirm, whoever is gets the link to the preferences, and who must not be
// mailed gets nothing. The subscription is pending until then; one that its owner
// ended, or that is confirmed, stays as it is, but was touched: undoing the import
// that made it leaves it.
func (s *Store) TakeSignUp(ctx context.Context, u SignUp, letters SignUpLetters, limits SignUpLimits, now time.Time) (result SignUpResult, err error) {
	confirm, err := freeze(letters.Confirm)
	if err != nil {
		return "", fmt.Errorf("freeze a letter: %w", err)
	}
	known, err := freeze(letters.Known)
	if err != nil {
		return "", fmt.Errorf("freeze a letter: %w", err)
	}
	archive, err := freeze(letters.Archive)
	if err != nil {
		return "", fmt.Errorf("freeze a letter: %w", err)
	}
	asked, err := json.Marshal(u.SignUp)
	if err != nil {
		return "", fmt.Errorf("deal with a sign-up: %w", err)
	}
	err = s.write(ctx, "deal with a sign-up", func(x *tx) error {
		n, err := x.exec("DELETE FROM signups WHERE id = $1", u.ID)
		if result = SignUpGone; err != nil || n == 0 {
			return err
		}
		if result, err = x.countSignUp(u, limits, now); err != nil || result != "" {
			return err
		}
		hash := s.keys.AddressHash(u.Email)
		if u.ArchiveOnly {
			result, err = x.answerReader(u.Newsletter, hash, newsletter.Letter{
				Kind: newsletter.LetterArchive, Rehearsal: letters.Rehearsal, Newsletter: u.Newsletter,
				Content: archive.hash, Expires: letters.KnownExpires, CreatedAt: fromMS(ms(now)),
			}, archive, limits.Letters)
			return err
		}
		cause, err := missing(one(x, value[string], "SELECT cause FROM suppressions WHERE hash = $1", hash))
		if err != nil {
			return err
		}
		if result = SignUpRefused; cause != "" && !newsletter.Cause(cause).Lets(newsletter.LetterConfirm) {
			return nil
		}
		full, err := x.lettersFull(newsletter.LetterConfirm, u.Email, limits.Letters, now)
		if err != nil {
			return err
		}
		if result = SignUpCapped; full {
			return nil
		}
		id, subscribed, err := x.pending(u, hash, now)
		if err != nil {
			return err
		}
		l := newsletter.Letter{
			Kind: newsletter.LetterConfirm, Rehearsal: letters.Rehearsal, Newsletter: u.Newsletter, Subscriber: id,
			Content: confirm.hash, Asked: string(asked), Expires: letters.Expires, CreatedAt: fromMS(ms(now)),
		}
		content := confirm
		if result = SignUpConfirm; subscribed && cause == "" {
			result = SignUpKnown
			l.Kind, l.Content, l.Asked, l.Expires = newsletter.LetterKnown, known.hash, "", letters.KnownExpires
			content = known
		}
		return x.createLetter(&l, content, limits.Letters)
	})
	return result, err
}

// answerReader writes the letter to whoever is subscribed, and to nobody else.
func (x *tx) answerReader(name, hash string, l newsletter.Letter, content frozenContent, limit LetterCap) (SignUpResult, error) {
	id, err := missing(x.query1(`SELECT s.id FROM subscribers s JOIN subscriptions b ON b.subscriber = s.id AND b.newsletter = $2 AND b.state = 'confirmed'
		WHERE s.hash = $1`, hash, name))
	if err != nil || id == 0 {
		return SignUpNoOne, err
	}
	l.Subscriber = id
	switch err := x.createLetter(&l, content, limit); {
	case errors.Is(err, ErrConflict):
		return SignUpRefused, nil
	case errors.Is(err, ErrLimit):
		return SignUpCapped, nil
	default:
		return SignUpReader, err
	}
}

// SignUpCounts returns how many sign-ups wait, and how many were dealt with within a
// day.
func (s *Store) SignUpCounts(ctx context.Context, now time.Time) (waiting, today int, err error) {
	waiting, err = one(s.reader(ctx), value[int], "SELECT count(*) FROM signups")
	if err == nil {
		today, err = one(s.reader(ctx), value[int], "SELECT coalesce(sum(count), 0) FROM signup_counts WHERE network = '' AND hour > $1", now.Unix()/3600-24)
	}
	return waiting, today, s.wrap("count sign-ups", err)
}

// countSignUp counts a sign-up for its network and for all; SignUpCapped, SignUpFull:
// there were enough within a day.
func (x *tx) countSignUp(u SignUp, limits SignUpLimits, now time.Time) (SignUpResult, error) {
	hour := now.Unix() / 3600
	network := x.s.keys.NetworkHash(u.Network)
	for _, c := range []struct {
		name  string
		limit int
		over  SignUpResult
	}{{network, limits.PerNetwork, SignUpCapped}, {"", limits.PerDay, SignUpFull}} {
		if c.limit <= 0 || c.name == network && u.Network == "" {
			continue
		}
		n, err := x.query1("SELECT coalesce(sum(count), 0) FROM signup_counts WHERE network = $1 AND hour > $2", c.name, hour-24)
		if err != nil {
			return "", err
		}
		if int(n) >= c.limit {
			return c.over, nil
		}
	}
	for _, name := range []string{network, ""} {
		_, err := x.exec(`INSERT INTO signup_counts (network, hour, count) VALUES ($1, $2, 1)
			ON CONFLICT (network, hour) DO UPDATE SET count = signup_counts.count + 1`, name, hour)
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// pending sees to it that there is a subscription to be confirmed, and reports
// whether it is confirmed already.
func (x *tx) pending(u SignUp, hash string, now time.Time) (id int64, confirmed bool, err error) {
	find := func() (state string, err error) {
		return missing(one(x, func(scan func(...any) error) (state string, err error) {
			return state, scan(&id, &state)
		}, `SELECT s.id, b.state FROM subscribers s JOIN subscriptions b ON b.subscriber = s.id AND b.newsletter = $2 WHERE s.hash = $1`, hash, u.Newsletter))
	}
	state, err := find()
	if err != nil {
		return 0, false, err
	}
	if state == "" {
		b := x.listBatch(u.Newsletter, u.Source, now)
		lines := []newsletter.Line{{Email: u.Email}}
		if err := b.load(lines); err != nil {
			return 0, false, err
		}
		if err := b.create(lines); err != nil {
			return 0, false, err
		}
		if _, err := find(); err != nil {
			return 0, false, err
		}
	} else if _, err := x.exec("UPDATE subscriptions SET updated_at = $3 WHERE newsletter = $1 AND subscriber = $2", u.Newsletter, id, ms(now)); err != nil {
		return 0, false, err
	}
	return id, state == string(newsletter.SubscriptionConfirmed), nil
}

// Confirm makes a subscription confirmed by the link of a letter, and lifts what only
// its owner can: a complaint, an erasure. It begins where the newsletter stands now.
// fresh is false where it was confirmed before: nothing is changed then. ErrStale:
// its owner left or complained after the letter was written, or its link has ended
// and they complained at all. ErrConflict: the address is not to be
// mailed, and only the operator can change that. ErrNotFound: there is no such
// letter, or nothing to confirm.
func (s *Store) Confirm(ctx context.Context, letter int64, network string, now time.Time) (fresh bool, err error) {
	err = s.write(ctx, "confirm a subscription", func(x *tx) error {
		fresh = false
		l, b, err := toConfirm(x, letter, "{{for update b}}", now)
		if err != nil || b.confirmed() {
			return err
		}
		var asked newsletter.SignUp
		if err := json.Unmarshal([]byte(l.Asked), &asked); err != nil {
			return err
		}
		fresh = true
		if err := x.confirm(l, asked, b.owned, network, now); err != nil {
			return err
		}
		if _, err := x.exec("DELETE FROM tombstones WHERE hash = $1 AND newsletter IN ('', $2)", b.hash, l.Newsletter); err != nil {
			return err
		}
		if b.cause == "" {
			return nil
		}
		_, err = x.lift("hash = $1", b.hash)
		return err
	})
	return fresh, err
}

// MayConfirm tells before anything is pressed how Confirm would end: its errors.
func (s *Store) MayConfirm(ctx context.Context, letter int64, now time.Time) error {
	_, _, err := toConfirm(s.reader(ctx), letter, "", now)
	return s.wrap("look for a subscription to confirm", err)
}

// unconfirmed is a subscription that a letter asks to confirm.
type unconfirmed struct {
	state, hash, cause, owned string
	left, suppressed          int64
}

// confirmed reports whether there is nothing to confirm any more.
func (b *unconfirmed) confirmed() bool {
	return b.state == string(newsletter.SubscriptionConfirmed) && b.cause == ""
}

// toConfirm reads what a letter asks to confirm, and refuses what its link does not bring
// about any more: see Confirm.
func toConfirm(q querier, letter int64, lock string, now time.Time) (l newsletter.Letter, b unconfirmed, err error) {
	if l, err = one(q, scanLetter, "SELECT "+letterColumns+" FROM letters l WHERE l.chunk = $1 AND l.kind = 'confirm'", letter); err != nil {
		return l, b, err
	}
	b, err = one(q, func(scan func(...any) error) (b unconfirmed, err error) {
		return b, scan(&b.state, &b.left, &b.owned, &b.hash, &b.cause, &b.suppressed)
	}, `SELECT b.state, b.left_at, b.set_by_owner, s.hash, coalesce(p.cause, ''), coalesce(p.at, 0) FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber
		LEFT JOIN suppressions p ON p.hash = s.hash WHERE b.newsletter = $1 AND b.subscriber = $2`+lock, l.Newsletter, l.Subscriber)
	if err != nil {
		return l, b, err
	}
	switch cause := newsletter.Cause(b.cause); {
	case cause != "" && !cause.Lets(newsletter.LetterConfirm):
		err = fmt.Errorf("the address is suppressed (%s): %w", cause, ErrConflict)
	case b.confirmed():
	case b.left > ms(l.CreatedAt):
		err = fmt.Errorf("its owner left since: %w", ErrStale)
	case b.suppressed > ms(l.CreatedAt):
		err = fmt.Errorf("the address was suppressed since: %w", ErrStale)
	case cause != "" && !l.Expires.IsZero() && now.After(l.Expires):
		err = fmt.Errorf("the address is suppressed, and the link has ended: %w", ErrStale)
	}
	return l, b, err
}

// confirm writes the consent and its proof down, and what its owner chose; owned are
// the fields that they set before.
func (x *tx) confirm(l newsletter.Letter, asked newsletter.SignUp, owned, network string, now time.Time) error {
	proof, err := json.Marshal(newsletter.Consent{SignUp: asked, Confirmed: now.UTC(), ConfirmedNetwork: network})
	if err != nil {
		return err
	}
	var horizons [2]int64
	for r := range horizons {
		if horizons[r], err = missing(x.query1("SELECT horizon FROM tracks WHERE newsletter = $1 AND rehearsal = $2", l.Newsletter, r)); err != nil {
			return err
		}
	}
	fields := map[string]bool{}
	if err := fromJSON([]byte(owned), &fields); err != nil {
		return err
	}
	topics := newsletter.JoinTopics(asked.Topics)
	if asked.Language != "" {
		fields["language"] = true
	}
	if topics != "" {
		fields["topics"] = true
	}
	set, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	_, err = x.exec(`UPDATE subscriptions SET state = 'confirmed', suppressed = 0, consent_at = $3, source = $4, proof = $5,
		language = CASE WHEN $6 = '' THEN language ELSE $6 END, topics = CASE WHEN $7 = '' THEN topics ELSE $7 END,
		cursor = $8, rehearsal_cursor = $9, by_feed = 0, paused_till = 0, left_at = 0, left_by = '', heard = 0, set_by_owner = $10, updated_at = $3 WHERE newsletter = $1 AND subscriber = $2`,
		l.Newsletter, l.Subscriber, ms(now), asked.Source, string(proof), asked.Language, topics, horizons[0], horizons[1], string(set))
	return err
}

// forgetSignUps deletes what nobody confirmed since a time, with subscribers who have
// nothing else, and what networks are counted by that is older than a day.
func (x *tx) forgetSignUps(before, now time.Time) (int, error) {
	if _, err := x.exec("DELETE FROM signup_counts WHERE hour <= $1", now.Unix()/3600-24); err != nil {
		return 0, err
	}
	type row struct {
		subscriber int64
		newsletter string
	}
	rows, err := list(x, func(scan func(...any) error) (r row, err error) {
		return r, scan(&r.subscriber, &r.newsletter)
	}, "SELECT subscriber, newsletter "+oldSignUps+" ORDER BY updated_at LIMIT $2{{for update}}", ms(before), peopleAtOnce)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	for _, r := range rows {
		if _, err := x.removeSubscriptions(r.subscriber, r.newsletter); err != nil {
			return 0, err
		}
	}
	return len(rows), x.forgetLists() // a line of theirs that was passed over is welcome now
}

// DropSignUp forgets one that nobody can deal with: its newsletter is no more.
func (s *Store) DropSignUp(ctx context.Context, id int64) error {
	return s.write(ctx, "drop a sign-up", func(x *tx) error {
		_, err := x.exec("DELETE FROM signups WHERE id = $1", id)
		return err
	})
}
