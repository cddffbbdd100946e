package store

import (
	"context"
	"fmt"
	"time"
)

// HubRequest is what a subscriber asked of this site's hub, or is to be told by it.
type HubRequest struct {
	ID       int64
	Mode     string // subscribe, unsubscribe, denied
	Topic    string
	Callback string
	Owner    string // whose machines the callback is on, see websub.Owner
	Client   string // keyed hash of the network that asked; empty: it is not known
	Secret   string
	Lease    time.Duration
	Failures int // so far

	claim int64
}

// HubLimits bound what strangers can make a hub do.
type HubLimits struct {
	Subscriptions int           // of all
	PerOwner      int           // of an owner of callbacks
	PerClient     int           // of a network that asks
	Waiting       int           // requests about an owner's callbacks that are not verified yet
	Burst         int           // verifications of an owner's callbacks at once
	Every         time.Duration // one more
}

// AskHub notes a request, to be verified at its callback; a later one about the
// same topic and callback takes its place. Asking to unsubscribe what was never
// subscribed does nothing. ErrNotFound: there is no such topic; ErrLimit: no more.
func (s *Store) AskHub(ctx context.Context, r HubRequest, limits HubLimits) error {
	return s.write(ctx, "note a request to the hub", func(x *tx) error {
		if _, err := x.query1("SELECT version FROM topics WHERE topic = $1", r.Topic); err != nil {
			return err
		}
		known, err := x.query1(`SELECT (SELECT count(*) FROM hub_subscriptions WHERE topic = $1 AND callback = $2)
			+ (SELECT count(*) FROM hub_requests WHERE topic = $1 AND callback = $2)`, r.Topic, r.Callback)
		if err != nil || known == 0 && r.Mode != "subscribe" {
			return err
		}
		if known == 0 {
			if err := x.roomAtHub(r, limits); err != nil {
				return err
			}
		}
		waiting, err := x.query1("SELECT count(*) FROM hub_requests WHERE owner = $1", r.Owner)
		if err != nil {
			return err
		}
		if waiting >= int64(limits.Waiting) {
			return fmt.Errorf("%d requests of %s wait to be verified: %w", waiting, r.Owner, ErrLimit)
		}
		due, err := x.nextVerification(r.Owner, limits)
		if err != nil {
			return err
		}
		_, err = x.exec(`INSERT INTO hub_requests (mode, topic, callback, owner, client, secret, lease, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (topic, callback) DO UPDATE SET mode = excluded.mode, client = excluded.client, secret = excluded.secret,
			lease = excluded.lease, failures = 0, due_at = excluded.due_at`,
			r.Mode, r.Topic, r.Callback, r.Owner, r.Client, r.Secret, r.Lease.Milliseconds(), due)
		return err
	})
}

// roomAtHub refuses one subscription more where there are enough. Who is not known has
// no limit of their own.
func (x *tx) roomAtHub(r HubRequest, limits HubLimits) error {
	for _, l := range []struct {
		whose string // column; empty: of all
		name  string
		limit int
	}{
		{"", "", limits.Subscriptions},
		{"owner", r.Owner, limits.PerOwner},
		{"client", r.Client, limits.PerClient},
	} {
		of, args := "", []any(nil)
		if l.whose != "" {
			if l.name == "" {
				continue
			}
			of, args = " WHERE "+l.whose+" = $1", []any{l.name}
		}
		n, err := x.query1("SELECT (SELECT count(*) FROM hub_subscriptions"+of+") + (SELECT count(*) FROM hub_requests"+of+")", args...)
		if err != nil {
			return err
		}
		if n >= int64(l.limit) {
			return fmt.Errorf("there are %d subscriptions: %w", n, ErrLimit)
		}
	}
	return nil
}

// nextVerification returns when a callback of an owner may be asked: at once so
// many times, then one by one. Its bucket holds when the next is due.
func (x *tx) nextVerification(owner string, limits HubLimits) (int64, error) {
	now, err := x.clock()
	if err != nil {
		return 0, err
	}
	bucket := "callbacks:" + owner
	known, err := x.addBuckets([]string{bucket}, nil)
	if err != nil {
		return 0, err
	}
	every := limits.Every.Microseconds()
	next := max(known[bucket], now*1000-int64(limits.Burst-1)*every)
	if _, err := x.exec("UPDATE buckets SET next_at = $2 WHERE name = $1", bucket, next+every); err != nil {
		return 0, err
	}
	return max(now, next/1000), nil
}

// ClaimHubRequests takes up to limit requests that are due. For the time of claim
// nobody else is given them; then they are due again.
func (s *Store) ClaimHubRequests(ctx context.Context, limit int, claim time.Duration) (requests []HubRequest, err error) {
	err = s.write(ctx, "take requests to the hub", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		until := now + claim.Milliseconds()
		requests, err = list(x, func(scan func(...any) error) (r HubRequest, err error) {
			var lease int64
			err = scan(&r.ID, &r.Mode, &r.Topic, &r.Callback, &r.Owner, &r.Client, &r.Secret, &lease, &r.Failures)
			r.Lease, r.claim = time.Duration(lease)*time.Millisecond, until
			return r, err
		}, `SELECT r.id, r.mode, r.topic, r.callback, r.owner, r.client, r.secret, r.lease, r.failures FROM hub_requests r
			WHERE r.due_at <= $1 ORDER BY r.due_at, r.id LIMIT $2{{skip locked r}}`, now, limit)
		if err != nil {
			return err
		}
		_, err = x.exec("UPDATE hub_requests SET due_at = $2 WHERE id {{in ints $1}}", jsonArg(requestIDs(requests)), until)
		return err
	})
	return requests, err
}

