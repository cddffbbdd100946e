package store_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// begin begins an import of a list with that hash.
func (b *bench) begin(hash string) store.Import {
	b.Helper()
	return must(b.BeginImport(ctx, store.Import{Newsletter: "weekly", File: "list.csv", Format: "csv", Hash: hash}, b.Now()))(b)
}

// takeIn imports lines and returns what became of them.
func (b *bench) takeIn(i *store.Import, lines ...newsletter.Line) []store.AddResult {
	b.Helper()
	return must(b.ImportLines(ctx, i, lines, i.Through+len(lines), b.Now()))(b)
}

func (b *bench) missing(email string) {
	b.Helper()
	_, err := b.SubscriberByEmail(ctx, email)
	b.is(err, store.ErrNotFound)
}

// standing makes a line of somebody whom another program knows as left, bounced, …
func standing(email string, state newsletter.SubscriptionState, cause newsletter.Cause) newsletter.Line {
	l := line(email)
	l.State, l.Suppressed = state, cause
	return l
}

func TestImportLines(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		b.add(line("there@example.org"), "cli")
		b.add(line("stays@example.org"), "cli")
		b.add(line("left@example.org"), "cli")
		must(b.Unsubscribe(ctx, b.find("left@example.org").Subscriber.ID, "weekly", "link", b.Now()))(b)
		b.add(line("removed@example.org"), "cli")
		b.ok(b.RemoveSubscriber(ctx, "removed@example.org", "", b.Now()))
		b.ok(b.Suppress(ctx, "held@example.org", newsletter.CauseOperator, 0, "asked", b.Now()))
		must(b.AddSubscriber(ctx, "daily", line("elsewhere@example.org"), "cli", b.Now()))(b)

		new := line("new@example.org", "name", "New", "language", "fr", "topics", "sea")
		new.State, new.ConsentAt, new.Proof = newsletter.SubscriptionConfirmed, day.AddDate(-1, 0, 0), `{"program":"ghost"}`
		gone := standing("gone@example.org", newsletter.SubscriptionUnsubscribed, "")
		gone.LeftAt = day.AddDate(0, -1, 0)
		lines := []newsletter.Line{
			new,
			gone,
			standing("bounced@example.org", newsletter.SubscriptionConfirmed, newsletter.CauseBounce),
			standing("spam@example.org", newsletter.SubscriptionUnsubscribed, newsletter.CauseComplaint),
			line("THERE@example.org", "name", "Other"),
			standing("stays@example.org", newsletter.SubscriptionUnsubscribed, ""),
			line("left@example.org"),
			line("removed@example.org"),
			line("held@example.org"),
			standing("elsewhere@example.org", newsletter.SubscriptionConfirmed, newsletter.CauseBounce),
		}
		want := []store.AddResult{
			store.Created, store.CreatedLeft, store.CreatedBounced, store.CreatedBounced, store.Exists, store.OptedOut, store.Unsubscribed, store.WasRemoved,
			store.Suppressed, store.Differs,
		}
		equal(b, must(b.JudgeLines(ctx, "weekly", false, lines))(b), want)
		b.missing("new@example.org")

		i := b.begin("h1")
		equal(b, b.takeIn(&i, append(lines, line("NEW@example.org"))...), append(want, store.Double))
		equal(b, b.takeIn(&i, line("gone@example.org"), line("last@example.org")), []store.AddResult{store.Double, store.Created})
		b.ok(b.EndImport(ctx, &i, b.Now()))

		s := b.find("new@example.org")
		equal(b, []string{s.Source, s.Proof, s.Subscriber.Name, s.Subscriber.Language, string(s.State)}, []string{"import 1", `{"program":"ghost"}`, "New", "fr", "confirmed"})
		equal(b, s.ConsentAt, day.AddDate(-1, 0, 0))
		equal(b, b.find("last@example.org").ConsentAt, b.Now())
		s = b.find("gone@example.org")
		equal(b, []string{string(s.State), s.LeftBy}, []string{"unsubscribed", "import 1"})
		equal(b, s.LeftAt, day.AddDate(0, -1, 0))
		equal(b, must(b.Suppression(ctx, "bounced@example.org"))(b).Cause, newsletter.CauseBounce)
		equal(b, must(b.Suppression(ctx, "spam@example.org"))(b).Cause, newsletter.CauseComplaint)
		b.is(second(b.Suppression(ctx, "elsewhere@example.org")), store.ErrNotFound)
		equal(b, b.find("there@example.org").Subscriber.Name, "")
		equal(b, b.find("stays@example.org").State, newsletter.SubscriptionConfirmed)
		served := 0
		for _, g := range must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b) {
			served += g.Count
		}
		equal(b, served, 4) // there, stays, new, last

		// No later list brings them back.
		equal(b, must(b.JudgeLines(ctx, "weekly", false, []newsletter.Line{line("gone@example.org"), line("bounced@example.org")}))(b), []store.AddResult{store.Unsubscribed, store.Suppressed})
		got := must(b.Import(ctx, i.ID))(b)
		equal(b, got.State, store.ImportDone)
		equal(b, got.Results[store.Created], 2)
		equal(b, got.Results, i.Results)
	})
}

