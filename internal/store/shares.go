package store

import (
	"context"
	"time"
)

// ShareAsk says how many of a limited number of connections a worker has, and
// whether it wants any.
type ShareAsk struct {
	Name  string // "relay:main", "group:gmail"
	Limit int    // of all workers together
	Open  int    // open in this worker now: those it cannot do without at once
	Want  bool   // there is work for it
}

// ShareConnections divides connections fairly among the workers that want some,
// and returns in the order of the asks how many this one may have. What another
// one still holds is not given: who has too many finds that out when it asks
// next, and gives them back once they are closed. A worker that does not ask for
// the time of ttl is gone. However many asks there are, the statements are as many.
func (s *Store) ShareConnections(ctx context.Context, worker string, asks []ShareAsk, ttl time.Duration) ([]int, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	var out []int
	err := s.write(ctx, "share connections", func(x *tx) (err error) {
		out, err = x.share(worker, asks, ttl)
		return err
	})
	return out, err
}

// share is the step of ShareConnections. A name's row of no worker is its lock, and
// goes with the last ask.
func (x *tx) share(worker string, asks []ShareAsk, ttl time.Duration) ([]int, error) {
	names := make([]string, len(asks))
	locks := make([][]any, len(asks))
	for i, a := range asks {
		names[i] = a.Name
		locks[i] = []any{a.Name, "", 0}
	}
	now, err := x.clock()
	if err == nil {
		err = x.putShares(locks, now+ttl.Milliseconds())
	}
	if err == nil {
		now, err = x.clock() // it may have waited for the locks
	}
	if err != nil {
		return nil, err
	}
	held, err := x.othersHold(worker, names, now)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(asks))
	var mine [][]any
	var done []string
	for i, a := range asks {
		if !a.Want && a.Open == 0 {
			done = append(done, a.Name)
			continue
		}
		before, free := 0, a.Limit
		for other, n := range held[a.Name] {
			free -= n
			if other < worker {
				before++
			}
		}
		if a.Want {
			out[i] = max(0, min(free, fairShare(a.Limit, len(held[a.Name])+1, before)))
		}
		mine = append(mine, []any{a.Name, worker, max(out[i], a.Open)})
	}
	if err := x.putShares(mine, now+ttl.Milliseconds()); err != nil {
		return nil, err
	}
	if len(done) > 0 {
		if _, err := x.exec("DELETE FROM shares WHERE worker = $1 AND name {{in strings $2}}", worker, jsonArg(done)); err != nil {
			return nil, err
		}
	}
	// What ran out goes, of all names; what somebody else has locked he sees to.
	_, err = x.exec(`DELETE FROM shares WHERE expires_at <= $1 AND (name, worker) IN
		(SELECT s.name, s.worker FROM shares s WHERE s.expires_at <= $1{{skip locked s}})`, now)
	return out, err
}

// putShares writes rows (name, worker, held), in the order of their names: so
// workers do not wait for each other.
func (x *tx) putShares(rows [][]any, expires int64) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := x.exec(`INSERT INTO shares (name, worker, held, expires_at)
		SELECT v.name, v.worker, v.held, CAST($2 AS BIGINT) FROM {{rows $1 name text, worker text, held int}} AS v WHERE true ORDER BY v.name
		ON CONFLICT (name, worker) DO UPDATE SET held = excluded.held, expires_at = excluded.expires_at`, jsonArg(rows), expires)
	return err
}

// othersHold returns who else holds how many, by name and worker.
func (x *tx) othersHold(worker string, names []string, now int64) (map[string]map[string]int, error) {
	held := map[string]map[string]int{}
	_, err := list(x, func(scan func(...any) error) (none struct{}, err error) {
		var name, other string
		var n int
		if err = scan(&name, &other, &n); err != nil {
			return none, err
		}
		if held[name] == nil {
			held[name] = map[string]int{}
		}
		held[name][other] = n
		return none, nil
	}, "SELECT name, worker, held FROM shares WHERE name {{in strings $1}} AND worker <> '' AND worker <> $2 AND expires_at > $3", jsonArg(names), worker, now)
	return held, err
}

// fairShare is what worker number i of n gets: what does not divide goes to the
// first ones.
func fairShare(limit, n, i int) int {
	share := limit / n
	if i < limit%n {
		share++
	}
	return share
}

// EndShares gives back everything that a worker holds.
func (s *Store) EndShares(ctx context.Context, worker string) error {
	return s.write(ctx, "give connections back", func(x *tx) error {
		_, err := x.exec("DELETE FROM shares WHERE worker = $1", worker)
		return err
	})
}
