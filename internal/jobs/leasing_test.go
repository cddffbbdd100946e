package jobs

import (
	"log/slog"
	"testing"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestLettersBeside: while an issue fills the queue, letters on request are taken one
// after the other, as many as the connections soon have sent.
func TestLettersBeside(t *testing.T) {
	t.Parallel()
	ctx, st := t.Context(), storetest.Open(t, storetest.SQLite(t))
	if _, err := st.AddSubscriber(ctx, "weekly", newsletter.Line{Email: "ann@example.org"}, "cli", time.Now()); err != nil {
		t.Fatal(err)
	}
	ann, err := st.SubscriberByEmail(ctx, "ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(mailer.Relay{Name: "main", Connections: 1})
	r.allowed.Store(1)
	d := &deliverer{s: &Service{store: st, log: slog.New(slog.DiscardHandler), now: time.Now}, worker: "w", relays: []*relay{r}, connections: 1, reshare: make(chan struct{}, 1)}
	d.s.o.Relays = []mailer.Relay{r.Relay}
	d.s.o.Delivery.Lease, d.s.o.Delivery.Chunk, d.s.o.Delivery.Workers = time.Hour, 10, 1
	d.queue = newQueue(2, d.relays)
	d.queue.limits = newLimits(nil, nil, GroupLimit{})
	until := time.Now().Add(time.Hour)
	d.queue.push(store.Lease{Chunk: 1 << 40, Issue: 1, Rows: make([]newsletter.Delivery, 10)}, time.Now(), until)
	const more = lettersHeld + 2
	for range more {
		_, err := st.CreateLetter(ctx, newsletter.Letter{Kind: newsletter.LetterAccess, Subscriber: ann.ID}, newsletter.LetterContent{Subject: "Link"}, store.LetterCap{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
	}
	lease := func() (n int) {
		for {
			leased, err := d.lease(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !leased {
				return n
			}
			n++
		}
	}
	if n := lease(); n != lettersHeld {
		t.Fatalf("%d letters taken at once, want %d", n, lettersHeld)
	}
	for range lettersHeld { // they go first
		it := d.queue.pop(r)
		if it == nil || it.lease.Letter == nil {
			t.Fatalf("taken: %+v", it)
		}
		d.queue.finish(it)
	}
	d.queue.takeEnded()
	if n := lease(); n != more-lettersHeld {
		t.Errorf("%d of the other letters taken, want %d", n, more-lettersHeld)
	}
}
