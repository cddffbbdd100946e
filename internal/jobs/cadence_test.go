package jobs

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestNothingRepeatedOrSkipped: whatever readers change and whenever, and whatever is
// cancelled, missed or superseded: each article that they wanted when its issue was made
// is in one of the issues they got, and in one only, in order; and whose day did not
// take place gets the next issue.
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
			"approve":  b.approve,
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

// issue makes one, by the schedule or by hand, and compares who gets what. Some wait
// for approval.
func (b *letterbox) issue(rt *rapid.T) {
	b.compose(rt, rapid.IntRange(0, 3).Draw(rt, "approval") == 0)
}

func (b *letterbox) compose(rt *rapid.T, approval bool) {
	var o *newsletter.Occurrence
	if rapid.Bool().Draw(rt, "by the schedule") {
		b.n++
		o = &newsletter.Occurrence{Newsletter: b.name, Rehearsal: true, Local: b.now.Add(time.Duration(b.n) * time.Second).Format("2006-01-02T15:04:05"), At: b.now}
		o.Local = b.now.Format("2006-01-02") + fmt.Sprintf("T%02d:%02d", 7+b.n/60%10, b.n%60)
	}
	ctx, n := b.t.Context(), b.s.o.Newsletters[0]
	n.Approval = approval
	p, err := b.s.compose(ctx, n, o)
	b.ok(err)
	var report NewsletterReport
	b.ok(b.s.issueFrom(ctx, p, o, &report))
	if report.Skipped != "" { // that time was taken
		return
	}
	turn := b.turn()
	turn.issue = report.Issue
	if b.waits != nil && report.Issue == b.waits.issue { // it is that one
		return
	}
	if b.waits != nil && report.Issue != 0 {
		b.undone[b.waits.issue], b.waits = true, nil
	}
	if o != nil {
		b.past = append(b.past, turn)
	}
	if report.Awaiting {
		b.waits = &turn
		return
	}
	if report.Issue != 0 {
		b.seal(rt, turn)
		return
	}
	for _, r := range b.readers {
		if got := b.wanted(r, p.Horizon); r.left.IsZero() && !r.byFeed && !r.paused.After(b.now) && b.mayGet(r, turn) && len(got) > 0 {
			rt.Fatalf("%s for %+v, who wants %v", p.Nothing, r, got)
		}
	}
}

// approve lets the issue go that waits for it.
func (b *letterbox) approve(rt *rapid.T) {
	if b.waits == nil {
		rt.Skip("no issue waits")
	}
	turn := *b.waits
	b.waits = nil
	i, err := b.s.store.Issue(b.t.Context(), turn.issue)
	b.ok(err)
	b.ok(b.s.store.Approve(b.t.Context(), i.ID, i.Hash))
	b.seal(rt, turn)
}

func (b *letterbox) seal(rt *rapid.T, turn turnOf) {
	i, err := b.s.seal(b.t.Context(), turn.issue)
	b.ok(err)
	b.last = &i
	b.open(rt, i, turn)
}

// open looks into everybody's parcel of an issue that was sealed.
func (b *letterbox) open(rt *rapid.T, i newsletter.Issue, turn turnOf) {
	for _, r := range b.readers {
		all := b.digests(r, i)
		want := b.wanted(r, i.Horizon)
		if !r.left.IsZero() || r.byFeed || r.paused.After(b.now) || !b.mayGet(r, turn) {
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
		r.cursor, r.served = i.Horizon, turn.day
	}
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
	b.undone[b.last.ID] = true
	for _, r := range b.readers {
		if k := len(r.waiting) - 1; k >= 0 && r.waiting[k].issue == b.last.ID {
			r.takeBack(k)
		}
	}
	b.last = nil
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
	if r.left.IsZero() {
		r.left = b.now
	}
}

func (b *letterbox) comeBack(rt *rapid.T) {
	b.bringBack(rapid.SampledFrom(b.readers).Draw(rt, "reader"))
}

// bringBack undoes that a reader left, if it is not too late.
func (b *letterbox) bringBack(r *reader) {
	_, err := b.s.store.Resubscribe(b.t.Context(), r.id, b.name, b.now)
	if b.now.Sub(r.left) > newsletter.UndoLeaving && !r.left.IsZero() && errors.Is(err, store.ErrStale) {
		return
	}
	b.ok(err)
	r.left = time.Time{}
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
		b.bringBack(r)
		b.ok(b.s.store.SetPreferences(b.t.Context(), r.id, b.name, store.Preferences{Cadence: &each, PausedTill: &never}, b.now))
		r.cadence, r.paused = each, never
		b.endFeed(r, false)
	}
	b.compose(b.rt, false)
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
