package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"syndicate/internal/store/storetest"
)

// TestCancelledWrite: whoever is told to stop while a step begins leaves no transaction
// behind for the next.
func TestCancelledWrite(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t))
	for k := range 500 {
		c, cancel := context.WithCancel(ctx)
		var ended sync.WaitGroup
		ended.Go(func() {
			for range k % 50 * 20 { // sooner or later
				_ = c.Err()
			}
			cancel()
		})
		if err := s.MailRead(c, "imap", time.Now()); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("step %d: %v", k, err)
		}
		ended.Wait()
		cancel()
	}
	if err := s.MailRead(ctx, "imap", time.Now()); err != nil {
		t.Fatal(err)
	}
}
