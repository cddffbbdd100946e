package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// sending makes an issue that is being sent to n subscribers.
func (b *bench) sending(n, chunkSize int) (newsletter.Issue, []int64) {
	b.Helper()
	ids := b.subscribe("weekly", n)
	b.publish(1)
	i := b.compose("weekly")
	b.seal(i, chunkSize)
	return must(b.Issue(ctx, i.ID))(b), ids
}

func TestWorkersNeverShareAChunk(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(60, 3)
		type took struct {
			leases []store.Lease
			err    error
		}
		done := make(chan took)
		for w, s := range []*store.Store{b.Store, b.Store, b.again(), b.again()} {
			go func() {
				var x took
				for {
					l, err := s.LeaseChunk(ctx, string(rune('a'+w)), false, time.Minute, false)
					if err != nil {
						if !errors.Is(err, store.ErrNotFound) {
							x.err = err
						}
						done <- x
						return
					}
					x.leases = append(x.leases, l)
				}
			}()
		}
		chunks, people := map[int64]bool{}, map[int64]bool{}
		for range 4 {
			x := <-done
			b.ok(x.err)
			for _, l := range x.leases {
				if chunks[l.Chunk] || l.Fence != 1 || l.Issue != i.ID {
					b.Errorf("chunk %d again, fence %d", l.Chunk, l.Fence)
				}
				chunks[l.Chunk] = true
				for _, d := range l.Rows {
					people[d.Subscriber] = true
				}
			}
		}
		equal(b, len(chunks), 20)
		equal(b, len(people), len(ids))
	})
}

func TestExpiredLease(t *testing.T) {
	for _, hold := range []bool{false, true} {
		t.Run(map[bool]string{false: "resend", true: "hold"}[hold], func(t *testing.T) {
			each(t, func(b *bench) {
				i, _ := b.sending(4, 2)
				ledger := b.ledger(b.Store)
				dead := b.lease("dead")
				b.ok(ledger.BeginMark(dead.Chunk, 1, dead.Fence).Wait(ctx))
				b.Advance(29 * time.Second)
				other := b.lease("alive")
				if other.Chunk == dead.Chunk {
					b.Fatal("leased twice")
				}
				b.Advance(2 * time.Second)
				lost := must(b.Renew(ctx, "alive", map[int64]int64{other.Chunk: other.Fence}, 30*time.Second))(b)
				equal(b, len(lost), 0)

				again := must(b.LeaseChunk(ctx, "alive", false, 30*time.Second, hold))(b)
				if again.Chunk != dead.Chunk || again.Fence != dead.Fence+1 {
					b.Fatalf("%+v", again)
				}
				if hold {
					equal(b, len(again.Rows), 1)
					equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Uncertain: 1, newsletter.Pending: 3})
				} else {
					equal(b, len(again.Rows), 2)
					if r := again.Rows[0]; r.Attempts != 1 || !r.FirstTry.Equal(day.Add(r.FirstTry.Sub(day))) || r.FirstTry.IsZero() {
						b.Errorf("%+v", r)
					}
				}

				// The one who was thought dead is refused, but for a fact.
				b.is(ledger.BeginMark(dead.Chunk, 2, dead.Fence).Wait(ctx), store.ErrStale)
				b.is(ledger.Settle(ctx, settlement(dead, 1, newsletter.Failed)), store.ErrStale)
				b.is(b.Release(ctx, dead.Chunk, dead.Fence), store.ErrStale)
				equal(b, must(b.Renew(ctx, "dead", map[int64]int64{dead.Chunk: dead.Fence}, time.Minute))(b), []int64{dead.Chunk})
				b.ok(ledger.Settle(ctx, settlement(dead, 0, newsletter.Sent)))
				equal(b, b.counts(i.ID)[newsletter.Sent], 1)
				if !hold { // nobody sends it again
					b.is(ledger.BeginMark(again.Chunk, 1, again.Fence).Wait(ctx), store.ErrStale)
				}
			})
		})
	}
}

