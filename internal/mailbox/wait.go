package mailbox

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Wait returns when mail may have come: the server told so, or some time has passed.
// Errors are as those of Take.
func (r *Reader) Wait(ctx context.Context) error {
	if !r.caps.Has(imap.CapIdle) {
		if err := r.pause(ctx, r.a.Timeouts.Poll); err != nil {
			return err
		}
		client := r.client
		return r.waited(ask(ctx, r.conn, r.a.Timeouts.Command, maxAnswer, func() error { return client.Noop().Wait() }))
	}
	client := r.client
	idle, err := step(ctx, r.conn, r.a.Timeouts.Command, maxAnswer, func() (*imapclient.IdleCommand, error) { return client.Idle() })
	if err != nil {
		return r.waited(err)
	}
	if err := r.pause(ctx, r.a.Timeouts.Idle); err != nil {
		return err
	}
	return r.waited(ask(ctx, r.conn, r.a.Timeouts.Command, maxAnswer, func() error {
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	}))
}

// pause waits for a time, for news, or for the end of the connection, which the next
// command will tell.
func (r *Reader) pause(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.news:
	case <-r.client.Closed():
	case <-timer.C:
	}
	return nil
}

func (r *Reader) waited(err error) error {
	if err != nil {
		return r.fail("waiting for mail", "host", err)
	}
	return nil
}
