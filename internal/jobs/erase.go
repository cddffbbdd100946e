package jobs

import (
	"context"
	"errors"
	"fmt"

	"syndicate/internal/mailer"
	"syndicate/internal/store"
)

// Erase forgets an address in the store, and deletes what the catcher kept of mail to its
// owner: messages tells how many there were. Lines of the operator's own lists stay.
func (s *Service) Erase(ctx context.Context, email string) (messages int, err error) {
	addresses := []string{email}
	who, err := s.store.SubscriberByEmail(ctx, email)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return 0, err
	default:
		letters, err := s.store.LettersOf(ctx, who.ID)
		if err != nil {
			return 0, err
		}
		for _, l := range letters { // to addresses that they had, or wanted
			addresses = append(addresses, l.Address)
		}
	}
	if err := s.store.Erase(ctx, email, s.now()); err != nil {
		return 0, err
	}
	s.log.Info("erased", "subscriber", who.ID)
	done := map[string]bool{"": true} // a letter that was forgotten has none
	for _, address := range addresses {
		if done[address] {
			continue
		}
		done[address] = true
		n, err := mailer.DropCaught(s.o.OutboxDir, address)
		if messages += n; err != nil {
			return messages, fmt.Errorf("it is erased in the database, but perhaps not in the outbox: %w", err)
		}
	}
	return messages, nil
}