func TestReleaseAndTheEnd(t *testing.T) {
	each(t, func(b *bench) {
		i, _ := b.sending(4, 2)
		ledger := b.ledger(b.Store)
		one, two := b.lease("w"), b.lease("w")
		b.ok(ledger.Settle(ctx, settlement(one, 0, newsletter.Sent)))
		retry := settlement(one, 1, newsletter.Pending)
		retry.RetryIn, retry.Reply = 10*time.Minute, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 451, Text: "later"}
		b.ok(ledger.Settle(ctx, retry))
		b.ok(b.Release(ctx, one.Chunk, one.Fence))
		b.noLease()
		open, next, err := b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, open, 2)
		equal(b, next, 30*time.Second) // of the leased one

		// Given back untouched: at once for the next.
		b.ok(b.Release(ctx, two.Chunk, two.Fence))
		b.is(b.Release(ctx, two.Chunk, two.Fence+1), store.ErrStale)
		two = b.lease("x")
		equal(b, len(two.Rows), 2)
		equal(b, two.Rows[0].Attempts, 0)
		b.ok(ledger.Settle(ctx, settlement(two, 0, newsletter.Failed)))
		b.ok(ledger.Settle(ctx, settlement(two, 1, newsletter.Sent)))
		b.ok(b.Release(ctx, two.Chunk, two.Fence))
		equal(b, b.state(i.ID), newsletter.IssueSending)
		_, next, err = b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, next, retry.RetryIn)

		b.Advance(10 * time.Minute)
		one = b.lease("w")
		if len(one.Rows) != 1 || one.Rows[0].Attempts != 1 || one.Rows[0].FirstTry.IsZero() {
			b.Fatalf("%+v", one)
		}
		b.ok(ledger.BeginMark(one.Chunk, one.Rows[0].N, one.Fence).Wait(ctx))
		b.ok(ledger.Settle(ctx, settlement(one, 0, newsletter.Sent)))
		b.ok(b.Release(ctx, one.Chunk, one.Fence))
		done := must(b.Issue(ctx, i.ID))(b)
		if done.State != newsletter.IssueSent || !done.DoneAt.Equal(b.Now()) {
			b.Errorf("%+v", done)
		}
		open, _, err = b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, open, 0)
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Sent: 3, newsletter.Failed: 1})
		equal(b, must(b.IssueFailures(ctx, i.ID, 10))(b), []store.Failure{{State: newsletter.Failed, Code: 250, Count: 1, Example: newsletter.MaskAddress(two.Rows[0].Email)}})
	})
}

// Two workers that close the last two chunks at the same time finish the issue.
func TestTheLastReleasesTogether(t *testing.T) {
	each(t, func(b *bench) {
		i, _ := b.sending(8, 1)
		ledger := b.ledger(b.Store)
		var leases []store.Lease
		for range 8 {
			l := b.lease("w")
			b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
			leases = append(leases, l)
		}
		stores := []*store.Store{b.Store, b.again()}
		done := make(chan error)
		for k, l := range leases {
			go func() { done <- stores[k%2].Release(ctx, l.Chunk, l.Fence) }()
		}
		for range leases {
			b.ok(<-done)
		}
		equal(b, b.state(i.ID), newsletter.IssueSent)
	})
}

// Consent counts until the mark.
func TestUnsubscribedBetweenLeaseAndMark(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(3, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("w")
		if !must(b.Unsubscribe(ctx, ids[0], "weekly", "link", b.Now()))(b) {
			b.Fatal("nothing changed")
		}
		b.ok(b.Suppress(ctx, l.Rows[1].Email, newsletter.CauseComplaint, i.ID, "", b.Now()))
		b.is(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx), store.ErrStale)
		b.is(ledger.BeginMark(l.Chunk, 2, l.Fence).Wait(ctx), store.ErrStale)
		b.ok(ledger.BeginMark(l.Chunk, 3, l.Fence).Wait(ctx))
		b.is(ledger.BeginMark(l.Chunk, 3, l.Fence).Wait(ctx), store.ErrStale) // not twice
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 2, newsletter.Sending: 1})

		// Left while it was in flight: it does not come back as pending.
		must(b.Unsubscribe(ctx, ids[2], "weekly", "link", b.Now()))(b)
		b.ok(ledger.Settle(ctx, settlement(l, 2, newsletter.Pending)))
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 3})
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		equal(b, b.state(i.ID), newsletter.IssueSent)
	})
}

