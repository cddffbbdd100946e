package store_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/store"
)

const (
	atomURL  = "https://news.example.org/feed.atom"
	rssURL   = "https://news.example.org/feed.rss"
	otherHub = "https://hub.example.net/"
)

var (
	pace   = store.TopicPace{Settle: 10 * time.Second, Interval: time.Minute}
	limits = store.HubLimits{Subscriptions: 1000, PerOwner: 100, PerClient: 200, Waiting: 50, Burst: 10, Every: 2 * time.Second}
)

// announce notes documents given as URL, hash pairs, and returns how many changed.
func (b *bench) announce(pairs ...string) int {
	b.Helper()
	var docs []store.Document
	for i := 0; i+1 < len(pairs); i += 2 {
		docs = append(docs, store.Document{URL: pairs[i], Name: pairs[i][len("https://news.example.org/"):], Hash: pairs[i+1]})
	}
	return must(b.Announce(ctx, docs, []string{otherHub}, pace))(b)
}

func (b *bench) hubWork() store.HubWork {
	b.Helper()
	return must(b.HubWork(ctx))(b)
}

func (b *bench) ask(mode, topic, callback string, set ...func(*store.HubRequest)) error {
	r := store.HubRequest{Mode: mode, Topic: topic, Callback: callback, Owner: "example.com", Client: "c", Lease: time.Hour}
	for _, f := range set {
		f(&r)
	}
	return b.AskHub(ctx, r, limits)
}

// verify settles what is due of the requests as verified.
func (b *bench) verify() int {
	b.Helper()
	all := must(b.ClaimHubRequests(ctx, 100, time.Minute))(b)
	for _, r := range all {
		b.ok(b.SettleHubRequests(ctx, []store.RequestOutcome{{HubRequest: r, Outcome: store.Outcome{OK: true}}}))
	}
	return len(all)
}

// take claims what is due to subscribers of a topic.
func (b *bench) take(topic string) []store.HubDelivery {
	b.Helper()
	return must(b.ClaimHubDeliveries(ctx, must(b.Topic(ctx, topic))(b), 100, time.Minute))(b)
}

// deliver settles what is due of a topic with one outcome.
func (b *bench) deliver(topic string, o store.Outcome) int {
	b.Helper()
	var all []store.HubOutcome
	for _, d := range b.take(topic) {
		all = append(all, store.HubOutcome{HubDelivery: d, Outcome: o})
	}
	b.ok(b.SettleHubDeliveries(ctx, all))
	return len(all)
}

