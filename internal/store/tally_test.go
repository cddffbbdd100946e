package store_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// audience adds subscribers at receivers and returns the issue that is sent to them.
func (b *bench) mailed(chunkSize int, counts map[string]int, set ...func(*store.NewIssue)) newsletter.Issue {
	b.Helper()
	b.subscribe("weekly", 0)
	for domain, n := range counts {
		for k := range n {
			must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: fmt.Sprintf("p%d@%s", k, domain)}, "cli", b.Now()))(b)
		}
	}
	b.publish(1)
	i := b.compose("weekly", set...)
	b.seal(i, chunkSize)
	return must(b.Issue(ctx, i.ID))(b)
}

// work leases all that is due and settles it as outcome says.
func (b *bench) work(l *store.Ledger, outcome func(newsletter.Delivery) store.Settlement) {
	b.Helper()
	for {
		c, err := b.LeaseChunk(ctx, "w", false, 30*time.Second, false)
		if err != nil {
			b.is(err, store.ErrNotFound)
			return
		}
		for _, d := range c.Rows {
			b.ok(l.BeginMark(c.Chunk, d.N, c.Fence).Wait(ctx))
			x := outcome(d)
			x.Chunk, x.N, x.Fence, x.Subscriber, x.Issue = c.Chunk, d.N, c.Fence, d.Subscriber, c.Issue
			b.ok(l.Settle(ctx, x))
		}
		b.ok(b.Release(ctx, c.Chunk, c.Fence))
	}
}

func (b *bench) tallied(issue int64) {
	b.Helper()
	if want, got := must(b.CountRows(ctx, issue))(b), b.counts(issue); !maps.Equal(got, want) {
		b.Fatalf("the tallies say %v, the rows %v", got, want)
	}
}

func refusal(code int, text string, d newsletter.Delivery) newsletter.Reply {
	return newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: code, Text: fmt.Sprintf("%s <%s> (ref %d)", text, d.Email, 100_000+d.Subscriber)}
}

func TestTallies(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mailed(7, map[string]int{"big.example": 30, "small.example": 5, "tiny.example": 3})
		l := b.ledger(b.Store)
		equal(b, must(b.IssueTally(ctx, i.ID))(b), store.Tally{Pending: 38})
		n := 0
		b.work(l, func(d newsletter.Delivery) store.Settlement {
			n++
			switch {
			case n%10 == 0:
				return store.Settlement{State: newsletter.Failed, Reply: refusal(550, "nobody here", d)}
			case n%9 == 0:
				return store.Settlement{State: newsletter.Pending, Reply: refusal(451, "later", d), RetryIn: time.Hour}
			}
			return store.Settlement{State: newsletter.Sent, Reply: sentReply}
		})
		b.tallied(i.ID)
		equal(b, must(b.IssueTally(ctx, i.ID))(b), store.Tally{Pending: 4, Deferred: 4, Sent: 31, Failed: 3})
		groups := must(b.GroupTallies(ctx, i.ID))(b)
		equal(b, []int{len(groups), groups[0].Total(), groups[1].Total()}, []int{2, 8, 30})
		equal(b, []string{groups[0].Group, groups[1].Group}, []string{"", "big.example"})

		// Replies that differ by address and number are one.
		failures := must(b.IssueFailures(ctx, i.ID, 0))(b)
		for k := range failures {
			failures[k].Example = ""
		}
		equal(b, failures, []store.Failure{
			{State: newsletter.Failed, Code: 550, Reply: "nobody here <…> (ref …)", Count: 3},
			{State: newsletter.Pending, Code: 451, Reply: "later <…> (ref …)", Count: 4},
		})

		// Who leaves is counted at once, in a chunk that nobody holds and in one that is held.
		open := must(b.Subscribers(ctx, store.SubscriberQuery{Newsletter: "weekly"}))(b)
		for _, s := range open[:20] {
			must(b.Unsubscribe(ctx, s.Subscriber.ID, "weekly", "link", b.Now()))(b)
		}
		b.tallied(i.ID)
		b.Advance(2 * time.Hour)
		held := b.lease("w")
		b.tallied(i.ID)
		b.ok(l.BeginMark(held.Chunk, held.Rows[0].N, held.Fence).Wait(ctx))
		b.tallied(i.ID)
		b.ok(b.Release(ctx, held.Chunk, held.Fence))
		b.tallied(i.ID)
		// What is heard after the release is counted, too.
		b.ok(l.Settle(ctx, settlement(held, 0, newsletter.Sent)))
		b.tallied(i.ID)
		must(b.RetryFailed(ctx, i.ID))(b)
		b.tallied(i.ID)
		must(b.Cancel(ctx, i.ID, "enough"))(b)
		b.tallied(i.ID)
	})
}

