package store_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// deliveries leases everything there is and returns how often each subscriber
// has one.
func (b *bench) deliveries() map[int64]int {
	b.Helper()
	out := map[int64]int{}
	for {
		l, err := b.LeaseChunk(ctx, "count", false, time.Hour, false)
		if err != nil {
			b.is(err, store.ErrNotFound)
			return out
		}
		for _, d := range l.Rows {
			out[d.Subscriber]++
		}
	}
}

// A sealer that dies anywhere, and another that goes on, give each subscriber
// exactly one delivery.
func TestSealResumes(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 25)
		horizon := b.publish(1)
		i := b.compose("weekly")
		first := must(b.Audience(ctx, i, 0, 10, b.Now()))(b)
		equal(b, len(first), 10)
		through := first[9].Subscriber
		equal(b, must(b.SealBatch(ctx, i.ID, 0, through, digestFor(first, 1), 4, b.Now()))(b), 10)
		b.noLease() // nothing before the issue is sealed

		// The one who sealed that batch before the crash tries it again.
		_, err := b.SealBatch(ctx, i.ID, 0, through, digestFor(first, 1), 4, b.Now())
		b.is(err, store.ErrStale)
		late := b.subscribe("weekly", 1) // joins meanwhile, at the old horizon
		b.seal(i, 4)

		got := b.deliveries()
		for _, id := range append(ids, late...) {
			if got[id] != 1 {
				b.Errorf("subscriber %d has %d deliveries", id, got[id])
			}
			if c := must(b.Subscription(ctx, id, "weekly"))(b).Cursor; c != horizon {
				b.Errorf("cursor %d, want %d", c, horizon)
			}
		}
		equal(b, len(got), 26)
		sealed := must(b.Issue(ctx, i.ID))(b)
		if !sealed.Sealed || sealed.State != newsletter.IssueSending || sealed.Recipients != 26 || sealed.SealedAt.IsZero() {
			b.Errorf("%+v", sealed)
		}
		b.ok(b.FinishSeal(ctx, i.ID, b.Now())) // again: nothing
		equal(b, must(b.Track(ctx, "weekly", false))(b).Horizon, horizon)

		// A new subscription starts at the horizon; the next issue has nothing for it.
		fresh := b.subscribe("weekly", 1)
		equal(b, must(b.Subscription(ctx, fresh[0], "weekly"))(b).Cursor, horizon)
		next := b.compose("weekly")
		equal(b, len(must(b.Audience(ctx, next, 0, 0, b.Now()))(b)), 0)
		b.ok(b.FinishSeal(ctx, next.ID, b.Now()))
		equal(b, b.state(next.ID), newsletter.IssueSent)
	})
}

func TestTwoSealersShareTheWork(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 60)
		b.publish(1)
		i := b.compose("weekly")
		stores := []*store.Store{b.Store, b.again(), b.again()}
		done := make(chan error)
		for _, s := range stores {
			go func() {
				for {
					i, err := s.Issue(ctx, i.ID)
					if err != nil {
						done <- err
						return
					}
					all, err := s.Audience(ctx, i, i.Watermark, 7, b.Now())
					if err != nil || len(all) == 0 {
						done <- err
						return
					}
					_, _ = s.SealBatch(ctx, i.ID, i.Watermark, all[len(all)-1].Subscriber, digestFor(all, 1), 3, b.Now()) // stale: look again
				}
			}()
		}
		for range stores {
			b.ok(<-done)
		}
		b.ok(b.FinishSeal(ctx, i.ID, b.Now()))
		got := b.deliveries()
		for _, id := range ids {
			if got[id] != 1 {
				b.Errorf("subscriber %d has %d deliveries", id, got[id])
			}
		}
	})
}

func TestSealRefusesAGroupItDoesNotKnow(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 3)
		b.publish(1)
		i := b.compose("weekly")
		all := must(b.Audience(ctx, i, 0, 0, b.Now()))(b)
		digests := digestFor(all, 1)
		fr := "fr"
		b.ok(b.SetPreferences(ctx, ids[1], "weekly", store.Preferences{Language: &fr}, b.Now()))
		_, err := b.SealBatch(ctx, i.ID, 0, ids[2], digests, 10, b.Now())
		b.is(err, store.ErrStale)
		equal(b, must(b.Issue(ctx, i.ID))(b).Watermark, 0)
		equal(b, len(b.counts(i.ID)), 0)

		// 0: nothing in the issue for that group; its cursor stays.
		digests[newsletter.Group{Language: "fr"}] = 0
		equal(b, must(b.SealBatch(ctx, i.ID, 0, ids[2], digests, 10, b.Now()))(b), 2)
		equal(b, must(b.Subscription(ctx, ids[1], "weekly"))(b).Cursor, 0)
		equal(b, must(b.Issue(ctx, i.ID))(b).Watermark, ids[2])
	})
}

