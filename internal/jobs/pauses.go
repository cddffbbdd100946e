package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// How long a relay that failed is left alone.
const (
	relayPause      = time.Second     // after the first failure; doubled each time
	relayPauseLimit = 2 * time.Minute //
	relayTries      = 3               // failures in a row after which Run stops waiting for it
	relayPatience   = 5 * time.Second // for so long Run waits for a pause of another worker's
	relayDenials    = 3               // recipients in a row that it says it does not relay to for us
)

// pauses says whether a relay is left alone, and why: because it failed here, or
// because it failed another worker, which told so by the store. They are kept
// apart. What one finds out on its own connections says nothing about another's;
// and only what is in the store says when that one's pause is over.
type pauses struct {
	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // paused for them, by the monotonic clock; zero: in use
	given    bool      // it refused us as such: waiting a moment does not help
	trouble  RelayTrouble
	told     time.Time // when the store knew of that; zero: it does not
	ever     bool      // it failed here since the start
	denials  int       // since it last accepted a message
	accepted bool      // one, since it was last paused for denials

	others adopted

	found  time.Time // the stored pause when this worker began, which it does not heed
	untold bool      // that the relay works, though the store says otherwise
}

// adopted is a pause of another worker's.
type adopted struct {
	stored  time.Time // as it stands in the store
	until   time.Time // by the monotonic clock
	count   int       // since the relay last worked
	trouble RelayTrouble
}

// bad pauses a relay for a while, longer each time in a row. It is false if it is
// paused for that already: several connections fail of one cause.
func (r *relay) bad(reply newsletter.Reply, cause error, first, most time.Duration, now time.Time) (RelayTrouble, time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return r.trouble, 0, false
	}
	r.failures++
	r.ever, r.untold, r.told = true, true, time.Time{}
	base := min(relayPause, first)
	if reply.Code/100 == 5 { // knocking again soon only locks the account
		base, r.given = first, true
	}
	pause := newsletter.Backoff(r.failures, base, max(base, min(relayPauseLimit, most)), rand.Float64())
	r.until = time.Now().Add(pause)
	r.trouble = RelayTrouble{Relay: r.Name, Error: describe(r.Relay, reply, cause), Until: now.Add(pause)}
	var e *mailer.RelayError
	if errors.As(cause, &e) {
		r.trouble.Hint = e.Hint()
	}
	return r.trouble, pause, true
}

// stored notes that the store knows of the pause.
func (p *pauses) stored() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = time.Now()
}

// denied notes that the relay will not relay to a recipient for us; true: it is
// about us, not about that one, since it did so several times in a row.
func (p *pauses) denied() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denials++
	if p.denials < relayDenials {
		return false
	}
	p.accepted = false
	return true
}

// accepts reports whether the relay takes messages of ours, as far as is known.
func (p *pauses) accepts() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// good notes that the relay works; accepted: it took a message. If that is news,
// over are the stored pauses that end with it: not those of other workers.
func (p *pauses) good(accepted bool) (over []time.Time, news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if accepted {
		p.denials, p.accepted = 0, true
	}
	news, p.untold = p.untold, false
	p.failures, p.until, p.given = 0, time.Time{}, false
	return []time.Time{p.trouble.Until, p.found}, news
}

// find notes the pause that was stored when this worker began. Whoever starts
// anew has reason to: it tries the relay for itself.
func (p *pauses) find(stored store.Relay, now time.Time) {
	if stored.PausedUntil.After(now) {
		p.found, p.untold = stored.PausedUntil, true
	}
}

// adopt takes over what the store said when it was asked: taken, a new pause of
// another worker's; lifted, that one which counted does not any more: another
// worker's, or, if somebody ended it there, this one's.
func (r *relay) adopt(stored store.Relay, now, asked time.Time) (taken, lifted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := stored.PausedUntil.Sub(now)
	switch {
	case left <= 0 || sameMoment(stored.PausedUntil, r.trouble.Until) || sameMoment(stored.PausedUntil, r.found):
		lifted = time.Now().Before(r.others.until)
		r.others.until = time.Time{}
		if stored.PausedUntil.IsZero() {
			r.others.count = 0
			if !r.told.IsZero() && r.told.Before(asked) {
				lifted = lifted || time.Now().Before(r.until)
				r.until = time.Time{}
			}
		}
	case !sameMoment(stored.PausedUntil, r.others.stored):
		r.others.stored, r.others.until = stored.PausedUntil, time.Now().Add(left)
		r.others.count++
		taken = true
		r.others.trouble = RelayTrouble{Relay: r.Name, Error: stored.Reason, Until: stored.PausedUntil}
	}
	return taken, lifted
}

// sameMoment compares times as they are stored.
func sameMoment(a, b time.Time) bool { return a.UnixMilli() == b.UnixMilli() }

// paused reports whether the relay is left alone now.
func (p *pauses) paused() bool { return p.pausedAt(time.Now()) }

func (p *pauses) pausedAt(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.until) || now.Before(p.others.until)
}

// givenUp reports whether waiting for the relay is not worth while in one run.
func (r *relay) givenUp() bool {
	if r.warm != nil && r.warm.spent() {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures > 0 && (r.given || r.failures >= relayTries) {
		return true
	}
	left := time.Until(r.others.until)
	return left > 0 && (left > relayPatience || r.others.count >= relayTries)
}

// report returns what is to be told of the relay when the work is over: why it
// failed here, or why it is left alone.
func (r *relay) report() (RelayTrouble, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ever {
		return r.trouble, true
	}
	return r.others.trouble, time.Now().Before(r.others.until)
}

// describe says in one line what a relay answered.
func describe(r mailer.Relay, reply newsletter.Reply, cause error) string {
	if cause != nil {
		return cause.Error()
	}
	return (&mailer.RelayError{Relay: r.Name, Addr: r.Addr(), Reply: reply}).Error()
}

// findPauses notes which relays are paused at the start, if they are to be tried
// all the same.
func (d *deliverer) findPauses(ctx context.Context) error {
	return d.eachStored(ctx, func(r *relay, stored store.Relay, now time.Time) { r.find(stored, now) })
}

// adoptPauses leaves alone the relays that other workers paused, as long as they
// do.
func (d *deliverer) adoptPauses(ctx context.Context) error {
	asked := time.Now()
	return d.eachStored(ctx, func(r *relay, stored store.Relay, now time.Time) {
		taken, lifted := r.adopt(stored, now, asked)
		if taken {
			d.s.log.Warn("relay left alone", "relay", r.Name, "until", stored.PausedUntil, "error", stored.Reason)
		}
		if lifted {
			d.queue.wake()
		}
	})
}

// tryRelays ends the pauses of relays in the store, so that whoever delivers tries
// them again: somebody may have mended them.
func (s *Service) tryRelays(ctx context.Context) error {
	known, now, err := s.store.Relays(ctx)
	if err != nil {
		return fmt.Errorf("looking at the relays: %w", err)
	}
	for _, k := range known {
		if !k.PausedUntil.After(now) {
			continue
		}
		if err := s.store.ResumeRelay(ctx, k.Name, k.PausedUntil); err != nil {
			return err
		}
	}
	return nil
}

// eachStored goes through the relays of which the store knows something; now is by
// its clock.
func (d *deliverer) eachStored(ctx context.Context, do func(r *relay, stored store.Relay, now time.Time)) error {
	known, now, err := d.s.store.Relays(ctx)
	if err != nil {
		return fmt.Errorf("looking at the relays: %w", err)
	}
	for _, k := range known {
		for _, r := range d.relays {
			if r.Name == k.Name {
				do(r, k, now)
			}
		}
	}
	return nil
}
