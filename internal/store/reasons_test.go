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

// TestReasonsWithoutAddresses: nobody could tell later whose words they are, so nothing
// of whoever wrote them is kept; what was kept before goes when somebody is erased.
func TestReasonsWithoutAddresses(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		must(b.Unsubscribe(ctx, id, "weekly", "page", b.Now()))(b)
		must(b.GiveReason(ctx, id, "weekly", "else", "I am Ann@example.org, see https://news.example.org/preferences/AXVhc2Rm1234?a=ann%40example.org", b.Now()))(b)
		b.ok(b.ExecRaw(ctx, "INSERT INTO reasons (newsletter, reason, words, at) VALUES ('weekly', 'else', 'kept before: bob@example.org', 1)"))
		said := func() []string {
			_, words, err := b.Reasons(ctx, "weekly", 0)
			b.ok(err)
			var list []string
			for _, w := range words {
				list = append(list, w.Words)
			}
			return list
		}
		equal(b, said(), []string{"kept before: bob@example.org", "I am …, see https://news.example.org/…"})
		b.ok(b.Erase(ctx, "bob@example.org", b.Now()))
		equal(b, said(), []string{"kept before: …", "I am …, see https://news.example.org/…"})
	})
}
