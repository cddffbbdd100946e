package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// line makes a line of a list; fields come as "name=…", "language=…",
// "time_zone=…", "topics=a,b".
func line(email string, fields ...string) newsletter.Line {
	l := newsletter.Line{N: 2, Email: email}
	for i := 0; i+1 < len(fields); i += 2 {
		v := fields[i+1]
		switch fields[i] {
		case "name":
			l.Name = &v
		case "language":
			l.Language = &v
		case "time_zone":
			l.TimeZone = &v
		case "topics":
			topics := newsletter.SplitTopics(v)
			l.Topics = &topics
		}
	}
	return l
}

func (b *bench) add(l newsletter.Line, source string) store.AddResult {
	b.Helper()
	return must(b.AddSubscriber(ctx, "weekly", l, source, b.Now()))(b)
}

func (b *bench) find(email string) newsletter.Subscription {
	b.Helper()
	p := must(b.SubscriberByEmail(ctx, email))(b)
	return must(b.Subscription(ctx, p.ID, "weekly"))(b)
}

func TestAddSubscriber(t *testing.T) {
	each(t, func(b *bench) {
		equal(b, b.add(line("Ann@example.org", "name", "Ann", "language", "fr", "time_zone", "Europe/Paris", "topics", "SQL|go"), "cli"), store.Created)
		got := b.find("ann@EXAMPLE.org")
		want := newsletter.Subscription{
			Subscriber: newsletter.Subscriber{ID: got.Subscriber.ID, Email: "Ann@example.org", Name: "Ann", Language: "fr", TimeZone: "Europe/Paris", CreatedAt: day},
			Newsletter: "weekly", State: newsletter.SubscriptionConfirmed, Topics: []string{"go", "sql"}, Hour: -1, ConsentAt: day, Source: "cli", Proof: "{}", CreatedAt: day, UpdatedAt: day,
		}
		equal(b, got, want)
		equal(b, b.add(line("ann@example.org"), "cli"), store.Exists)
		must(b.Unsubscribe(ctx, got.Subscriber.ID, "weekly", "link", day))(b)
		equal(b, b.add(line("ann@example.org"), "cli"), store.Unsubscribed)
		equal(b, b.find("ann@example.org").State, newsletter.SubscriptionUnsubscribed)

		b.ok(b.Suppress(ctx, "bad@example.org", newsletter.CauseBounce, 0, "", day))
		equal(b, b.add(line("BAD@example.org"), "cli"), store.Suppressed)
		_, err := b.SubscriberByEmail(ctx, "bad@example.org")
		b.is(err, store.ErrNotFound)

		equal(b, b.add(line("form@example.org"), "form"), store.Created)
		if s := b.find("form@example.org"); s.State != newsletter.SubscriptionPending || !s.ConsentAt.IsZero() {
			b.Errorf("%+v", s)
		}
		_, err = b.Subscription(ctx, got.Subscriber.ID, "daily")
		b.is(err, store.ErrNotFound)
	})
}

func TestUnsubscribeAndBack(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		equal(b, must(b.Unsubscribe(ctx, id, "weekly", "link", day))(b), true)
		equal(b, must(b.Unsubscribe(ctx, id, "weekly", "link", day))(b), false)
		b.is(second(b.Unsubscribe(ctx, id, "daily", "link", day)), store.ErrNotFound)
		equal(b, must(b.Resubscribe(ctx, id, "weekly", day))(b), true)
		equal(b, must(b.Resubscribe(ctx, id, "weekly", day))(b), false)
		// The consent is the old one.
		if s := must(b.Subscription(ctx, id, "weekly"))(b); s.State != newsletter.SubscriptionConfirmed || s.Source != "cli" || s.ConsentAt.Equal(day) {
			b.Errorf("%+v", s)
		}

		// What is undone within thirty days is not undone later.
		must(b.Unsubscribe(ctx, id, "weekly", "link", day))(b)
		b.is(second(b.Resubscribe(ctx, id, "weekly", day.Add(newsletter.UndoLeaving+time.Second))), store.ErrStale)
		equal(b, must(b.Subscription(ctx, id, "weekly"))(b).State, newsletter.SubscriptionUnsubscribed)
		equal(b, must(b.Resubscribe(ctx, id, "weekly", day.Add(newsletter.UndoLeaving)))(b), true)

		// Whoever left before confirming has not confirmed by coming back.
		b.add(line("form@example.org"), "form")
		id = b.find("form@example.org").Subscriber.ID
		must(b.Unsubscribe(ctx, id, "weekly", "link", day))(b)
		must(b.Resubscribe(ctx, id, "weekly", day))(b)
		equal(b, must(b.Subscription(ctx, id, "weekly"))(b).State, newsletter.SubscriptionPending)
	})
}

