package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

var signUpLimits = store.SignUpLimits{Letters: store.LetterCap{Most: 3, Within: 24 * time.Hour}, PerNetwork: 4, PerDay: 8}

// signUp signs an address up and returns what became of it.
func (b *bench) signUp(email, network string, set ...func(*newsletter.SignUp)) store.SignUpResult {
	b.Helper()
	asked := newsletter.SignUp{At: b.Now(), Source: "form", Network: network}
	for _, f := range set {
		f(&asked)
	}
	b.ok(b.AskSignUp(ctx, "weekly", email, asked, 10))
	waiting := must(b.SignUps(ctx, 0, 10))(b)
	equal(b, len(waiting), 1)
	letters := store.SignUpLetters{Confirm: letterContent, Known: letterContent, Expires: b.Now().Add(7 * 24 * time.Hour), KnownExpires: b.Now().Add(time.Hour)}
	result := must(b.TakeSignUp(ctx, waiting[0], letters, signUpLimits, b.Now()))(b)
	equal(b, must(b.TakeSignUp(ctx, waiting[0], letters, signUpLimits, b.Now()))(b), store.SignUpGone)
	return result
}

// delivered takes the letter that waits out of the way and returns its chunk.
func (b *bench) delivered() newsletter.Letter {
	b.Helper()
	l := b.lease("w")
	b.ok(b.ledger(b.Store).Settle(ctx, settlement(l, 0, newsletter.Sent)))
	b.ok(b.Release(ctx, l.Chunk, l.Fence))
	return *l.Letter
}

func (b *bench) subscription(email string) newsletter.Subscription {
	b.Helper()
	return must(b.Subscription(ctx, must(b.SubscriberByEmail(ctx, email))(b).ID, "weekly"))(b)
}

func TestSignUpAndConfirm(t *testing.T) {
	each(t, func(b *bench) {
		b.sending(1, 10) // the newsletter stands somewhere
		horizon := must(b.Track(ctx, "weekly", false))(b).Horizon
		must(b.deliverIssue())(b)

		equal(b, b.signUp("ann@example.org", "192.0.2.0/24", func(u *newsletter.SignUp) { u.Language, u.Topics = "fr", []string{"sea"} }), store.SignUpConfirm)
		equal(b, b.subscription("ann@example.org").State, newsletter.SubscriptionPending)
		l := b.delivered()
		equal(b, l.Kind, newsletter.LetterConfirm)
		b.Advance(time.Minute)
		for n, fresh := range []bool{true, false} {
			equal(b, must(b.Confirm(ctx, l.Chunk, "192.0.2.0/24", b.Now()))(b), fresh)
			sub := b.subscription("ann@example.org")
			equal(b, []any{sub.State, sub.Source, sub.Subscriber.Language, sub.Topics, sub.Cursor, sub.ConsentAt},
				[]any{newsletter.SubscriptionConfirmed, "form", "fr", []string{"sea"}, horizon, b.Now().Add(-time.Duration(n) * time.Hour)})
			var proof newsletter.Consent
			b.ok(json.Unmarshal([]byte(sub.Proof), &proof))
			equal(b, []any{proof.Source, proof.ConfirmedNetwork}, []any{"form", "192.0.2.0/24"})
			b.Advance(time.Hour)
		}

		equal(b, b.signUp("ann@example.org", "192.0.2.0/24"), store.SignUpKnown)
		equal(b, b.delivered().Kind, newsletter.LetterKnown)

		must(b.Unsubscribe(ctx, l.Subscriber, "weekly", "page", b.Now()))(b)
		_, err := b.Confirm(ctx, l.Chunk, "", b.Now())
		b.is(err, store.ErrStale)
		b.Advance(time.Minute)
		equal(b, b.signUp("ann@example.org", "192.0.2.0/24"), store.SignUpConfirm)
		equal(b, b.subscription("ann@example.org").State, newsletter.SubscriptionUnsubscribed)
		equal(b, must(b.Confirm(ctx, b.delivered().Chunk, "", b.Now()))(b), true)
		equal(b, b.subscription("ann@example.org").Subscriber.Language, "fr") // as it was
		_, err = b.Confirm(ctx, 12345, "", b.Now())
		b.is(err, store.ErrNotFound)
	})
}

