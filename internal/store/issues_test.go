package store_test

import (
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

func TestTracks(t *testing.T) {
	each(t, func(b *bench) {
		_, err := b.Track(ctx, "weekly", false)
		b.is(err, store.ErrNotFound)
		want := store.Track{Newsletter: "weekly", Since: day}
		equal(b, must(b.SyncNewsletter(ctx, "weekly", false, day))(b), want)
		equal(b, must(b.SyncNewsletter(ctx, "weekly", false, day.Add(time.Hour)))(b), want)
		equal(b, must(b.Track(ctx, "weekly", false))(b), want)
		_, err = b.Track(ctx, "weekly", true)
		b.is(err, store.ErrNotFound)
	})
}

func TestOccurrencesHappenOnce(t *testing.T) {
	each(t, func(b *bench) {
		_, err := b.LastOccurrence(ctx, "weekly", false)
		b.is(err, store.ErrNotFound)
		o := newsletter.Occurrence{Newsletter: "weekly", Local: "2026-11-02T07:00", At: day, Outcome: "nothing new", Note: "no article"}
		stores := []*store.Store{b.Store, b.again()}
		first := make(chan bool, 8)
		for i := range cap(first) {
			go func() {
				ok, err := stores[i%2].RecordOccurrence(ctx, o, day)
				if err != nil {
					b.Error(err)
				}
				first <- ok
			}()
		}
		n := 0
		for range cap(first) {
			if <-first {
				n++
			}
		}
		equal(b, n, 1)
		equal(b, must(b.LastOccurrence(ctx, "weekly", false))(b), o)

		later := o
		later.Local, later.At = "2026-11-09T07:00", day.AddDate(0, 0, 7)
		rehearsed := o
		rehearsed.Rehearsal = true
		for _, x := range []newsletter.Occurrence{later, rehearsed} {
			if !must(b.RecordOccurrence(ctx, x, day))(b) {
				b.Errorf("%+v was not the first", x)
			}
		}
		equal(b, must(b.Occurrences(ctx, "weekly", false, 0))(b), []newsletter.Occurrence{later, o})
	})
}

func TestCreateIssue(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 1)
		b.publish(2)
		articles := must(b.Articles(ctx, store.ArticleQuery{Bodies: true}))(b)
		frozen := newsletter.Frozen{
			Newsletter: newsletter.FrozenNewsletter{Name: "weekly", Title: "Weekly", Select: newsletter.Selection{Tags: []string{"a"}}, Max: 3, TimeZone: "Europe/Paris"},
			Templates:  map[string]string{"digest.html": "<b>{{.}}</b>", "digest.txt": "t"}, Intro: "*Hello*", Date: day,
		}
		occurrence := newsletter.Occurrence{Newsletter: "weekly", Local: "2026-11-02T07:00", At: day}
		n := store.NewIssue{Newsletter: "weekly", Horizon: 2, Hash: "hash", Subject: "News", Frozen: frozen, Articles: articles, Occurrence: &occurrence}
		i := must(b.CreateIssue(ctx, n, day))(b)
		want := newsletter.Issue{
			ID: i.ID, Newsletter: "weekly", Number: 1, State: newsletter.IssueSealing, Hash: "hash", Horizon: 2, Subject: "News",
			Due: "2026-11-02T07:00", CreatedAt: day, ProgressAt: day,
		}
		equal(b, i, want)
		equal(b, must(b.Issue(ctx, i.ID))(b), want)
		equal(b, must(b.IssueByNumber(ctx, "weekly", false, 1))(b), want)
		o := must(b.LastOccurrence(ctx, "weekly", false))(b)
		if o.Issue != i.ID || o.Outcome != "issue" {
			b.Errorf("%+v", o)
		}

		// What was frozen does not follow the article.
		b.upsert(article(articles[0].Key, func(a *newsletter.Article) { a.Title = "Changed later" }))
		f, got, err := b.FrozenIssue(ctx, i.ID)
		b.ok(err)
		equal(b, f, frozen)
		equal(b, got, articles)

		// The same occurrence again: nothing happens, no number is used.
		_, err = b.CreateIssue(ctx, n, day)
		b.is(err, store.ErrConflict)
		n.Occurrence = nil
		equal(b, must(b.CreateIssue(ctx, n, day))(b).Number, 2)
		n.Rehearsal = true
		equal(b, must(b.CreateIssue(ctx, n, day))(b).Number, 1)
		no := false
		equal(b, len(must(b.Issues(ctx, store.IssueQuery{Newsletter: "weekly", Rehearsal: &no, Open: true}))(b)), 2)
		equal(b, len(must(b.Issues(ctx, store.IssueQuery{Limit: 1}))(b)), 1)

		// Further articles, once each.
		b.publish(1)
		newest := must(b.Articles(ctx, store.ArticleQuery{Bodies: true}))(b)
		b.ok(b.AddIssueArticles(ctx, i.ID, newest))
		b.ok(b.AddIssueArticles(ctx, i.ID, newest))
		_, got, err = b.FrozenIssue(ctx, i.ID)
		b.ok(err)
		equal(b, len(got), 3)

		_, err = b.Issue(ctx, 12345)
		b.is(err, store.ErrNotFound)
		_, err = b.CreateIssue(ctx, store.NewIssue{Newsletter: "unknown"}, day)
		b.is(err, store.ErrNotFound)
	})
}

