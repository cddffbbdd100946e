package store_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

const day24 = 24 * time.Hour

// sentTo composes, seals and sends an issue to one subscriber.
func (b *bench) sentTo(email string) (subscriber int64, i newsletter.Issue) {
	b.Helper()
	b.publish(1)
	must(b.SyncNewsletter(ctx, "weekly", false, b.Now()))(b)
	must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: email}, "cli", b.Now()))(b)
	s := must(b.SubscriberByEmail(ctx, email))(b)
	i = b.compose("weekly")
	b.seal(i, 10)
	l := b.lease("w")
	b.ok(b.ledger(b.Store).Settle(ctx, settlement(l, 0, newsletter.Sent)))
	return s.ID, i
}

func (b *bench) bounce(r store.Bounced, want store.BounceOutcome) {
	b.Helper()
	limit := newsletter.SoftLimit{Count: 3, Over: 7 * day24, Within: 60 * day24}
	equal(b, must(b.Bounce(ctx, r, limit, b.Now()))(b), want)
}

func (b *bench) stateOf(subscriber int64) newsletter.SubscriptionState {
	b.Helper()
	return must(b.Subscription(ctx, subscriber, "weekly"))(b).State
}

// TestBounceByKey: what a report with a key of ours leads to.
func TestBounceByKey(t *testing.T) {
	each(t, func(b *bench) {
		id, i := b.sentTo("ann@example.org")
		whose := &newsletter.Returned{Subscriber: id, Issue: i.ID}
		b.bounce(store.Bounced{Kind: newsletter.ReportBlock, Reason: newsletter.ReasonSpam, Returned: whose, Said: []byte("1")}, store.BounceNoted)
		b.bounce(store.Bounced{Kind: newsletter.ReportAutoReply, Returned: whose, Said: []byte("2")}, store.BounceNoted)
		_, err := b.Suppression(ctx, "ann@example.org")
		b.is(err, store.ErrNotFound)

		hard := store.Bounced{Kind: newsletter.ReportHard, Returned: whose, Said: []byte("3"), Words: "550 5.1.1 <ann@example.org>: unknown", Email: "somebody@else.example"}
		b.bounce(hard, store.BounceSuppressed)
		b.bounce(hard, store.BounceTwice)
		p := must(b.Suppression(ctx, "ann@example.org"))(b)
		equal(b, []any{p.Cause, p.Issue, p.Note}, []any{newsletter.CauseBounce, i.ID, "550 5.1.1 <…>: unknown"})
		_, err = b.Suppression(ctx, "somebody@else.example") // words prove nothing
		b.is(err, store.ErrNotFound)

		all := must(b.Bounces(ctx, store.BounceQuery{Email: "ann@example.org"}))(b)
		equal(b, len(all), 3)
		equal(b, all[0].Words, "550 5.1.1 <…>: unknown")
		equal(b, must(b.CountBounces(ctx, i.ID, time.Time{}))(b), []store.BounceCount{{newsletter.ReportAutoReply, 1}, {newsletter.ReportBlock, 1}, {newsletter.ReportHard, 1}})
	})
}

