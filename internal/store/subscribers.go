package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

const subscriptionColumns = `s.id, s.email, s.name, b.language, b.time_zone, s.created_at, b.newsletter, b.state, b.topics, b.cadence, b.hour, b.max_items,
	b.paused_till, b.cursor, b.served, b.rehearsal_cursor, b.rehearsal_served, b.left_at, b.left_by, b.consent_at, b.source, b.proof, b.created_at, b.updated_at, b.set_by_owner,
	b.by_feed, CASE WHEN b.feed_hash <> '' THEN 1 ELSE 0 END`

func scanSubscription(scan func(...any) error) (b newsletter.Subscription, err error) {
	var topics, owned string
	err = scan(&b.Subscriber.ID, &b.Subscriber.Email, &b.Subscriber.Name, &b.Subscriber.Language, &b.Subscriber.TimeZone, stamp{&b.Subscriber.CreatedAt},
		&b.Newsletter, &b.State, &topics, &b.Cadence, &b.Hour, &b.MaxItems, stamp{&b.PausedTill}, &b.Cursor, &b.Served, &b.RehearsalCursor, &b.RehearsalServed, stamp{&b.LeftAt}, &b.LeftBy, stamp{&b.ConsentAt}, &b.Source, &b.Proof,
		stamp{&b.CreatedAt}, stamp{&b.UpdatedAt}, &owned, &b.ByFeed, &b.HasFeed)
	b.Topics = newsletter.SplitTopics(topics)
	if err != nil || owned == "{}" {
		return b, err
	}
	fields := map[string]bool{}
	if err := fromJSON([]byte(owned), &fields); err != nil {
		return b, err
	}
	for field, set := range fields {
		if set {
			b.SetByOwner = append(b.SetByOwner, field)
		}
	}
	slices.Sort(b.SetByOwner)
	return b, nil
}

// Subscribers returns the subscriptions of a query in ascending order of
// subscriber and newsletter.
func (s *Store) Subscribers(ctx context.Context, q SubscriberQuery) ([]newsletter.Subscription, error) {
	query, args := q.sql()
	all, err := list(s.reader(ctx), scanSubscription, query, args...)
	return all, s.wrap("read subscribers", err)
}

func (q SubscriberQuery) sql() (query string, args []any) {
	args = []any{q.After}
	// Told of b only, PostgreSQL reads subscribers from the first each time; told of s,
	// SQLite would sort all that follow.
	conds := []string{"b.subscriber > $1{{postgres AND s.id > $1}}"}
	arg := func(cond string, v any) {
		args = append(args, v)
		conds = append(conds, strings.ReplaceAll(cond, "$$", fmt.Sprintf("$%d", len(args))))
	}
	if q.Through > 0 {
		arg("b.subscriber <= $$", q.Through)
	}
	if q.Newsletter != "" {
		arg("b.newsletter = $$", q.Newsletter)
	}
	if q.State != "" {
		arg("b.state = $$", string(q.State))
	}
	if q.Suppressed {
		conds = append(conds, "b.suppressed = 1")
	}
	if q.Match != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(q.Match)) + "%"
		arg(`(lower(s.email) LIKE $$ ESCAPE '\' OR lower(s.name) LIKE $$ ESCAPE '\')`, like)
	}
	args = append(args, limitOr(q.Limit))
	return "SELECT " + subscriptionColumns + ` FROM subscribers s JOIN subscriptions b ON b.subscriber = s.id
		WHERE ` + strings.Join(conds, " AND ") + fmt.Sprintf(" ORDER BY b.subscriber, b.newsletter LIMIT $%d", len(args)), args
}

// Subscription returns a subscriber's subscription to a newsletter; ErrNotFound.
func (s *Store) Subscription(ctx context.Context, subscriber int64, name string) (newsletter.Subscription, error) {
	b, err := one(s.reader(ctx), scanSubscription, "SELECT "+subscriptionColumns+` FROM subscribers s JOIN subscriptions b ON b.subscriber = s.id
		WHERE s.id = $1 AND b.newsletter = $2`, subscriber, name)
	return b, s.wrap(fmt.Sprintf("read subscription %d to %s", subscriber, name), err)
}

// SubscriberByEmail returns the owner of an address (normalised, whatever its
// letter case); ErrNotFound. Language and time zone belong to subscriptions.
func (s *Store) SubscriberByEmail(ctx context.Context, email string) (newsletter.Subscriber, error) {
	b, err := one(s.reader(ctx), func(scan func(...any) error) (b newsletter.Subscriber, err error) {
		err = scan(&b.ID, &b.Email, &b.Name, stamp{&b.CreatedAt})
		return b, err
	}, "SELECT id, email, name, created_at FROM subscribers WHERE hash = $1", s.keys.AddressHash(email))
	return b, s.wrap("look for a subscriber", err)
}