func TestApprovalAndSuperseding(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 1)
		b.publish(1)
		awaiting := func(n *store.NewIssue) { n.Approval = true }
		one := b.compose("weekly", awaiting)
		equal(b, one.State, newsletter.IssueAwaiting)
		_, err := b.SealBatch(ctx, one.ID, 0, 10, nil, 10, day)
		b.is(err, store.ErrStale)
		two := b.compose("weekly", awaiting, func(n *store.NewIssue) { n.Hash = "h2" })
		i := must(b.Issue(ctx, one.ID))(b)
		if i.State != newsletter.IssueCancelled || i.Reason == "" || i.DoneAt.IsZero() {
			b.Errorf("%+v", i)
		}
		b.is(b.Approve(ctx, one.ID, "h"), store.ErrConflict)
		b.is(b.Approve(ctx, two.ID, "h"), store.ErrConflict)
		b.ok(b.Approve(ctx, two.ID, "h2"))
		equal(b, b.state(two.ID), newsletter.IssueSealing)
		b.is(b.Approve(ctx, two.ID, "h2"), store.ErrConflict)
		b.compose("weekly", awaiting) // does not touch one that was approved
		equal(b, b.state(two.ID), newsletter.IssueSealing)
		b.is(b.Approve(ctx, 999, "h"), store.ErrNotFound)
	})
}

func TestDigests(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 1)
		b.publish(1)
		i := b.compose("weekly")
		d := newsletter.Digest{Issue: i.ID, Language: "en", Articles: []int64{3, 1}, Subject: "S", HTML: "<p>é", Text: "t"}
		put := func(d newsletter.Digest) int { return must(b.PutDigest(ctx, d))(b) }
		other := d
		other.Language, other.Articles = "fr", nil
		behind := d
		behind.More, behind.HTML = 5, "<p>5 more"
		equal(b, []int{put(d), put(other), put(behind), put(d), put(behind)}, []int{1, 2, 3, 1, 3}) // sealing may be repeated
		d.N, other.N, behind.N = 1, 2, 3
		other.Articles = []int64{}
		var all []newsletter.Digest
		for _, x := range []newsletter.Digest{d, other, behind} {
			x.HTML, x.Text = "", ""
			all = append(all, x)
		}
		equal(b, must(b.Digests(ctx, i.ID))(b), all)
		equal(b, must(b.Digest(ctx, i.ID, 1))(b), d)
		_, err := b.Digest(ctx, i.ID, 4)
		b.is(err, store.ErrNotFound)
	})
}

func TestRelaysAndOverview(t *testing.T) {
	each(t, func(b *bench) {
		ids := b.subscribe("weekly", 3)
		must(b.Unsubscribe(ctx, ids[0], "weekly", "link", day))(b)
		b.publish(2)
		b.upsert(article("soon", func(a *newsletter.Article) { a.Published = day.Add(time.Hour) }))
		b.ok(b.HoldSource(ctx, "articles", "held", 7, day))
		i := b.compose("weekly")
		b.ok(b.Suppress(ctx, "x@example.org", newsletter.CauseOperator, 0, "", day))
		b.ok(b.PauseRelay(ctx, "main", day.Add(time.Minute), "535 no"))
		b.ok(b.PauseRelay(ctx, "main", day.Add(time.Second), "421 later")) // as another worker sees it
		b.ok(b.PauseRelay(ctx, "old", day.Add(-time.Minute), "4xx"))
		equal(b, len(b.relays()), 2)
		o := must(b.Overview(ctx))(b)
		equal(b, o, store.Overview{
			Articles: map[string]int{"public": 2, "scheduled": 1}, Newest: day.Add(-time.Hour), NextRelease: day.Add(time.Hour),
			Sources: []store.SourceState{{Name: "articles", CheckedAt: day, Held: "held", HeldCount: 7}},
			Subscribers: []store.SubscriberCount{
				{Newsletter: "weekly", State: newsletter.SubscriptionConfirmed, Count: 2}, {Newsletter: "weekly", State: newsletter.SubscriptionUnsubscribed, Count: 1},
			},
			Open: []newsletter.Issue{i}, Relays: []store.Relay{{Name: "main", PausedUntil: day.Add(time.Minute), Reason: "535 no"}}, Suppressed: 1,
		})
		b.ok(b.ResumeRelay(ctx, "main", day.Add(time.Second))) // not that one
		equal(b, b.relays()[0].PausedUntil, day.Add(time.Minute))
		b.ok(b.ResumeRelay(ctx, "main", day.Add(time.Second), day.Add(time.Minute)))
		equal(b, b.relays()[0], store.Relay{Name: "main"})
	})
}

func (b *bench) relays() []store.Relay {
	b.Helper()
	all, _, err := b.Relays(ctx)
	b.ok(err)
	return all
}