func requestIDs(requests []HubRequest) []int64 {
	ids := make([]int64, len(requests))
	for i := range requests {
		ids[i] = requests[i].ID
	}
	return ids
}

// RequestOutcome is what became of a request to the hub.
type RequestOutcome struct {
	HubRequest
	Outcome
}

// SettleHubRequests ends requests, or puts them off: those that were verified have
// their effect now. Where another has taken a request's place meanwhile, nothing
// happens.
func (s *Store) SettleHubRequests(ctx context.Context, all []RequestOutcome) error {
	return s.write(ctx, "settle requests to the hub", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		for i := range all {
			if err := x.settleHubRequest(&all[i], now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x *tx) settleHubRequest(r *RequestOutcome, now int64) error {
	const ours = " WHERE id = $1 AND due_at = $2"
	switch {
	case r.Cut:
		_, err := x.exec("UPDATE hub_requests SET due_at = $3"+ours, r.ID, r.claim, now)
		return err
	case !r.OK && !r.End:
		_, err := x.exec("UPDATE hub_requests SET due_at = $3, failures = failures + 1"+ours, r.ID, r.claim, now+r.After.Milliseconds())
		return err
	}
	n, err := x.exec("DELETE FROM hub_requests"+ours, r.ID, r.claim)
	if err != nil || n == 0 || !r.OK {
		return err
	}
	switch r.Mode {
	case "subscribe":
		// The document of this moment is known to whoever subscribes now.
		_, err = x.exec(`INSERT INTO hub_subscriptions (topic, callback, owner, client, secret, version, expires_at)
				SELECT topic, $2, $3, $4, $5, version, $6 FROM topics WHERE topic = $1
				ON CONFLICT (topic, callback) DO UPDATE SET client = excluded.client, secret = excluded.secret, expires_at = excluded.expires_at,
				due_at = CASE WHEN hub_subscriptions.failures > 0 THEN 0 ELSE hub_subscriptions.due_at END, failures = 0, failing_since = 0, error = ''`,
			r.Topic, r.Callback, r.Owner, r.Client, r.Secret, now+r.Lease.Milliseconds())
	case "unsubscribe":
		_, err = x.exec("DELETE FROM hub_subscriptions WHERE topic = $1 AND callback = $2", r.Topic, r.Callback)
	}
	return err
}

// HubDelivery is a subscriber who is to be sent a topic's document.
type HubDelivery struct {
	ID           int64
	Callback     string
	Owner        string
	Secret       string
	Failures     int       // so far
	FailingSince time.Time // zero: it does not fail

	version, claim int64
}

// ClaimHubDeliveries takes up to limit subscribers who have not got a version of a
// topic, and are due; those that work before those that fail. For the time of
// claim nobody else is given them; then they are due again. If the topic has
// another version by now, there are none.
func (s *Store) ClaimHubDeliveries(ctx context.Context, t Topic, limit int, claim time.Duration) (all []HubDelivery, err error) {
	err = s.write(ctx, "take subscribers of a topic", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		until := now + claim.Milliseconds()
		all = nil
		version, err := missing(x.query1("SELECT version FROM topics WHERE topic = $1", t.URL))
		if err != nil || version != t.Version {
			return err
		}
		for _, which := range []string{"b.failures = 0", "b.failures > 0"} {
			if len(all) == limit {
				break
			}
			some, err := list(x, func(scan func(...any) error) (d HubDelivery, err error) {
				err = scan(&d.ID, &d.Callback, &d.Owner, &d.Secret, &d.Failures, stamp{&d.FailingSince})
				d.version, d.claim = t.Version, until
				return d, err
			}, `SELECT b.id, b.callback, b.owner, b.secret, b.failures, b.failing_since FROM hub_subscriptions b
				WHERE b.topic = $1 AND b.version < $2 AND b.due_at <= $3 AND b.expires_at > $3 AND `+which+" LIMIT $4{{skip locked b}}",
				t.URL, t.Version, now, limit-len(all))
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		ids := make([]int64, len(all))
		for i := range all {
			ids[i] = all[i].ID
		}
		_, err = x.exec("UPDATE hub_subscriptions SET due_at = $2 WHERE id {{in ints $1}}", jsonArg(ids), until)
		return err
	})
	return all, err
}

// HubOutcome is what became of a delivery of the hub.
type HubOutcome struct {
	HubDelivery
	Outcome
}

// SettleHubDeliveries notes what became of deliveries, together.
func (s *Store) SettleHubDeliveries(ctx context.Context, all []HubOutcome) error {
	return s.write(ctx, "note what subscribers of the hub got", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		var done [][]int64
		for _, o := range all {
			const ours = " WHERE id = $1 AND due_at = $2"
			switch {
			case o.OK:
				done = append(done, []int64{o.ID, o.claim, o.version})
			case o.End:
				_, err = x.exec("DELETE FROM hub_subscriptions"+ours, o.ID, o.claim)
			case o.Cut:
				_, err = x.exec("UPDATE hub_subscriptions SET due_at = 0"+ours, o.ID, o.claim)
			default:
				_, err = x.exec(`UPDATE hub_subscriptions SET failures = failures + 1, due_at = $3, error = $4,
					failing_since = CASE WHEN failing_since = 0 THEN $5 ELSE failing_since END`+ours, o.ID, o.claim, now+o.After.Milliseconds(), o.Reason, now)
			}
			if err != nil {
				return err
			}
		}
		if len(done) == 0 {
			return nil
		}
		_, err = x.exec(`UPDATE hub_subscriptions SET version = v.version, failures = 0, failing_since = 0, due_at = 0, error = ''
			FROM {{rows $1 id int, claim int, version int}} AS v WHERE hub_subscriptions.id = v.id AND hub_subscriptions.due_at = v.claim`, jsonArg(done))
		return err
	})
}