func TestRemoveSubscriber(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		b.add(line("ann@example.org"), "cli")
		must(b.AddSubscriber(ctx, "daily", line("ann@example.org"), "cli", day))(b)
		id := b.find("ann@example.org").Subscriber.ID
		b.publish(1)
		i := b.compose("weekly")
		b.seal(i, 10)

		b.ok(b.RemoveSubscriber(ctx, "Ann@example.org", "weekly", day))
		equal(b, b.counts(i.ID), map[newsletter.DeliveryState]int{newsletter.Cancelled: 1})
		b.is(second(b.Subscription(ctx, id, "weekly")), store.ErrNotFound)
		must(b.Subscription(ctx, id, "daily"))(b)
		b.is(b.RemoveSubscriber(ctx, "ann@example.org", "weekly", day), store.ErrNotFound)
		b.ok(b.RemoveSubscriber(ctx, "ann@example.org", "", day))
		b.is(second(b.SubscriberByEmail(ctx, "ann@example.org")), store.ErrNotFound)
		b.is(b.RemoveSubscriber(ctx, "ann@example.org", "", day), store.ErrNotFound)

		equal(b, b.add(line("ann@example.org"), "file"), store.Gone)
		equal(b, b.add(line("ann@example.org"), "import 1"), store.Gone)
		equal(b, b.add(line("ann@example.org"), "cli"), store.Created)
		if b.find("ann@example.org").Subscriber.ID == id {
			b.Error("an id was given twice")
		}
		b.ok(b.RemoveSubscriber(ctx, "ann@example.org", "weekly", day))
		equal(b, b.add(line("ann@example.org"), "form"), store.Created)
	})
}

func TestSubscribersQuery(t *testing.T) {
	each(t, func(b *bench) {
		for _, e := range []string{"ann@example.org", "bob_x@example.org", "bobyx@example.com"} {
			b.add(line(e, "name", "Éva 100%"), "cli")
		}
		must(b.AddSubscriber(ctx, "daily", line("ann@example.org"), "cli", day))(b)
		must(b.Unsubscribe(ctx, b.find("bob_x@example.org").Subscriber.ID, "weekly", "link", day))(b)
		emails := func(q store.SubscriberQuery) string {
			s := ""
			for _, x := range must(b.Subscribers(ctx, q))(b) {
				s += x.Subscriber.Email + "/" + x.Newsletter + " "
			}
			return s
		}
		equal(b, emails(store.SubscriberQuery{}), "ann@example.org/daily ann@example.org/weekly bob_x@example.org/weekly bobyx@example.com/weekly ")
		equal(b, emails(store.SubscriberQuery{Newsletter: "daily"}), "ann@example.org/daily ")
		equal(b, emails(store.SubscriberQuery{State: newsletter.SubscriptionUnsubscribed}), "bob_x@example.org/weekly ")
		equal(b, emails(store.SubscriberQuery{Match: "OB_X@"}), "bob_x@example.org/weekly ")
		equal(b, emails(store.SubscriberQuery{Match: "100%"}), emails(store.SubscriberQuery{}))
		equal(b, emails(store.SubscriberQuery{Match: "101%"}), "")
		first := must(b.Subscribers(ctx, store.SubscriberQuery{Newsletter: "weekly", Limit: 1}))(b)
		equal(b, emails(store.SubscriberQuery{Newsletter: "weekly", After: first[0].Subscriber.ID, Limit: 1}), "bob_x@example.org/weekly ")
	})
}

