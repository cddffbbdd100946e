package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

var (
	ctx = context.Background()
	day = time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC)
)

// clock is a time that tests move.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(day.UnixMilli())
	return c
}

func (c *clock) Now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// bench is a store with a clock, and the steps that tests repeat.
type bench struct {
	*testing.T
	*store.Store
	*clock
	again func() *store.Store // another handle on the database
}

// each runs a test on both engines.
func each(t *testing.T, test func(b *bench)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		c := newClock()
		again := func() *store.Store { return open(storetest.Now(c.Now)) }
		test(&bench{t, again(), c, again})
	})
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) is(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("got %v, want %v", err, want)
	}
}

// equal compares got and want.
func equal[T any](b *bench, got, want T) {
	b.Helper()
	if d := cmp.Diff(want, got); d != "" {
		b.Fatalf("(-want +got)\n%s", d)
	}
}

// must returns a value that came without an error.
func must[T any](v T, err error) func(b *bench) T {
	return func(b *bench) T {
		b.Helper()
		b.ok(err)
		return v
	}
}

// article makes a public article.
func article(key string, set ...func(*newsletter.Article)) newsletter.Article {
	a := newsletter.Article{
		Key: key, File: key, Slug: key, Title: "About " + key, Summary: "Short", Language: "en", Format: newsletter.Markdown,
		Published: day.Add(-time.Hour), Body: "The body of " + key + ".\n",
	}
	for _, f := range set {
		f(&a)
	}
	return a
}

func (b *bench) upsert(articles ...newsletter.Article) store.Upserted {
	b.Helper()
	return must(b.UpsertArticles(ctx, store.UpsertBatch{Source: "articles", SiteURL: "https://example.org", Articles: articles}, b.Now()))(b)
}

// publish adds n articles and returns the newest seq.
func (b *bench) publish(n int) int64 {
	b.Helper()
	for range n {
		b.upsert(article(fmt.Sprintf("a-%d", b.ms.Add(1))))
	}
	newest := must(b.Articles(ctx, store.ArticleQuery{}))(b)
	seq := int64(0)
	for _, a := range newest {
		seq = max(seq, a.Seq)
	}
	return seq
}

// subscribe adds n confirmed subscribers and returns their ids.
func (b *bench) subscribe(name string, n int) []int64 {
	b.Helper()
	must(b.SyncNewsletter(ctx, name, false, b.Now()))(b)
	must(b.SyncNewsletter(ctx, name, true, b.Now()))(b)
	var ids []int64
	for range n {
		email := fmt.Sprintf("p%d@example.org", b.ms.Add(1))
		if r := must(b.AddSubscriber(ctx, name, newsletter.Line{Email: email}, "cli", b.Now()))(b); r != store.Created {
			b.Fatal(r)
		}
		ids = append(ids, must(b.SubscriberByEmail(ctx, email))(b).ID)
	}
	return ids
}

// compose creates an issue with everything published so far.
func (b *bench) compose(name string, set ...func(*store.NewIssue)) newsletter.Issue {
	b.Helper()
	articles := must(b.Articles(ctx, store.ArticleQuery{}))(b)
	n := store.NewIssue{
		Newsletter: name, Hash: "h", Subject: "News", Articles: articles,
		Frozen: newsletter.Frozen{Newsletter: newsletter.FrozenNewsletter{Name: name, TimeZone: "Europe/Paris"}, Templates: map[string]string{"digest.html": "<p>"}, Date: day},
	}
	for _, a := range articles {
		n.Horizon = max(n.Horizon, a.Seq)
	}
	for _, f := range set {
		f(&n)
	}
	return must(b.CreateIssue(ctx, n, b.Now()))(b)
}

// seal seals an issue, everybody with one digest.
func (b *bench) seal(i newsletter.Issue, chunkSize int) {
	b.Helper()
	d := must(b.PutDigest(ctx, newsletter.Digest{Issue: i.ID, Language: "en", Articles: []int64{1}, Subject: "News", HTML: "<p>", Text: "t"}))(b)
	for {
		i = must(b.Issue(ctx, i.ID))(b)
		all := must(b.Audience(ctx, i, i.Watermark, 100, b.Now()))(b)
		if len(all) == 0 {
			break
		}
		must(b.SealBatch(ctx, i.ID, i.Watermark, all[len(all)-1].Subscriber, digestFor(all, d), chunkSize, b.Now()))(b)
	}
	b.ok(b.FinishSeal(ctx, i.ID, b.Now()))
}

func digestFor(all []store.Recipient, d int) map[newsletter.Group]int {
	out := map[newsletter.Group]int{}
	for _, r := range all {
		out[r.Group] = d
	}
	return out
}

// lease takes a chunk that must be there.
func (b *bench) lease(worker string) store.Lease {
	b.Helper()
	return must(b.LeaseChunk(ctx, worker, false, 30*time.Second, false))(b)
}

func (b *bench) noLease() {
	b.Helper()
	l, err := b.LeaseChunk(ctx, "nobody", false, 30*time.Second, false)
	if !errors.Is(err, store.ErrNotFound) {
		b.Fatalf("leased %+v, %v", l, err)
	}
}

func (b *bench) counts(issue int64) map[newsletter.DeliveryState]int {
	b.Helper()
	return must(b.IssueCounts(ctx, issue))(b)
}

func (b *bench) state(issue int64) newsletter.IssueState {
	b.Helper()
	return must(b.Issue(ctx, issue))(b).State
}

// ledger starts a ledger that ends with the test.
func (b *bench) ledger(s *store.Store) *store.Ledger {
	l := store.NewLedger(ctx, s)
	b.Cleanup(l.Close)
	return l
}

var sentReply = newsletter.Reply{Phase: newsletter.PhaseDot, Code: 250}

// settlement is how a leased row ended.
func settlement(l store.Lease, row int, state newsletter.DeliveryState) store.Settlement {
	d := l.Rows[row]
	return store.Settlement{Chunk: l.Chunk, N: d.N, Fence: l.Fence, State: state, Address: d.Email, Subscriber: d.Subscriber, Issue: l.Issue, Reply: sentReply}
}

// forget forgets what is older than age, and returns how many rows that were: as many
// as it says before.
func (b *bench) forget(kind store.Retained, age time.Duration) int {
	b.Helper()
	n, before := 0, b.Now().Add(-age)
	would := must(b.Forgettable(ctx, kind, before))(b)
	b.ok(b.Forget(ctx, kind, before, b.Now(), func(k int) error { n += k; return nil }))
	equal(b, n, would)
	return n
}