func TestAudience(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 7)
		b.subscribe("other", 2)
		horizon := b.publish(1)
		must(b.Unsubscribe(ctx, ids[0], "weekly", "link", b.Now()))(b)
		gone := must(b.Subscription(ctx, ids[1], "weekly"))(b)
		b.ok(b.Suppress(ctx, gone.Subscriber.Email, newsletter.CauseBounce, 0, "", b.Now()))
		till := b.Now().Add(time.Hour)
		b.ok(b.SetPreferences(ctx, ids[2], "weekly", store.Preferences{PausedTill: &till}, b.Now()))
		equal(b, must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: "pending@example.org"}, "form", b.Now()))(b), store.Created)
		// It is 8:00 and some milliseconds in Paris.
		seven, eight, topics, most, zone := 7, 8, []string{"SQL", "go"}, 3, "America/New_York"
		b.ok(b.SetPreferences(ctx, ids[4], "weekly", store.Preferences{Hour: &seven, Topics: &topics, MaxItems: &most}, b.Now()))
		b.ok(b.SetPreferences(ctx, ids[5], "weekly", store.Preferences{Hour: &eight, TimeZone: &zone}, b.Now()))
		b.ok(b.SetPreferences(ctx, ids[6], "weekly", store.Preferences{Hour: &eight}, b.Now()))
		i := b.compose("weekly")

		want := []store.Recipient{
			{Subscriber: ids[3], Domain: "example.org"},
			{Subscriber: ids[4], Domain: "example.org", Group: newsletter.Group{Topics: "go|sql", Max: 3}, NotBefore: day.Add(23 * time.Hour)},
			{Subscriber: ids[5], Domain: "example.org", NotBefore: day.Add(6 * time.Hour)},
			{Subscriber: ids[6], Domain: "example.org"},
		}
		equal(b, must(b.Audience(ctx, i, 0, 0, b.Now()))(b), want)
		equal(b, must(b.Audience(ctx, i, ids[3], 2, b.Now()))(b), want[1:3])
		equal(b, must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b), []store.GroupCount{{Count: 3}, {Group: newsletter.Group{Topics: "go|sql", Max: 3}, Count: 1}})

		b.seal(i, 10)
		equal(b, must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b), []store.GroupCount{
			{Group: newsletter.Group{Cursor: horizon}, Count: 3}, {Group: newsletter.Group{Cursor: horizon, Topics: "go|sql", Max: 3}, Count: 1},
		})
		equal(b, must(b.Groups(ctx, "weekly", true, newsletter.Turn{}, b.Now()))(b)[0].Cursor, 0) // the rehearsal's cursors are its own
		equal(b, b.deliveries(), map[int64]int{ids[3]: 1, ids[6]: 1})
		_, next, err := b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, next, time.Hour) // the counting lease's end
		b.Advance(6 * time.Hour)
		if b.deliveries()[ids[5]] != 1 {
			b.Error("the hour has come, and nothing is due")
		}
	})
}

// Large receivers get chunks of their own, small domains share.
func TestChunks(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		var lines []newsletter.Line
		for i := range 90 {
			domain := []string{"gmail.com", "googlemail.com", fmt.Sprintf("d%d.example.org", i)}[i%3]
			lines = append(lines, newsletter.Line{N: i + 2, Email: fmt.Sprintf("u%d@%s", i, domain)})
		}
		must(b.SyncList(ctx, "weekly", lines, false, b.Now()))(b)
		b.publish(1)
		b.seal(b.compose("weekly"), 25)
		sizes := map[string][]int{}
		for range 5 {
			l := b.lease("w")
			sizes[l.Group] = append(sizes[l.Group], len(l.Rows))
			for k, d := range l.Rows {
				if d.N != k+1 || d.Chunk != l.Chunk || d.Digest != 1 || d.Newsletter != "weekly" || d.Email == "" || k > 0 && d.Subscriber <= l.Rows[k-1].Subscriber {
					b.Errorf("row %d: %+v", k, d)
				}
			}
		}
		b.noLease()
		equal(b, sizes, map[string][]int{"": {25, 5}, "gmail": {25, 25, 10}})
	})
}