func TestSuppressions(t *testing.T) {
	each(t, func(b *bench) {
		b.add(line("ann@example.org"), "cli")
		suppress := func(cause newsletter.Cause, issue int64) {
			b.ok(b.Suppress(ctx, "Ann@example.org", cause, issue, string(cause), b.Now()))
		}
		cause := func() newsletter.Cause { return must(b.Suppression(ctx, "ann@example.org"))(b).Cause }
		served := func() int {
			n := 0
			for _, g := range must(b.Groups(ctx, "weekly", false, newsletter.Turn{}, b.Now()))(b) {
				n += g.Count
			}
			return n
		}
		b.is(second(b.Suppression(ctx, "ann@example.org")), store.ErrNotFound)
		suppress(newsletter.CauseComplaint, 7)
		equal(b, served(), 0)
		suppress(newsletter.CauseBounce, 8) // harder to lift
		equal(b, cause(), newsletter.CauseBounce)
		suppress(newsletter.CauseErasure, 9)
		equal(b, cause(), newsletter.CauseBounce)
		all := must(b.Suppressions(ctx, store.SuppressionQuery{}))(b)
		equal(b, all, []newsletter.Suppression{{Hash: b.Keyring().AddressHash("ann@example.org"), Cause: newsletter.CauseBounce, Issue: 8, Note: "bounce", At: day}})
		equal(b, must(b.Causes(ctx, []string{"Ann@example.org", "bo@example.org"}))(b), map[string]newsletter.Cause{"Ann@example.org": newsletter.CauseBounce})
		equal(b, must(b.Causes(ctx, nil))(b), map[string]newsletter.Cause{})
		equal(b, must(b.LiftIssueSuppressions(ctx, 7))(b), 0)
		equal(b, must(b.LiftIssueSuppressions(ctx, 0))(b), 0)
		equal(b, must(b.LiftSuppression(ctx, "ANN@example.org"))(b), true)
		equal(b, must(b.LiftSuppression(ctx, "ann@example.org"))(b), false)
		equal(b, served(), 1)
	})
}

