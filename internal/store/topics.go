package store

import (
	"context"
	"time"
)

// Document is a built document of a feed, which hubs tell of.
type Document struct {
	URL  string // its topic
	Name string // of the file, in the feeds' folder
	Hash string // of its bytes
}

// Topic is a document as it was announced last.
type Topic struct {
	Document
	Version int64
}

// TopicPace says how changes that follow each other are told as one.
type TopicPace struct {
	Settle   time.Duration // after a change, before it is told
	Interval time.Duration // between two tellings of a topic
}

// Announce notes what all documents hold that hubs tell of, and for which hubs
// beside that of this site. A document that was not known is no news: nobody can
// have subscribed to it. Whoever subscribed to one that is gone will be told so.
// It returns how many changed.
func (s *Store) Announce(ctx context.Context, docs []Document, hubs []string, pace TopicPace) (changed int, err error) {
	if len(docs) == 0 { // nearly always there were none before
		n, err := one(s.reader(ctx), value[int], "SELECT count(*) FROM topics")
		if err != nil || n == 0 {
			return 0, s.wrap("look for topics", err)
		}
	}
	err = s.write(ctx, "note what the feeds hold", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		known, err := x.knownTopics()
		if err != nil {
			return err
		}
		var fresh []any
		var news []Document
		for _, d := range docs {
			t, ok := known[d.URL]
			delete(known, d.URL)
			switch {
			case !ok:
				fresh = append(fresh, d.URL, d.Name, d.Hash, 1, 0)
			case t.Hash != d.Hash || t.Name != d.Name:
				news = append(news, d)
			}
		}
		if _, err := x.insert("INSERT INTO topics (topic, name, hash, version, due_at)", "ON CONFLICT (topic) DO NOTHING", 5, fresh); err != nil {
			return err
		}
		for gone := range known {
			if err := x.endTopic(gone, now); err != nil {
				return err
			}
		}
		if err := x.pingedHubs(hubs); err != nil {
			return err
		}
		for _, d := range news {
			// A change that is not told yet takes this one along.
			_, err := x.exec(`UPDATE topics SET name = $2, hash = $3, version = version + 1,
				due_at = CASE WHEN due_at > $4 THEN due_at WHEN due_at + $6 > $4 + $5 THEN due_at + $6 ELSE $4 + $5 END WHERE topic = $1`,
				d.URL, d.Name, d.Hash, now, pace.Settle.Milliseconds(), pace.Interval.Milliseconds())
			if err != nil {
				return err
			}
		}
		changed = len(news)
		return nil
	})
	return changed, err
}

func (x *tx) knownTopics() (map[string]Topic, error) {
	all, err := list(x, scanTopic, "SELECT "+topicColumns+" FROM topics ORDER BY topic{{for update}}")
	out := make(map[string]Topic, len(all))
	for _, t := range all {
		out[t.URL] = t
	}
	return out, err
}

const topicColumns = "topic, name, hash, version"

func scanTopic(scan func(...any) error) (t Topic, err error) {
	err = scan(&t.URL, &t.Name, &t.Hash, &t.Version)
	return t, err
}

// endTopic forgets a topic and lets its subscribers be told.
func (x *tx) endTopic(topic string, now int64) error {
	for _, q := range []string{
		"DELETE FROM hub_requests WHERE topic = $1",
		"DELETE FROM pings WHERE topic = $1",
		"DELETE FROM topics WHERE topic = $1",
	} {
		if _, err := x.exec(q, topic); err != nil {
			return err
		}
	}
	if _, err := x.exec(`INSERT INTO hub_requests (mode, topic, callback, owner, client, secret, lease, due_at)
		SELECT 'denied', topic, callback, owner, client, '', 0, $2 FROM hub_subscriptions WHERE topic = $1`, topic, now); err != nil {
		return err
	}
	_, err := x.exec("DELETE FROM hub_subscriptions WHERE topic = $1", topic)
	return err
}

