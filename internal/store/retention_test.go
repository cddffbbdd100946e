package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// mixed sends an issue to n people: every third is refused, every fifth is in doubt.
func (b *bench) mixed(n, chunkSize int) newsletter.Issue {
	b.Helper()
	i, _ := b.sending(n, chunkSize)
	ledger := b.ledger(b.Store)
	for b.state(i.ID) == newsletter.IssueSending {
		l := b.lease("w")
		var settled []store.Ticket
		for k, d := range l.Rows {
			x := settlement(l, k, newsletter.Sent)
			switch {
			case d.Subscriber%3 == 0:
				x.State, x.Reply = newsletter.Failed, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Text: "5.7.1 <" + d.Email + "> is not liked here"}
			case d.Subscriber%5 == 0:
				x.State, x.Reply = newsletter.Uncertain, newsletter.Reply{Phase: newsletter.PhaseDot}
			}
			settled = append(settled, ledger.BeginSettle(x, nil))
		}
		for _, t := range settled {
			b.ok(t.Wait(ctx))
		}
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
	}
	return must(b.Issue(ctx, i.ID))(b)
}

// counted is all that is counted of an issue.
type counted struct {
	Groups     []store.GroupTally
	Failures   []store.Failure
	Bounces    []store.BounceCount
	Complaints int
}

func (b *bench) counted(issue int64) (c counted) {
	b.Helper()
	c.Groups = must(b.GroupTallies(ctx, issue))(b)
	c.Bounces = must(b.CountBounces(ctx, issue, time.Time{}))(b)
	c.Complaints = must(b.Complaints(ctx, issue))(b)
	c.Failures = must(b.IssueFailures(ctx, issue, 0))(b)
	for k := range c.Failures {
		c.Failures[k].Example = "" // of a person
	}
	return c
}

// TestForgetDeliveries: what became of each delivery goes when its issue was over long
// enough, and its counts stay.
func TestForgetDeliveries(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mixed(40, 7)
		before := b.counted(i.ID)
		rows := func(where string) int {
			b.Helper()
			return must(b.CountRaw(ctx, "SELECT count(*) FROM deliveries "+where))(b)
		}
		replies := rows("WHERE reply IS NOT NULL")

		b.Advance(10 * day24)
		equal(b, b.forget(store.RetainedReplies, 11*day24), 0)
		equal(b, b.forget(store.RetainedDeliveries, 11*day24), 0)
		equal(b, b.forget(store.RetainedReplies, 9*day24), replies)
		equal(b, []int{rows(""), rows("WHERE reply IS NOT NULL")}, []int{40, 0})
		equal(b, b.counted(i.ID), before)
		equal(b, b.forget(store.RetainedDeliveries, 9*day24), 40)
		equal(b, rows(""), 0)
		equal(b, b.counted(i.ID), before)
		equal(b, must(b.IssueFailures(ctx, i.ID, 1))(b)[0].Example, newsletter.MaskAddress("")) // nobody's
		for _, kind := range []store.Retained{store.RetainedReplies, store.RetainedDeliveries} {
			equal(b, b.forget(kind, 9*day24), 0)
		}
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM chunks WHERE first_subscriber > 0 OR last_subscriber > 0"))(b), 0)

		// What is not known any more cannot be tried again.
		_, err := b.RetryFailed(ctx, i.ID)
		b.is(err, store.ErrConflict)
		_, err = b.RetryUncertain(ctx, i.ID)
		b.is(err, store.ErrConflict)
		equal(b, b.counted(i.ID), before)
		equal(b, must(b.Retentions(ctx))(b), []store.Retention{
			{Kind: store.RetainedDeliveries, At: b.Now(), Removed: 0, Total: 40}, {Kind: store.RetainedReplies, At: b.Now(), Removed: 0, Total: replies},
		})
	})
}

