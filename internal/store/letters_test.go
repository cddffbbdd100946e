package store_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

var letterContent = newsletter.LetterContent{FromAddress: "news@example.org", Language: "en", Subject: "Confirm", Text: "Click"}

// letter writes a letter to a subscriber.
func (b *bench) letter(kind newsletter.LetterKind, subscriber int64, address string) (newsletter.Letter, error) {
	return b.CreateLetter(ctx, newsletter.Letter{
		Kind: kind, Newsletter: "weekly", Subscriber: subscriber, Address: address, Expires: b.Now().Add(time.Hour),
	}, letterContent, store.LetterCap{Most: 3, Within: 24 * time.Hour}, b.Now())
}

// TestLetterDelivery: a letter goes before issues, once, and its chunk is done.
func TestLetterDelivery(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(3, 10)
		want := must(b.letter(newsletter.LetterConfirm, ids[1], ""))(b)
		own := must(b.Subscription(ctx, ids[1], i.Newsletter))(b).Subscriber.Email
		equal(b, want.Address, own)

		l := b.lease("w")
		want.Owner = own
		equal(b, *l.Letter, want)
		equal(b, []any{l.Issue, l.Group, len(l.Rows), l.Rows[0].Email}, []any{int64(0), "example.org", 1, own})
		equal(b, must(b.Renew(ctx, "w", map[int64]int64{l.Chunk: l.Fence}, time.Minute))(b), nil)
		open, _, err := b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, open, 2)

		ledger := b.ledger(b.Store)
		b.ok(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx))
		b.is(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx), store.ErrStale)
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		equal(b, b.lease("w").Issue, i.ID)
		b.noLease()
		equal(b, must(b.LetterContent(ctx, want.Content))(b), letterContent)
		equal(b, must(b.Letter(ctx, want.Chunk))(b).Address, own)
	})
}

// TestLetterOthersFirst: what keeps issues back keeps no letter back, but a receiver
// that pushes back does.
func TestLetterOthersFirst(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(3, 10)
		b.ok(b.Pause(ctx, i.ID, newsletter.ByOperator, "wait"))
		must(b.letter(newsletter.LetterAccess, ids[0], ""))(b)
		_, _, err := b.SlowGroup(ctx, "example.org", 1, time.Minute, time.Hour, 0.5, "slower")
		b.ok(err)
		b.noLease()
		b.Advance(2 * time.Minute)
		l := must(b.LeaseChunk(ctx, "w", false, time.Minute, false, store.Except{Newsletters: []string{"weekly"}, Groups: []string{"example.org"}, Issues: true}))(b)
		equal(b, l.Letter.Kind, newsletter.LetterAccess)
		_, err = b.LeaseChunk(ctx, "w", true, time.Minute, false)
		b.is(err, store.ErrNotFound) // it is no rehearsal's
	})
}

// TestLetterLet: a complaint keeps no letter back that its owner needs to come back, nor
// one to another address.
func TestLetterLet(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		own := must(b.Subscription(ctx, id, "weekly"))(b).Subscriber.Email
		for kind, to := range map[newsletter.LetterKind]string{newsletter.LetterConfirm: "", newsletter.LetterKnown: "", newsletter.LetterChange: "new@example.net"} {
			must(b.letter(kind, id, to))(b)
		}
		b.ok(b.Suppress(ctx, own, newsletter.CauseComplaint, 0, "", b.Now()))
		got := map[newsletter.LetterKind]string{}
		for range 2 {
			l := b.lease("w")
			got[l.Letter.Kind] = l.Rows[0].Email
		}
		equal(b, got, map[newsletter.LetterKind]string{newsletter.LetterConfirm: own, newsletter.LetterChange: "new@example.net"})
		b.noLease()
	})
}

// TestLetterForgotten: who gives back a letter that another worker sent and that is
// long forgotten hears that it is not his.
func TestLetterForgotten(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 1)
		must(b.letter(newsletter.LetterConfirm, ids[0], ""))(b)
		slow := b.lease("slow")
		b.Advance(31 * time.Second)
		l := b.lease("w")
		b.ok(b.ledger(b.Store).Settle(ctx, settlement(l, 0, newsletter.Sent)))
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		equal(b, b.forget(store.RetainedLetters, -time.Hour), 1)
		b.is(b.Release(ctx, slow.Chunk, slow.Fence), store.ErrStale)
	})
}

