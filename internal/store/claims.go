package store

import (
	"context"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// Claim is how a discrete job stands of which one worker at a time is to do one.
// The zero Claim: nobody does it, and it did not fail.
type Claim struct {
	Fence int64         // raised whenever somebody begins the job
	Held  bool          // somebody does it, or died over it
	Left  time.Duration // for so long nobody else is to begin it
}

// Claims returns the jobs that somebody does and those that failed, by name.
func (s *Store) Claims(ctx context.Context) (map[string]Claim, error) {
	now, args := "{{clock}}", []any(nil)
	if s.now != nil {
		now, args = "$1", append(args, ms(s.now()))
	}
	type row struct {
		name string
		Claim
	}
	all, err := list(s.reader(ctx), func(scan func(...any) error) (r row, err error) {
		var left int64
		err = scan(&r.name, &r.Fence, &r.Held, &left)
		r.Left = max(0, time.Duration(left)*time.Millisecond)
		return r, err
	}, "SELECT name, fence, held, expires_at - "+now+" FROM claims", args...)
	claims := make(map[string]Claim, len(all))
	for _, r := range all {
		claims[r.name] = r.Claim
	}
	return claims, s.wrap("read who does what", err)
}

// Claim begins a job, for the time of ttl and as long as KeepClaim prolongs it.
// fence is what Claims said of it, and held what the other methods want.
// ErrStale: somebody began it meanwhile.
func (s *Store) Claim(ctx context.Context, name string, fence int64, ttl time.Duration) (held int64, err error) {
	err = s.write(ctx, "claim "+name, func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		begin := "UPDATE claims SET fence = $2, held = 1, expires_at = $3 WHERE name = $1 AND fence = $2 - 1"
		if fence == 0 {
			begin = "INSERT INTO claims (name, fence, held, expires_at, failures) VALUES ($1, $2, 1, $3, 0) ON CONFLICT (name) DO NOTHING"
		}
		return orStale(x.exec(begin, name, fence+1, now+ttl.Milliseconds()))
	})
	return fence + 1, err
}

// orStale refuses a step on a claim that is somebody else's by now.
func orStale(changed int64, err error) error {
	if err == nil && changed == 0 {
		err = fmt.Errorf("somebody else began it: %w", ErrStale)
	}
	return err
}

// KeepClaim prolongs a claim; ErrStale: it ran out, and somebody else began.
func (s *Store) KeepClaim(ctx context.Context, name string, held int64, ttl time.Duration) error {
	return s.write(ctx, "keep the claim on "+name, func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		return orStale(x.exec("UPDATE claims SET held = 1, expires_at = $3 WHERE name = $1 AND fence = $2", name, held, now+ttl.Milliseconds()))
	})
}

// EndClaim ends a claim, done: of a job that is done nothing is kept. Otherwise
// somebody else may go on at once.
func (s *Store) EndClaim(ctx context.Context, name string, held int64, done bool) error {
	end := "UPDATE claims SET held = 0, expires_at = 0 WHERE name = $1 AND fence = $2"
	if done {
		end = "DELETE FROM claims WHERE name = $1 AND fence = $2"
	}
	return s.write(ctx, "end the claim on "+name, func(x *tx) error {
		return orStale(x.exec(end, name, held))
	})
}

// FailClaim ends the claim on a job that failed. It waits before it is tried
// again, the longer the oftener it failed in a row; see newsletter.Backoff.
func (s *Store) FailClaim(ctx context.Context, name string, held int64, first, most time.Duration, jitter float64) error {
	return s.write(ctx, "end the claim on "+name, func(x *tx) error {
		now, err := x.clock()
		if err != nil {
			return err
		}
		failures, err := missing(x.query1("UPDATE claims SET held = 0, failures = failures + 1 WHERE name = $1 AND fence = $2 RETURNING failures", name, held))
		if err != nil || failures == 0 {
			return orStale(failures, err)
		}
		pause := newsletter.Backoff(int(failures), first, most, jitter)
		_, err = x.exec("UPDATE claims SET expires_at = $2 WHERE name = $1", name, now+pause.Milliseconds())
		return err
	})
}

// ForgetFailures lets jobs that failed be tried again at once: what they failed
// of may have been mended.
func (s *Store) ForgetFailures(ctx context.Context) error {
	return s.write(ctx, "forget which jobs failed", func(x *tx) error {
		_, err := x.exec("UPDATE claims SET expires_at = 0, failures = 0 WHERE held = 0 AND failures > 0")
		return err
	})
}