// TestBounceAgain: what led to nothing counts when it comes again with a key, once, also
// where it comes several times at once, and has one row; without, it leads to nothing again.
func TestBounceAgain(t *testing.T) {
	each(t, func(b *bench) {
		ann, i := b.sentTo("ann@example.org")
		whose := &newsletter.Returned{Subscriber: ann, Issue: i.ID}
		soft := store.Bounced{Kind: newsletter.ReportSoft, Said: []byte("1")}
		strange := store.Bounced{Kind: newsletter.ReportUnclassified, Said: []byte("2"), Message: []byte("x")}
		leave := store.Bounced{Kind: newsletter.ReportUnsubscribe, Said: []byte("3")}
		for range 2 {
			for _, r := range []store.Bounced{soft, strange, leave} {
				b.bounce(r, store.BounceNobody)
			}
		}
		soft.Returned, strange.Returned, leave.Returned = whose, whose, whose
		outcomes := make(chan store.BounceOutcome, 8)
		for range cap(outcomes) {
			go func() {
				outcome, err := b.Bounce(ctx, soft, newsletter.SoftLimit{Count: 2, Within: day24}, b.Now())
				if err != nil {
					b.Error(err)
				}
				outcomes <- outcome
			}()
		}
		got := map[store.BounceOutcome]int{}
		for range cap(outcomes) {
			got[<-outcomes]++
		}
		equal(b, got, map[store.BounceOutcome]int{store.BounceCounted: 1, store.BounceTwice: 7})
		b.bounce(strange, store.BounceNoted)
		b.bounce(strange, store.BounceTwice)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounce_messages"))(b), 1)
		strange.Kind = newsletter.ReportAutoReply // as a later version reads it
		b.bounce(strange, store.BounceNoted)
		b.bounce(strange, store.BounceTwice)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounce_messages"))(b), 0)
		b.bounce(leave, store.BounceUnsubscribed)
		leave.Returned = nil
		b.bounce(leave, store.BounceTwice)
		equal(b, b.stateOf(ann), newsletter.SubscriptionUnsubscribed)
		equal(b, len(must(b.Bounces(ctx, store.BounceQuery{Email: "ann@example.org"}))(b)), 3)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounces"))(b), 3)
	})
}

func TestComplaintAndUnsubscribe(t *testing.T) {
	each(t, func(b *bench) {
		ann, i := b.sentTo("ann@example.org")
		must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: "bob@example.org"}, "cli", b.Now()))(b)
		bob := must(b.SubscriberByEmail(ctx, "bob@example.org"))(b).ID
		b.bounce(store.Bounced{Kind: newsletter.ReportComplaint, Returned: &newsletter.Returned{Subscriber: ann, Issue: i.ID}, Said: []byte("1")}, store.BounceSuppressed)
		equal(b, b.stateOf(ann), newsletter.SubscriptionUnsubscribed)
		equal(b, must(b.Suppression(ctx, "ann@example.org"))(b).Cause, newsletter.CauseComplaint)

		b.bounce(store.Bounced{Kind: newsletter.ReportUnsubscribe, Email: "bob@example.org", Said: []byte("2")}, store.BounceNobody) // anybody can write that
		equal(b, b.stateOf(bob), newsletter.SubscriptionConfirmed)
		b.bounce(store.Bounced{Kind: newsletter.ReportUnsubscribe, Returned: &newsletter.Returned{Subscriber: bob, Issue: i.ID}, Said: []byte("3")}, store.BounceUnsubscribed)
		equal(b, b.stateOf(bob), newsletter.SubscriptionUnsubscribed)
	})
}

// TestUnsubscribeNamed: who leaves by a sending service's button, which only names them,
// leaves what they got last, however long ago; who got nothing leaves all.
func TestUnsubscribeNamed(t *testing.T) {
	each(t, func(b *bench) {
		ann, _ := b.sentTo("ann@example.org")
		must(b.SyncNewsletter(ctx, "daily", false, b.Now()))(b)
		for _, email := range []string{"ann@example.org", "bob@example.org"} {
			for _, name := range []string{"daily", "weekly"} {
				must(b.AddSubscriber(ctx, name, newsletter.Line{Email: email}, "cli", b.Now()))(b)
			}
		}
		bob := must(b.SubscriberByEmail(ctx, "bob@example.org"))(b).ID
		states := func(id int64) []any {
			return []any{b.stateOf(id), must(b.Subscription(ctx, id, "daily"))(b).State}
		}
		b.Advance(100 * day24)
		b.bounce(store.Bounced{Kind: newsletter.ReportUnsubscribe, Email: "ann@example.org", Named: true, Said: []byte("1")}, store.BounceUnsubscribed)
		equal(b, states(ann), []any{newsletter.SubscriptionUnsubscribed, newsletter.SubscriptionConfirmed})
		b.bounce(store.Bounced{Kind: newsletter.ReportUnsubscribe, Email: "bob@example.org", Named: true, Said: []byte("2")}, store.BounceUnsubscribed)
		equal(b, states(bob), []any{newsletter.SubscriptionUnsubscribed, newsletter.SubscriptionUnsubscribed})
		b.bounce(store.Bounced{Kind: newsletter.ReportComplaint, Email: "ann@example.org", Named: true, Said: []byte("3")}, store.BounceNobody)
	})
}