// TestReadersAsk: the link to the issues goes to whoever is subscribed, and nothing of
// anybody's subscription changes.
func TestReadersAsk(t *testing.T) {
	each(t, func(b *bench) {
		reader := func(u *newsletter.SignUp) { u.ArchiveOnly = true }
		equal(b, b.signUp("ann@example.org", "", reader), store.SignUpNoOne)
		_, err := b.SubscriberByEmail(ctx, "ann@example.org")
		b.is(err, store.ErrNotFound)

		equal(b, b.signUp("ann@example.org", ""), store.SignUpConfirm)
		confirm := b.delivered()
		equal(b, b.signUp("ann@example.org", "", reader), store.SignUpNoOne) // not yet
		must(b.Confirm(ctx, confirm.Chunk, "", b.Now()))(b)
		before := b.subscription("ann@example.org")
		b.Advance(time.Minute)
		for range 3 {
			equal(b, b.signUp("Ann@example.org", "", reader), store.SignUpReader)
			l := b.delivered()
			equal(b, []any{l.Kind, l.Newsletter, l.Subscriber, l.Address, l.Asked}, []any{newsletter.LetterArchive, "weekly", before.Subscriber.ID, "ann@example.org", ""})
		}
		equal(b, b.signUp("ann@example.org", "", reader), store.SignUpCapped)
		equal(b, b.subscription("ann@example.org"), before)
		b.Advance(25 * time.Hour)
		b.ok(b.Suppress(ctx, "ann@example.org", newsletter.CauseComplaint, 0, "", b.Now()))
		equal(b, b.signUp("ann@example.org", "", reader), store.SignUpRefused)
	})
}

// deliverIssue takes what is sending out of the way.
func (b *bench) deliverIssue() (int, error) {
	l := b.lease("w")
	for n := range l.Rows {
		b.ok(b.ledger(b.Store).Settle(ctx, settlement(l, n, newsletter.Sent)))
	}
	return len(l.Rows), b.Release(ctx, l.Chunk, l.Fence)
}

// TestSignUpSuppressed: the owner's own confirmation lifts what they brought about, and
// nothing else does; a stranger's sign-up lifts nothing.
func TestSignUpSuppressed(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		for n, c := range []struct {
			cause newsletter.Cause
			want  store.SignUpResult
		}{
			{newsletter.CauseBounce, store.SignUpRefused},
			{newsletter.CauseOperator, store.SignUpRefused},
			{newsletter.CauseComplaint, store.SignUpConfirm},
			{newsletter.CauseErasure, store.SignUpConfirm},
		} {
			email := fmt.Sprintf("p%d@example.org", n)
			b.ok(b.Suppress(ctx, email, c.cause, 0, "", b.Now()))
			equal(b, b.signUp(email, fmt.Sprintf("10.0.%d.0/24", n)), c.want)
			equal(b, must(b.Suppression(ctx, email))(b).Cause, c.cause)
			if c.want == store.SignUpRefused {
				b.noLease()
				continue
			}
			equal(b, must(b.Confirm(ctx, b.delivered().Chunk, "", b.Now()))(b), true)
			_, err := b.Suppression(ctx, email)
			b.is(err, store.ErrNotFound)
		}
		equal(b, b.signUp("late@example.org", ""), store.SignUpConfirm)
		l := b.delivered()
		b.ok(b.Suppress(ctx, "late@example.org", newsletter.CauseBounce, 0, "", b.Now()))
		_, err := b.Confirm(ctx, l.Chunk, "", b.Now())
		b.is(err, store.ErrConflict)
	})
}

// TestConfirmAfterComplaint: a complaint is lifted by a letter that was written after
// it, as long as its link is good, and by no other.
func TestConfirmAfterComplaint(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		const ann = "ann@example.org"
		stale := func(l newsletter.Letter) {
			b.Helper()
			_, err := b.Confirm(ctx, l.Chunk, "", b.Now())
			b.is(err, store.ErrStale)
			equal(b, must(b.Suppression(ctx, ann))(b).Cause, newsletter.CauseComplaint)
		}
		equal(b, b.signUp(ann, ""), store.SignUpConfirm)
		first := b.delivered()
		must(b.Confirm(ctx, first.Chunk, "", b.Now()))(b)
		b.Advance(time.Hour)
		b.ok(b.Suppress(ctx, ann, newsletter.CauseComplaint, 0, "", b.Now()))
		stale(first)
		b.Advance(time.Hour)
		equal(b, b.signUp(ann, ""), store.SignUpConfirm)
		second := b.delivered()
		b.Advance(8 * 24 * time.Hour)
		stale(second) // ended
		equal(b, b.signUp(ann, ""), store.SignUpConfirm)
		equal(b, must(b.Confirm(ctx, b.delivered().Chunk, "", b.Now()))(b), true)
		_, err := b.Suppression(ctx, ann)
		b.is(err, store.ErrNotFound)
	})
}