// pingedHubs sees to it that there is a row for each topic and hub, and for no
// other hub.
func (x *tx) pingedHubs(hubs []string) error {
	if _, err := x.exec("DELETE FROM pings WHERE NOT hub {{in strings $1}}", jsonArg(hubs)); err != nil {
		return err
	}
	for _, h := range hubs {
		_, err := x.exec(`INSERT INTO pings (hub, topic, version) SELECT CAST($1 AS TEXT), t.topic, t.version FROM topics t
			WHERE NOT EXISTS (SELECT 1 FROM pings p WHERE p.hub = $1 AND p.topic = t.topic)`, h)
		if err != nil {
			return err
		}
	}
	return nil
}

// Topic returns a document that was announced; ErrNotFound: none such was.
func (s *Store) Topic(ctx context.Context, topic string) (Topic, error) {
	t, err := one(s.reader(ctx), scanTopic, "SELECT "+topicColumns+" FROM topics WHERE topic = $1", topic)
	return t, s.wrap("look for a topic", err)
}

// Ping is a hub to be told that a topic changed.
type Ping struct {
	Hub          string
	Topic        string
	Version      int64
	Failures     int       // so far
	FailingSince time.Time // zero: it does not fail

	claim int64
}

// ClaimPings takes up to limit pings that are due. For the time of claim nobody
// else is given them; then they are due again.
func (s *Store) ClaimPings(ctx context.Context, limit int, claim time.Duration) (pings []Ping, err error) {
	err = s.write(ctx, "take what hubs are to be told", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		until := now + claim.Milliseconds()
		pings, err = list(x, func(scan func(...any) error) (p Ping, err error) {
			err = scan(&p.Hub, &p.Topic, &p.Version, &p.Failures, stamp{&p.FailingSince})
			p.claim = until
			return p, err
		}, `SELECT p.hub, p.topic, t.version, p.failures, p.failing_since FROM pings p JOIN topics t ON t.topic = p.topic
			WHERE p.version < t.version AND t.due_at <= $1 AND p.due_at <= $1 ORDER BY p.hub, p.topic LIMIT $2{{skip locked p}}`, now, limit)
		if err != nil {
			return err
		}
		for _, p := range pings {
			if _, err := x.exec("UPDATE pings SET due_at = $3 WHERE hub = $1 AND topic = $2", p.Hub, p.Topic, until); err != nil {
				return err
			}
		}
		return nil
	})
	return pings, err
}

// HastenPings makes what hubs were not told of due at once, but for what somebody
// tells them this moment.
func (s *Store) HastenPings(ctx context.Context) error {
	return s.write(ctx, "hasten what hubs are to be told", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		if _, err := x.exec("UPDATE topics SET due_at = $1 WHERE due_at > $1", now); err != nil {
			return err
		}
		_, err = x.exec("UPDATE pings SET due_at = 0 WHERE failures > 0")
		return err
	})
}

// Outcome is what became of something that was claimed.
type Outcome struct {
	OK     bool          // it is done
	End    bool          // it never will be: it is given up
	After  time.Duration // else: when to try again
	Cut    bool          // it was cut short: no attempt
	Reason string        // why not OK, without addresses
}

// SettlePing notes what became of a ping.
func (s *Store) SettlePing(ctx context.Context, p Ping, o Outcome) error {
	return s.write(ctx, "note that a hub was told", func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		switch {
		case o.OK:
			_, err = x.exec(`UPDATE pings SET version = $3, failures = 0, failing_since = 0, due_at = 0, error = ''
				WHERE hub = $1 AND topic = $2 AND due_at = $4`, p.Hub, p.Topic, p.Version, p.claim)
		case o.Cut:
			_, err = x.exec("UPDATE pings SET due_at = 0 WHERE hub = $1 AND topic = $2 AND due_at = $3", p.Hub, p.Topic, p.claim)
		default:
			told := int64(0)
			if o.End { // until the next change
				told = p.Version
			}
			_, err = x.exec(`UPDATE pings SET failures = failures + 1, failing_since = CASE WHEN failing_since = 0 THEN $5 ELSE failing_since END,
				due_at = $6, error = $7, version = CASE WHEN $3 > version THEN $3 ELSE version END WHERE hub = $1 AND topic = $2 AND due_at = $4`,
				p.Hub, p.Topic, told, p.claim, now, now+o.After.Milliseconds(), o.Reason)
		}
		return err
	})
}