// Who leaves before a message goes out, or is suppressed, and comes back finds its
// articles new again; who got it meanwhile does not.
func TestLeaveAndComeBack(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(6, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("slow")
		leave := func(k int) { must(b.Unsubscribe(ctx, ids[k], "weekly", "link", b.Now()))(b) }
		leave(0)                                                                             // pending
		b.ok(b.Suppress(ctx, l.Rows[1].Email, newsletter.CauseComplaint, i.ID, "", b.Now())) // pending
		b.ok(ledger.BeginMark(l.Chunk, 3, l.Fence).Wait(ctx))                                // in flight, will be deferred
		b.ok(ledger.BeginMark(l.Chunk, 4, l.Fence).Wait(ctx))                                // in flight, will be sent
		b.ok(ledger.BeginMark(l.Chunk, 5, l.Fence).Wait(ctx))                                // in flight, will be overtaken and sent
		b.ok(ledger.BeginMark(l.Chunk, 6, l.Fence).Wait(ctx))                                // in flight, will be overtaken
		for k := 2; k < 6; k++ {
			leave(k)
		}
		b.ok(ledger.Settle(ctx, settlement(l, 2, newsletter.Pending)))
		b.ok(ledger.Settle(ctx, settlement(l, 3, newsletter.Sent)))
		b.Advance(time.Minute)
		b.noLease() // all have left
		b.ok(ledger.Settle(ctx, settlement(l, 4, newsletter.Sent)))
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 4, newsletter.Sent: 2})

		must(b.LiftSuppression(ctx, l.Rows[1].Email))(b)
		var cursors []int64
		for _, id := range ids {
			must(b.Resubscribe(ctx, id, "weekly", b.Now()))(b)
			cursors = append(cursors, must(b.Subscription(ctx, id, "weekly"))(b).Cursor)
		}
		equal(b, cursors, []int64{0, 0, 0, i.Horizon, i.Horizon, 0})
	})
}

// What somebody who left gets of a later issue is not taken back with the first,
// although both have the same horizon.
func TestCancelAfterComingBack(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(2, 10)
		must(b.Unsubscribe(ctx, ids[0], "weekly", "link", b.Now()))(b)
		must(b.Resubscribe(ctx, ids[0], "weekly", b.Now()))(b)
		later := b.compose("weekly")
		b.seal(later, 10)
		equal(b, b.counts(later.ID), map[newsletter.DeliveryState]int{newsletter.Pending: 1})
		must(b.Cancel(ctx, i.ID, "wrong picture"))(b)
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, later.Horizon)
		equal(b, must(b.Subscription(ctx, ids[1], "weekly"))(b).Cursor, 0)
	})
}

// Who leaves while two issues are on their way gets neither, and both are new to
// her when she comes back.
func TestLeaveDuringTwoIssues(t *testing.T) {
	each(t, func(b *bench) {
		_, ids := b.sending(1, 10)
		b.publish(1)
		b.seal(b.compose("weekly"), 10)
		must(b.Unsubscribe(ctx, ids[0], "weekly", "link", b.Now()))(b)
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, 0)
	})
}

// A subscriber who leaves while a dead worker's message is in flight is not
// written to by the next worker.
func TestUnsubscribedBeforeTheNextLease(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(2, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("dead")
		b.ok(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx))
		b.ok(ledger.BeginMark(l.Chunk, 2, l.Fence).Wait(ctx))
		must(b.Unsubscribe(ctx, ids[0], "weekly", "link", b.Now()))(b)
		b.ok(b.RemoveSubscriber(ctx, l.Rows[1].Email, "", b.Now()))
		b.Advance(time.Minute)
		b.noLease()
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 2})
		equal(b, b.state(i.ID), newsletter.IssueSent)
	})
}

func TestPauseAndResume(t *testing.T) {
	each(t, func(b *bench) {
		i, _ := b.sending(4, 2)
		ledger := b.ledger(b.Store)
		l := b.lease("w")
		b.ok(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx))
		b.ok(b.Pause(ctx, i.ID, newsletter.ByOperator, "the relay asks"))
		b.noLease()
		b.is(ledger.BeginMark(l.Chunk, 2, l.Fence).Wait(ctx), store.ErrStale)
		equal(b, must(b.Renew(ctx, "w", map[int64]int64{l.Chunk: l.Fence}, time.Minute))(b), []int64{l.Chunk})
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent))) // what is in flight ends
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		b.Advance(time.Hour)
		b.noLease()
		paused := must(b.Issue(ctx, i.ID))(b)
		if paused.State != newsletter.IssuePaused || paused.Reason != "the relay asks" {
			b.Errorf("%+v", paused)
		}
		b.ok(b.Resume(ctx, i.ID))
		left := len(b.lease("w").Rows) + len(b.lease("w").Rows)
		equal(b, left, 3)
	})
}

