package store_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

var noticeContent = newsletter.LetterContent{FromAddress: "news@example.org", Subject: "Changed", Text: "Changed"}

// askChange writes the letter that asks a new address.
func (b *bench) askChange(id int64, to string) store.AddressChange {
	b.Helper()
	own := must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email
	l := must(b.CreateLetter(ctx, newsletter.Letter{
		Kind: newsletter.LetterChange, Newsletter: "weekly", Subscriber: id, Address: to, Asked: strconv.Quote(b.Keyring().AddressHash(own)), Expires: b.Now().Add(time.Hour),
	}, noticeContent, store.LetterCap{}, b.Now()))(b)
	return store.AddressChange{Letter: l.Chunk, Notice: noticeContent, NoticeEnds: b.Now().Add(time.Hour)}
}

func TestChangeAddress(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		old := must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email
		first, second := b.askChange(id, "new@example.net"), b.askChange(id, "newer@example.net")
		equal(b, must(b.ChangeAddress(ctx, first, b.Now()))(b), id)
		got := must(b.Subscription(ctx, id, "weekly"))(b)
		equal(b, got.Subscriber.Email, "new@example.net")
		equal(b, got.State, newsletter.SubscriptionConfirmed)

		// Neither link works again, and no list brings the old address back.
		for _, c := range []store.AddressChange{first, second} {
			_, err := b.ChangeAddress(ctx, c, b.Now())
			b.is(err, store.ErrStale)
		}
		equal(b, must(b.SyncList(ctx, "weekly", []newsletter.Line{{N: 2, Email: old}}, false, b.Now()))(b).Refused, 1)
		equal(b, must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: old}, "cli", b.Now()))(b), store.Gone)
		equal(b, must(b.Tombstones(ctx, old))(b)[0].Cause, "changed")

		// The old address is told; what was asked before and not sent is not sent.
		l := b.lease("w")
		equal(b, len(l.Rows), 1)
		equal(b, [2]string{string(l.Letter.Kind), l.Rows[0].Email}, [2]string{"changed", old})
		b.ok(b.Release(ctx, l.Chunk, l.Fence))

		b.ok(b.Suppress(ctx, "bad@example.net", newsletter.CauseBounce, 0, "", b.Now()))
		_, err := b.CreateLetter(ctx, newsletter.Letter{Kind: newsletter.LetterChange, Newsletter: "weekly", Subscriber: id, Address: "bad@example.net"}, noticeContent, store.LetterCap{}, b.Now())
		b.is(err, store.ErrConflict)
		third := b.askChange(id, "late@example.net") // suppressed after it was asked
		b.ok(b.Suppress(ctx, "late@example.net", newsletter.CauseComplaint, 0, "", b.Now()))
		_, err = b.ChangeAddress(ctx, third, b.Now())
		b.is(err, store.ErrConflict)
		equal(b, must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email, "new@example.net")
	})
}

// TestChangeOfABouncedAddress: an address that is suppressed can be left behind.
func TestChangeOfABouncedAddress(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		c := b.askChange(id, "new@example.net")
		b.ok(b.Suppress(ctx, must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email, newsletter.CauseBounce, 0, "", b.Now()))
		must(b.ChangeAddress(ctx, c, b.Now()))(b)
		b.publish(1)
		b.seal(b.compose("weekly"), 10)
		l := b.lease("w")
		equal(b, l.Rows[0].Email, "new@example.net")
	})
}

// TestChangeWhileSending: what a worker leased before an address changed does not go to
// the old one any more, and comes with the next issue; what was on its way and bounces
// is blamed on the address that it went to.
func TestChangeWhileSending(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(2, 10)
		ledger, l := b.ledger(b.Store), b.lease("w")
		old := l.Rows[1].Email
		must(b.ChangeAddress(ctx, b.askChange(ids[0], "one@example.net"), b.Now()))(b)
		b.is(ledger.BeginMark(l.Chunk, l.Rows[0].N, l.Fence).Wait(ctx), store.ErrStale)
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor < i.Horizon, true)

		b.ok(ledger.BeginMark(l.Chunk, l.Rows[1].N, l.Fence).Wait(ctx))
		must(b.ChangeAddress(ctx, b.askChange(ids[1], "two@example.net"), b.Now()))(b)
		x := settlement(l, 1, newsletter.Failed)
		x.Suppress, x.Reply = true, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.1.1", Text: "no such user"}
		b.ok(ledger.Settle(ctx, x))
		equal(b, must(b.Suppression(ctx, old))(b).Cause, newsletter.CauseBounce)
		_, err := b.Suppression(ctx, "two@example.net")
		b.is(err, store.ErrNotFound)
	})
}