func TestPace(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mailed(10, map[string]int{"big.example": 40, "small.example": 5})
		l := b.ledger(b.Store)
		b.Advance(10 * time.Minute)
		equal(b, len(must(b.IssuePace(ctx, i.ID, time.Minute))(b)), 0)
		b.work(l, func(newsletter.Delivery) store.Settlement {
			b.Advance(time.Second)
			return store.Settlement{State: newsletter.Sent, Reply: sentReply}
		})
		pace := must(b.IssuePace(ctx, i.ID, time.Minute))(b)
		equal(b, []int{pace["big.example"].Settled, pace[""].Settled}, []int{40, 5})
		if sum := pace["big.example"].PerSecond() + pace[""].PerSecond(); sum < 0.95 || sum > 1.05 {
			b.Errorf("one a second is measured as %v", sum)
		}
		b.Advance(2 * time.Minute)
		equal(b, len(must(b.IssuePace(ctx, i.ID, time.Minute))(b)), 0)
	})
}

func TestPastRate(t *testing.T) {
	each(t, func(b *bench) {
		equal(b, must(b.PastRate(ctx, false))(b), store.PastRate{})
		b.mailed(10, map[string]int{"big.example": 300})
		l := b.ledger(b.Store)
		n := 0
		b.work(l, func(newsletter.Delivery) store.Settlement {
			if n++; n%4 == 0 {
				b.Advance(time.Second)
			}
			return store.Settlement{State: newsletter.Sent, Reply: sentReply}
		})
		past := must(b.PastRate(ctx, false))(b)
		if past.Newsletter != "weekly" || past.Number != 1 || past.Rate < 3.5 || past.Rate > 4.5 {
			b.Errorf("four a second are measured as %+v", past)
		}
		equal(b, must(b.PastRate(ctx, true))(b), store.PastRate{})
	})
}

// The breaker's pause holds what the issue suppressed, before and after it.
func TestBreakerHolds(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mailed(10, map[string]int{"big.example": 4})
		l := b.ledger(b.Store)
		c := b.lease("w")
		bounce := func(row int) {
			b.Helper()
			x := settlement(c, row, newsletter.Failed)
			x.Suppress, x.Reply = true, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Text: "5.1.1 no"}
			b.ok(l.Settle(ctx, x))
		}
		for _, d := range c.Rows {
			b.ok(l.BeginMark(c.Chunk, d.N, c.Fence).Wait(ctx))
		}
		bounce(0)
		b.ok(b.Suppress(ctx, "old@example.org", newsletter.CauseBounce, 0, "", b.Now()))
		b.ok(b.Pause(ctx, i.ID, newsletter.ByBreaker, "too many failures"))
		b.is(b.Pause(ctx, i.ID, newsletter.ByCanary, "again"), store.ErrConflict)
		b.ok(b.Pause(ctx, i.ID, newsletter.ByOperator, "I look at it"))
		now := must(b.Issue(ctx, i.ID))(b)
		equal(b, []string{string(now.PausedBy), now.Reason}, []string{"breaker", "I look at it"})
		bounce(1) // was in flight
		b.ok(b.Suppress(ctx, c.Rows[2].Email, newsletter.CauseComplaint, i.ID, "", b.Now()))
		equal(b, must(b.Complaints(ctx, i.ID))(b), 1)
		held := func() int { return len(must(b.Suppressions(ctx, store.SuppressionQuery{Held: true}))(b)) }
		equal(b, held(), 3)
		b.is(b.Release(ctx, c.Chunk, c.Fence), nil)

		// Held is suppressed.
		equal(b, must(b.RetryFailed(ctx, i.ID))(b), 0)
		equal(b, must(b.ConfirmSuppressions(ctx, i.ID+1))(b), 0)
		equal(b, must(b.LiftIssueSuppressions(ctx, i.ID))(b), 3)
		equal(b, held(), 0)
		equal(b, len(must(b.Suppressions(ctx, store.SuppressionQuery{}))(b)), 1)
		equal(b, must(b.RetryFailed(ctx, i.ID))(b), 2)

		b.ok(b.Suppress(ctx, c.Rows[2].Email, newsletter.CauseComplaint, i.ID, "", b.Now()))
		equal(b, held(), 1)
		equal(b, must(b.ConfirmSuppressions(ctx, 0))(b), 1)
		equal(b, []int{held(), must(b.LiftIssueSuppressions(ctx, i.ID))(b)}, []int{0, 0}) // a complaint is its owner's word

		// What was is no reason to stop it again.
		b.ok(b.Resume(ctx, i.ID))
		standing := must(b.Sending(ctx, false))(b)
		if d := cmp.Diff([]store.Standing{{Issue: i.ID, Newsletter: "weekly", Number: 1, BaseComplaints: 1}}, standing); d != "" {
			b.Error(d)
		}
	})
}

