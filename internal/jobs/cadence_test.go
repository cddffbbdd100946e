package jobs

import (
	"errors"
	"fmt"
	"net/mail"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// letterbox is what the model of one newsletter knows: what was published, what each
// reader wants, and what lies before them.
type letterbox struct {
	t       *testing.T
	rt      *rapid.T
	s       *Service
	ledger  *store.Ledger
	name    string
	now     time.Time
	n       int // articles and issues, for their names
	seqs    []int64
	topics  map[int64]string
	readers []*reader
	last    *newsletter.Issue // that can still be cancelled
}

type reader struct {
	id       int64
	topics   []string
	cadence  newsletter.Cadence
	max      int
	language string
	paused   time.Time
	left     bool
	byFeed   bool

	served  newsletter.Day
	cursor  int64
	waiting []parcel // made, not sent
	got     []parcel
}

// parcel is what one issue is for one reader.
type parcel struct {
	issue    int64
	from, to int64   // of the articles, by seq: (from, to]
	articles []int64 // that were shown or linked, oldest first
}

// TestNothingRepeatedOrSkipped: whatever readers change and whenever, and whatever is
// cancelled: each article that they wanted when its issue was made is in one of the
// issues they got, and in one only, in order.
func TestNothingRepeatedOrSkipped(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.SQLite(t))
	ledger := store.NewLedger(t.Context(), st)
	t.Cleanup(ledger.Close)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		b := newLetterbox(t, rt, st, ledger, fmt.Sprintf("run-%d", runs))
		rt.Repeat(map[string]func(*rapid.T){
			"publish":  b.publish,
			"issue":    b.issue,
			"deliver":  b.deliver,
			"cancel":   b.cancel,
			"tomorrow": b.tomorrow,
			"choose":   b.choose,
			"leave":    b.leave,
			"return":   b.comeBack,
			"by feed":  b.byFeed,
			"by mail":  b.byMail,
		})
		b.end()
	})
}

func newLetterbox(t *testing.T, rt *rapid.T, st *store.Store, ledger *store.Ledger, name string) *letterbox {
	b := &letterbox{t: t, rt: rt, ledger: ledger, name: name, topics: map[int64]string{}, now: time.Date(2026, 10, 28, 7, 0, 0, 0, time.UTC)}
	var err error
	b.s, err = New(Options{
		Store: st, Site: newsletter.Site{Title: "Harbour", URL: "https://news.example.org", Language: "en"},
		Builtin: os.DirFS("../../templates"), Now: func() time.Time { return b.now },
		Relays: nil, Delivery: DeliveryOptions{SealBatch: 3},
		Newsletters: []newsletter.Newsletter{{
			Name: name, Title: "The Letter", From: mail.Address{Address: "news@example.org"}, Language: "en", Location: time.UTC,
			Schedule: "0 7 * * *", Select: newsletter.Selection{Tags: []string{name}}, Min: 1, Max: 3,
		}},
	})
	b.ok(err)
	b.ok(b.s.known(t.Context()))
	for k := range rapid.IntRange(1, 4).Draw(rt, "readers") {
		email := fmt.Sprintf("reader%d@%s.example.org", k, name)
		_, err := st.AddSubscriber(t.Context(), name, newsletter.Line{Email: email}, "cli", b.now)
		b.ok(err)
		who, err := st.SubscriberByEmail(t.Context(), email)
		b.ok(err)
		b.readers = append(b.readers, &reader{id: who.ID})
	}
	return b
}

func (b *letterbox) ok(err error) {
	if err != nil {
		b.rt.Helper()
		b.rt.Fatal(err)
	}
}

var letterTopics = []string{"sea", "food", "craft"}

