package store_test

import (
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestReports: what came back is counted by kind for ever; what was blocked within a time,
// by whom and why, where it is about somebody.
func TestReports(t *testing.T) {
	each(t, func(b *bench) {
		ann, i := b.sentTo("ann@example.org")
		key := &newsletter.Returned{Subscriber: ann, Issue: i.ID}
		came := func(kind newsletter.ReportKind, reason newsletter.Reason, reporter, said string, key *newsletter.Returned, want store.BounceOutcome) {
			b.Helper()
			b.bounce(store.Bounced{Kind: kind, Reason: reason, Reporter: reporter, Said: []byte(said), Returned: key}, want)
		}
		came(newsletter.ReportBlock, newsletter.ReasonPolicy, "mx.example.net", "0", key, store.BounceNoted)
		b.Advance(day24)
		for _, said := range []string{"1", "2"} {
			came(newsletter.ReportBlock, newsletter.ReasonReputation, "mx.example.net", said, key, store.BounceNoted)
		}
		came(newsletter.ReportBlock, newsletter.ReasonReputation, "mx.example.net", "2", key, store.BounceTwice)
		came(newsletter.ReportBlock, newsletter.ReasonSpam, "mx.example.com", "3", key, store.BounceNoted)
		came(newsletter.ReportBlock, newsletter.ReasonSpam, "stranger.example", "4", nil, store.BounceNobody)
		came(newsletter.ReportDelayed, "", "mx.example.com", "5", key, store.BounceNoted)

		n, groups, err := b.Blocks(ctx, b.Now().Add(-day24), 1)
		b.ok(err)
		equal(b, n, 3)
		equal(b, groups, []store.Blocked{{i.ID, "mx.example.net", newsletter.ReasonReputation, 2}})
		_, groups, err = b.Blocks(ctx, b.Now().Add(-day24), 9)
		b.ok(err)
		equal(b, len(groups), 2)
		n, _, err = b.Blocks(ctx, b.Now().Add(time.Hour), 9)
		b.ok(err)
		equal(b, n, 0)

		equal(b, must(b.ReportedIssue(ctx, []byte("3")))(b).ID, i.ID)
		equal(b, must(b.ReportedIssue(ctx, []byte("4")))(b).ID, 0)

		b.ok(b.Erase(ctx, "ann@example.org", b.Now()))
		equal(b, must(b.ReportTotals(ctx))(b), []store.BounceCount{{newsletter.ReportBlock, 5}, {newsletter.ReportDelayed, 1}})
	})
}