// TestForgetOpenIssues: nothing goes of an issue that is not over, or was taken up again.
func TestForgetOpenIssues(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mixed(15, 4)
		b.Advance(100 * day24)
		failed := must(b.RetryFailed(ctx, i.ID))(b)
		equal(b, b.state(i.ID), newsletter.IssueSending)
		equal(b, b.forget(store.RetainedDeliveries, 30*day24), 0)
		equal(b, b.counts(i.ID)[newsletter.Pending], failed)
		for b.state(i.ID) == newsletter.IssueSending {
			must(b.deliverIssue())(b)
		}
		equal(b, b.forget(store.RetainedDeliveries, 30*day24), 0) // it is over since now
		b.Advance(31 * day24)
		paused, _ := b.sending(3, 2)
		b.ok(b.Pause(ctx, paused.ID, newsletter.ByOperator, "to think"))
		cancelled, _ := b.sending(2, 2)
		held := b.lease("a worker that dies")
		must(b.Cancel(ctx, cancelled.ID, "a slip"))(b)
		b.Advance(100 * day24)
		all := must(b.CountRaw(ctx, "SELECT count(*) FROM deliveries"))(b)
		want := 15 + must(b.Issue(ctx, cancelled.ID))(b).Recipients
		n := 0
		b.ok(b.Forget(ctx, store.RetainedDeliveries, b.Now().Add(-30*day24), b.Now(), func(k int) error { n += k; return nil }))
		equal(b, n, want)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM deliveries"))(b), all-want)

		// Who slept for so long hears that it is over, and changes nothing.
		before := b.counted(cancelled.ID)
		b.is(b.Release(ctx, held.Chunk, held.Fence), store.ErrStale)
		b.is(b.ledger(b.Store).BeginMark(held.Chunk, 1, held.Fence).Wait(ctx), store.ErrStale)
		b.ok(b.ledger(b.Store).Settle(ctx, settlement(held, 0, newsletter.Sent)))
		equal(b, b.counted(cancelled.ID), before)
	})
}

// TestForgetInterrupted: a pass that is killed is gone on with, and counted once.
func TestForgetInterrupted(t *testing.T) {
	each(t, func(b *bench) {
		i := b.mixed(103, 1) // more chunks than a step takes
		before := b.counted(i.ID)
		b.Advance(40 * day24)
		killed, gone := errors.New("killed"), 0
		err := b.Forget(ctx, store.RetainedDeliveries, b.Now().Add(-30*day24), b.Now(), func(n int) error { gone += n; return killed })
		b.is(err, killed)
		if gone == 0 || gone == 103 {
			b.Fatalf("%d deliveries went before it was killed", gone)
		}
		equal(b, b.counted(i.ID), before)
		equal(b, must(b.Retentions(ctx))(b), []store.Retention{{Kind: store.RetainedDeliveries, Total: gone}})
		equal(b, b.forget(store.RetainedDeliveries, 30*day24), 103-gone)
		equal(b, b.counted(i.ID), before)
		equal(b, must(b.Retentions(ctx))(b), []store.Retention{{Kind: store.RetainedDeliveries, At: b.Now(), Removed: 103, Total: 103}})
	})
}

// TestForgetWhileSending: an issue goes out while an old one is forgotten.
func TestForgetWhileSending(t *testing.T) {
	each(t, func(b *bench) {
		old := b.mixed(102, 1)
		before := b.counted(old.ID)
		b.Advance(40 * day24)
		i, _ := b.sending(18, 20)
		err := b.Forget(ctx, store.RetainedDeliveries, b.Now().Add(-30*day24), b.Now(), func(int) error {
			_, err := b.deliverIssue()
			return err
		})
		b.ok(err)
		for b.state(i.ID) == newsletter.IssueSending {
			must(b.deliverIssue())(b)
		}
		equal(b, b.counts(i.ID)[newsletter.Sent], 120)
		equal(b, b.counted(old.ID), before)
	})
}