// TestAnnounce: changes close together are one; what is new is no news; a hub is
// told once, and tried again when it failed.
func TestAnnounce(t *testing.T) {
	each(t, func(b *bench) {
		equal(b, b.announce(atomURL, "a1", rssURL, "r1"), 0)
		equal(b, b.hubWork(), store.HubWork{})
		equal(b, b.announce(atomURL, "a1", rssURL, "r1"), 0)
		equal(b, b.announce(atomURL, "a2", rssURL, "r1"), 1)
		equal(b, b.hubWork(), store.HubWork{Next: 10 * time.Second})
		b.Advance(6 * time.Second)
		equal(b, b.announce(atomURL, "a3", rssURL, "r1"), 1)
		equal(b, b.hubWork(), store.HubWork{Next: 4 * time.Second})
		equal(b, len(must(b.ClaimPings(ctx, 10, time.Minute))(b)), 0)
		b.Advance(4 * time.Second)
		equal(b, b.hubWork(), store.HubWork{Pings: true})
		claim := func() store.Ping {
			all := must(b.ClaimPings(ctx, 10, time.Minute))(b)
			equal(b, len(all), 1)
			equal(b, all[0].Hub+" "+all[0].Topic, otherHub+" "+atomURL)
			return all[0]
		}
		p := claim()
		equal(b, p.Version, 3)
		equal(b, b.hubWork(), store.HubWork{Next: time.Minute}) // should whoever took it die
		b.ok(b.SettlePing(ctx, p, store.Outcome{After: 30 * time.Second, Reason: "it answers 500"}))
		equal(b, b.hubWork(), store.HubWork{Next: 30 * time.Second})
		st := must(b.HubState(ctx, 5))(b)
		equal(b, st.Hubs, []store.PingState{{Hub: otherHub, Behind: 1, Error: "it answers 500", Since: b.Now()}})
		b.Advance(30 * time.Second)
		p = claim()
		equal(b, p.Failures, 1)
		equal(b, b.Now().Sub(p.FailingSince), 30*time.Second)
		b.ok(b.SettlePing(ctx, p, store.Outcome{Cut: true}))
		p = claim()
		equal(b, p.Failures, 1)
		b.Advance(2 * time.Minute) // it took too long, and somebody else does it again
		again := claim()
		b.ok(b.SettlePing(ctx, p, store.Outcome{After: time.Hour}))
		b.ok(b.SettlePing(ctx, again, store.Outcome{OK: true}))
		equal(b, b.hubWork(), store.HubWork{})
		equal(b, must(b.HubState(ctx, 5))(b).Hubs, []store.PingState{{Hub: otherHub}})

		b.announce(atomURL, "a4", rssURL, "r1") // long after the last one
		equal(b, b.hubWork(), store.HubWork{Next: 10 * time.Second})
		b.Advance(10 * time.Second)
		b.ok(b.SettlePing(ctx, claim(), store.Outcome{OK: true}))
		b.announce(atomURL, "a5", rssURL, "r1") // at once after it
		equal(b, b.hubWork(), store.HubWork{Next: time.Minute})
		b.Advance(time.Minute)
		b.ok(b.SettlePing(ctx, claim(), store.Outcome{End: true, After: time.Hour, Reason: "gone"}))
		equal(b, b.hubWork(), store.HubWork{}) // given up, until the next change
		b.announce(atomURL, "a6", rssURL, "r1")
		equal(b, b.hubWork(), store.HubWork{Next: time.Hour})
		b.announce(atomURL, "a6")
		_, err := b.Topic(ctx, rssURL)
		b.is(err, store.ErrNotFound)
		if _, err := b.Announce(ctx, []store.Document{{URL: atomURL, Name: "feed.atom", Hash: "a6"}}, nil, pace); err != nil {
			b.Fatal(err)
		}
		equal(b, len(must(b.HubState(ctx, 5))(b).Hubs), 0) // it was taken out of the configuration
	})
}