// An import that was interrupted goes on; two processes do not do it twice.
func TestImportGoesOn(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		i := b.begin("h1")
		b.takeIn(&i, line("a@example.org"), line("b@example.org"))
		again := b.begin("h1")
		equal(b, again, i)
		equal(b, again.Through, 2)
		other := b.begin("h2")
		if other.ID == i.ID {
			b.Error("another list is another import")
		}
		b.takeIn(&again, line("c@example.org"))
		_, err := b.ImportLines(ctx, &i, []newsletter.Line{line("d@example.org")}, 3, b.Now())
		b.is(err, store.ErrStale)
		b.missing("d@example.org")
		b.ok(b.EndImports(ctx, "weekly", "h1", b.Now()))
		b.is(b.EndImport(ctx, &again, b.Now()), store.ErrStale)
		equal(b, must(b.Import(ctx, i.ID))(b).Results, map[store.AddResult]int{store.Created: 3})
		if next := b.begin("h1"); next.ID == i.ID {
			b.Error("an import that is done does not go on")
		}
		equal(b, len(must(b.Imports(ctx, 2))(b)), 2)
	})
}

// Undoing removes what nobody touched since, with what is to be sent, and nothing
// else; and it does so once.
func TestUndoImport(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		must(b.AddSubscriber(ctx, "daily", line("both@example.org"), "cli", b.Now()))(b)
		b.add(line("before@example.org"), "cli")
		i := b.begin("h1")
		var lines []newsletter.Line
		for k := range 1200 {
			lines = append(lines, line(fmt.Sprintf("p%d@example.org", k)))
		}
		b.takeIn(&i, lines...)
		b.takeIn(&i, line("left@example.org"), line("chose@example.org"), line("listed@example.org"), line("both@example.org"), line("before@example.org"),
			standing("gone@example.org", newsletter.SubscriptionUnsubscribed, ""), standing("bounced@example.org", "", newsletter.CauseBounce),
			standing("worse@example.org", newsletter.SubscriptionUnsubscribed, newsletter.CauseComplaint))
		b.ok(b.EndImport(ctx, &i, b.Now()))
		j := b.begin("h2")
		b.takeIn(&j, line("second@example.org"), line("p1@example.org"))
		b.publish(1)
		issue := b.compose("weekly")
		b.seal(issue, 5000)
		b.Advance(time.Minute)
		must(b.Unsubscribe(ctx, b.find("left@example.org").Subscriber.ID, "weekly", "link", b.Now()))(b)
		en := "en"
		b.ok(b.SetPreferences(ctx, b.find("chose@example.org").Subscriber.ID, "weekly", store.Preferences{Language: &en}, b.Now()))
		must(b.SyncList(ctx, "weekly", []newsletter.Line{line("listed@example.org")}, false, b.Now()))(b)
		b.ok(b.Suppress(ctx, "worse@example.org", newsletter.CauseBounce, 0, "came back", b.Now()))

		told := 0
		undone := must(b.UndoImport(ctx, i.ID, b.Now(), func(done int) { told = done }))(b)
		equal(b, []int{undone.Removed, undone.Lifted, told}, []int{1204, 1, 1204})
		equal(b, undone.Kept, map[store.KeptReason]int{store.KeptOwner: 2, store.KeptList: 1})
		for _, email := range []string{"p0@example.org", "p1199@example.org", "gone@example.org", "bounced@example.org"} {
			b.missing(email)
		}
		for _, email := range []string{"left@example.org", "chose@example.org", "listed@example.org", "before@example.org", "second@example.org"} {
			b.find(email)
		}
		both := must(b.SubscriberByEmail(ctx, "both@example.org"))(b)
		must(b.Subscription(ctx, both.ID, "daily"))(b)
		b.is(second(b.Subscription(ctx, both.ID, "weekly")), store.ErrNotFound)
		b.is(second(b.Suppression(ctx, "bounced@example.org")), store.ErrNotFound)
		equal(b, must(b.Suppression(ctx, "worse@example.org"))(b).Cause, newsletter.CauseBounce)
		// left, and all that were removed; what others are to get still goes out.
		equal(b, b.counts(issue.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 1202, newsletter.Pending: 4})

		again, err := b.UndoImport(ctx, i.ID, b.Now(), func(int) {})
		b.is(err, store.ErrConflict)
		equal(b, again.Removed, 1204)
		equal(b, again.Kept, undone.Kept)
		_, err = b.UndoImport(ctx, 99, b.Now(), func(int) {})
		b.is(err, store.ErrNotFound)

		// Nothing remembers them: the list may come again. One that runs does not.
		equal(b, must(b.JudgeLines(ctx, "weekly", false, []newsletter.Line{line("p0@example.org"), line("bounced@example.org")}))(b), []store.AddResult{store.Created, store.Created})
		must(b.UndoImport(ctx, j.ID, b.Now(), func(int) {}))(b)
		_, err = b.ImportLines(ctx, &j, []newsletter.Line{line("late@example.org")}, 9, b.Now())
		b.is(err, store.ErrStale)
		b.missing("late@example.org")
	})
}