// TestUnsubscribeByMessageID: who leaves by a sending service's button in an old mail leaves
// the newsletter of that mail, though others were mailed since and nothing is known any more
// of what became of it; who leaves by a mail that is not ours leaves nothing.
func TestUnsubscribeByMessageID(t *testing.T) {
	each(t, func(b *bench) {
		ann, old := b.sentTo("ann@example.org")
		must(b.SyncNewsletter(ctx, "daily", false, b.Now()))(b)
		must(b.AddSubscriber(ctx, "daily", newsletter.Line{Email: "ann@example.org"}, "cli", b.Now()))(b)
		b.ok(b.Release(ctx, 1, 1))
		b.Advance(40 * day24)
		b.publish(1)
		b.seal(b.compose("daily"), 10)
		l := b.lease("w")
		b.ok(b.ledger(b.Store).Settle(ctx, settlement(l, 0, newsletter.Sent)))
		equal(b, b.forget(store.RetainedDeliveries, 30*day24), 1)
		states := func() []any {
			return []any{b.stateOf(ann), must(b.Subscription(ctx, ann, "daily"))(b).State}
		}
		leave := func(messageID string, want store.BounceOutcome) {
			b.Helper()
			b.bounce(store.Bounced{Kind: newsletter.ReportUnsubscribe, Email: "ann@example.org", Named: true, MessageID: messageID, Said: []byte(messageID)}, want)
		}
		id := b.Keyring().MessageID(old.ID, ann, "example.org")
		leave("order-17@shop.example.org", store.BounceNobody)
		leave(strings.Repeat("0", strings.IndexByte(id, '@'))+"@example.org", store.BounceNobody)
		leave(b.Keyring().MessageID(old.ID, ann+1, "example.org"), store.BounceNobody)
		equal(b, states(), []any{newsletter.SubscriptionConfirmed, newsletter.SubscriptionConfirmed})
		leave(id, store.BounceUnsubscribed)
		equal(b, states(), []any{newsletter.SubscriptionUnsubscribed, newsletter.SubscriptionConfirmed})
		equal(b, must(b.Bounces(ctx, store.BounceQuery{Issue: old.ID}))(b)[0].Outcome, store.BounceUnsubscribed)
	})
}

// TestSoftBounces: they count by days, decay, and suppress in the end.
func TestSoftBounces(t *testing.T) {
	each(t, func(b *bench) {
		id, i := b.sentTo("ann@example.org")
		said := byte(0)
		soft := func(after time.Duration, want store.BounceOutcome) {
			b.Helper()
			b.Advance(after)
			said++
			b.bounce(store.Bounced{
				Kind: newsletter.ReportSoft, Reason: newsletter.ReasonFull, Returned: &newsletter.Returned{Subscriber: id, Issue: i.ID}, Said: []byte{said},
			}, want)
		}
		soft(0, store.BounceCounted)
		soft(day24, store.BounceCounted)
		soft(61*day24, store.BounceCounted) // the others are long past
		soft(day24, store.BounceCounted)
		soft(7*day24, store.BounceSuppressed)
		equal(b, must(b.Suppression(ctx, "ann@example.org"))(b).Note, "bounced softly 3 times, the last: mailbox full")
		must(b.LiftSuppression(ctx, "ann@example.org"))(b)
		soft(day24, store.BounceCounted) // an operator knows better: it begins anew
		counts := must(b.CountBounces(ctx, i.ID, time.Time{}))(b)
		equal(b, b.forget(store.RetainedBounces, day24+time.Hour), 4)
		equal(b, b.forget(store.RetainedBounces, day24+time.Hour), 0)
		equal(b, must(b.CountBounces(ctx, i.ID, time.Time{}))(b), counts)
	})
}