// TestHubSubscription: from the request to the end of the lease.
func TestHubSubscription(t *testing.T) {
	each(t, func(b *bench) {
		const callback = "https://reader.example.com/push?id=1"
		b.is(b.ask("subscribe", atomURL, callback), store.ErrNotFound)
		b.announce(atomURL, "a1", rssURL, "r1")
		b.ok(b.ask("unsubscribe", atomURL, callback)) // it never subscribed: nobody is asked
		equal(b, b.hubWork(), store.HubWork{})
		b.ok(b.ask("subscribe", atomURL, callback))
		equal(b, b.hubWork(), store.HubWork{Requests: true})
		equal(b, must(b.HubState(ctx, 5))(b).Waiting, 1)
		equal(b, b.verify(), 1)
		b.announce(atomURL, "a2", rssURL, "r2")
		equal(b, b.hubWork(), store.HubWork{Next: 10 * time.Second})
		b.Advance(10 * time.Second)
		equal(b, b.hubWork(), store.HubWork{Pings: true, Topics: []string{atomURL}})
		equal(b, b.deliver(atomURL, store.Outcome{OK: true}), 1)
		equal(b, b.hubWork().Topics, []string(nil))
		equal(b, len(b.take(atomURL)), 0)

		// It is renewed with another secret, and the delivery that is under way counts.
		b.announce(atomURL, "a3", rssURL, "r2")
		b.Advance(time.Minute)
		under := b.take(atomURL)
		equal(b, under[0].Secret, "")
		b.ok(b.ask("subscribe", atomURL, callback, func(r *store.HubRequest) { r.Secret, r.Lease = "new", 2*time.Hour }))
		b.verify()
		b.ok(b.SettleHubDeliveries(ctx, []store.HubOutcome{{HubDelivery: under[0], Outcome: store.Outcome{OK: true}}}))
		equal(b, b.hubWork().Topics, []string(nil))
		equal(b, must(b.HubState(ctx, 5))(b).Subscriptions, 1)

		// It fails, is tried again, and its renewal makes it due at once.
		b.announce(atomURL, "a4", rssURL, "r2")
		b.Advance(time.Minute)
		equal(b, b.deliver(atomURL, store.Outcome{After: 10 * time.Minute, Reason: "it answers 500"}), 1)
		equal(b, must(b.HubState(ctx, 5))(b).Owners, []store.FailingOwner{{Owner: "example.com", Count: 1, Since: b.Now(), Error: "it answers 500"}})
		equal(b, len(b.take(atomURL)), 0)
		b.Advance(10 * time.Minute)
		again := b.take(atomURL)
		equal(b, again[0].Failures, 1)
		equal(b, again[0].Secret, "new")
		b.ok(b.SettleHubDeliveries(ctx, []store.HubOutcome{{HubDelivery: again[0], Outcome: store.Outcome{After: time.Hour}}}))
		b.ok(b.ask("subscribe", atomURL, callback, func(r *store.HubRequest) { r.Lease = 2 * time.Hour }))
		b.verify()
		equal(b, b.deliver(atomURL, store.Outcome{Cut: true}), 1)
		equal(b, b.deliver(atomURL, store.Outcome{OK: true}), 1)
		equal(b, must(b.HubState(ctx, 5))(b).Failing, 0)

		// Nobody is sent what is old by now.
		old := must(b.Topic(ctx, atomURL))(b)
		b.announce(atomURL, "a4+", rssURL, "r2")
		b.Advance(time.Minute)
		equal(b, len(must(b.ClaimHubDeliveries(ctx, old, 100, time.Minute))(b)), 0)
		equal(b, b.deliver(atomURL, store.Outcome{OK: true}), 1)

		// Whoever dies with it in hand keeps it from nobody for long.
		b.announce(atomURL, "a5", rssURL, "r2")
		b.Advance(time.Minute)
		equal(b, len(b.take(atomURL)), 1)
		equal(b, len(b.take(atomURL)), 0)
		b.Advance(time.Minute)
		equal(b, b.deliver(atomURL, store.Outcome{OK: true}), 1)

		// The lease ends.
		b.announce(atomURL, "a6", rssURL, "r2")
		b.Advance(2 * time.Hour)
		equal(b, len(b.take(atomURL)), 0)
		equal(b, b.hubWork().Topics, []string(nil))
		equal(b, must(b.HubState(ctx, 5))(b).Subscriptions, 0)
		equal(b, must(b.SweepHub(ctx))(b), 1)

		// It comes back, leaves, and another is gone (410).
		b.ok(b.ask("subscribe", atomURL, callback))
		b.ok(b.ask("subscribe", atomURL, callback+"2"))
		b.verify()
		b.ok(b.ask("unsubscribe", atomURL, callback))
		b.verify()
		b.announce(atomURL, "a7", rssURL, "r2")
		b.Advance(time.Minute)
		equal(b, b.deliver(atomURL, store.Outcome{End: true}), 1)
		equal(b, must(b.HubState(ctx, 5))(b), store.HubState{Hubs: []store.PingState{{Hub: otherHub, Behind: 2}}})
	})
}