// TestLetterAgain: a letter is tried again after a refusal for now, and by another
// worker when the first one died; its row is not sent twice after that.
func TestLetterAgain(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 1)
		must(b.letter(newsletter.LetterConfirm, ids[0], ""))(b)
		l, ledger := b.lease("w"), b.ledger(b.Store)
		b.ok(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx))
		x := settlement(l, 0, newsletter.Pending)
		x.RetryIn = time.Minute
		b.ok(ledger.Settle(ctx, x))
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		b.noLease()
		b.Advance(time.Minute)
		again := b.lease("w")
		b.ok(ledger.BeginMark(again.Chunk, 1, again.Fence).Wait(ctx))
		b.Advance(31 * time.Second) // it died in the middle
		other := b.lease("other")
		equal(b, []any{other.Chunk, other.Fence > again.Fence, other.Rows[0].Attempts}, []any{l.Chunk, true, 2})
		b.is(ledger.BeginMark(again.Chunk, 1, again.Fence).Wait(ctx), store.ErrStale)
		b.ok(ledger.Settle(ctx, settlement(again, 0, newsletter.Sent))) // it did go out: a fact
		b.is(ledger.BeginMark(other.Chunk, 1, other.Fence).Wait(ctx), store.ErrStale)
	})
}

// TestLetterCap: so many letters of a kind go to an address in a day, whoever asks.
func TestLetterCap(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		for range 3 {
			must(b.letter(newsletter.LetterChange, ids[0], "new@example.net"))(b)
		}
		for _, id := range ids {
			_, err := b.letter(newsletter.LetterChange, id, "NEW@example.net")
			b.is(err, store.ErrLimit)
		}
		must(b.letter(newsletter.LetterAccess, ids[0], ""))(b)
		b.Advance(24*time.Hour + time.Millisecond)
		must(b.letter(newsletter.LetterChange, ids[0], "new@example.net"))(b)
	})
}

// TestLettersAskedFor: a subscriber has so many letters of a kind sent to others in a
// day, even if they ask for all at once.
func TestLettersAskedFor(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 2)
		ask := func(id int64, kind newsletter.LetterKind, address string) error {
			_, err := b.CreateLetter(ctx, newsletter.Letter{Kind: kind, Newsletter: "weekly", Subscriber: id, Address: address, Expires: b.Now().Add(time.Hour)},
				letterContent, store.LetterCap{Most: 3, PerSubscriber: 5, Within: 24 * time.Hour}, b.Now())
			return err
		}
		asked := make(chan error)
		for n := range 12 {
			go func() { asked <- ask(ids[0], newsletter.LetterChange, fmt.Sprintf("new%d@example.net", n)) }()
		}
		written := 0
		for range 12 {
			if err := <-asked; err == nil {
				written++
			} else {
				b.is(err, store.ErrLimit)
			}
		}
		equal(b, written, 5)
		b.ok(ask(ids[1], newsletter.LetterChange, "other@example.net"))
		b.ok(ask(ids[0], newsletter.LetterAccess, ""))
		b.Advance(24*time.Hour + time.Millisecond)
		b.ok(ask(ids[0], newsletter.LetterChange, "late@example.net"))
	})
}

// TestLetterUnwanted: no letter goes to where mail must not go, nor after its link
// has ended, nor to somebody who was removed.
func TestLetterUnwanted(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 3)
		email := func(k int) string { return must(b.Subscription(ctx, ids[k], "weekly"))(b).Subscriber.Email }
		for cause, want := range map[newsletter.Cause][2]error{
			newsletter.CauseBounce:    {store.ErrConflict, store.ErrConflict},
			newsletter.CauseOperator:  {store.ErrConflict, store.ErrConflict},
			newsletter.CauseComplaint: {nil, store.ErrConflict},
			newsletter.CauseErasure:   {nil, store.ErrConflict},
		} {
			must(b.LiftSuppression(ctx, email(0)))(b)
			b.ok(b.Suppress(ctx, email(0), cause, 0, "", b.Now()))
			_, err := b.letter(newsletter.LetterConfirm, ids[0], "")
			b.is(err, want[0])
			_, err = b.letter(newsletter.LetterKnown, ids[0], "")
			b.is(err, want[1])
			b.Advance(25 * time.Hour)
		}
		b.noLease() // the links of those that were written have ended

		must(b.letter(newsletter.LetterConfirm, ids[1], ""))(b)
		b.ok(b.Suppress(ctx, email(1), newsletter.CauseBounce, 0, "", b.Now()))
		b.noLease()

		must(b.letter(newsletter.LetterConfirm, ids[2], ""))(b)
		l := b.lease("w")
		must(b.letter(newsletter.LetterKnown, ids[2], ""))(b)
		b.ok(b.RemoveSubscriber(ctx, email(2), "", b.Now()))
		b.is(b.ledger(b.Store).BeginMark(l.Chunk, 1, l.Fence).Wait(ctx), store.ErrStale)
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		b.noLease()
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM letters WHERE subscriber > 0 AND address <> '' AND subscriber = $1", ids[2]))(b), 0)

		_, err := b.letter(newsletter.LetterConfirm, ids[2], "")
		b.is(err, store.ErrNotFound)
		open, _, err := b.OpenWork(ctx, false)
		b.ok(err)
		equal(b, open, 0)
	})
}