func (b *letterbox) publish(rt *rapid.T) {
	b.n++
	topic := rapid.SampledFrom(letterTopics).Draw(rt, "topic")
	key := fmt.Sprintf("%s-%d", b.name, b.n)
	_, err := b.s.store.UpsertArticles(b.t.Context(), store.UpsertBatch{Source: "articles", SiteURL: "https://news.example.org", Articles: []newsletter.Article{{
		Key: key, File: key, Slug: key, Title: "About " + key, Summary: "Short.", Language: "en", Format: newsletter.Markdown,
		Body: "The body of " + key, Published: b.now.Add(-time.Hour + time.Duration(b.n)*time.Second), Tags: []string{b.name, topic},
	}}}, b.now)
	b.ok(err)
	seq, err := b.s.store.HighestSeq(b.t.Context())
	b.ok(err)
	b.seqs = append(b.seqs, seq)
	b.topics[seq] = topic
}

// mayGet says by the calendar, not by the program's rule, whether it is a reader's turn.
func (b *letterbox) mayGet(r *reader) bool {
	today := newsletter.DayOf(b.now)
	working := b.now.Weekday() != time.Saturday && b.now.Weekday() != time.Sunday
	switch r.cadence {
	case newsletter.Daily:
		return r.served != today
	case newsletter.Weekdays:
		return working && r.served != today
	case newsletter.Monthly:
		y, m, _ := r.served.Time().Date()
		return y != b.now.Year() || m != b.now.Month()
	case newsletter.On(time.Monday):
		return b.now.Weekday() == time.Monday && r.served != today
	}
	return true
}

// wanted returns what is new to a reader, oldest first.
func (b *letterbox) wanted(r *reader, horizon int64) []int64 {
	var out []int64
	for _, seq := range b.seqs {
		if seq > r.cursor && seq <= horizon && (len(r.topics) == 0 || slices.Contains(r.topics, b.topics[seq])) {
			out = append(out, seq)
		}
	}
	return out
}

// issue makes one, by the schedule or by hand, and compares who gets what.
func (b *letterbox) issue(rt *rapid.T) {
	var o *newsletter.Occurrence
	if rapid.Bool().Draw(rt, "by the schedule") {
		b.n++
		o = &newsletter.Occurrence{Newsletter: b.name, Rehearsal: true, Local: b.now.Add(time.Duration(b.n) * time.Second).Format("2006-01-02T15:04:05"), At: b.now}
		o.Local = b.now.Format("2006-01-02") + fmt.Sprintf("T%02d:%02d", 7+b.n/60%10, b.n%60)
	}
	ctx, n := b.t.Context(), b.s.o.Newsletters[0]
	p, err := b.s.compose(ctx, n, o)
	b.ok(err)
	if p.Nothing == "" {
		i, err := b.s.create(ctx, p, o)
		if errors.Is(err, store.ErrConflict) { // that time was taken
			return
		}
		b.ok(err)
		i, err = b.s.seal(ctx, i.ID)
		b.ok(err)
		b.last = &i
		b.open(rt, i)
		return
	}
	for _, r := range b.readers {
		if got := b.wanted(r, p.Horizon); !r.left && !r.byFeed && !r.paused.After(b.now) && b.mayGet(r) && len(got) > 0 {
			rt.Fatalf("%s for %+v, who wants %v", p.Nothing, r, got)
		}
	}
}

// open looks into everybody's parcel of an issue that was sealed.
func (b *letterbox) open(rt *rapid.T, i newsletter.Issue) {
	for _, r := range b.readers {
		all := b.digests(r, i)
		want := b.wanted(r, i.Horizon)
		if r.left || r.byFeed || r.paused.After(b.now) || !b.mayGet(r) {
			want = nil
		}
		if len(want) == 0 {
			if len(all) > 0 {
				rt.Fatalf("%+v gets %+v", r, all)
			}
			continue
		}
		if len(all) != 1 {
			rt.Fatalf("%+v gets %d digests, wants %v", r, len(all), want)
		}
		d, limit := all[0], 3
		if r.max > 0 {
			limit = min(limit, r.max)
		}
		shown := slices.Clone(want)
		slices.Reverse(shown)
		shown = shown[:min(limit, len(shown))]
		if diff := cmp.Diff(shown, d.Articles); diff != "" || d.More != len(want)-len(shown) {
			rt.Fatalf("%+v is shown (-want +got)\n%s and %d more, wants %v", r, diff, d.More, want)
		}
		if language := r.language; d.Language != language && (language != "" || d.Language != "en") {
			rt.Fatalf("%+v is written to in %s", r, d.Language)
		}
		r.waiting = append(r.waiting, parcel{i.ID, r.cursor, i.Horizon, want})
		r.cursor, r.served = i.Horizon, newsletter.DayOf(b.now)
	}
}

