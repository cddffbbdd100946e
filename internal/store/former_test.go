package store_test

import (
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// mailedClaim is what the link to unsubscribe says that a mail to somebody has.
func (b *bench) mailedClaim(email string) newsletter.Claim {
	b.Helper()
	id := must(b.SubscriberByEmail(ctx, email))(b).ID
	return newsletter.Claim{Purpose: newsletter.PurposeUnsubscribe, Subscriber: id, Newsletter: "weekly", Owner: b.Keyring().AddressHash(email)}
}

// leads checks whose subscription a link ends; empty: nobody's.
func (b *bench) leads(c newsletter.Claim, email string, moved bool) {
	b.Helper()
	got, by, err := b.Leaver(ctx, c)
	if email == "" {
		b.is(err, store.ErrNotFound)
		return
	}
	b.ok(err)
	equal(b, got.Subscriber.Email, email)
	equal(b, by, moved)
}

// TestLeaver: a link to leave follows its owner through changes of address, merges, and
// being removed and added; erasing ends it.
func TestLeaver(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		for _, email := range []string{"ann@example.org", "bo@example.org", "cy@example.org"} {
			must(b.AddSubscriber(ctx, "weekly", line(email), "cli", b.Now()))(b)
		}
		ann, bo, cy := b.mailedClaim("ann@example.org"), b.mailedClaim("bo@example.org"), b.mailedClaim("cy@example.org")
		b.leads(ann, "ann@example.org", false)
		other := ann
		other.Newsletter = "daily"
		b.leads(other, "", false)

		// Another address, and another one.
		must(b.ChangeAddress(ctx, b.askChange(ann.Subscriber, "ann@example.net"), b.Now()))(b)
		second := b.mailedClaim("ann@example.net")
		must(b.ChangeAddress(ctx, b.askChange(ann.Subscriber, "ann@example.com"), b.Now()))(b)
		b.leads(ann, "ann@example.com", true)
		b.leads(second, "ann@example.com", true)

		// That of somebody who subscribes already, who has one more then.
		b.Advance(time.Hour)
		must(b.ChangeAddress(ctx, b.askChange(ann.Subscriber, "bo@example.org"), b.Now()))(b)
		must(b.ChangeAddress(ctx, b.askChange(bo.Subscriber, "bo@example.net"), b.Now()))(b)
		for _, c := range []newsletter.Claim{ann, second, bo} {
			b.leads(c, "bo@example.net", true)
		}
		forged := ann
		forged.Subscriber = cy.Subscriber
		b.leads(forged, "", false)

		// Who subscribes with an address that another one left is somebody else.
		equal(b, b.signUp("ann@example.org", "192.0.2.0/24"), store.SignUpConfirm)
		b.leads(ann, "ann@example.org", false)
		b.leads(second, "bo@example.net", true)

		// Removed and added again; removed for good.
		b.ok(b.RemoveSubscriber(ctx, "cy@example.org", "", b.Now()))
		b.leads(cy, "", false)
		must(b.AddSubscriber(ctx, "weekly", line("cy@example.org"), "cli", b.Now()))(b)
		equal(b, b.mailedClaim("cy@example.org").Subscriber != cy.Subscriber, true)
		b.leads(cy, "cy@example.org", false)

		// Erased: nothing is known of them, nor of who they were.
		b.ok(b.Erase(ctx, "bo@example.net", b.Now()))
		for _, c := range []newsletter.Claim{second, bo} {
			b.leads(c, "", false)
		}
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM former"))(b), 0)
	})
}

// TestErasedFormerAddress: an address that was changed can be erased as well, and then
// nothing says whose it was.
func TestErasedFormerAddress(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		old := must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email
		c := b.mailedClaim(old)
		must(b.ChangeAddress(ctx, b.askChange(id, "new@example.net"), b.Now()))(b)
		b.leads(c, "new@example.net", true)
		b.ok(b.Erase(ctx, old, b.Now()))
		b.leads(c, "", false)
		b.leads(b.mailedClaim("new@example.net"), "new@example.net", false)
	})
}