func TestCancelReturnsCursors(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(6, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("w")
		row := func(n int) store.Settlement { return settlement(l, n, newsletter.Sent) }
		b.ok(ledger.Settle(ctx, row(0)))                        // was sent
		b.ok(ledger.BeginMark(l.Chunk, 2, l.Fence).Wait(ctx))   // in flight, will be sent
		b.ok(ledger.BeginMark(l.Chunk, 3, l.Fence).Wait(ctx))   // in flight, will be deferred
		failed := settlement(l, 3, newsletter.Failed)           //
		b.ok(ledger.Settle(ctx, failed))                        // failed
		till := b.Now()                                         //
		must(b.Unsubscribe(ctx, ids[5], "weekly", "", till))(b) // left: pending no more

		n := must(b.Cancel(ctx, i.ID, "wrong picture"))(b)
		equal(b, n, 1)
		b.is(second(b.Cancel(ctx, i.ID, "again")), store.ErrConflict)
		b.is(ledger.BeginMark(l.Chunk, 5, l.Fence).Wait(ctx), store.ErrStale)
		b.ok(ledger.Settle(ctx, row(1)))
		b.ok(ledger.Settle(ctx, settlement(l, 2, newsletter.Pending)))
		cursor := func(k int) int64 { return must(b.Subscription(ctx, ids[k], "weekly"))(b).Cursor }
		equal(b, []int64{cursor(0), cursor(1), cursor(2), cursor(3), cursor(4), cursor(5)}, []int64{i.Horizon, i.Horizon, 0, 0, 0, 0})
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Sent: 2, newsletter.Failed: 1, newsletter.Cancelled: 3})
		equal(b, must(b.Track(ctx, "weekly", false))(b).Horizon, 0)
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		equal(b, b.state(i.ID), newsletter.IssueCancelled)
		b.noLease()

		// The articles are new again to those it did not reach.
		next := b.compose("weekly")
		var who []int64
		for _, r := range must(b.Audience(ctx, next, 0, 0, b.Now()))(b) {
			who = append(who, r.Subscriber)
		}
		equal(b, who, []int64{ids[2], ids[3], ids[4]})
	})
}

// A message that arrives although its issue was cancelled served its reader.
func TestSentAfterCancelling(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(1, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("slow")
		b.ok(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx))
		b.Advance(time.Minute)
		b.lease("other") // pending again
		must(b.Cancel(ctx, i.ID, "no"))(b)
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, 0)
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, i.Horizon)
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Sent: 1})
	})
}

// A later issue's cursor stays where that issue put it.
func TestCancelAfterALaterIssue(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(1, 10)
		b.publish(1)
		later := b.compose("weekly")
		b.seal(later, 10)
		must(b.Cancel(ctx, i.ID, "late"))(b)
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, later.Horizon)
		equal(b, must(b.Track(ctx, "weekly", false))(b).Horizon, later.Horizon)
		must(b.Cancel(ctx, later.ID, "too"))(b)
		equal(b, must(b.Subscription(ctx, ids[0], "weekly"))(b).Cursor, i.Horizon)
	})
}

// A cancelled issue whose worker died does not stay open for ever.
func TestCancelledWithADeadWorker(t *testing.T) {
	each(t, func(b *bench) {
		i, _ := b.sending(2, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("dead")
		b.ok(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx))
		must(b.Cancel(ctx, i.ID, "no"))(b)
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Sending: 1, newsletter.Cancelled: 1})
		b.Advance(time.Minute)
		b.noLease()
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Uncertain: 1, newsletter.Cancelled: 1})
	})
}

func TestRetryFailed(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(4, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("w")
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Failed)))
		suppressing := settlement(l, 1, newsletter.Failed)
		suppressing.Suppress = true
		b.ok(ledger.Settle(ctx, suppressing))
		b.ok(ledger.Settle(ctx, settlement(l, 2, newsletter.Uncertain)))
		b.ok(ledger.Settle(ctx, settlement(l, 3, newsletter.Sent)))
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		equal(b, b.state(i.ID), newsletter.IssueSent)
		equal(b, must(b.RetryFailed(ctx, i.ID))(b), 1)
		equal(b, b.state(i.ID), newsletter.IssueSending)
		l = b.lease("w")
		if len(l.Rows) != 1 || l.Rows[0].Subscriber != ids[0] || l.Rows[0].Attempts != 0 {
			b.Errorf("%+v", l)
		}
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
		equal(b, must(b.RetryUncertain(ctx, i.ID))(b), 1) // while the chunk is held
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		l = b.lease("w")
		equal(b, l.Rows[0].Subscriber, ids[2])
		equal(b, must(b.RetryFailed(ctx, i.ID))(b), 0)
	})
}

func TestFreeLeases(t *testing.T) {
	each(t, func(b *bench) {
		b.sending(1, 10)
		l := b.lease("dead")
		must(b.Claim(ctx, "seal 1", 0, time.Minute))(b)
		b.ok(b.FreeLeases(ctx))
		if left := must(b.Claims(ctx))(b)["seal 1"].Left; (left > 0) != (b.Engine() == "postgres") {
			b.Errorf("the claim of a dead one counts for %s", left)
		}
		if b.Engine() == "postgres" {
			b.noLease() // its owner may live
			return
		}
		if again := b.lease("new"); again.Chunk != l.Chunk || again.Fence <= l.Fence {
			b.Errorf("%+v", again)
		}
	})
}

