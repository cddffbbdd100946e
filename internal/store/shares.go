package store

import (
	"context"
	"slices"
	"strings"
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
// the time of ttl is gone.
func (s *Store) ShareConnections(ctx context.Context, worker string, asks []ShareAsk, ttl time.Duration) ([]int, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	out := make([]int, len(asks))
	inOrder := make([]int, len(asks)) // of the names, so that workers do not wait for each other
	for i := range asks {
		inOrder[i] = i
	}
	slices.SortFunc(inOrder, func(a, b int) int { return strings.Compare(asks[a].Name, asks[b].Name) })
	err := s.write(ctx, "share connections", func(x *tx) error {
		for _, i := range inOrder {
			n, err := x.share(worker, asks[i], ttl)
			if err != nil {
				return err
			}
			out[i] = n
		}
		return nil
	})
	return out, err
}

func (x *tx) share(worker string, a ShareAsk, ttl time.Duration) (int, error) {
	const lock = "SELECT held FROM shares WHERE name = $1 AND worker = ''{{for update}}"
	if _, err := x.query1(lock, a.Name); err != nil {
		if _, err := missing(0, err); err != nil {
			return 0, err
		}
		if _, err := x.exec("INSERT INTO shares (name, worker, held, expires_at) VALUES ($1, '', 0, 0) ON CONFLICT (name, worker) DO NOTHING", a.Name); err != nil {
			return 0, err
		}
		if _, err := x.query1(lock, a.Name); err != nil {
			return 0, err
		}
	}
	now, err := x.clock()
	if err != nil {
		return 0, err
	}
	if !a.Want && a.Open == 0 {
		_, err = x.exec("DELETE FROM shares WHERE name = $1 AND worker = $2", a.Name, worker)
		return 0, err
	}
	if _, err := x.exec("DELETE FROM shares WHERE name = $1 AND worker <> '' AND expires_at <= $2", a.Name, now); err != nil {
		return 0, err
	}
	type other struct {
		worker string
		held   int
	}
	others, err := list(x, func(scan func(...any) error) (o other, err error) {
		err = scan(&o.worker, &o.held)
		return o, err
	}, "SELECT worker, held FROM shares WHERE name = $1 AND worker <> '' AND worker <> $2", a.Name, worker)
	if err != nil {
		return 0, err
	}
	before, free := 0, a.Limit
	for _, o := range others {
		free -= o.held
		if o.worker < worker {
			before++
		}
	}
	n := 0
	if a.Want {
		n = max(0, min(free, fairShare(a.Limit, len(others)+1, before)))
	}
	_, err = x.exec(`INSERT INTO shares (name, worker, held, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name, worker) DO UPDATE SET held = excluded.held, expires_at = excluded.expires_at`, a.Name, worker, max(n, a.Open), now+ttl.Milliseconds())
	return n, err
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