// TestLeaveAfterMoving: who leaves by mail, or by a sending service's button, in a mail of
// before they changed their address has left.
func TestLeaveAfterMoving(t *testing.T) {
	for name, report := range map[string]func(b *bench, ann int64, i newsletter.Issue) store.Bounced{
		"mail": func(_ *bench, ann int64, i newsletter.Issue) store.Bounced {
			return store.Bounced{Returned: &newsletter.Returned{Subscriber: ann, Issue: i.ID}, Email: "ann@example.org"}
		},
		"service": func(b *bench, ann int64, i newsletter.Issue) store.Bounced {
			return store.Bounced{Email: "ann@example.org", Named: true, MessageID: b.Keyring().MessageID(i.ID, ann, "example.org")}
		},
	} {
		for kind, to := range map[string]string{"another address": "ann@example.net", "one that subscribes": "bo@example.org"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				each(t, func(b *bench) {
					ann, i := b.sentTo("ann@example.org")
					must(b.AddSubscriber(ctx, "weekly", line("bo@example.org"), "cli", b.Now()))(b)
					now := must(b.ChangeAddress(ctx, b.askChange(ann, to), b.Now()))(b)
					equal(b, b.stateOf(now), newsletter.SubscriptionConfirmed)
					r := report(b, ann, i)
					r.Kind, r.Said = newsletter.ReportUnsubscribe, []byte("1")
					b.bounce(r, store.BounceUnsubscribed)
					equal(b, b.stateOf(now), newsletter.SubscriptionUnsubscribed)
				})
			})
		}
	}
}

// TestRemovedWhoLeft: removing somebody does not undo that they left; only they do.
func TestRemovedWhoLeft(t *testing.T) {
	each(t, func(b *bench) {
		for _, from := range []string{"", "weekly"} {
			b.subscribe("weekly", 0)
			b.subscribe("daily", 0)
			email := "ann" + from + "@example.org"
			for _, name := range []string{"weekly", "daily"} {
				must(b.AddSubscriber(ctx, name, line(email), "cli", b.Now()))(b)
			}
			id := must(b.SubscriberByEmail(ctx, email))(b).ID
			must(b.Unsubscribe(ctx, id, "weekly", "page", b.Now()))(b)
			b.ok(b.RemoveSubscriber(ctx, email, from, b.Now()))
			for _, source := range []string{"cli", "file"} {
				equal(b, must(b.AddSubscriber(ctx, "weekly", line(email), source, b.Now()))(b), store.Gone)
			}
			equal(b, must(b.JudgeLines(ctx, "weekly", false, []newsletter.Line{line(email)}))(b), []store.AddResult{store.WasLeft})

			// What they had not left is as before.
			want := store.Created
			if from != "" {
				want = store.Exists
			}
			equal(b, must(b.AddSubscriber(ctx, "daily", line(email), "cli", b.Now()))(b), want)
			equal(b, must(b.AddSubscriber(ctx, "weekly", line(email), "cli", b.Now()))(b), store.Gone)

			// Their own sign-up brings them back.
			equal(b, b.signUp(email, "192.0.2.0/24"), store.SignUpConfirm)
			equal(b, must(b.Confirm(ctx, b.delivered().Chunk, "192.0.2.0/24", b.Now()))(b), true)
			b.ok(b.RemoveSubscriber(ctx, email, "", b.Now()))
			equal(b, must(b.AddSubscriber(ctx, "weekly", line(email), "cli", b.Now()))(b), store.Created)
		}
	})
}

// TestLastOneLeaves: an issue whose last reader waits for an hour and does not want it any
// more is sent, and does not wait for the hour.
func TestLastOneLeaves(t *testing.T) {
	for name, end := range map[string]func(b *bench, id int64, email string) error{
		"leaves": func(b *bench, id int64, _ string) error {
			_, err := b.Unsubscribe(ctx, id, "weekly", "page", b.Now())
			return err
		},
		"is suppressed": func(b *bench, _ int64, email string) error {
			return b.Suppress(ctx, email, newsletter.CauseOperator, 0, "", b.Now())
		},
		"is removed": func(b *bench, _ int64, email string) error { return b.RemoveSubscriber(ctx, email, "", b.Now()) },
		"is erased":  func(b *bench, _ int64, email string) error { return b.Erase(ctx, email, b.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(b *bench) {
				ids := b.subscribe("weekly", 3)
				hour := b.Now().In(time.UTC).Add(5 * time.Hour).Hour()
				zone := "UTC"
				for _, id := range ids[1:] {
					b.ok(b.SetPreferences(ctx, id, "weekly", store.Preferences{Hour: &hour, TimeZone: &zone}, b.Now()))
				}
				b.publish(1)
				i := b.compose("weekly")
				b.seal(i, 10)
				l := b.lease("w")
				equal(b, len(l.Rows), 1)
				b.ok(b.ledger(b.Store).Settle(ctx, settlement(l, 0, newsletter.Sent)))
				b.ok(b.Release(ctx, l.Chunk, l.Fence))
				for n, id := range ids[1:] {
					equal(b, b.state(i.ID), newsletter.IssueSending)
					email := must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email
					b.ok(end(b, id, email))
					b.noLease() // looking for work is what ends it
					if n == 0 {
						equal(b, b.counts(i.ID)[newsletter.Pending], 1)
					}
				}
				equal(b, b.state(i.ID), newsletter.IssueSent)
				equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Sent: 1, newsletter.Cancelled: 2})
			})
		})
	}
}