func TestProgressIsSeen(t *testing.T) {
	each(t, func(b *bench) {
		i, _ := b.sending(2, 10)
		l := b.lease("w")
		b.Advance(time.Hour)
		b.ok(b.ledger(b.Store).Settle(ctx, settlement(l, 0, newsletter.Sent)))
		got := must(b.Issue(ctx, i.ID))(b).ProgressAt
		equal(b, got, b.Now())
		if i.ProgressAt.Equal(got) {
			b.Error("no progress")
		}
	})
}

// A message that is refused for good suppresses in the same step, and cancels
// what another issue still had for that address.
func TestHardBounceAtTheRelay(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(2, 10)
		b.publish(1)
		later := b.compose("weekly")
		b.seal(later, 10)
		ledger := b.ledger(b.Store)
		l := b.lease("w")
		equal(b, l.Issue, i.ID)
		x := settlement(l, 0, newsletter.Failed)
		x.Suppress, x.Reply = true, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.1.1", Text: "550 5.1.1 no such user \x00\xff"}
		b.ok(ledger.Settle(ctx, x))
		equal(b, b.counts(later.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 1, newsletter.Pending: 1})
		p := must(b.Suppression(ctx, l.Rows[0].Email))(b)
		if p.Cause != newsletter.CauseBounce || p.Issue != i.ID || p.Note == "" {
			b.Errorf("%+v", p)
		}
		equal(b, must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b)[0].Count, 1)
		_ = ids
		equal(b, must(b.LiftIssueSuppressions(ctx, i.ID))(b), 1)
		// What was cancelled of the later issue is new to her again.
		equal(b, must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b), []store.GroupCount{
			{Group: newsletter.Group{Cursor: i.Horizon}, Count: 1}, {Group: newsletter.Group{Cursor: later.Horizon}, Count: 1},
		})
	})
}

func TestManyMarksInOneGroup(t *testing.T) {
	each(t, func(b *bench) {
		i, _ := b.sending(100, 25)
		ledger := b.ledger(b.Store)
		var leases []store.Lease
		for range 4 {
			leases = append(leases, b.lease("w"))
		}
		done := make(chan error)
		for _, l := range leases {
			for k := range l.Rows {
				go func() {
					if err := ledger.BeginMark(l.Chunk, l.Rows[k].N, l.Fence).Wait(ctx); err != nil {
						done <- err
						return
					}
					done <- ledger.Settle(ctx, settlement(l, k, newsletter.Sent))
				}()
			}
		}
		for range 100 {
			b.ok(<-done)
		}
		// All at once on one row: one mark wins.
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Sent: 100})
		for _, l := range leases {
			b.ok(b.Release(ctx, l.Chunk, l.Fence))
		}
		equal(b, b.state(i.ID), newsletter.IssueSent)
	})
}

func TestOneMarkWins(t *testing.T) {
	each(t, func(b *bench) {
		b.sending(1, 10)
		l := b.lease("w")
		ledgers := []*store.Ledger{b.ledger(b.Store), b.ledger(b.again())}
		done := make(chan error)
		for k := range 10 {
			go func() { done <- ledgers[k%2].BeginMark(l.Chunk, 1, l.Fence).Wait(ctx) }()
		}
		var results []error
		for range 10 {
			results = append(results, <-done)
		}
		won := len(slices.DeleteFunc(results, func(err error) bool { return errors.Is(err, store.ErrStale) }))
		equal(b, won, 1)
	})
}

func TestLedgerRefuses(t *testing.T) {
	each(t, func(b *bench) {
		i, _ := b.sending(1, 10)
		l := b.lease("w")
		ledger := store.NewLedger(ctx, b.Store)
		b.is(ledger.BeginMark(12345, 1, 1).Wait(ctx), store.ErrStale)
		b.is(ledger.BeginMark(l.Chunk, 99, l.Fence).Wait(ctx), store.ErrStale)
		if err := ledger.Settle(ctx, settlement(l, 0, newsletter.Sending)); err == nil {
			b.Error("settled as sending")
		}
		// Sent absorbs what comes later.
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Failed)))
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Pending)))
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Sent: 1})
		ledger.Close()
		ledger.Close()
		if err := ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx); err == nil {
			b.Error("a closed ledger marked")
		}
	})
}
