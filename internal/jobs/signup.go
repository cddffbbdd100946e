package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// SignUpOptions bounds what strangers can have mailed by signing others up; the
// letters to one address are bounded by LetterOptions. Zero fields get their defaults
// from New.
type SignUpOptions struct {
	PerNetwork int           // sign-ups of one network (newsletter.Network) within a day; 0: 30
	PerDay     int           // sign-ups at all; 0: 5000
	Waiting    int           // sign-ups that wait to be dealt with; 0: 10000
	Forget     time.Duration // how long a sign-up is kept that nobody confirms; 0: 30 days
}

func (o *SignUpOptions) defaults() {
	o.PerNetwork = cmp.Or(max(o.PerNetwork, 0), 30)
	o.PerDay = cmp.Or(max(o.PerDay, 0), 5000)
	o.Waiting = cmp.Or(max(o.Waiting, 0), 10_000)
	o.Forget = cmp.Or(max(o.Forget, 0), 30*24*time.Hour)
}

const (
	signUpBatch = 100
	signUpTick  = 5 * time.Second // what another process took in, or left when it ended
)

// SignUp takes a sign-up in. What is known of the address, and whether it may be
// mailed, is looked at afterwards and by somebody else (signUps): so the answer and
// its time say nothing about it. Where too many wait, it is passed over, and whoever
// asked hears the same. The address is one that roster.Address returned.
func (s *Service) SignUp(ctx context.Context, name, email string, asked newsletter.SignUp) error {
	if _, err := s.Newsletter(name); err != nil {
		return err
	}
	err := s.store.AskSignUp(ctx, name, email, asked, s.o.SignUps.Waiting)
	if errors.Is(err, store.ErrLimit) {
		if s.crowded.due(s.now()) {
			s.log.Warn("sign-ups are passed over: as many wait as may", "max_waiting", s.o.SignUps.Waiting)
		}
		err = nil
	}
	if err != nil {
		return err
	}
	poke(s.signed)
	return nil
}

// hourly says when something that goes on is to be told again.
type hourly struct{ last atomic.Int64 }

func (h *hourly) due(now time.Time) bool {
	last := h.last.Load()
	return (last == 0 || now.Sub(time.UnixMilli(last)).Abs() >= time.Hour) && h.last.CompareAndSwap(last, now.UnixMilli())
}

// SignUpState is how many sign-ups wait, and how many were dealt with within a day of
// those that may be.
type SignUpState struct {
	Waiting int `json:"waiting"`
	Today   int `json:"today"`
	PerDay  int `json:"per_day"`
}

// Full reports whether what is more is passed over.
func (x SignUpState) Full() bool { return x.Today >= x.PerDay }

// SignUpState returns how the sign-ups stand.
func (s *Service) SignUpState(ctx context.Context) (SignUpState, error) {
	waiting, today, err := s.store.SignUpCounts(ctx, s.now())
	return SignUpState{waiting, today, s.o.SignUps.PerDay}, err
}

// signUps deals with those who signed up as long as ctx lives.
func (s *Service) signUps(ctx context.Context) error {
	d := &desk{s: s, aside: map[look]string{}}
	t := time.NewTicker(signUpTick)
	defer t.Stop()
	for from := int64(0); ; {
		if err := d.take(ctx, from); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.signed:
			if from = 0; len(d.aside) > 0 {
				from = d.seen // what was set aside waits for the tick
			}
		case <-t.C:
			from = 0
		}
	}
}

// desk deals with sign-ups.
type desk struct {
	s     *Service
	seen  int64           // up to this id they were looked at
	aside map[look]string // what cannot be answered, as long as its templates are those
}

// look is what the letters to those who signed up have in common.
type look struct {
	newsletter, language string
	archiveOnly          bool
}

// take deals with all that waits after an id. Those whose letters cannot be written
// are set aside: they wait until the templates change, and keep nobody else waiting.
func (d *desk) take(ctx context.Context, from int64) error {
	templates := map[string]string{} // by newsletter, as they are now
	for ctx.Err() == nil {
		all, err := d.s.store.SignUps(ctx, from, signUpBatch)
		if err != nil {
			return err
		}
		letters := map[look]store.SignUpLetters{} // rendered once for all of a batch
		for i := range all {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // what is left is taken next time
			}
			if err := d.answer(ctx, all[i], letters, templates); err != nil {
				return err
			}
			from = all[i].ID
			d.seen = max(d.seen, from)
		}
		if len(all) < signUpBatch {
			return nil
		}
	}
	return nil
}

