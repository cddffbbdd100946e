package store

import "context"

// TakeMessages takes up to n of the messages that a relay may get on a day, for
// all workers together, and returns how many there were: 0 when the day's are used up.
func (s *Store) TakeMessages(ctx context.Context, relay, day string, limit int64, n int) (got int, err error) {
	err = s.write(ctx, "take messages of relay "+relay, func(x *tx) error {
		if _, err := x.exec("INSERT INTO warm_ups (relay, day, taken) VALUES ($1, $2, 0) ON CONFLICT (relay, day) DO NOTHING", relay, day); err != nil {
			return err
		}
		taken, err := x.query1("SELECT taken FROM warm_ups WHERE relay = $1 AND day = $2{{for update}}", relay, day)
		if err != nil {
			return err
		}
		got = int(max(0, min(int64(n), limit-taken)))
		if got == 0 {
			return nil
		}
		_, err = x.exec("UPDATE warm_ups SET taken = taken + $3 WHERE relay = $1 AND day = $2", relay, day, got)
		return err
	})
	return got, err
}

// ReturnMessages gives back what was taken and not used.
func (s *Store) ReturnMessages(ctx context.Context, relay, day string, n int) error {
	return s.write(ctx, "give messages of relay "+relay+" back", func(x *tx) error {
		_, err := x.exec("UPDATE warm_ups SET taken = taken - $3 WHERE relay = $1 AND day = $2 AND taken >= $3", relay, day, n)
		return err
	})
}

// MessagesTaken returns how many messages a relay got on a day, counting those
// that workers have in hand.
func (s *Store) MessagesTaken(ctx context.Context, relay, day string) (int64, error) {
	n, err := missing(one(s.reader(ctx), value[int64], "SELECT taken FROM warm_ups WHERE relay = $1 AND day = $2", relay, day))
	return n, s.wrap("count the messages of relay "+relay, err)
}