// TestHubRequests: the last word counts, whatever comes of those before it; what
// fails is tried again; subscribers of a topic that is gone are told.
func TestHubRequests(t *testing.T) {
	each(t, func(b *bench) {
		const callback = "https://reader.example.com/push"
		b.announce(atomURL, "a1", rssURL, "r1")
		b.ok(b.ask("subscribe", rssURL, callback))
		first := must(b.ClaimHubRequests(ctx, 10, time.Minute))(b)
		equal(b, len(must(b.ClaimHubRequests(ctx, 10, time.Minute))(b)), 0)
		b.Advance(time.Second)
		b.ok(b.ask("unsubscribe", rssURL, callback))
		b.ok(b.SettleHubRequests(ctx, []store.RequestOutcome{{HubRequest: first[0], Outcome: store.Outcome{OK: true}}})) // too late
		equal(b, must(b.HubState(ctx, 5))(b).Subscriptions, 0)
		equal(b, b.verify(), 1)
		equal(b, must(b.HubState(ctx, 5))(b), store.HubState{Hubs: []store.PingState{{Hub: otherHub}}})

		b.ok(b.ask("subscribe", rssURL, callback))
		r := must(b.ClaimHubRequests(ctx, 10, time.Minute))(b)[0]
		b.ok(b.SettleHubRequests(ctx, []store.RequestOutcome{{HubRequest: r, Outcome: store.Outcome{After: time.Minute}}}))
		equal(b, b.hubWork(), store.HubWork{Next: time.Minute})
		b.Advance(time.Minute)
		r = must(b.ClaimHubRequests(ctx, 10, time.Minute))(b)[0]
		equal(b, r.Failures, 1)
		b.ok(b.SettleHubRequests(ctx, []store.RequestOutcome{{HubRequest: r, Outcome: store.Outcome{Cut: true}}}))
		r = must(b.ClaimHubRequests(ctx, 10, time.Minute))(b)[0]
		b.ok(b.SettleHubRequests(ctx, []store.RequestOutcome{{HubRequest: r, Outcome: store.Outcome{OK: true}}}))
		equal(b, must(b.HubState(ctx, 5))(b).Subscriptions, 1)

		b.announce(atomURL, "a1")
		told := must(b.ClaimHubRequests(ctx, 10, time.Minute))(b)
		equal(b, len(told), 1)
		equal(b, told[0].Mode+" "+told[0].Topic+" "+told[0].Callback, "denied "+rssURL+" "+callback)
		b.ok(b.SettleHubRequests(ctx, []store.RequestOutcome{{HubRequest: told[0], Outcome: store.Outcome{OK: true}}}))
		equal(b, must(b.HubState(ctx, 5))(b), store.HubState{Hubs: []store.PingState{{Hub: otherHub}}})
	})
}

// TestHubLimits: strangers can make the hub do only so much.
func TestHubLimits(t *testing.T) {
	each(t, func(b *bench) {
		b.announce(atomURL, "a1", rssURL, "r1")
		n := 0
		asked := func(count int, set func(*store.HubRequest)) (ok int) {
			for range count {
				n++
				err := b.ask("subscribe", atomURL, fmt.Sprintf("https://c%d.example.com/", n), set)
				if err == nil {
					ok++
					continue
				}
				b.is(err, store.ErrLimit)
			}
			return ok
		}
		same := func(*store.HubRequest) {}
		equal(b, asked(60, same), 50) // wait
		equal(b, len(must(b.ClaimHubRequests(ctx, 100, time.Second))(b)), 10)
		b.Advance(2 * time.Second)
		equal(b, b.verify(), 11)
		b.Advance(20 * time.Second)
		equal(b, b.verify(), 10)
		b.Advance(58 * time.Second)
		equal(b, b.verify(), 29)
		b.Advance(time.Hour)
		equal(b, asked(60, same), 50)
		for range 40 {
			b.Advance(2 * time.Second)
			b.verify()
		}
		equal(b, asked(10, same), 0) // an owner has enough
		b.ok(b.ask("subscribe", atomURL, "https://c1.example.com/"))
		other := func(owner string) func(*store.HubRequest) {
			return func(r *store.HubRequest) { r.Owner = owner }
		}
		equal(b, asked(50, other("a.example")), 50)
		b.Advance(time.Hour)
		b.verify()
		equal(b, asked(60, other("a.example")), 50)
		equal(b, asked(1, other("b.example")), 0) // a client has enough
		equal(b, asked(1, func(r *store.HubRequest) { r.Owner, r.Client = "b.example", "d" }), 1)

		nobody := func(owner string) func(*store.HubRequest) { // may be anybody
			return func(r *store.HubRequest) { r.Owner, r.Client = owner, "" }
		}
		for _, owner := range []string{"c.example", "d.example", "e.example", "f.example", "g.example"} {
			equal(b, asked(50, nobody(owner)), 50)
		}
	})
}