// TestBounceWithoutKey: a report that only names somebody is believed when it returns
// a mail that we sent, or when nothing better can be had and the mail was lately.
func TestBounceWithoutKey(t *testing.T) {
	each(t, func(b *bench) {
		id, i := b.sentTo("ann@example.org")
		named := store.Bounced{Kind: newsletter.ReportHard, Email: "ann@example.org"}
		with := func(said string, set func(*store.Bounced), want store.BounceOutcome) {
			b.Helper()
			r := named
			r.Said = []byte(said)
			set(&r)
			b.bounce(r, want)
		}
		with("1", func(*store.Bounced) {}, store.BounceNobody)
		with("2", func(r *store.Bounced) { r.MessageID = "0123@example.org" }, store.BounceNobody)
		with("3", func(r *store.Bounced) { r.Email, r.Named = "stranger@example.org", true }, store.BounceNobody)
		with("4", func(r *store.Bounced) { r.MessageID = b.Keyring().MessageID(i.ID, id, "example.org") }, store.BounceSuppressed)
		must(b.LiftSuppression(ctx, "ann@example.org"))(b)
		with("5", func(r *store.Bounced) { r.Named = true }, store.BounceSuppressed)
		must(b.LiftSuppression(ctx, "ann@example.org"))(b)
		b.Advance(15 * day24)
		with("6", func(r *store.Bounced) { r.Named = true }, store.BounceNobody)
		equal(b, must(b.Bounces(ctx, store.BounceQuery{Kind: newsletter.ReportHard, Issue: i.ID}))(b)[0].Source, "")
	})
}

// TestStrangers: of what is about nobody, so much is kept of a day; the rest is counted. What
// is about somebody is kept.
func TestStrangers(t *testing.T) {
	each(t, func(b *bench) {
		ann, i := b.sentTo("ann@example.org")
		b.ok(b.Raw(ctx, `WITH RECURSIVE k (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 9999)
			INSERT INTO bounces (at, said, kind, reason, status, code, words, reporter, source, hash, newsletter, issue, outcome)
			SELECT $1, 'flood ' || CAST(n AS TEXT), 'unclassified', '', '', 0, '', '', 'text', '', '', 0, 'nobody' FROM k`, b.Now().UnixMilli()))
		rows := func(want int) {
			b.Helper()
			equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounces"))(b), want)
		}
		stranger := func(said string) {
			b.Helper()
			b.bounce(store.Bounced{Kind: newsletter.ReportUnclassified, Said: []byte(said), Message: []byte("x")}, store.BounceNobody)
		}
		stranger("1")
		rows(10_000)
		stranger("2")
		stranger("3")
		rows(10_000)
		equal(b, must(b.CountBounces(ctx, 0, time.Time{}))(b), []store.BounceCount{{newsletter.ReportUnclassified, 10_002}})
		b.bounce(store.Bounced{Kind: newsletter.ReportHard, Returned: &newsletter.Returned{Subscriber: ann, Issue: i.ID}, Said: []byte("4")}, store.BounceSuppressed)
		rows(10_001)
		b.Advance(day24)
		stranger("5")
		rows(10_002)
	})
}

// TestEraseBounces: what was reported of somebody goes with them, of others it stays.
func TestEraseBounces(t *testing.T) {
	each(t, func(b *bench) {
		var ids []int64
		for k, email := range []string{"ann@example.org", "bob@example.org"} {
			id, i := b.sentTo(email)
			whose := &newsletter.Returned{Subscriber: id, Issue: i.ID}
			b.bounce(store.Bounced{Kind: newsletter.ReportHard, Returned: whose, Said: []byte{1, byte(k)}}, store.BounceSuppressed)
			b.bounce(store.Bounced{Kind: newsletter.ReportUnclassified, Returned: whose, Said: []byte{2, byte(k)}, Message: []byte("To: " + email)}, store.BounceNoted)
			all := must(b.Bounces(ctx, store.BounceQuery{Email: email}))(b)
			equal(b, len(all), 2)
			ids = append(ids, all[0].ID)
		}
		b.ok(b.Erase(ctx, "ann@example.org", b.Now()))
		equal(b, len(must(b.Bounces(ctx, store.BounceQuery{Email: "ann@example.org"}))(b)), 0)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounce_messages WHERE bounce = $1", ids[0]))(b), 0)
		equal(b, len(must(b.Bounces(ctx, store.BounceQuery{Email: "bob@example.org"}))(b)), 2)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounce_messages WHERE bounce = $1", ids[1]))(b), 1)
	})
}

