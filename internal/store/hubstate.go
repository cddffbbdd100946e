package store

import (
	"context"
	"time"
)

// HubWork says what there is to do about WebSub.
type HubWork struct {
	Pings    bool          // hubs are to be told
	Requests bool          // requests are to be verified
	Pushes   bool          // hubs are to be asked to tell this site of changes
	Topics   []string      // whose subscribers are to be sent something
	Next     time.Duration // until there is more, 0: nothing is foreseen
}

// HubWork looks for what is due.
func (s *Store) HubWork(ctx context.Context) (HubWork, error) {
	var w HubWork
	now, err := s.clock(ctx)
	if err != nil {
		return w, s.wrap("look at the hub", err)
	}
	due := func(at int64) bool {
		if at == 0 {
			return false
		}
		wait := fromMS(at).Sub(now)
		if wait > 0 && (w.Next == 0 || wait < w.Next) {
			w.Next = wait
		}
		return wait <= 0
	}
	type row struct {
		kind, topic string
		at          int64
	}
	// The earliest of each; 1: at any time.
	all, err := list(s.reader(ctx), func(scan func(...any) error) (r row, err error) {
		err = scan(&r.kind, &r.topic, &r.at)
		return r, err
	}, `SELECT 'ping' AS kind, '' AS topic, coalesce(min(CASE WHEN p.due_at > t.due_at THEN p.due_at WHEN t.due_at > 0 THEN t.due_at ELSE 1 END), 0) AS at
			FROM pings p JOIN topics t ON t.topic = p.topic WHERE p.version < t.version
		UNION ALL SELECT 'push', '', coalesce(min(due_at), 0) FROM pushes
		UNION ALL SELECT 'request', '', coalesce(min(due_at), 0) FROM hub_requests
		UNION ALL SELECT 'topic', t.topic, coalesce(min(CASE WHEN b.due_at > t.due_at THEN b.due_at WHEN t.due_at > 0 THEN t.due_at ELSE 1 END), 0)
			FROM topics t JOIN hub_subscriptions b ON b.topic = t.topic AND b.version < t.version AND b.expires_at > $1 GROUP BY t.topic
		ORDER BY kind, topic`, ms(now))
	if err != nil {
		return w, s.wrap("look at the hub", err)
	}
	for _, r := range all {
		switch {
		case !due(r.at):
		case r.kind == "ping":
			w.Pings = true
		case r.kind == "push":
			w.Pushes = true
		case r.kind == "request":
			w.Requests = true
		default:
			w.Topics = append(w.Topics, r.topic)
		}
	}
	return w, nil
}

// SweepHub forgets subscriptions whose lease has ended, and returns how many.
func (s *Store) SweepHub(ctx context.Context) (ended int, err error) {
	err = s.write(ctx, "end leases of the hub", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		n, err := x.exec("DELETE FROM hub_subscriptions WHERE expires_at <= $1", now)
		ended = int(n)
		return err
	})
	return ended, err
}

// HubState is how WebSub stands, for people.
type HubState struct {
	Subscriptions int // whose lease lasts
	Failing       int // of them
	Behind        int // of them, that have not got the newest document
	Waiting       int // requests that are not verified yet
	Owners        []FailingOwner
	Hubs          []PingState
}

// FailingOwner is somebody whose callbacks do not take what they are sent.
type FailingOwner struct {
	Owner string
	Count int
	Since time.Time
	Error string // one of them
}

// PingState is how another hub stands.
type PingState struct {
	Hub    string
	Behind int // topics that it was not told of
	Error  string
	Since  time.Time // when it began to fail, zero: it does not
}

// HubState looks at it. Of those that fail, it returns the owners of the most
// callbacks, at most limit.
func (s *Store) HubState(ctx context.Context, limit int) (HubState, error) {
	var st HubState
	now, err := s.clock(ctx)
	if err != nil {
		return st, s.wrap("look at the hub", err)
	}
	q := s.reader(ctx)
	_, err = one(q, func(scan func(...any) error) (struct{}, error) {
		return struct{}{}, scan(&st.Subscriptions, &st.Failing, &st.Behind, &st.Waiting)
	}, `SELECT count(*), coalesce(sum(CASE WHEN b.failures > 0 THEN 1 ELSE 0 END), 0),
			coalesce(sum(CASE WHEN b.version < t.version THEN 1 ELSE 0 END), 0), (SELECT count(*) FROM hub_requests)
		FROM hub_subscriptions b LEFT JOIN topics t ON t.topic = b.topic WHERE b.expires_at > $1`, ms(now))
	if err == nil {
		st.Owners, err = list(q, func(scan func(...any) error) (f FailingOwner, err error) {
			err = scan(&f.Owner, &f.Count, stamp{&f.Since}, &f.Error)
			return f, err
		}, `SELECT owner, count(*) AS callbacks, min(failing_since), max(error) FROM hub_subscriptions WHERE failures > 0 AND expires_at > $1
			GROUP BY owner ORDER BY callbacks DESC, owner LIMIT $2`, ms(now), limit)
	}
	if err == nil {
		st.Hubs, err = list(q, func(scan func(...any) error) (p PingState, err error) {
			err = scan(&p.Hub, &p.Behind, &p.Error, stamp{&p.Since})
			return p, err
		}, `SELECT p.hub, sum(CASE WHEN p.version < t.version THEN 1 ELSE 0 END), max(p.error), coalesce(min(CASE WHEN p.failing_since > 0 THEN p.failing_since END), 0)
			FROM pings p JOIN topics t ON t.topic = p.topic GROUP BY p.hub ORDER BY p.hub`)
	}
	return st, s.wrap("look at the hub", err)
}
