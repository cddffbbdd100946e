package store

import (
	"context"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

const slowedColumns = "grp, level, rate, step, paused_until, reason"

func scanSlowdown(scan func(...any) error) (d newsletter.Slowdown, err error) {
	var step int64
	err = scan(&d.Group, &d.Level, &d.Rate, &step, stamp{&d.PausedUntil}, &d.Reason)
	d.Step = time.Duration(step) * time.Millisecond
	return d, err
}

// SlowGroup notes that the receiver of a group pushes back; see
// newsletter.Slowdown.Pushed. If the group is paused already, nothing changes and
// changed is false: several workers hear of it at once.
func (s *Store) SlowGroup(ctx context.Context, group string, rate float64, first, most time.Duration, jitter float64, reason string) (d newsletter.Slowdown, changed bool, err error) {
	err = s.write(ctx, "slow "+group+" down", func(x *tx) error {
		if _, err := x.exec("INSERT INTO slowed ("+slowedColumns+") VALUES ($1, 0, 0, 0, 0, '') ON CONFLICT (grp) DO NOTHING", group); err != nil {
			return err
		}
		if d, err = one(x, scanSlowdown, "SELECT "+slowedColumns+" FROM slowed WHERE grp = $1{{for update}}", group); err != nil {
			return err
		}
		at, err := x.clock()
		if err != nil {
			return err
		}
		now := fromMS(at)
		if changed = !d.PausedUntil.After(now); !changed {
			return nil
		}
		d = d.Pushed(now, rate, first, most, jitter, replyText(newsletter.Reply{Text: reason}))
		_, err = x.exec("UPDATE slowed SET level = $2, rate = $3, step = $4, paused_until = $5, reason = $6 WHERE grp = $1",
			group, d.Level, d.Rate, max(d.Step.Milliseconds(), 1), ms(d.PausedUntil), d.Reason)
		return err
	})
	return d, changed, err
}

// Slowed returns the groups that are paused or slowed, and the time by which
// their pauses are measured.
func (s *Store) Slowed(ctx context.Context) ([]newsletter.Slowdown, time.Time, error) {
	now, err := s.clock(ctx)
	if err != nil {
		return nil, now, s.wrap("read the slowed groups", err)
	}
	all, err := list(s.reader(ctx), scanSlowdown, "SELECT "+slowedColumns+" FROM slowed ORDER BY grp")
	out := all[:0]
	for _, d := range all {
		if level, _ := d.Now(now); level > 0 {
			out = append(out, d)
		}
	}
	return out, now, s.wrap("read the slowed groups", err)
}

// clock is tx.clock outside of a transaction.
func (s *Store) clock(ctx context.Context) (time.Time, error) {
	if s.now != nil {
		return s.now(), nil
	}
	at, err := one(s.reader(ctx), value[int64], "SELECT {{clock}}")
	return fromMS(at), err
}

// Defer puts pending deliveries of a leased chunk off until a time by the database's
// clock, such as the end of a Slowdown's pause, without counting an attempt. ErrStale: another worker has the chunk.
func (s *Store) Defer(ctx context.Context, chunk, fence int64, rows []int, until time.Time) error {
	return s.write(ctx, fmt.Sprintf("put deliveries of chunk %d off", chunk), func(x *tx) error {
		have, err := x.query1("SELECT fence FROM chunks WHERE id = $1{{for update}}", chunk)
		if err != nil {
			return err
		}
		if have != fence {
			return fmt.Errorf("it was taken over: %w", ErrStale)
		}
		_, err = x.exec("UPDATE deliveries SET due_at = $2 WHERE chunk = $1 AND state = 0 AND n {{in ints $3}}", chunk, ms(until), jsonArg(rows))
		return err
	})
}