func TestSyncList(t *testing.T) {
	each(t, func(b *bench) {
		sync := func(prune bool, lines ...newsletter.Line) store.SyncResult {
			b.Helper()
			b.Advance(time.Minute)
			return must(b.SyncList(ctx, "weekly", lines, prune, b.Now()))(b)
		}
		check := func(got store.SyncResult, want store.SyncResult) {
			b.Helper()
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				b.Fatalf("(-want +got)\n%s", d)
			}
		}
		ann := []string{"name", "Ann", "language", "fr", "topics", "go"}
		check(sync(false, line("ann@example.org", ann...), line("bob@example.org")), store.SyncResult{Added: 2})
		if s := b.find("ann@example.org"); s.State != newsletter.SubscriptionConfirmed || s.Source != "file" || s.Subscriber.Name != "Ann" || s.Subscriber.Language != "fr" {
			b.Errorf("%+v", s)
		}
		check(sync(false, line("ann@example.org", ann...), line("bob@example.org")), store.SyncResult{Unchanged: 2})
		check(sync(false, line("bob@example.org"), line("ann@example.org", ann...), line("ANN@example.org", "name", "Twice")), store.SyncResult{Unchanged: 3})
		equal(b, b.find("ann@example.org").Subscriber.Name, "Ann")

		// The operator changes a cell; another column appears; one goes.
		check(sync(false, line("ann@example.org", "name", "Anna", "time_zone", "Europe/Paris", "topics", "go")), store.SyncResult{Changed: 1})
		s := b.find("ann@example.org")
		equal(b, []string{s.Subscriber.Name, s.Subscriber.Language, s.Subscriber.TimeZone}, []string{"Anna", "fr", "Europe/Paris"})
		check(sync(false, line("ann@example.org", "time_zone", "Europe/Rome")), store.SyncResult{Changed: 1})
		equal(b, b.find("ann@example.org").Subscriber.TimeZone, "Europe/Rome")

		// What the owner set stays.
		en := "en"
		b.ok(b.SetPreferences(ctx, s.Subscriber.ID, "weekly", store.Preferences{Language: &en}, b.Now()))
		check(sync(false, line("ann@example.org", "language", "de", "topics", "sql")), store.SyncResult{Changed: 1})
		s = b.find("ann@example.org")
		equal(b, s.Subscriber.Language, "en")
		equal(b, s.Topics, []string{"sql"})

		// A line that left changes nothing; nobody is brought back.
		equal(b, b.find("bob@example.org").State, newsletter.SubscriptionConfirmed)
		must(b.Unsubscribe(ctx, s.Subscriber.ID, "weekly", "link", b.Now()))(b)
		b.ok(b.RemoveSubscriber(ctx, "bob@example.org", "weekly", b.Now()))
		b.ok(b.Suppress(ctx, "bad@example.org", newsletter.CauseBounce, 0, "", b.Now()))
		lines := []newsletter.Line{line("ann@example.org", "name", "Back"), line("bob@example.org"), line("bad@example.org"), line("carl@example.org")}
		for i := range lines {
			lines[i].N = i + 2
		}
		want := store.SyncResult{Added: 1, Refused: 3, Notes: []store.SyncNote{{Line: 2, Reason: store.Unsubscribed}, {Line: 3, Reason: store.Gone}, {Line: 4, Reason: store.Suppressed}}}
		check(sync(false, lines...), want)
		equal(b, b.find("ann@example.org").State, newsletter.SubscriptionUnsubscribed)
		check(sync(false, lines...), store.SyncResult{Refused: 3, Unchanged: 1})

		// Lifted: the unchanged file is looked at again.
		must(b.LiftSuppression(ctx, "bad@example.org"))(b)
		check(sync(false, lines...), store.SyncResult{Added: 1, Refused: 2, Unchanged: 1, Notes: want.Notes[:2]})

		// Prune: what the list made and has no more goes, but a line brings it back;
		// what came from elsewhere stays, and who left stays known.
		b.add(line("hand@example.org"), "cli")
		check(sync(true, line("carl@example.org")), store.SyncResult{Unchanged: 1, Pruned: 1})
		b.is(second(b.SubscriberByEmail(ctx, "bad@example.org")), store.ErrNotFound)
		equal(b, b.find("hand@example.org").State, newsletter.SubscriptionConfirmed)
		equal(b, b.find("ann@example.org").State, newsletter.SubscriptionUnsubscribed)
		check(sync(true, line("carl@example.org"), line("bad@example.org")), store.SyncResult{Added: 1, Unchanged: 1})
		check(sync(false), store.SyncResult{})
	})
}

// A subscriber who came by other ways and appears in a file keeps the fields.
func TestSyncListMeetsSomebodyKnown(t *testing.T) {
	each(t, func(b *bench) {
		b.add(line("ann@example.org", "name", "Ann", "language", "fr"), "cli")
		must(b.AddSubscriber(ctx, "daily", line("eva@example.org", "name", "Eva"), "cli", day))(b)
		lines := []newsletter.Line{line("ann@example.org", "name", "A.", "language", "de"), line("eva@example.org", "name", "E.")}
		r := must(b.SyncList(ctx, "weekly", lines, false, day))(b)
		equal(b, r, store.SyncResult{Added: 1, Unchanged: 1})
		s := b.find("ann@example.org")
		equal(b, []string{s.Subscriber.Name, s.Subscriber.Language, s.Source}, []string{"Ann", "fr", "cli"})
		equal(b, b.find("eva@example.org").Subscriber.Name, "Eva")

		// From then on what changes in the file counts, also a column that is new.
		topics := line("ann@example.org", "name", "A.", "language", "de", "topics", "sea")
		equal(b, must(b.SyncList(ctx, "weekly", []newsletter.Line{topics}, false, day))(b), store.SyncResult{Changed: 1})
		s = b.find("ann@example.org")
		equal(b, s.Subscriber.Language, "fr")
		equal(b, s.Topics, []string{"sea"})
	})
}