// The canary is a random slice of all receivers; the rest is leased only later.
func TestCanaryGoesFirst(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mailed(50, map[string]int{"big.example": 100, "other.example": 60}, func(n *store.NewIssue) { n.Canary = 0.3 })
		canary, receivers := 0, map[string]bool{}
		for _, g := range must(b.GroupTallies(ctx, i.ID))(b) {
			if g.Wave == 0 {
				canary += g.Total()
				receivers[g.Group] = true
			}
		}
		if canary < 20 || canary > 80 || len(receivers) != 2 {
			b.Fatalf("%d of 160 in the canary, at %v", canary, receivers)
		}
		l := b.ledger(b.Store)
		got := 0
		all := func(newsletter.Delivery) store.Settlement {
			got++
			return store.Settlement{State: newsletter.Sent, Reply: sentReply}
		}
		b.work(l, all)
		equal(b, got, canary)
		open, _, err := b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, open, 0)
		b.is(b.Resume(ctx, i.ID), store.ErrConflict) // it is not paused, and the canary not looked at
		standing := must(b.Sending(ctx, false))(b)
		equal(b, []bool{standing[0].Canary, standing[0].Tried}, []bool{true, false})
		b.ok(b.CanaryTried(ctx, i.ID))
		b.Advance(time.Hour)
		b.ok(b.CanaryTried(ctx, i.ID)) // the first counts
		standing = must(b.Sending(ctx, false))(b)
		equal(b, standing[0].Tried, true)
		equal(b, standing[0].TriedFor, time.Hour)
		b.ok(b.Resume(ctx, i.ID)) // now it lets the rest go
		b.work(l, all)
		equal(b, got, 160)
		equal(b, b.state(i.ID), newsletter.IssueSent)
	})
}

func TestResting(t *testing.T) {
	each(t, func(b *bench) {
		b.mailed(10, map[string]int{"big.example": 4})
		_, err := b.LeaseChunk(ctx, "w", false, time.Minute, false, store.Except{Newsletters: []string{"other", "weekly"}})
		b.is(err, store.ErrNotFound)
		open, _, err := b.OpenWork(ctx, false, "weekly")
		b.ok(err)
		equal(b, open, 0)
		must(b.LeaseChunk(ctx, "w", false, time.Minute, false, store.Except{Newsletters: []string{"other"}}))(b)
	})
}

// Another process hears at once of what an operator does, where the database can
// tell.
func TestListen(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mailed(10, map[string]int{"big.example": 4})
		stop, cancel := context.WithCancel(ctx)
		heard, ended := make(chan struct{}, 100), make(chan error)
		other := b.again()
		go func() { ended <- other.Listen(stop, func() { heard <- struct{}{} }) }()
		if b.Engine() == "postgres" {
			// It listens some time after Listen was called: tell it until it hears.
			for told := false; !told; {
				b.ok(b.Pause(ctx, i.ID, newsletter.ByOperator, "wait"))
				select {
				case <-heard:
					told = true
				case <-time.After(10 * time.Millisecond):
				}
			}
		}
		cancel()
		b.ok(<-ended)
	})
}

func TestHistory(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mailed(3, map[string]int{"big.example": 8})
		l := b.ledger(b.Store)
		who := must(b.SubscriberByEmail(ctx, "p5@big.example"))(b)
		b.work(l, func(d newsletter.Delivery) store.Settlement {
			if d.Subscriber == who.ID {
				return store.Settlement{State: newsletter.Failed, Reply: newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Text: "5.7.1 no"}}
			}
			return store.Settlement{State: newsletter.Sent, Reply: sentReply}
		})
		equal(b, must(b.History(ctx, who.ID, false, 0))(b), []store.PastDelivery{{
			Newsletter: "weekly", Number: i.Number, Digest: 1, Issue: newsletter.IssueSent, Subject: "News", State: newsletter.Failed, Attempts: 1,
			FirstTry: b.Now(), At: b.Now(), Code: 550, Reply: "5.7.1 no",
		}})
		equal(b, len(must(b.History(ctx, who.ID, true, 100))(b)), 0)
		b.ok(b.RemoveSubscriber(ctx, "p5@big.example", "weekly", b.Now()))
		equal(b, must(b.Tombstones(ctx, "p5@big.example"))(b), []store.Tombstone{{Newsletter: "weekly", Cause: "removed", At: b.Now()}})
		equal(b, len(must(b.Tombstones(ctx, "p4@big.example"))(b)), 0)
	})
}