// AddSubscriber subscribes an address to a newsletter, confirmed (source "form":
// pending, until its owner confirms). Nothing is changed for an address that is
// suppressed, that is there already, or that left. One that an operator removed
// comes back by hand ("cli"), but not by a file or an import; one that its owner
// changed or erased only by the owner ("form").
func (s *Store) AddSubscriber(ctx context.Context, name string, line newsletter.Line, source string, now time.Time) (result AddResult, err error) {
	err = s.write(ctx, "add a subscriber to "+name, func(x *tx) (err error) {
		b := x.listBatch(name, source, now)
		result, err = b.add(line)
		return err
	})
	return result, err
}

// Unsubscribe ends a subscription and cancels what is pending for it, in one
// transaction. source says where the wish came from.
func (s *Store) Unsubscribe(ctx context.Context, subscriber int64, name, source string, now time.Time) (changed bool, err error) {
	err = s.write(ctx, "unsubscribe from "+name, func(x *tx) error {
		n, err := x.exec(`UPDATE subscriptions SET state = 'unsubscribed', left_at = $3, left_by = $4, updated_at = $3
			WHERE newsletter = $1 AND subscriber = $2 AND state <> 'unsubscribed'`, name, subscriber, ms(now), source)
		changed = n > 0
		if err != nil {
			return err
		}
		if !changed {
			if err := x.leaveThemselves(subscriber, name, source, now); err != nil {
				return err
			}
			_, err := x.query1("SELECT subscriber FROM subscriptions WHERE newsletter = $1 AND subscriber = $2", name, subscriber)
			return err // ErrNotFound: never was one
		}
		return x.cancelPending(subscriber, name)
	})
	return changed, err
}

// leaveThemselves notes that somebody leaves whom an import made one who left: undoing it
// does not bring them back.
func (x *tx) leaveThemselves(subscriber int64, name, how string, now time.Time) error {
	_, err := x.exec(`UPDATE subscriptions SET left_by = $4, updated_at = $3
		WHERE subscriber = $1 AND ($2 = '' OR newsletter = $2) AND state = 'unsubscribed' AND left_by LIKE 'import %'`, subscriber, name, ms(now), how)
	return err
}

// Resubscribe takes an unsubscription back. What it cancelled stays cancelled, but
// its articles are in the next issue. The consent is the one of before: a link
// that others may have got hold of gives no new one, and so not to whoever left
// before confirming. ErrStale: they left longer than newsletter.UndoLeaving ago. ErrConflict: the
// address is suppressed, after a complaint for one; then nothing is changed.
func (s *Store) Resubscribe(ctx context.Context, subscriber int64, name string, now time.Time) (changed bool, err error) {
	err = s.write(ctx, "subscribe again to "+name, func(x *tx) error {
		cause, err := missing(one(x, value[string], "SELECT p.cause FROM suppressions p JOIN subscribers s ON s.hash = p.hash WHERE s.id = $1", subscriber))
		if err == nil && cause != "" {
			err = fmt.Errorf("the address is suppressed (%s): %w", cause, ErrConflict)
		}
		if err != nil {
			return err
		}
		n, err := x.exec(`UPDATE subscriptions SET state = CASE WHEN consent_at > 0 THEN 'confirmed' ELSE 'pending' END, left_at = 0, left_by = '', updated_at = $3
			WHERE newsletter = $1 AND subscriber = $2 AND state = 'unsubscribed' AND left_at >= $4`, name, subscriber, ms(now), ms(now.Add(-newsletter.UndoLeaving)))
		if changed = n > 0; err != nil || changed {
			return err
		}
		left, err := x.query1("SELECT count(*) FROM subscriptions WHERE newsletter = $1 AND subscriber = $2 AND state = 'unsubscribed'", name, subscriber)
		if err == nil && left > 0 {
			err = fmt.Errorf("its owner left long ago: %w", ErrStale)
		}
		return err
	})
	return changed, err
}

// Preferences are what an owner may set; nil: left as it is.
type Preferences struct {
	Name, Language, TimeZone *string
	Topics                   *[]string
	Hour, MaxItems           *int
	PausedTill               *time.Time

	// Cadence counts from a day on: who has chosen Mondays on a Wednesday gets
	// nothing before the next Monday.
	Cadence *newsletter.Cadence
	From    newsletter.Day
}

