package store_test

import (
	"fmt"
	"testing"

	"syndicate/internal/newsletter"
	"syndicate/internal/store/storetest"
)

// TestBounceBesideOtherWorkers: a ledger that hears of a bounce does not wait for
// chunks of other workers in which nothing waits for the address, though they
// cover its subscriber: that ledger may wait for this one's.
func TestBounceBesideOtherWorkers(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := &bench{T: t, Store: storetest.Open(t, storetest.Postgres(t), storetest.Now(c.Now)), clock: c}
	b.publish(1)
	must(b.SyncNewsletter(ctx, "weekly", false, b.Now()))(b)
	for k := range 25 { // enough for chunks of their own
		email := fmt.Sprintf("p%d@big.example", k)
		if k == 12 {
			email = "one@small.example"
		}
		must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: email}, "cli", b.Now()))(b)
	}
	b.seal(b.compose("weekly"), 30)
	l, big := b.lease("w"), b.lease("w")
	if l.Group == "big.example" {
		l, big = big, l
	}
	equal(b, []string{big.Group, l.Rows[0].Email}, []string{"big.example", "one@small.example"})
	other, err := b.Pool().Begin(ctx)
	b.ok(err)
	defer func() { _ = other.Rollback(ctx) }()
	_, err = other.Exec(ctx, "SELECT 1 FROM chunks WHERE id = $1 FOR UPDATE", big.Chunk)
	b.ok(err)

	x := settlement(l, 0, newsletter.Failed)
	x.Suppress, x.Reply = true, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.1.1", Text: "no such user"}
	b.ok(b.ledger(b.Store).Settle(ctx, x))
	if err := other.Commit(ctx); err != nil { // the server ended what was waited for
		t.Fatal("it waits for the other worker's chunk: ", err)
	}
}
