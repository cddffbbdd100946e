package jobs

import (
	"fmt"
	"net/mail"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
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
	waits   *turnOf           // for approval
	past    []turnOf          // of the schedule
	undone  map[int64]bool    // issues that were cancelled
}

// turnOf is one issue, or an occurrence that brought none (0), and the days that it
// makes up for.
type turnOf struct {
	issue  int64
	day    newsletter.Day
	missed []newsletter.Day
}

type reader struct {
	id       int64
	topics   []string
	cadence  newsletter.Cadence
	max      int
	language string
	paused   time.Time
	left     time.Time // zero: they did not
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

func newLetterbox(t *testing.T, rt *rapid.T, st *store.Store, ledger *store.Ledger, name string) *letterbox {
	b := &letterbox{t: t, rt: rt, ledger: ledger, name: name, topics: map[int64]string{}, undone: map[int64]bool{}, now: time.Date(2026, 10, 28, 7, 0, 0, 0, time.UTC)}
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
	_, err = b.s.scheduledSince(t.Context(), b.s.o.Newsletters[0], b.now)
	b.ok(err)
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

// firstDay is the day on which the schedule begins.
var firstDay = newsletter.DayOf(time.Date(2026, 10, 28, 0, 0, 0, 0, time.UTC))

// turn returns today's, by what took place of the schedule, which comes every day.
func (b *letterbox) turn() turnOf {
	t := turnOf{day: newsletter.DayOf(b.now)}
	for d := max(t.day-6, firstDay); d < t.day; d++ {
		if !slices.ContainsFunc(b.past, func(p turnOf) bool {
			open := b.waits != nil && b.waits.issue == p.issue
			return !open && !b.undone[p.issue] && (p.day == d || slices.Contains(p.missed, d))
		}) {
			t.missed = append(t.missed, d)
		}
	}
	return t
}

// mayGet says by the calendar, not by the program's rule, whether it is a reader's turn.
func (b *letterbox) mayGet(r *reader, turn turnOf) bool {
	today := turn.day
	working := func(d newsletter.Day) bool {
		day := d.Time().Weekday()
		return day != time.Saturday && day != time.Sunday
	}
	monday := func(d newsletter.Day) bool { return d.Time().Weekday() == time.Monday }
	// waited: one of those days is today or was missed, and they got nothing since.
	waited := func(theirs func(newsletter.Day) bool) bool {
		return slices.ContainsFunc(append(slices.Clip(turn.missed), today), func(d newsletter.Day) bool { return theirs(d) && r.served < d })
	}
	switch r.cadence {
	case newsletter.Daily:
		return r.served != today
	case newsletter.Weekdays:
		return waited(working)
	case newsletter.Monthly:
		was, now := r.served.Time(), today.Time()
		return was.Year() != now.Year() || was.Month() != now.Month()
	case newsletter.On(time.Monday):
		return waited(monday)
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

// digests returns what an issue holds for a reader.
func (b *letterbox) digests(r *reader, i newsletter.Issue) []newsletter.Digest {
	history, err := b.s.store.History(b.t.Context(), r.id, true, 0)
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

// takeBack: the parcels from k on were not sent.
func (r *reader) takeBack(k int) {
	r.cursor, r.served = r.waiting[k].from, 0
	r.waiting = r.waiting[:k]
}

// follows reports where the store thinks that a reader is elsewhere.
func (b *letterbox) follows(r *reader) error {
	sub, err := b.s.store.Subscription(b.t.Context(), r.id, b.name)
	if err == nil && sub.RehearsalCursor != r.cursor {
		err = fmt.Errorf("reader %d is at %d, not at %d", r.id, sub.RehearsalCursor, r.cursor)
	}
	return err
}