// SetPreferences sets fields of a subscription for its owner. No file changes
// those fields any more. A pause begins at once: what is pending is cancelled, and
// new again when it ends.
func (s *Store) SetPreferences(ctx context.Context, subscriber int64, name string, p Preferences, now time.Time) error {
	return s.write(ctx, "set the preferences for "+name, func(x *tx) error {
		owned, err := one(x, value[string], "SELECT set_by_owner FROM subscriptions WHERE newsletter = $1 AND subscriber = $2{{for update}}", name, subscriber)
		if err != nil {
			return err
		}
		fields := map[string]bool{}
		if err := fromJSON([]byte(owned), &fields); err != nil {
			return err
		}
		args := []any{name, subscriber, ms(now)}
		sets := "updated_at = $3"
		set := func(field, column string, v any) {
			fields[field] = true
			args = append(args, v)
			sets += fmt.Sprintf(", %s = $%d", column, len(args))
		}
		if p.Language != nil {
			set("language", "language", *p.Language)
		}
		if p.TimeZone != nil {
			set("time_zone", "time_zone", *p.TimeZone)
		}
		if p.Cadence != nil {
			set("cadence", "cadence", string(*p.Cadence))
			for _, column := range []string{"served", "rehearsal_served"} {
				args = append(args, p.From-1)
				sets += fmt.Sprintf(", %[1]s = CASE WHEN %[1]s < $%[2]d THEN $%[2]d ELSE %[1]s END", column, len(args))
			}
		}
		if p.Topics != nil {
			set("topics", "topics", newsletter.JoinTopics(*p.Topics))
		}
		if p.Hour != nil {
			set("hour", "hour", *p.Hour)
		}
		if p.MaxItems != nil {
			set("max_items", "max_items", *p.MaxItems)
		}
		if p.PausedTill != nil {
			set("paused_till", "paused_till", ms(*p.PausedTill))
		}
		if p.Name != nil {
			fields["name"] = true
			if _, err := x.exec("UPDATE subscribers SET name = $2 WHERE id = $1", subscriber, *p.Name); err != nil {
				return err
			}
		}
		b, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		args = append(args, string(b))
		_, err = x.exec(fmt.Sprintf("UPDATE subscriptions SET %s, set_by_owner = $%d WHERE newsletter = $1 AND subscriber = $2", sets, len(args)), args...)
		if err == nil && p.PausedTill != nil && p.PausedTill.After(now) {
			err = x.cancelPending(subscriber, name)
		}
		return err
	})
}

// RemoveSubscriber deletes an address from a newsletter (empty: from all), with
// what is pending for it; a file will not bring it back. What its owner had left stays
// so: only they come back to that. ErrNotFound.
func (s *Store) RemoveSubscriber(ctx context.Context, email, name string, now time.Time) error {
	hash := s.keys.AddressHash(email)
	return s.write(ctx, "remove a subscriber", func(x *tx) error {
		id, err := x.query1("SELECT id FROM subscribers WHERE hash = $1", hash)
		if err != nil {
			return err
		}
		// Who leaves this very moment has left before they are removed, or finds nothing to leave.
		_, err = list(x, value[string], "SELECT newsletter FROM subscriptions WHERE subscriber = $1 AND ($2 = '' OR newsletter = $2) ORDER BY newsletter{{for update}}", id, name)
		if err != nil {
			return err
		}
		_, err = x.exec(`INSERT INTO tombstones (hash, newsletter, cause, at)
			SELECT s.hash, b.newsletter, 'left', b.left_at FROM subscriptions b JOIN subscribers s ON s.id = b.subscriber
			WHERE b.subscriber = $1 AND ($2 = '' OR b.newsletter = $2) AND b.state = 'unsubscribed'
			ON CONFLICT (hash, newsletter) DO UPDATE SET cause = excluded.cause, at = excluded.at WHERE tombstones.cause = 'removed'`, id, name)
		if err != nil {
			return err
		}
		n, err := x.removeSubscriptions(id, name)
		if err != nil {
			return err
		}
		if n == 0 && name != "" {
			return fmt.Errorf("no subscription to %s: %w", name, ErrNotFound)
		}
		_, err = x.exec("INSERT INTO tombstones (hash, newsletter, cause, at) VALUES ($1, $2, 'removed', $3) ON CONFLICT DO NOTHING", hash, name, ms(now))
		return err
	})
}

// removeSubscriptions deletes subscriptions and, with the last, their subscriber.
func (x *tx) removeSubscriptions(id int64, name string) (int64, error) {
	n, err := x.exec("DELETE FROM subscriptions WHERE subscriber = $1 AND ($2 = '' OR newsletter = $2)", id, name)
	if err != nil {
		return 0, err
	}
	if err := x.cancelPending(id, name); err != nil {
		return 0, err
	}
	gone, err := x.exec("DELETE FROM subscribers WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM subscriptions WHERE subscriber = $1)", id)
	if err != nil || gone == 0 {
		return n, err
	}
	if _, err := x.exec("DELETE FROM former WHERE subscriber = $1", id); err != nil {
		return n, err
	}
	return n, x.forgetLettersOf(id)
}