// answer deals with one.
func (d *desk) answer(ctx context.Context, u store.SignUp, letters map[look]store.SignUpLetters, templates map[string]string) error {
	s, key := d.s, look{u.Newsletter, u.Language, u.ArchiveOnly}
	if !u.At.IsZero() && s.now().Sub(u.At) > s.o.SignUps.Forget {
		return s.store.DropSignUp(ctx, u.ID)
	}
	if broken, ok := d.aside[key]; ok {
		if _, ok := templates[u.Newsletter]; !ok {
			templates[u.Newsletter] = s.letterTemplates(u.Newsletter)
		}
		if templates[u.Newsletter] == broken {
			return nil
		}
		delete(d.aside, key)
	}
	l, ok := letters[key]
	if !ok {
		read := s.letterTemplates(u.Newsletter)
		var err error
		l, err = s.signUpLetters(ctx, u)
		switch {
		case errors.Is(err, store.ErrNotFound): // the newsletter is no more
			return s.store.DropSignUp(ctx, u.ID)
		case ctx.Err() != nil:
			return nil //nolint:nilerr // stopping is no failure
		case err != nil:
			d.aside[key], templates[u.Newsletter] = read, read
			s.log.Error("sign-ups wait: their letters cannot be written", "newsletter", u.Newsletter, "language", u.Language, "error", err)
			return nil
		}
		letters[key] = l
	}
	return d.settle(ctx, u, l)
}

func (d *desk) settle(ctx context.Context, u store.SignUp, l store.SignUpLetters) error {
	s := d.s
	result, err := s.store.TakeSignUp(ctx, u, l, store.SignUpLimits{
		Letters:    store.LetterCap{Most: s.o.Letters.Daily, Within: 24 * time.Hour},
		PerNetwork: s.o.SignUps.PerNetwork, PerDay: s.o.SignUps.PerDay,
	}, s.now())
	if errors.Is(err, store.ErrLimit) { // somebody was faster; the next look finds it full
		return nil
	}
	if err != nil {
		return err
	}
	s.log.Info("sign-up", "newsletter", u.Newsletter, "result", string(result))
	switch result {
	case store.SignUpConfirm, store.SignUpKnown, store.SignUpReader:
		s.Wake()
	case store.SignUpFull:
		if s.capped.due(s.now()) {
			s.log.Warn("sign-ups are passed over: there were as many within a day as may be", "per_day", s.o.SignUps.PerDay)
		}
	}
	return nil
}

// letterTemplates returns what the letters of a newsletter are made from, or why it
// cannot be read.
func (s *Service) letterTemplates(name string) string {
	n, err := s.Newsletter(name)
	if err != nil {
		return ""
	}
	bundle, err := digest.ReadLetters(s.templatesFS(), s.o.Builtin, n.Templates)
	return fmt.Sprint(bundle, err) // maps are written in order of their keys
}

// signUpLetters renders what may be answered to a sign-up.
func (s *Service) signUpLetters(ctx context.Context, u store.SignUp) (l store.SignUpLetters, err error) {
	answers := map[newsletter.LetterKind]*newsletter.LetterContent{newsletter.LetterConfirm: &l.Confirm, newsletter.LetterKnown: &l.Known}
	if u.ArchiveOnly {
		answers = map[newsletter.LetterKind]*newsletter.LetterContent{newsletter.LetterArchive: &l.Archive}
	}
	for kind, into := range answers {
		if *into, err = s.tryLetter(ctx, LetterRequest{Kind: kind, Newsletter: u.Newsletter, Language: u.Language}); err != nil {
			return l, err
		}
	}
	now := s.now()
	l.Rehearsal, l.Expires, l.KnownExpires = s.Rehearsal(), now.Add(s.o.Letters.Confirm), now.Add(letterPatience)
	return l, nil
}

// ConfirmAgain asks somebody once more to confirm, whose link has ended. As Letter,
// it says whether it did.
func (s *Service) ConfirmAgain(ctx context.Context, letter newsletter.Letter) (bool, error) {
	var asked newsletter.SignUp
	if err := json.Unmarshal([]byte(letter.Asked), &asked); err != nil {
		return false, err
	}
	return s.Letter(ctx, LetterRequest{
		Kind: newsletter.LetterConfirm, Newsletter: letter.Newsletter, Subscriber: letter.Subscriber, Language: asked.Language, Asked: letter.Asked,
	})
}