// TestMerge: who moves to an address that subscribes already becomes one with it.
func TestMerge(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		from, to := ids[0], ids[1]
		own := must(b.Subscription(ctx, from, "weekly"))(b).Subscriber.Email
		other := must(b.Subscription(ctx, to, "weekly"))(b).Subscriber.Email
		b.subscribe("daily", 1)
		b.subscribe("monthly", 1)
		for _, name := range []string{"daily", "monthly"} {
			must(b.AddSubscriber(ctx, name, newsletter.Line{Email: own}, "cli", b.Now()))(b)
		}
		must(b.AddSubscriber(ctx, "monthly", newsletter.Line{Email: other}, "cli", b.Now()))(b)
		must(b.Unsubscribe(ctx, to, "monthly", "page", b.Now()))(b)

		// One issue was for the first only; it is not the other's news again.
		pause := b.Now().Add(time.Hour)
		b.ok(b.SetPreferences(ctx, to, "weekly", store.Preferences{PausedTill: &pause}, b.Now()))
		b.publish(2)
		b.seal(b.compose("weekly"), 10)
		l := b.lease("w")
		ledger := b.ledger(b.Store)
		for i := range l.Rows {
			b.ok(ledger.BeginMark(l.Chunk, l.Rows[i].N, l.Fence).Wait(ctx))
			b.ok(ledger.Settle(ctx, settlement(l, i, newsletter.Sent)))
		}
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		horizon := must(b.Subscription(ctx, from, "weekly"))(b).Cursor

		equal(b, must(b.ChangeAddress(ctx, b.askChange(from, other), b.Now()))(b), to)
		_, err := b.SubscriberByEmail(ctx, own)
		b.is(err, store.ErrNotFound)
		for _, name := range []string{"weekly", "daily", "monthly"} {
			got := must(b.Subscription(ctx, to, name))(b)
			equal(b, got.State, newsletter.SubscriptionConfirmed)
			equal(b, got.Subscriber.Email, other)
		}
		equal(b, must(b.Subscription(ctx, to, "weekly"))(b).Cursor, horizon)
	})
}

func TestErase(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 2)[0]
		email := must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email
		b.publish(1)
		b.seal(b.compose("weekly"), 10)
		b.ok(b.Erase(ctx, email, b.Now()))
		b.ok(b.Erase(ctx, email, b.Now())) // again
		_, err := b.SubscriberByEmail(ctx, email)
		b.is(err, store.ErrNotFound)
		l := b.lease("w")
		equal(b, len(l.Rows), 1) // the other's
		equal(b, l.Rows[0].Email != email, true)

		for source, want := range map[string]store.AddResult{"file": store.Suppressed, "import 1": store.Suppressed, "cli": store.Suppressed} {
			equal(b, must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: email}, source, b.Now()))(b), want)
		}
		equal(b, must(b.Suppression(ctx, email))(b).Cause, newsletter.CauseErasure)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM subscribers WHERE lower(email) = $1", email))(b), 0)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM letters WHERE address = $1", email))(b), 0)
		b.ok(b.Erase(ctx, "nobody@example.org", b.Now()))

		// A harder cause stays.
		b.ok(b.Suppress(ctx, "bounced@example.org", newsletter.CauseBounce, 0, "550 <bounced@example.org>", b.Now()))
		b.ok(b.Erase(ctx, "bounced@example.org", b.Now()))
		p := must(b.Suppression(ctx, "bounced@example.org"))(b)
		equal(b, [2]string{string(p.Cause), p.Note}, [2]string{"bounce", ""})
	})
}

func TestPersonalFeeds(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		b.is(b.ByFeed(ctx, ids[0], "weekly", true, b.Now()), store.ErrConflict)
		b.ok(b.SetFeed(ctx, ids[0], "weekly", "hash", b.Now()))
		b.is(b.SetFeed(ctx, ids[0], "daily", "other", b.Now()), store.ErrNotFound)
		b.is(b.SetFeed(ctx, ids[1], "weekly", "hash", b.Now()), store.ErrConflict)
		equal(b, must(b.FeedOwner(ctx, "hash"))(b).Subscriber.ID, ids[0])
		b.ok(b.ByFeed(ctx, ids[0], "weekly", true, b.Now()))
		b.publish(2)
		i := b.compose("weekly")
		equal(b, len(must(b.Audience(ctx, i, 0, 0, b.Now()))(b)), 1)
		equal(b, must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b)[0].Count, 1)
		b.ok(b.ByFeed(ctx, ids[0], "weekly", false, b.Now()))
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, i.Horizon) // the feed had it
		equal(b, len(must(b.Audience(ctx, i, 0, 0, b.Now()))(b)), 1)

		b.ok(b.SetFeed(ctx, ids[0], "weekly", "renewed", b.Now()))
		for _, hash := range []string{"hash", "", "none"} {
			_, err := b.FeedOwner(ctx, hash)
			b.is(err, store.ErrNotFound)
		}
		must(b.Unsubscribe(ctx, ids[0], "weekly", "page", b.Now()))(b)
		_, err := b.FeedOwner(ctx, "renewed")
		b.is(err, store.ErrNotFound)
	})
}

// TestOwnersComeBack: whoever signs up again gets mail again, whatever was before.
func TestOwnersComeBack(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		email := must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email
		pause := b.Now().Add(1000 * time.Hour)
		b.ok(b.SetFeed(ctx, id, "weekly", "hash", b.Now()))
		b.ok(b.ByFeed(ctx, id, "weekly", true, b.Now()))
		b.ok(b.SetPreferences(ctx, id, "weekly", store.Preferences{PausedTill: &pause}, b.Now()))
		must(b.Unsubscribe(ctx, id, "weekly", "page", b.Now()))(b)
		for range 2 {
			b.Advance(time.Minute)
			equal(b, b.signUp(email, "192.0.2.0/24"), store.SignUpConfirm)
			equal(b, must(b.Confirm(ctx, b.delivered().Chunk, "192.0.2.0/24", b.Now()))(b), true)
			b.publish(1)
			equal(b, must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b)[0].Count, 1)
			b.ok(b.Erase(ctx, email, b.Now()))
		}
	})
}

// TestProofIsJSON: what a record shows of it is spliced in as it is.
func TestProofIsJSON(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		equal(b, json.Valid([]byte(must(b.Subscription(ctx, id, "weekly"))(b).Proof)), true)
	})
}
