package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/riverqueue/river"

	"syndicate/internal/mailer"
	"syndicate/internal/store"
)

// Forever is how long something is kept that never goes.
const Forever time.Duration = math.MaxInt64

// RetentionOptions says how long what is held about people is kept; sign-ups that nobody
// confirms for SignUpOptions.Forget. Zero fields get their defaults from New.
type RetentionOptions struct {
	Deliveries     time.Duration // what became of each, after its issue is over; 0: 180 days
	Replies        time.Duration // what relays said of each; 0: 30 days
	Letters        time.Duration // on request; 0: 30 days
	Unsubscribed   time.Duration // who left; 0: a year
	Bounces        time.Duration // what came back; 0: 400 days
	BounceMessages time.Duration // that were not understood; 0: 30 days
	Reasons        time.Duration // why people left, in their own words; 0: a year
	Imports        time.Duration // how long they can be undone; 0: a year
	Outbox         time.Duration // the catcher's mail; 0: 30 days
}

func (o *RetentionOptions) defaults() {
	const day = 24 * time.Hour
	for _, d := range []struct {
		period *time.Duration
		usual  time.Duration
	}{
		{&o.Deliveries, 180 * day},
		{&o.Replies, 30 * day},
		{&o.Letters, 30 * day},
		{&o.Unsubscribed, 365 * day},
		{&o.Bounces, 400 * day},
		{&o.BounceMessages, 30 * day},
		{&o.Reasons, 365 * day},
		{&o.Imports, 365 * day},
		{&o.Outbox, 30 * day},
	} {
		if *d.period <= 0 {
			*d.period = d.usual
		}
	}
}

// How often what is old goes: the shorter it is kept, the oftener.
const (
	forgetEvery = 24 * time.Hour
	forgetOften = time.Hour
)

// Kept is a kind of what is held about people, how long it is kept, and what went of it.
type Kept struct {
	store.Retention
	For  time.Duration // Forever: it never goes
	Rows int           // that are older, or went just now
}

// due reports whether it is time for another pass. A time that is to come is that of a
// clock that was wrong.
func (k *Kept) due(now time.Time) bool {
	every := min(max(k.For/24, forgetOften), forgetEvery)
	return k.For != Forever && (now.Before(k.At) || now.Sub(k.At) >= every)
}

// kept returns what goes after a time, in the order in which it goes.
func (s *Service) kept(ctx context.Context) ([]Kept, error) {
	o := s.o.Retention
	all := []Kept{
		{Retention: store.Retention{Kind: store.RetainedReplies}, For: o.Replies},
		{Retention: store.Retention{Kind: store.RetainedDeliveries}, For: o.Deliveries},
		{Retention: store.Retention{Kind: store.RetainedLetters}, For: o.Letters},
		{Retention: store.Retention{Kind: store.RetainedSignUps}, For: s.o.SignUps.Forget},
		{Retention: store.Retention{Kind: store.RetainedUnsubscribed}, For: o.Unsubscribed},
		{Retention: store.Retention{Kind: store.RetainedBounces}, For: max(o.Bounces, s.softLimit().Within)},
		{Retention: store.Retention{Kind: store.RetainedMessages}, For: o.BounceMessages},
		{Retention: store.Retention{Kind: store.RetainedReasons}, For: o.Reasons},
		{Retention: store.Retention{Kind: store.RetainedImports}, For: o.Imports},
		{Retention: store.Retention{Kind: store.RetainedOutbox}, For: o.Outbox},
	}
	past, err := s.store.Retentions(ctx)
	for _, p := range past {
		for i := range all {
			if all[i].Kind == p.Kind {
				all[i].Retention = p
			}
		}
	}
	return all, err
}

