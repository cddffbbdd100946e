package store_test

import (
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestReasons: who left is heard once, and not remembered with it.
func TestReasons(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 3)
		give := func(id int64, reason newsletter.LeaveReason, words string) bool {
			return must(b.GiveReason(ctx, id, "weekly", reason, words, b.Now()))(b)
		}
		equal(b, give(ids[0], "often", ""), false) // still there
		for _, id := range ids {
			must(b.Unsubscribe(ctx, id, "weekly", "page", b.Now()))(b)
		}
		equal(b, []bool{give(ids[0], "often", "too much"), give(ids[0], "else", "again"), give(ids[1], "often", ""), give(ids[2], "else", "")}, []bool{true, false, true, true})
		b.Advance(time.Second)
		counts, words, err := b.Reasons(ctx, "weekly", 0)
		b.ok(err)
		equal(b, counts, []store.ReasonCount{{Newsletter: "weekly", Reason: "often", Count: 2}, {Newsletter: "weekly", Reason: "else", Count: 1}})
		equal(b, words, []store.ReasonWords{{Newsletter: "weekly", Reason: "often", Words: "too much", At: b.Now().Add(-time.Second)}})
		counts, _, err = b.Reasons(ctx, "other", 0)
		b.ok(err)
		equal(b, len(counts), 0)
	})
}
