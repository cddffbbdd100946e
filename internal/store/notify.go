package store

import (
	"context"
	"fmt"
)

// channel is where PostgreSQL tells all processes that an issue's state changed.
const channel = "syndicate_issues"

// notify tells other processes, when the transaction is committed, that an
// issue's state changed. On SQLite, which cannot, they find out by their tick.
func (x *tx) notify() error {
	if x.pg == nil {
		return nil
	}
	_, err := x.exec("SELECT pg_notify('" + channel + "', '')")
	return err
}

// Listen calls heard whenever another process may have changed an issue's state,
// until ctx ends. It is a shortcut beside a tick, not instead of one: on SQLite
// it hears nothing, and a connection that is lost is an error to the caller, who
// may call again.
func (s *Store) Listen(ctx context.Context, heard func()) error {
	if s.pool == nil {
		<-ctx.Done()
		return nil
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	c := conn.Hijack() // nobody else shall get it, still listening
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	for {
		if _, err := c.WaitForNotification(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("listen for changes: %w", err)
		}
		heard()
	}
}