// Retention says what is kept how long, when what is older went last, and what would go
// now, if count is set: that reads all of it.
func (s *Service) Retention(ctx context.Context, count bool) ([]Kept, error) {
	all, err := s.kept(ctx)
	if err != nil || !count {
		return all, err
	}
	now := s.now()
	for i := range all {
		k := &all[i]
		switch {
		case k.For == Forever:
		case k.Kind == store.RetainedOutbox:
			err = mailer.EachCaught(s.o.OutboxDir, now.Add(-k.For), false, func() error { k.Rows++; return ctx.Err() })
		default:
			k.Rows, err = s.store.Forgettable(ctx, k.Kind, now.Add(-k.For))
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Retain lets go what is older than it is kept, all of it, and says how much that was.
// Where another process does it already, that is waited for.
func (s *Service) Retain(ctx context.Context) (all []Kept, err error) {
	name := retentionJob{}.name()
	for told := false; ; told = true {
		claims, err := s.store.Claims(ctx)
		if err != nil {
			return nil, err
		}
		if k := claims[name]; !k.Held || k.Left == 0 {
			err := s.alone(ctx, name, k.Fence, func(ctx context.Context) (err error) {
				all, err = s.retain(ctx, func(*Kept) bool { return true })
				return err
			})
			if !errors.Is(err, errBegun) {
				return all, err
			}
		}
		if !told {
			s.log.Info("another process forgets what is old")
		}
		if !sleep(ctx, watchTick) {
			return nil, ctx.Err()
		}
	}
}

// retainDue lets go what is due, unless somebody else does, for a run that no daemon
// follows.
func (s *Service) retainDue(ctx context.Context) error {
	due, err := s.retentionDue(ctx)
	if err != nil || !due {
		return err
	}
	name := retentionJob{}.name()
	claims, err := s.store.Claims(ctx)
	if k := claims[name]; err != nil || k.Left > 0 {
		return err
	}
	err = s.alone(ctx, name, claims[name].Fence, s.retainPass)
	if errors.Is(err, errBegun) {
		return nil
	}
	return err
}

func (s *Service) retentionDue(ctx context.Context) (bool, error) {
	all, err := s.kept(ctx)
	now := s.now()
	for i := range all {
		if all[i].due(now) {
			return true, err
		}
	}
	return false, err
}

// retainPass lets go what is due.
func (s *Service) retainPass(ctx context.Context) error {
	now := s.now()
	_, err := s.retain(ctx, func(k *Kept) bool { return k.due(now) })
	return err
}

// retain lets go of the kinds that are wanted what is older than they are kept. It makes
// a pause after each step that is as long as the step was: half of the time belongs to
// whoever sends.
func (s *Service) retain(ctx context.Context, wanted func(*Kept) bool) ([]Kept, error) {
	all, err := s.kept(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		k := &all[i]
		if k.For == Forever || !wanted(k) {
			continue
		}
		before := time.Now()
		step := func(n int) error {
			k.Rows += n
			s.tell(Progress{Step: "forget", Name: string(k.Kind), Done: k.Rows})
			if !sleep(ctx, time.Since(before)) {
				return ctx.Err()
			}
			before = time.Now()
			return nil
		}
		if err := s.forget(ctx, k, step); err != nil {
			return nil, fmt.Errorf("forgetting old %s: %w", k.Kind, err)
		}
		if k.Rows > 0 {
			s.log.Info("forgotten", "kind", string(k.Kind), "rows", k.Rows, "kept", k.For)
		}
	}
	return all, s.store.EmptyLog(ctx) // of what was deleted otherwise, too
}

// outboxStep is how many files of the outbox go before others have a turn.
const outboxStep = 500

func (s *Service) forget(ctx context.Context, k *Kept, step func(int) error) error {
	now := s.now()
	before := now.Add(-k.For)
	if k.Kind != store.RetainedOutbox {
		return s.store.Forget(ctx, k.Kind, before, now, step)
	}
	n := 0
	err := mailer.EachCaught(s.o.OutboxDir, before, true, func() error {
		if n++; n%outboxStep > 0 {
			return nil
		}
		return step(outboxStep)
	})
	if err != nil {
		return err
	}
	k.Rows += n % outboxStep
	return s.store.EndForgetting(ctx, k.Kind, n, now)
}

// retentionJob lets go what is due.
type retentionJob struct {
	Fence int64 `json:"fence"`
}

func (retentionJob) name() string { return "retention" }

func (retentionJob) at(fence int64) job { return retentionJob{fence} }

// Kind implements river.JobArgs.
func (retentionJob) Kind() string { return "retention" }

// InsertOpts sends it to the nodes that have the site's folder, where the outbox is.
func (retentionJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: siteQueue} }