// Who left by the list leaves here only where that is wanted, and is never subscribed by
// it; whoever signed up here later stays. Undoing it takes up again who had nothing to do
// with it since.
func TestLeavingByImport(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		gone := func(name string) newsletter.Line {
			l := standing(name+"@example.org", newsletter.SubscriptionUnsubscribed, "")
			l.LeftAt = b.Now().AddDate(0, 0, -1)
			return l
		}
		names := []string{"gone", "again", "chose", "signed"}
		for _, name := range names {
			b.add(line(name+"@example.org"), "cli")
		}
		equal(b, b.signUp("since@example.org", "192.0.2.0/24"), store.SignUpConfirm)
		must(b.Confirm(ctx, b.delivered().Chunk, "192.0.2.0/24", b.Now()))(b)
		equal(b, b.signUp("pending@example.org", "192.0.2.0/24"), store.SignUpConfirm)
		b.add(line("bounced@example.org"), "cli")
		lines := []newsletter.Line{
			gone("gone"), gone("again"), gone("chose"), gone("signed"), gone("since"), gone("pending"), gone("new"),
			standing("bounced@example.org", newsletter.SubscriptionConfirmed, newsletter.CauseBounce), line("gone@example.org"),
		}
		rest := []store.AddResult{store.SignedUpSince, store.Differs, store.CreatedLeft, store.Differs}
		out, leave := store.OptedOut, store.Leaves
		equal(b, must(b.JudgeLines(ctx, "weekly", false, lines[:8]))(b), append([]store.AddResult{out, out, out, out}, rest...))
		equal(b, must(b.JudgeLines(ctx, "weekly", true, lines[:8]))(b), append([]store.AddResult{leave, leave, leave, leave}, rest...))

		b.publish(1)
		issue := b.compose("weekly")
		b.seal(issue, 100)
		b.Advance(time.Minute)
		plain := b.begin("h1")
		equal(b, b.takeIn(&plain, lines[:1]...), []store.AddResult{out})
		i := must(b.BeginImport(ctx, store.Import{Newsletter: "weekly", File: "list.csv", Format: "csv", Hash: "h1", Leave: true}, b.Now()))(b)
		if i.ID == plain.ID {
			b.Error("an import that is to do something else goes on")
		}
		equal(b, b.takeIn(&i, lines...), append(append([]store.AddResult{leave, leave, leave, leave}, rest...), store.Double))
		equal(b, b.takeIn(&i, line("gone@example.org"), gone("again")), []store.AddResult{store.Double, store.Double})
		b.ok(b.EndImport(ctx, &i, b.Now()))
		for _, name := range names {
			s := b.find(name + "@example.org")
			equal(b, []string{string(s.State), s.LeftBy, s.Source}, []string{"unsubscribed", i.Source(), "cli"})
			equal(b, s.LeftAt, b.Now())
		}
		equal(b, b.find("since@example.org").State, newsletter.SubscriptionConfirmed)
		equal(b, b.counts(issue.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 4, newsletter.Pending: 2}) // since, bounced
		equal(b, must(b.JudgeLines(ctx, "weekly", true, []newsletter.Line{line("gone@example.org")}))(b), []store.AddResult{store.Unsubscribed})

		// One of them leaves by their own link, too, one chooses, one signs up.
		b.Advance(time.Minute)
		equal(b, must(b.Unsubscribe(ctx, b.find("again@example.org").Subscriber.ID, "weekly", "link", b.Now()))(b), false)
		en := "en"
		b.ok(b.SetPreferences(ctx, b.find("chose@example.org").Subscriber.ID, "weekly", store.Preferences{Language: &en}, b.Now()))
		equal(b, b.signUp("signed@example.org", "192.0.2.0/24"), store.SignUpConfirm)

		undone := must(b.UndoImport(ctx, i.ID, b.Now(), func(int) {}))(b)
		equal(b, []int{undone.Removed, undone.Restored}, []int{1, 1})
		equal(b, undone.Kept, map[store.KeptReason]int{store.KeptOwner: 2}) // and the third left by the link
		equal(b, must(b.Import(ctx, i.ID))(b).Restored, 1)
		b.missing("new@example.org")
		s := b.find("gone@example.org")
		equal(b, []string{string(s.State), s.LeftBy}, []string{"confirmed", ""})
		equal(b, s.LeftAt.IsZero(), true)
		for _, name := range names[1:] {
			equal(b, b.find(name+"@example.org").State, newsletter.SubscriptionUnsubscribed)
		}
		// What was cancelled comes with the next issue.
		equal(b, len(must(b.Audience(ctx, b.compose("weekly"), 0, 0, b.Now()))(b)), 1)

		// A suppression may be lifted: who left by the list leaves all the same.
		b.ok(b.Suppress(ctx, "gone@example.org", newsletter.CauseBounce, 0, "550", b.Now()))
		next := must(b.BeginImport(ctx, store.Import{Newsletter: "weekly", Hash: "h2", Leave: true}, b.Now()))(b)
		equal(b, b.takeIn(&next, gone("gone")), []store.AddResult{leave})
		equal(b, b.find("gone@example.org").State, newsletter.SubscriptionUnsubscribed)
	})
}