// TestEraseNamed: a message about nobody known goes with whoever it names, and one that
// names somebody who was erased is not kept.
func TestEraseNamed(t *testing.T) {
	each(t, func(b *bench) {
		kept := func() int {
			return must(b.CountRaw(ctx, "SELECT count(*) FROM bounce_messages"))(b)
		}
		report := func(said string, names ...string) {
			b.bounce(store.Bounced{Kind: newsletter.ReportUnclassified, Said: []byte(said), Message: []byte(said), Names: names}, store.BounceNobody)
		}
		report("1", "ann@example.org", "Ann@Example.org", "bob@example.org")
		report("2", "bob@example.org")
		report("3")
		equal(b, kept(), 3)
		b.ok(b.Erase(ctx, "ann@example.org", b.Now()))
		equal(b, kept(), 2)
		report("4", "bob@example.org", "ANN@example.org")
		report("5", "cay@example.org")
		equal(b, kept(), 3)
		b.ok(b.Erase(ctx, "bob@example.org", b.Now()))
		equal(b, kept(), 2)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounce_names"))(b), 1)
		equal(b, len(must(b.Bounces(ctx, store.BounceQuery{Kind: newsletter.ReportUnclassified}))(b)), 5)
		b.Advance(day24)
		equal(b, b.forget(store.RetainedMessages, day24/2), 2)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM bounce_names"))(b), 0)
	})
}

// TestUnclassified: what is not understood is kept as it came.
func TestUnclassified(t *testing.T) {
	each(t, func(b *bench) {
		b.bounce(store.Bounced{Kind: newsletter.ReportUnclassified, Said: []byte("x"), Message: []byte("Subject: hm\r\n\r\nhm\r\n")}, store.BounceNobody)
		all := must(b.Bounces(ctx, store.BounceQuery{Kind: newsletter.ReportUnclassified}))(b)
		_, message, err := b.BounceMessage(ctx, all[0].ID)
		b.ok(err)
		equal(b, string(message), "Subject: hm\r\n\r\nhm\r\n")
		_, _, err = b.BounceMessage(ctx, all[0].ID+1)
		b.is(err, store.ErrNotFound)
		b.Advance(day24)
		equal(b, b.forget(store.RetainedBounces, 2*day24), 0)
		equal(b, b.forget(store.RetainedMessages, day24/2), 1)
		_, message, err = b.BounceMessage(ctx, all[0].ID)
		b.ok(err)
		equal(b, string(message), "")
	})
}

// TestBounceOfAnAddressBefore: what comes back from an address that its owner changed
// says nothing about the new one.
func TestBounceOfAnAddressBefore(t *testing.T) {
	each(t, func(b *bench) {
		id, i := b.sentTo("old@example.org")
		l := must(b.CreateLetter(ctx, newsletter.Letter{Kind: newsletter.LetterChange, Subscriber: id, Address: "new@example.org", Expires: b.Now().Add(time.Hour), Asked: strconv.Quote(b.Keyring().AddressHash("old@example.org"))},
			newsletter.LetterContent{Subject: "x"}, store.LetterCap{}, b.Now()))(b)
		whose := &newsletter.Returned{Subscriber: id, Chunk: l.Chunk}

		// The stranger at a mistyped address speaks for that only.
		b.bounce(store.Bounced{Kind: newsletter.ReportComplaint, Returned: whose, Said: []byte("1")}, store.BounceSuppressed)
		equal(b, b.stateOf(id), newsletter.SubscriptionConfirmed)
		_, err := b.Suppression(ctx, "old@example.org")
		b.is(err, store.ErrNotFound)
		must(b.LiftSuppression(ctx, "new@example.org"))(b)

		must(b.ChangeAddress(ctx, store.AddressChange{Letter: l.Chunk, Notice: newsletter.LetterContent{Subject: "y"}, NoticeEnds: b.Now().Add(time.Hour)}, b.Now()))(b)
		hard := store.Bounced{Kind: newsletter.ReportHard, Returned: &newsletter.Returned{Subscriber: id, Issue: i.ID}, Email: "old@example.org", Said: []byte("2")}
		b.bounce(hard, store.BounceSuppressed)
		must(b.Suppression(ctx, "old@example.org"))(b)
		_, err = b.Suppression(ctx, "new@example.org")
		b.is(err, store.ErrNotFound)
	})
}
