package store

import (
	"context"
	"time"
)

// PushState is how a subscription of this site at a hub stands.
type PushState string

// The states of a push.
const (
	PushAsking PushState = "asking" // the hub was asked, or is to be
	PushActive PushState = "active" // it tells of changes until Expires
	PushDenied PushState = "denied" // it does not want to; it is asked again later
)

// Push is a subscription of this site to a feed that it reads.
type Push struct {
	Source   string
	Hub      string
	Topic    string
	Token    string // at the end of the callback's address
	Secret   string // the hub signs with it
	State    PushState
	Failures int    // of asking, in a row
	Error    string // why it does not work, without addresses; empty: it does
	Expires  time.Time
	PushedAt time.Time // zero: never

	claim int64
}

const pushColumns = "source, hub, topic, token, secret, state, failures, error, expires_at, pushed_at, due_at"

func scanPush(scan func(...any) error) (p Push, err error) {
	err = scan(&p.Source, &p.Hub, &p.Topic, &p.Token, &p.Secret, &p.State, &p.Failures, &p.Error, stamp{&p.Expires}, stamp{&p.PushedAt}, &p.claim)
	return p, err
}

// WantPushes says which subscriptions this site wants, all of them, by source. One
// with the same hub and topic as before stays as it is; another begins anew, with the
// token and the secret given. Those that are not wanted any more are forgotten: their
// callbacks answer that they are gone.
func (s *Store) WantPushes(ctx context.Context, wanted []Push) error {
	known, err := s.Pushes(ctx)
	if err != nil {
		return err
	}
	if samePushes(known, wanted) { // nearly always
		return nil
	}
	return s.write(ctx, "note which feeds are to be pushed", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		sources := make([]string, len(wanted))
		for i, p := range wanted {
			sources[i] = p.Source
			_, err := x.exec(`INSERT INTO pushes (source, hub, topic, token, secret, state, due_at) VALUES ($1, $2, $3, $4, $5, 'asking', $6)
				ON CONFLICT (source) DO UPDATE SET hub = excluded.hub, topic = excluded.topic, token = excluded.token, secret = excluded.secret,
				state = excluded.state, failures = 0, error = '', due_at = excluded.due_at, expires_at = 0
				WHERE pushes.hub <> excluded.hub OR pushes.topic <> excluded.topic`, p.Source, p.Hub, p.Topic, p.Token, p.Secret, now)
			if err != nil {
				return err
			}
		}
		_, err = x.exec("DELETE FROM pushes WHERE NOT source {{in strings $1}}", jsonArg(sources))
		return err
	})
}

func samePushes(known, wanted []Push) bool {
	if len(known) != len(wanted) {
		return false
	}
	is := map[string]Push{}
	for _, p := range known {
		is[p.Source] = p
	}
	for _, p := range wanted {
		if k := is[p.Source]; k.Hub != p.Hub || k.Topic != p.Topic {
			return false
		}
	}
	return true
}

// Pushes returns all of them.
func (s *Store) Pushes(ctx context.Context) ([]Push, error) {
	all, err := list(s.reader(ctx), scanPush, "SELECT "+pushColumns+" FROM pushes ORDER BY source")
	return all, s.wrap("list the pushes", err)
}

// PushOf returns the one with a token; ErrNotFound: there is none.
func (s *Store) PushOf(ctx context.Context, token string) (Push, error) {
	p, err := one(s.reader(ctx), scanPush, "SELECT "+pushColumns+" FROM pushes WHERE token = $1", token)
	return p, s.wrap("look for a push", err)
}

// ClaimPushes takes those whose hubs are to be asked. For the time of claim nobody
// else is given them; then they are due again.
func (s *Store) ClaimPushes(ctx context.Context, limit int, claim time.Duration) (all []Push, err error) {
	err = s.write(ctx, "take what hubs are to be asked", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		until := now + claim.Milliseconds()
		all, err = list(x, scanPush, "SELECT "+pushColumns+" FROM pushes p WHERE p.due_at <= $1 ORDER BY p.source LIMIT $2{{skip locked p}}", now, limit)
		if err != nil {
			return err
		}
		for i := range all {
			all[i].claim = until
			if _, err := x.exec("UPDATE pushes SET due_at = $2 WHERE source = $1", all[i].Source, until); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// SettlePush notes how a hub answered when it was asked. If it took the request, its
// own question is waited for, for the time of patience; then it is asked again.
func (s *Store) SettlePush(ctx context.Context, p Push, o Outcome, patience time.Duration) error {
	return s.write(ctx, "note that a hub was asked", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		const ours = " WHERE source = $1 AND token = $2 AND due_at = $3" // it may be confirmed already
		switch {
		case o.Cut:
			_, err = x.exec("UPDATE pushes SET due_at = $4"+ours, p.Source, p.Token, p.claim, now)
		case o.OK:
			_, err = x.exec("UPDATE pushes SET due_at = $4, failures = failures + 1, error = 'its hub took the request, but has not asked back'"+ours,
				p.Source, p.Token, p.claim, now+patience.Milliseconds())
		default:
			_, err = x.exec("UPDATE pushes SET due_at = $4, failures = failures + 1, error = $5"+ours, p.Source, p.Token, p.claim, now+o.After.Milliseconds(), o.Reason)
		}
		return err
	})
}

// ConfirmPush notes that a hub granted a lease; it is to be renewed before it ends.
func (s *Store) ConfirmPush(ctx context.Context, token string, lease, renew time.Duration) error {
	return s.write(ctx, "note that a hub granted a lease", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		_, err = x.exec("UPDATE pushes SET state = 'active', failures = 0, error = '', expires_at = $2, due_at = $3 WHERE token = $1",
			token, now+lease.Milliseconds(), now+renew.Milliseconds())
		return err
	})
}

// DenyPush notes that a hub does not want to; it is asked again after a while.
func (s *Store) DenyPush(ctx context.Context, token, reason string, after time.Duration) error {
	return s.write(ctx, "note that a hub denied", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		_, err = x.exec("UPDATE pushes SET state = 'denied', error = $2, expires_at = 0, due_at = $3 WHERE token = $1", token, reason, now+after.Milliseconds())
		return err
	})
}

// Pushed notes that a hub told of a change: the source is to be asked now, or after
// a pause if it was told of another a moment ago.
func (s *Store) Pushed(ctx context.Context, token string, pause time.Duration) error {
	return s.write(ctx, "note that a source has news", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		p, err := one(x, scanPush, "SELECT "+pushColumns+" FROM pushes WHERE token = $1{{for update}}", token)
		if err != nil {
			return err
		}
		due := now
		if !p.PushedAt.IsZero() {
			due = max(due, ms(p.PushedAt)+pause.Milliseconds())
		}
		if _, err := x.exec("UPDATE pushes SET pushed_at = $2 WHERE token = $1", token, due); err != nil {
			return err
		}
		_, err = x.exec("UPDATE sources SET due = $2 WHERE name = $1 AND (due = 0 OR due > $2)", p.Source, due)
		return err
	})
}