// digests returns what an issue holds for a reader.
func (b *letterbox) digests(r *reader, i newsletter.Issue) []newsletter.Digest {
	history, err := b.s.store.History(b.t.Context(), r.id, true)
	b.ok(err)
	var all []newsletter.Digest
	for _, past := range history {
		if past.Newsletter == b.name && past.Number == i.Number {
			d, err := b.s.store.Digest(b.t.Context(), i.ID, past.Digest)
			b.ok(err)
			all = append(all, d)
		}
	}
	return all
}

// deliver sends all that waits, oldest issue first.
func (b *letterbox) deliver(*rapid.T) {
	ctx := b.t.Context()
	for {
		l, err := b.s.store.LeaseChunk(ctx, "w", true, time.Hour, false)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		b.ok(err)
		for _, d := range l.Rows {
			b.ok(b.ledger.BeginMark(l.Chunk, d.N, l.Fence).Wait(ctx))
			b.ok(b.ledger.Settle(ctx, store.Settlement{Chunk: l.Chunk, N: d.N, Fence: l.Fence, State: newsletter.Sent, Subscriber: d.Subscriber, Issue: l.Issue}))
		}
		b.ok(b.s.store.Release(ctx, l.Chunk, l.Fence))
	}
	for _, r := range b.readers {
		r.got = append(r.got, r.waiting...)
		r.waiting = nil
	}
	b.last = nil
}

// cancel stops the latest issue before it was sent.
func (b *letterbox) cancel(rt *rapid.T) {
	if b.last == nil || b.last.State == newsletter.IssueSent {
		rt.Skip("no issue is open")
	}
	_, err := b.s.store.Cancel(b.t.Context(), b.last.ID, "a slip")
	b.ok(err)
	for _, r := range b.readers {
		if k := len(r.waiting) - 1; k >= 0 && r.waiting[k].issue == b.last.ID {
			r.takeBack(k)
		}
	}
	b.last = nil
}

// takeBack: the parcels from k on were not sent.
func (r *reader) takeBack(k int) {
	r.cursor, r.served = r.waiting[k].from, 0
	r.waiting = r.waiting[:k]
}

func (b *letterbox) tomorrow(rt *rapid.T) {
	b.now = b.now.AddDate(0, 0, rapid.IntRange(1, 9).Draw(rt, "days"))
}

// choose changes what a reader wants.
func (b *letterbox) choose(rt *rapid.T) {
	r := rapid.SampledFrom(b.readers).Draw(rt, "reader")
	var p store.Preferences
	switch rapid.IntRange(0, 4).Draw(rt, "what") {
	case 0:
		r.topics = rapid.SliceOfNDistinct(rapid.SampledFrom(letterTopics), 0, 2, rapid.ID[string]).Draw(rt, "topics")
		p.Topics = &r.topics
	case 1:
		r.cadence = rapid.SampledFrom([]newsletter.Cadence{newsletter.EachIssue, newsletter.EachIssue, newsletter.Daily, newsletter.Weekdays, newsletter.Monthly, newsletter.On(time.Monday)}).Draw(rt, "cadence")
		today := newsletter.DayOf(b.now)
		p.Cadence, p.From = &r.cadence, today
		r.served = max(r.served, today-1)
	case 2:
		r.max = rapid.IntRange(0, 4).Draw(rt, "max")
		p.MaxItems = &r.max
	case 3:
		r.language = rapid.SampledFrom([]string{"", "en", "fr"}).Draw(rt, "language")
		p.Language = &r.language
	case 4:
		r.paused = b.now.AddDate(0, 0, rapid.IntRange(-1, 9).Draw(rt, "days"))
		p.PausedTill = &r.paused
		if r.paused.After(b.now) && len(r.waiting) > 0 {
			r.takeBack(0)
		}
	}
	b.ok(b.s.store.SetPreferences(b.t.Context(), r.id, b.name, p, b.now))
}

