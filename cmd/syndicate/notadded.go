package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// notAdded says why an address was not subscribed, all of it at once, and who can change
// that.
func (s *site) notAdded(ctx context.Context, name, address string, result store.AddResult) error {
	held, err := s.heldBy(ctx, address, name)
	if err != nil {
		return err
	}
	why := held.why
	if result == store.Unsubscribed {
		why = append([]string{"has left " + name}, why...)
	}
	problem := fmt.Errorf("%s %s; nothing was changed", address, strings.Join(why, ", and "))
	owner := held.owner || result == store.Unsubscribed
	switch {
	case !owner:
		return hinted(problem, "syndicate suppressions lift %s, if its owner asks for it", shellWord(address))
	case held.operator:
		return hinted(problem, "syndicate suppressions lift %s, if its owner asks for it; then %s", shellWord(address), s.onlyOwner(name))
	case result == store.Unsubscribed:
		return hinted(problem, "%s, or, for thirty days, with the link in an old mail", s.onlyOwner(name))
	}
	return hinted(problem, "%s", s.onlyOwner(name))
}

// holding is what keeps an address from being mailed.
type holding struct {
	why      []string // each follows the address: "was erased by its owner"
	owner    bool     // its owner can change that, and nobody else
	operator bool     // an operator can, and nobody else
}

// heldBy finds what keeps an address from being added to a newsletter; name empty: to any.
func (s *site) heldBy(ctx context.Context, address, name string) (h holding, err error) {
	say := func(why string) {
		if !slices.Contains(h.why, why) {
			h.why = append(h.why, why)
		}
	}
	p, err := s.store.Suppression(ctx, address)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return h, err
	}
	switch p.Cause {
	case "":
	case newsletter.CauseErasure:
		h.owner = true
		say("was erased by its owner")
	case newsletter.CauseComplaint:
		h.owner = true
		say("is suppressed: its owner complained of mail")
	case newsletter.CauseBounce:
		h.operator = true
		say("is suppressed: mail to it bounced")
	default:
		h.operator = true
		say("is suppressed: it is never mailed")
	}
	gone, err := s.store.Tombstones(ctx, address)
	if err != nil {
		return h, err
	}
	for _, t := range gone {
		if t.Newsletter != "" && name != "" && t.Newsletter != name {
			continue
		}
		switch t.Cause {
		case "left":
			h.owner = true
			say("has left " + t.Newsletter)
		case "changed":
			h.owner = true
			say("was changed by its owner for another one")
		case "erased":
			h.owner = true
			say("was erased by its owner")
		}
	}
	return h, nil
}

// onlyOwner says how somebody comes back whom nobody else can bring.
func (s *site) onlyOwner(name string) string {
	if n, err := s.service.Newsletter(name); err == nil && n.Closed {
		return fmt.Sprintf("only its owner can bring it back, by signing up, which %s does not offer (signup: closed)", name)
	}
	return "only its owner can bring it back, by signing up on the newsletter's page"
}
