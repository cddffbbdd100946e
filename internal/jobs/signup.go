package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// SignUpOptions bounds what strangers can have mailed by signing others up; the
// letters to one address are bounded by LetterOptions. Zero fields get their defaults
// from New.
type SignUpOptions struct {
	PerNetwork int           // sign-ups of one network (newsletter.Network) within a day; 0: 30
	PerDay     int           // sign-ups at all; 0: 5000
	Forget     time.Duration // how long a sign-up is kept that nobody confirms; 0: 30 days
}

func (o *SignUpOptions) defaults() {
	o.PerNetwork = cmp.Or(max(o.PerNetwork, 0), 30)
	o.PerDay = cmp.Or(max(o.PerDay, 0), 5000)
	o.Forget = cmp.Or(max(o.Forget, 0), 30*24*time.Hour)
}

const (
	signUpBatch = 100
	signUpTick  = 5 * time.Second // what another process took in, or left when it ended
)

// SignUp takes a sign-up in. What is known of the address, and whether it may be
// mailed, is looked at afterwards and by somebody else (signUps): so the answer and
// its time say nothing about it. The address is one that roster.Address returned.
func (s *Service) SignUp(ctx context.Context, name, email string, asked newsletter.SignUp) error {
	if _, err := s.Newsletter(name); err != nil {
		return err
	}
	if err := s.store.AskSignUp(ctx, name, email, asked); err != nil {
		return err
	}
	poke(s.signed)
	return nil
}

// signUps deals with those who signed up as long as ctx lives.
func (s *Service) signUps(ctx context.Context) error {
	t := time.NewTicker(signUpTick)
	defer t.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.takeSignUps(ctx); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.signed:
		case <-t.C:
		}
	}
}

// takeSignUps deals with a batch; more: there may be others. The letters are rendered
// once for all of a batch.
func (s *Service) takeSignUps(ctx context.Context) (more bool, err error) {
	all, err := s.store.SignUps(ctx, signUpBatch)
	if err != nil {
		return false, err
	}
	type look struct{ newsletter, language string }
	letters := map[look]store.SignUpLetters{}
	limits := store.SignUpLimits{
		Letters:    store.LetterCap{Most: s.o.Letters.Daily, Within: 24 * time.Hour},
		PerNetwork: s.o.SignUps.PerNetwork, PerDay: s.o.SignUps.PerDay,
	}
	for _, u := range all {
		if ctx.Err() != nil {
			break // what is left is taken next time
		}
		key := look{u.Newsletter, u.Language}
		l, ok := letters[key]
		if !ok {
			l, err = s.signUpLetters(ctx, u)
			if errors.Is(err, store.ErrNotFound) {
				err = s.store.DropSignUp(ctx, u.ID)
				if err != nil {
					return false, err
				}
				continue
			}
			if err != nil {
				return false, fmt.Errorf("answering a sign-up: %w", err)
			}
			letters[key] = l
		}
		result, err := s.store.TakeSignUp(ctx, u, l, limits, s.now())
		switch {
		case errors.Is(err, store.ErrLimit): // somebody was faster; the next look finds it full
		case err != nil:
			return false, err
		default:
			s.log.Info("sign-up", "newsletter", u.Newsletter, "result", string(result))
		}
		if result == store.SignUpConfirm || result == store.SignUpKnown {
			s.Wake()
		}
	}
	return len(all) == signUpBatch, nil //nolint:nilerr // stopping is no failure
}

// signUpLetters renders both answers to a sign-up.
func (s *Service) signUpLetters(ctx context.Context, u store.SignUp) (l store.SignUpLetters, err error) {
	for kind, into := range map[newsletter.LetterKind]*newsletter.LetterContent{newsletter.LetterConfirm: &l.Confirm, newsletter.LetterKnown: &l.Known} {
		*into, err = s.letterContent(ctx, LetterRequest{Kind: kind, Newsletter: u.Newsletter, Language: u.Language})
		if err == nil {
			_, err = s.request(*into)
		}
		if err != nil {
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