// Who says why they left, or left by a later list, too, left whatever the import says
// that is undone; what the import of another site is called is nothing here.
func TestUndoKeepsLeaves(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		leaving := func(hash string, names ...string) store.Import {
			i := must(b.BeginImport(ctx, store.Import{Newsletter: "weekly", Hash: hash, Leave: true}, b.Now()))(b)
			for _, name := range names {
				b.takeIn(&i, standing(name+"@example.org", newsletter.SubscriptionUnsubscribed, ""))
			}
			b.Advance(time.Minute)
			return i
		}
		for _, name := range []string{"said", "twice", "once"} {
			b.add(line(name+"@example.org"), "cli")
		}
		first := leaving("h1", "said", "twice", "once")
		second := leaving("h2", "twice")
		must(b.GiveReason(ctx, b.find("said@example.org").Subscriber.ID, "weekly", "often", "", b.Now()))(b)
		other := standing("other@example.org", newsletter.SubscriptionUnsubscribed, "")
		other.LeftBy = first.Source()
		equal(b, b.takeIn(&second, other), []store.AddResult{store.CreatedLeft})
		equal(b, b.find("other@example.org").LeftBy, second.Source())

		equal(b, must(b.UndoImport(ctx, first.ID, b.Now(), func(int) {}))(b).Restored, 1)
		for name, want := range map[string]string{"said": "unsubscribe page", "twice": second.Source(), "once": "", "other": second.Source()} {
			equal(b, b.find(name+"@example.org").LeftBy, want)
		}
	})
}