// TestForgetLeft: of who left long ago a keyed hash stays, and brings nobody back but
// themselves.
func TestForgetLeft(t *testing.T) {
	each(t, func(b *bench) {
		ann, i := b.sentTo("ann@example.org")
		must(b.SyncNewsletter(ctx, "other", false, b.Now()))(b)
		for _, name := range []string{"weekly", "other"} {
			equal(b, must(b.AddSubscriber(ctx, name, line("bob@example.org", "name", "Bob"), "cli", b.Now()))(b), store.Created)
		}
		bob := must(b.SubscriberByEmail(ctx, "bob@example.org"))(b).ID
		whose := &newsletter.Returned{Subscriber: ann, Issue: i.ID}
		b.bounce(store.Bounced{Kind: newsletter.ReportBlock, Returned: whose, Said: []byte("1"), Words: "Ann is out"}, store.BounceNoted)
		must(b.letter(newsletter.LetterAccess, ann, ""))(b)
		for _, id := range []int64{ann, bob} {
			must(b.Unsubscribe(ctx, id, "weekly", "page", b.Now()))(b)
		}
		b.Advance(20 * day24)
		equal(b, b.forget(store.RetainedUnsubscribed, 21*day24), 0)
		equal(b, b.forget(store.RetainedUnsubscribed, 19*day24), 2)

		_, err := b.SubscriberByEmail(ctx, "ann@example.org")
		b.is(err, store.ErrNotFound)
		for _, table := range []string{"letters WHERE address <> ''", "bounces WHERE words <> ''"} {
			equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM "+table))(b), 0)
		}
		equal(b, must(b.CountBounces(ctx, i.ID, time.Time{}))(b), []store.BounceCount{{newsletter.ReportBlock, 1}})
		equal(b, must(b.Subscription(ctx, bob, "other"))(b).State, newsletter.SubscriptionConfirmed)
		_, err = b.Subscription(ctx, bob, "weekly")
		b.is(err, store.ErrNotFound)

		for _, email := range []string{"ann@example.org", "BOB@example.org"} {
			for _, source := range []string{"cli", "file"} {
				equal(b, must(b.AddSubscriber(ctx, "weekly", line(email), source, b.Now()))(b), store.Gone)
			}
			equal(b, must(b.JudgeLines(ctx, "weekly", false, []newsletter.Line{line(email)}))(b), []store.AddResult{store.WasLeft})
			equal(b, must(b.SyncList(ctx, "weekly", []newsletter.Line{line(email)}, false, b.Now()))(b).Refused, 1)
		}
		equal(b, b.signUp("ann@example.org", ""), store.SignUpConfirm)
		equal(b, must(b.Confirm(ctx, b.delivered().Chunk, "", b.Now()))(b), true)
		equal(b, b.subscription("ann@example.org").State, newsletter.SubscriptionConfirmed)
		equal(b, len(must(b.Tombstones(ctx, "ann@example.org"))(b)), 0)
	})
}

// TestForgetTouched: who left and asked to come back is not forgotten meanwhile.
func TestForgetTouched(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		must(b.AddSubscriber(ctx, "weekly", line("ann@example.org"), "cli", b.Now()))(b)
		must(b.Unsubscribe(ctx, must(b.SubscriberByEmail(ctx, "ann@example.org"))(b).ID, "weekly", "page", b.Now()))(b)
		b.Advance(40 * day24)
		equal(b, b.signUp("ann@example.org", ""), store.SignUpConfirm)
		equal(b, b.forget(store.RetainedUnsubscribed, 30*day24), 0)
		equal(b, must(b.Confirm(ctx, b.delivered().Chunk, "", b.Now()))(b), true)
	})
}

// TestForgetTheRest: what people wrote, imports, notes of suppressions, and letters that
// nobody delivers.
func TestForgetTheRest(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		must(b.Unsubscribe(ctx, ids[0], "weekly", "page", b.Now()))(b)
		must(b.GiveReason(ctx, ids[0], "weekly", newsletter.LeaveReasons()[0], "my name is Ann", b.Now()))(b)
		i := must(b.BeginImport(ctx, store.Import{Newsletter: "weekly", File: "list.csv", Hash: "h"}, b.Now()))(b)
		b.ok(b.EndImport(ctx, &i, b.Now()))
		running := must(b.BeginImport(ctx, store.Import{Newsletter: "weekly", File: "longer.csv", Hash: "h2"}, b.Now()))(b)
		for email, cause := range map[string]newsletter.Cause{"a@example.org": newsletter.CauseBounce, "b@example.org": newsletter.CauseOperator} {
			b.ok(b.Suppress(ctx, email, cause, 0, "a note", b.Now()))
		}
		b.ok(b.Suppress(ctx, "c@example.org", newsletter.CauseBounce, 0, "import 7", b.Now()))
		must(b.letter(newsletter.LetterAccess, ids[1], ""))(b) // and no worker comes
		b.Advance(50 * day24)

		for kind, want := range map[store.Retained]int{
			store.RetainedReasons: 1, store.RetainedImports: 1, store.RetainedReplies: 1, store.RetainedLetters: 1,
		} {
			equal(b, b.forget(kind, 51*day24), 0)
			equal(b, b.forget(kind, 49*day24), want)
			equal(b, b.forget(kind, 49*day24), 0)
		}
		counts, words, err := b.Reasons(ctx, "weekly", 0)
		b.ok(err)
		equal(b, []int{len(counts), len(words)}, []int{1, 0})
		_, err = b.Import(ctx, i.ID)
		b.is(err, store.ErrNotFound)
		must(b.Import(ctx, running.ID))(b)
		for email, note := range map[string]string{"a@example.org": "", "b@example.org": "a note", "c@example.org": "import 7"} {
			equal(b, must(b.Suppression(ctx, email))(b).Note, note)
		}
		b.is(b.Forget(ctx, "everything", b.Now(), b.Now(), func(int) error { return nil }), store.ErrNotFound)
	})
}