// TestLetterBounces: what bounces is where the letter went, not its subscriber.
func TestLetterBounces(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 1)
		must(b.letter(newsletter.LetterChange, ids[0], "nobody@example.net"))(b)
		l, ledger := b.lease("w"), b.ledger(b.Store)
		equal(b, l.Rows[0].Email, "nobody@example.net")
		b.ok(ledger.BeginMark(l.Chunk, 1, l.Fence).Wait(ctx))
		x := settlement(l, 0, newsletter.Failed)
		x.Suppress, x.Reply = true, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Enhanced: "5.1.1", Text: "no such user"}
		b.ok(ledger.Settle(ctx, x))
		equal(b, must(b.Suppression(ctx, "nobody@example.net"))(b).Cause, newsletter.CauseBounce)
		_, err := b.Suppression(ctx, must(b.Subscription(ctx, ids[0], "weekly"))(b).Subscriber.Email)
		b.is(err, store.ErrNotFound)
	})
}

// TestForgetLetters: what was delivered long ago is forgotten, with its rows.
func TestForgetLetters(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 1)
		must(b.letter(newsletter.LetterAccess, ids[0], ""))(b)
		l, ledger := b.lease("w"), b.ledger(b.Store)
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
		b.Advance(time.Hour)
		equal(b, b.forget(store.RetainedLetters, 0), 0) // a worker has it in its hands
		b.ok(b.Release(ctx, l.Chunk, l.Fence))
		must(b.letter(newsletter.LetterAccess, ids[0], ""))(b)
		equal(b, b.forget(store.RetainedLetters, 0), 1)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM deliveries"))(b), 1)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM chunks"))(b), 1)
	})
}

// TestHeldLetters: a letter that may have arrived waits for the operator, who lets it
// go out again or gives it up.
func TestHeldLetters(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 4)
		ledger := b.ledger(b.Store)
		var chunks []int64
		for _, id := range ids {
			l := must(b.letter(newsletter.LetterConfirm, id, ""))(b)
			chunks = append(chunks, l.Chunk)
			lease := b.lease("w")
			b.ok(ledger.BeginMark(lease.Chunk, 1, lease.Fence).Wait(ctx))
			x := settlement(lease, 0, newsletter.Uncertain)
			x.Reply = newsletter.Reply{Phase: newsletter.PhaseDot, Text: "the connection was lost"}
			b.ok(ledger.Settle(ctx, x))
			b.ok(b.Release(ctx, lease.Chunk, lease.Fence))
		}
		b.noLease()
		held := func(want ...int64) {
			b.Helper()
			var got []int64
			for _, h := range must(b.HeldLetters(ctx, false, 0))(b) {
				got = append(got, h.Chunk)
				if h.Kind != newsletter.LetterConfirm || h.Address == "" || h.HeldAt.IsZero() || h.Reply == "" {
					b.Errorf("%+v", h)
				}
			}
			equal(b, got, want)
		}
		held(chunks...)
		equal(b, len(must(b.HeldLetters(ctx, false, 1))(b)), 1)
		equal(b, len(must(b.HeldLetters(ctx, true, 0))(b)), 0)

		equal(b, must(b.DropLetters(ctx, false, chunks[:1], b.Now()))(b), 1)
		equal(b, must(b.DropLetters(ctx, false, chunks[:1], b.Now()))(b), 0)
		equal(b, must(b.ReleaseLetters(ctx, true, nil, b.Now()))(b), 0)
		equal(b, must(b.ReleaseLetters(ctx, false, chunks[:2], b.Now()))(b), 1)
		held(chunks[2:]...)
		l := b.lease("w")
		equal(b, []any{l.Chunk, l.Rows[0].Attempts}, []any{chunks[1], 0})
		b.ok(ledger.Settle(ctx, settlement(l, 0, newsletter.Sent)))
		b.ok(b.Release(ctx, l.Chunk, l.Fence))

		b.Advance(2 * time.Hour) // the links have ended
		equal(b, must(b.ReleaseLetters(ctx, false, nil, b.Now()))(b), 0)
		held(chunks[2:]...)
		equal(b, must(b.DropLetters(ctx, false, nil, b.Now()))(b), 2)
		held()
		b.noLease()
	})
}