// Who asked for it by the form since is subscribed by that, too.
func TestUndoKeepsSignUps(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		i := b.begin("h1")
		b.takeIn(&i, line("known@example.org"), standing("gone@example.org", newsletter.SubscriptionUnsubscribed, ""), line("untouched@example.org"))
		b.ok(b.EndImport(ctx, &i, b.Now()))
		b.Advance(time.Minute)
		equal(b, b.signUp("known@example.org", "192.0.2.0/24"), store.SignUpKnown)
		equal(b, b.signUp("gone@example.org", "192.0.2.0/24"), store.SignUpConfirm)

		undone := must(b.UndoImport(ctx, i.ID, b.Now(), func(int) {}))(b)
		equal(b, undone.Removed, 1)
		equal(b, undone.Kept, map[store.KeptReason]int{store.KeptOwner: 2})
		b.missing("untouched@example.org")
		equal(b, b.find("known@example.org").State, newsletter.SubscriptionConfirmed)
		equal(b, b.find("gone@example.org").State, newsletter.SubscriptionUnsubscribed)
	})
}

// What somebody was suppressed for since is not what the import knew of them.
func TestUndoKeepsSuppressions(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		i := b.begin("h1")
		b.takeIn(&i, standing("operator@example.org", "", newsletter.CauseBounce), standing("again@example.org", "", newsletter.CauseBounce),
			standing("complained@example.org", "", newsletter.CauseBounce), standing("erased@example.org", "", newsletter.CauseBounce),
			standing("untouched@example.org", "", newsletter.CauseBounce))
		b.ok(b.EndImport(ctx, &i, b.Now()))
		b.ok(b.Suppress(ctx, "operator@example.org", newsletter.CauseOperator, 0, "by phone", b.Now()))
		b.ok(b.Suppress(ctx, "again@example.org", newsletter.CauseBounce, 0, "550 unknown", b.Now()))
		b.ok(b.Suppress(ctx, "complained@example.org", newsletter.CauseComplaint, 0, "isp", b.Now()))
		b.ok(b.Erase(ctx, "erased@example.org", b.Now()))

		equal(b, must(b.UndoImport(ctx, i.ID, b.Now(), func(int) {}))(b).Lifted, 1)
		b.is(second(b.Suppression(ctx, "untouched@example.org")), store.ErrNotFound)
		for email, want := range map[string][2]string{
			"operator@example.org": {"operator", "by phone"}, "again@example.org": {"bounce", "550 unknown"},
			"complained@example.org": {"complaint", "isp"}, "erased@example.org": {"bounce", ""},
		} {
			p := must(b.Suppression(ctx, email))(b)
			equal(b, [2]string{string(p.Cause), p.Note}, want)
		}
	})
}

// What an export of Syndicate brings is as it was, and what its owner set stays
// theirs.
func TestImportOwnExport(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		l := standing("ann@example.org", newsletter.SubscriptionConfirmed, newsletter.CauseBounce)
		l.ConsentAt, l.Proof = day, `{"consent_source":"form"}`
		l.Choices = &newsletter.Choices{Cadence: newsletter.On(time.Monday), Hour: 7, MaxItems: 5, PausedTill: day.AddDate(0, 1, 0), ByFeed: true, SetByOwner: []string{"cadence", "topics"}}
		i := b.begin("h1")
		equal(b, b.takeIn(&i, l), []store.AddResult{store.CreatedBounced})
		s := b.find("ann@example.org")
		equal(b, newsletter.Choices{Cadence: s.Cadence, Hour: s.Hour, MaxItems: s.MaxItems, PausedTill: s.PausedTill, ByFeed: s.ByFeed, SetByOwner: s.SetByOwner}, *l.Choices)
		// The next newsletter of the same export.
		d := must(b.BeginImport(ctx, store.Import{Newsletter: "daily", File: "daily.csv", Format: "syndicate", Hash: "h"}, b.Now()))(b)
		equal(b, b.takeIn(&d, l, line("ann@example.org")), []store.AddResult{store.CreatedBounced, store.Double})
		equal(b, len(must(b.Subscribers(ctx, store.SubscriberQuery{Suppressed: true}))(b)), 2)

		pending := standing("bo@example.org", newsletter.SubscriptionPending, "")
		equal(b, b.takeIn(&i, pending), []store.AddResult{store.CreatedPending})
		if s := b.find("bo@example.org"); s.State != newsletter.SubscriptionPending || !s.ConsentAt.IsZero() {
			b.Errorf("%+v", s)
		}
	})
}