// Those who get the same digest follow each other in a chunk, so that its message
// is made once for them; leaving still finds each.
func TestChunkByDigest(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 0)
		for k, topics := range [][]string{{"b"}, {"a"}, {"b"}, {"a"}, {"b"}} {
			email := fmt.Sprintf("u%d@example.org", k)
			must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: email, Topics: &topics}, "cli", b.Now()))(b)
			ids = append(ids, must(b.SubscriberByEmail(ctx, email))(b).ID)
		}
		b.publish(1)
		i := b.compose("weekly")
		digestOf := map[newsletter.Group]int{}
		for _, r := range must(b.Audience(ctx, i, 0, 0, b.Now()))(b) {
			digestOf[r.Group] = map[string]int{"a": 2, "b": 1}[r.Group.Topics]
		}
		must(b.SealBatch(ctx, i.ID, 0, ids[4], digestOf, 10, b.Now()))(b)
		b.ok(b.FinishSeal(ctx, i.ID, b.Now()))
		must(b.Unsubscribe(ctx, ids[1], "weekly", "link", b.Now()))(b)
		must(b.Unsubscribe(ctx, ids[4], "weekly", "link", b.Now()))(b)
		var order [][2]int64
		for _, d := range b.lease("w").Rows {
			order = append(order, [2]int64{d.Subscriber, int64(d.Digest)})
		}
		equal(b, order, [][2]int64{{ids[0], 1}, {ids[2], 1}, {ids[3], 2}})
	})
}

// A rehearsal is apart: its numbers, its cursors, its leases.
func TestRehearsal(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		horizon := b.publish(1)
		i := b.compose("weekly", func(n *store.NewIssue) { n.Rehearsal = true })
		b.seal(i, 10)
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, 0)
		equal(b, must(b.Track(ctx, "weekly", true))(b).Horizon, horizon)
		equal(b, must(b.Track(ctx, "weekly", false))(b).Horizon, 0)
		b.noLease()
		l := must(b.LeaseChunk(ctx, "w", true, time.Minute, false))(b)
		if len(l.Rows) != 2 || !l.Rehearsal || l.Number != 1 {
			b.Errorf("%+v", l)
		}
		open, _, err := b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, open, 0)

		// The first issue for real starts from the real cursors.
		real := b.compose("weekly")
		equal(b, real.Number, 1)
		equal(b, len(must(b.Audience(ctx, real, 0, 0, b.Now()))(b)), 2)
	})
}

func TestPauseWhileSealing(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		b.publish(1)
		i := b.compose("weekly")
		b.ok(b.Pause(ctx, i.ID, newsletter.ByOperator, "wait"))
		all := must(b.Audience(ctx, i, 0, 0, b.Now()))(b)
		_, err := b.SealBatch(ctx, i.ID, 0, ids[1], digestFor(all, 1), 10, b.Now())
		b.is(err, store.ErrStale)
		b.is(b.FinishSeal(ctx, i.ID, b.Now()), store.ErrConflict)
		b.ok(b.Resume(ctx, i.ID))
		equal(b, b.state(i.ID), newsletter.IssueSealing)
		b.is(b.Resume(ctx, i.ID), store.ErrConflict)
		b.seal(i, 10)
		equal(b, len(b.deliveries()), 2)
	})
}

// TestNextGroups: a batch is about as large as asked for, wherever the ids of a
// newsletter's subscribers are far apart or follow each other.
func TestNextGroups(t *testing.T) {
	each(t, func(b *bench) {
		var ids []int64
		for _, n := range []int{3, 0, 0, 5, 0, 0, 0, 0, 0, 1, 12} { // between them, a newsletter of others
			ids = append(ids, b.subscribe("weekly", n)...)
			b.subscribe("other", 9)
		}
		b.publish(1)
		i := b.compose("weekly")
		const limit = 4
		got, after := 0, int64(0)
		for {
			groups, through, err := b.NextGroups(ctx, i, after, limit, b.Now())
			b.ok(err)
			if len(groups) == 0 {
				break
			}
			equal(b, len(groups), 1)
			if n := groups[0].Count; n > 2*limit+limit/2 || through <= after {
				b.Errorf("%d after %d, up to %d", n, after, through)
			}
			got += groups[0].Count
			after = through
		}
		equal(b, got, len(ids))
		equal(b, must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b), []store.GroupCount{{Count: len(ids)}})
	})
}
