package jobs

import (
	"testing"
	"testing/synctest"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestAdoptedPause: what another worker found out about a relay stands beside what
// happens here, and ends when it says so. The clock is synctest's: no pause ends
// because the machine is slow.
func TestAdoptedPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testAdoptedPause)
}

func testAdoptedPause(t *testing.T) {
	now := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
	at := func(pause time.Duration) store.Relay {
		return store.Relay{Name: "main", PausedUntil: now.Add(pause), Reason: "535 who are you"}
	}
	none := store.Relay{Name: "main"}
	fresh := func() *relay { return newRelay(mailer.Relay{Name: "main"}) }
	fail := func(r *relay) store.Relay {
		trouble, _, first := r.bad(newsletter.Reply{Code: 421}, nil, time.Minute, time.Hour, now)
		if !first {
			t.Error("the failure is taken for another's")
		}
		return store.Relay{Name: "main", PausedUntil: trouble.Until.Truncate(time.Millisecond)}
	}

	r := fresh()
	r.adopt(at(time.Hour), now, time.Now())
	if over, news := r.good(true); news || !r.paused() {
		t.Errorf("a message got through here, and the other's pause is over (%v, %v)", over, news)
	}
	if _, lifted := r.adopt(none, now, time.Now()); !lifted || r.paused() {
		t.Error("the other's pause is not over though it says so")
	}

	r = fresh()
	mine := fail(r)
	if r.adopt(mine, now, time.Now()); r.others.count > 0 {
		t.Error("it takes its own pause for another's")
	}
	over, news := r.good(true)
	if r.adopt(mine, now, time.Now()); !news || !sameMoment(over[0], mine.PausedUntil) || r.paused() { // not stored yet that it is over
		t.Errorf("it works again, and is paused %v: %v, %v", r.paused(), over, news)
	}

	r = fresh()
	mine = fail(r)
	if _, lifted := r.adopt(none, now, time.Now()); lifted || !r.paused() { // read before it was stored
		t.Error("its pause is over before the store knew of it")
	}
	r.stored()
	if _, lifted := r.adopt(none, now, time.Now().Add(-time.Minute)); lifted || !r.paused() {
		t.Error("its pause is over because of what was so before")
	}
	if _, lifted := r.adopt(none, now, time.Now().Add(time.Minute)); !lifted || r.paused() {
		t.Error("somebody ended its pause, and it goes on")
	}

	r = fresh()
	r.find(at(time.Hour), now)
	if r.adopt(at(time.Hour), now, time.Now()); r.paused() {
		t.Error("what was found at the start is heeded")
	}
	if over, news := r.good(true); !news || !sameMoment(over[1], now.Add(time.Hour)) {
		t.Errorf("nobody is told that it works: %v, %v", over, news)
	}
	if _, news := r.good(true); news {
		t.Error("it is told twice")
	}
	if r.adopt(at(2*time.Hour), now, time.Now()); !r.paused() {
		t.Error("what came later is not heeded")
	}

	r = fresh()
	if r.adopt(at(time.Hour), now, time.Now()); !r.givenUp() {
		t.Error("a run waits for an hour")
	}
	r = fresh()
	for try := range relayTries {
		if r.givenUp() {
			t.Errorf("a run gives up after %d short pauses", try)
		}
		for range 2 { // the same counts once
			r.adopt(at(time.Second<<try), now, time.Now())
		}
	}
	if !r.givenUp() {
		t.Error("a run waits as long as another worker tries")
	}
	if trouble, ok := r.report(); !ok || trouble.Error != "535 who are you" {
		t.Errorf("%+v, %v", trouble, ok)
	}
}