// TestComplaintAgain: who complains again does so now, so that a letter of before does
// not lift it.
func TestComplaintAgain(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		for n, cause := range []newsletter.Cause{newsletter.CauseComplaint, newsletter.CauseErasure} {
			email := fmt.Sprintf("p%d@example.org", n)
			b.ok(b.Suppress(ctx, email, cause, 7, "first", b.Now()))
			b.Advance(time.Hour)
			equal(b, b.signUp(email, ""), store.SignUpConfirm)
			letter := b.delivered()
			b.Advance(time.Hour)
			b.ok(b.Suppress(ctx, email, newsletter.CauseComplaint, 8, "again", b.Now()))
			p := must(b.Suppression(ctx, email))(b)
			equal(b, []any{p.Cause, p.Issue, p.Note, p.At}, []any{cause, int64(7), "first", b.Now()})
			_, err := b.Confirm(ctx, letter.Chunk, "", b.Now())
			b.is(err, store.ErrStale)
		}
	})
}

// TestErasedFromFiles: who is erased is in no file any more: neither in the
// database nor in its log.
func TestErasedFromFiles(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s := storetest.Open(t, dsn)
	b := &bench{T: t, Store: s, clock: newClock()}
	b.subscribe("weekly", 20)
	must(b.AddSubscriber(ctx, "weekly", line("a.very.special.person@example.org", "name", "Ann Special"), "cli", b.Now()))(b)
	b.subscribe("weekly", 20)
	id := must(b.SubscriberByEmail(ctx, "a.very.special.person@example.org"))(b).ID
	must(b.letter(newsletter.LetterAccess, id, ""))(b)
	file := strings.TrimPrefix(dsn, "sqlite:")
	found := func() (where []string) {
		t.Helper()
		for _, name := range []string{file, file + "-wal"} {
			data, err := os.ReadFile(name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte("very.special")) || bytes.Contains(data, []byte("Ann Special")) {
				where = append(where, filepath.Base(name))
			}
		}
		return where
	}
	if len(found()) == 0 {
		t.Fatal("nobody is there to erase")
	}
	b.ok(b.Erase(ctx, "a.very.special.person@example.org", b.Now()))
	equal(b, found(), nil)
}

// TestLogNotEmptied: writers wait for other processes as before, also where the log could
// not be emptied.
func TestLogNotEmptied(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t))
	b := &bench{T: t, Store: s, clock: newClock()}
	before := must(s.WriterWaits(ctx))(b)
	b.ok(s.WriterExec(ctx, "BEGIN IMMEDIATE")) // a connection that is in a transaction cannot
	if err := s.EmptyLog(ctx); err == nil {
		t.Error("the log was emptied within a transaction")
	}
	b.ok(s.WriterExec(ctx, "ROLLBACK"))
	equal(b, must(s.WriterWaits(ctx))(b), before)
	b.ok(s.EmptyLog(ctx))
	equal(b, must(s.WriterWaits(ctx))(b), before)
}

// TestEraseWhileRead: somebody is erased though a reader keeps the log from being emptied.
func TestEraseWhileRead(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s := storetest.Open(t, dsn)
	b := &bench{T: t, Store: s, clock: newClock()}
	must(b.AddSubscriber(ctx, "weekly", line("ann@example.org"), "cli", b.Now()))(b)
	end := must(s.HoldRead(ctx))(b)
	b.ok(b.Erase(ctx, "ann@example.org", b.Now()))
	end()
	_, err := b.SubscriberByEmail(ctx, "ann@example.org")
	b.is(err, store.ErrNotFound)
}