// TestSignUpTags: the addresses of one mailbox have its letters together, until they end.
func TestSignUpTags(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		for n, email := range []string{"ann+1@example.org", "ANN+2@example.org", "ann@example.org", "ann+3@example.org"} {
			equal(b, b.signUp(email, ""), []store.SignUpResult{store.SignUpConfirm, store.SignUpCapped}[btoi(n >= 3)])
		}
		equal(b, b.signUp("ann+1@example.net", ""), store.SignUpConfirm)
		equal(b, b.signUp("anna+1@example.org", ""), store.SignUpConfirm)
		equal(b, b.signUp("+1@example.org", ""), store.SignUpConfirm)

		// Other letters go to whom somebody knows; rows of before are counted by their address.
		id := must(b.SubscriberByEmail(ctx, "ann+1@example.org"))(b).ID
		for range 3 {
			must(b.letter(newsletter.LetterChange, id, "ann+4@example.org"))(b)
		}
		must(b.letter(newsletter.LetterChange, id, "ann+5@example.org"))(b)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM letters WHERE kind = 'change' AND mailbox <> ''"))(b), 0)
		b.ok(b.Raw(ctx, "UPDATE letters SET mailbox = ''"))
		equal(b, b.signUp("ann+1@example.org", ""), store.SignUpConfirm)

		// Nothing is left of who is erased.
		b.ok(b.Erase(ctx, "ann+1@example.org", b.Now()))
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM letters WHERE mailbox <> '' AND address = ''"))(b), 0)
	})
}

func TestSignUpCaps(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		for n := range 6 { // an address
			equal(b, b.signUp("ann@example.org", ""), []store.SignUpResult{store.SignUpConfirm, store.SignUpCapped}[btoi(n >= 3)])
		}
		b.Advance(25 * time.Hour)
		for n := range 6 { // a network
			equal(b, b.signUp(fmt.Sprintf("n%d@example.org", n), "192.0.2.0/24"), []store.SignUpResult{store.SignUpConfirm, store.SignUpCapped}[btoi(n >= 4)])
		}
		for n := range 6 { // all together
			equal(b, b.signUp(fmt.Sprintf("m%d@example.org", n), fmt.Sprintf("10.0.%d.0/24", n)), []store.SignUpResult{store.SignUpConfirm, store.SignUpFull}[btoi(n >= 4)])
		}
		waiting, today, err := b.SignUpCounts(ctx, b.Now())
		b.ok(err)
		equal(b, []int{waiting, today}, []int{0, 8})
		b.Advance(25 * time.Hour)
		equal(b, b.signUp("n9@example.org", "192.0.2.0/24"), store.SignUpConfirm)
		b.forget(store.RetainedSignUps, 30*day24)
		equal(b, must(b.CountRaw(ctx, "SELECT coalesce(sum(count), 0) FROM signup_counts"))(b), 2) // one of a network, one of all
	})
}

// TestSignUpsWait: so many, and no more; what leaves makes room, wherever it stood.
func TestSignUpsWait(t *testing.T) {
	each(t, func(b *bench) {
		ask := func() error { return b.AskSignUp(ctx, "weekly", "ann@example.org", newsletter.SignUp{}, 5) }
		for range 5 {
			b.ok(ask())
		}
		b.is(ask(), store.ErrLimit)
		all := must(b.SignUps(ctx, 0, 10))(b)
		equal(b, must(b.SignUps(ctx, all[1].ID, 2))(b), all[2:4])
		b.ok(b.DropSignUp(ctx, all[2].ID))
		b.ok(ask())
		b.is(ask(), store.ErrLimit)
		waiting, today, err := b.SignUpCounts(ctx, b.Now())
		b.ok(err)
		equal(b, []int{waiting, today}, []int{5, 0})
	})
}

// TestForgetSignUps: what nobody confirmed is forgotten with its address; who is
// subscribed elsewhere stays. What an operator removed stays removed meanwhile.
func TestForgetSignUps(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("other", 1)
		b.subscribe("weekly", 0)
		known := must(b.Subscription(ctx, ids[0], "other"))(b).Subscriber.Email
		must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: "removed@example.org"}, "cli", b.Now()))(b)
		b.ok(b.RemoveSubscriber(ctx, "removed@example.org", "", b.Now()))
		for _, email := range []string{known, "ann@example.org", "removed@example.org"} {
			equal(b, b.signUp(email, ""), store.SignUpConfirm)
		}
		equal(b, len(must(b.Tombstones(ctx, "removed@example.org"))(b)), 1)
		b.Advance(29 * 24 * time.Hour)
		equal(b, b.signUp("ann@example.org", ""), store.SignUpConfirm) // once more
		b.Advance(2 * 24 * time.Hour)
		equal(b, b.forget(store.RetainedSignUps, 30*day24), 2)
		_, err := b.SubscriberByEmail(ctx, "removed@example.org")
		b.is(err, store.ErrNotFound)
		must(b.SubscriberByEmail(ctx, known))(b)
		equal(b, b.subscription("ann@example.org").State, newsletter.SubscriptionPending)
		equal(b, must(b.AddSubscriber(ctx, "weekly", newsletter.Line{Email: "removed@example.org"}, "file", b.Now()))(b), store.Gone)
		equal(b, must(b.CountRaw(ctx, "SELECT count(*) FROM letters WHERE address = 'removed@example.org'"))(b), 0)
	})
}