// A name belongs to its owner, not to one subscription.
func TestSyncListAndNames(t *testing.T) {
	each(t, func(b *bench) {
		daily := func(name string) store.SyncResult {
			return must(b.SyncList(ctx, "daily", []newsletter.Line{line("ann@example.org", "name", name)}, false, b.Now()))(b)
		}
		b.add(line("ann@example.org"), "cli")
		equal(b, daily("Ann"), store.SyncResult{Added: 1})
		s := b.find("ann@example.org")
		equal(b, s.Subscriber.Name, "Ann") // it had none

		own := "Ann of her own"
		b.ok(b.SetPreferences(ctx, s.Subscriber.ID, "weekly", store.Preferences{Name: &own}, b.Now()))
		equal(b, daily("Somebody"), store.SyncResult{Unchanged: 1})
		equal(b, b.find("ann@example.org").Subscriber.Name, own)
	})
}

func TestSyncLongList(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 0)
		var lines []newsletter.Line
		for i := range 2500 {
			lines = append(lines, line(fmt.Sprintf("p%d@example.org", i)))
		}
		equal(b, must(b.SyncList(ctx, "weekly", lines, false, day))(b), store.SyncResult{Added: 2500})
		equal(b, must(b.SyncList(ctx, "weekly", lines, false, day))(b), store.SyncResult{Unchanged: 2500})
		lines[1234].Name = new(string)
		*lines[1234].Name = "Changed"
		equal(b, must(b.SyncList(ctx, "weekly", lines, false, day))(b), store.SyncResult{Changed: 1, Unchanged: 2499})
		equal(b, must(b.SyncList(ctx, "weekly", lines[:1200], true, day))(b), store.SyncResult{Unchanged: 1200, Pruned: 1300})
		equal(b, len(must(b.Subscribers(ctx, store.SubscriberQuery{Newsletter: "weekly"}))(b)), 1200)
	})
}

// TestSubscribersPage: a page is found by where it begins, in the order that it is
// read in: neither are all that come before it read, nor all that follow sorted.
func TestSubscribersPage(t *testing.T) {
	each(t, func(b *bench) {
		people := make([]string, 2000)
		for i := range people {
			people[i] = fmt.Sprintf("(%d)", i)
		}
		b.ok(b.Raw(ctx, `WITH people (i) AS (VALUES `+strings.Join(people, ", ")+`) INSERT INTO subscribers (email, hash, name, domain, created_at)
			SELECT 'r' || i || '@example.net', 'h' || i, '', 'example.net', 0 FROM people`))
		b.ok(b.Raw(ctx, `INSERT INTO subscriptions (newsletter, subscriber, state, suppressed, language, time_zone, topics, cadence, hour, max_items,
			paused_till, cursor, rehearsal_cursor, consent_at, source, proof, set_by_owner, created_at, updated_at)
			SELECT 'weekly', id, 'confirmed', 0, '', '', '', '', -1, 0, 0, 0, 0, 0, '', '', '{}', 0, 0 FROM subscribers`))
		b.ok(b.Raw(ctx, "ANALYZE"))
		plan := must(b.ExplainSubscribers(ctx, store.SubscriberQuery{Newsletter: "weekly", After: 1800, Limit: 100}))(b)
		if b.Engine() == "postgres" && !strings.Contains(plan, "(id > ") || strings.Contains(plan, "TEMP B-TREE") {
			b.Errorf("%s", plan)
		}
	})
}