func (b *letterbox) leave(rt *rapid.T) {
	r := rapid.SampledFrom(b.readers).Draw(rt, "reader")
	_, err := b.s.store.Unsubscribe(b.t.Context(), r.id, b.name, "page", b.now)
	b.ok(err)
	if len(r.waiting) > 0 {
		r.takeBack(0)
	}
	r.left = true
}

func (b *letterbox) comeBack(rt *rapid.T) {
	r := rapid.SampledFrom(b.readers).Draw(rt, "reader")
	_, err := b.s.store.Resubscribe(b.t.Context(), r.id, b.name, b.now)
	b.ok(err)
	r.left = false
}

// byFeed: from now on a reader reads all of it in a feed.
func (b *letterbox) byFeed(rt *rapid.T) {
	r := rapid.SampledFrom(b.readers).Draw(rt, "reader")
	b.ok(b.s.store.SetFeed(b.t.Context(), r.id, b.name, fmt.Sprint(b.name, r.id), b.now))
	b.ok(b.s.store.ByFeed(b.t.Context(), r.id, b.name, true, b.now))
	if len(r.waiting) > 0 {
		r.takeBack(0)
	}
	r.byFeed = true
}

// byMail: what came out before is in the feed.
func (b *letterbox) byMail(rt *rapid.T) {
	r := rapid.SampledFrom(b.readers).Draw(rt, "reader")
	b.endFeed(r, rapid.Bool().Draw(rt, "revoked"))
}

func (b *letterbox) endFeed(r *reader, revoked bool) {
	if revoked {
		b.ok(b.s.store.SetFeed(b.t.Context(), r.id, b.name, "", b.now))
	} else {
		b.ok(b.s.store.ByFeed(b.t.Context(), r.id, b.name, false, b.now))
	}
	if !r.byFeed {
		return
	}
	highest, err := b.s.store.HighestSeq(b.t.Context())
	b.ok(err)
	r.got = append(r.got, parcel{from: r.cursor, to: highest})
	r.cursor, r.byFeed = highest, false
}

// end gives everybody the rest and looks at all that they got.
func (b *letterbox) end() {
	for _, r := range b.readers {
		each, never := newsletter.EachIssue, time.Time{}
		_, err := b.s.store.Resubscribe(b.t.Context(), r.id, b.name, b.now)
		b.ok(err)
		b.ok(b.s.store.SetPreferences(b.t.Context(), r.id, b.name, store.Preferences{Cadence: &each, PausedTill: &never}, b.now))
		r.left, r.cadence, r.paused = false, each, never
		b.endFeed(r, false)
	}
	b.issue(b.rt)
	b.deliver(b.rt)
	for _, r := range b.readers {
		at := int64(0)
		for _, p := range r.got {
			if p.from != at {
				b.rt.Fatalf("%+v got %+v after all up to %d", r, p, at)
			}
			at = p.to
		}
		b.ok(b.follows(r))
	}
}

// follows reports where the store thinks that a reader is elsewhere.
func (b *letterbox) follows(r *reader) error {
	sub, err := b.s.store.Subscription(b.t.Context(), r.id, b.name)
	if err == nil && sub.RehearsalCursor != r.cursor {
		err = fmt.Errorf("reader %d is at %d, not at %d", r.id, sub.RehearsalCursor, r.cursor)
	}
	return err
}
