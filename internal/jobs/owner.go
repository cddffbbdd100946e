package jobs

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// askedAddresses is how many addresses one subscriber may have asked for a change
// within a day: the letters go to whomever they name.
const askedAddresses = 5

// AskAccess mails the link that opens what a forwarded digest must not, to the address
// of the subscription. Whether it may is told to nobody.
func (s *Service) AskAccess(ctx context.Context, sub *newsletter.Subscription) error {
	_, err := s.Letter(ctx, LetterRequest{
		Kind: newsletter.LetterAccess, Newsletter: sub.Newsletter, Subscriber: sub.Subscriber.ID, Language: sub.Subscriber.Language,
	})
	return err
}

// AskChange mails a link to an address (as roster.Address returns it) that makes it
// the subscriber's. Whether it may, or the address is somebody's already, is told to
// nobody.
func (s *Service) AskChange(ctx context.Context, sub *newsletter.Subscription, address string) error {
	if strings.EqualFold(address, sub.Subscriber.Email) {
		return nil
	}
	_, err := s.Letter(ctx, LetterRequest{
		Kind: newsletter.LetterChange, Newsletter: sub.Newsletter, Subscriber: sub.Subscriber.ID, Language: sub.Subscriber.Language,
		Address: address, Asked: strconv.Quote(s.store.Keyring().AddressHash(sub.Subscriber.Email)),
	})
	return err
}

// ChangeAddress does what the link of a change says, and returns whose the address is
// now. Errors are those of the store.
func (s *Service) ChangeAddress(ctx context.Context, letter newsletter.Letter, sub *newsletter.Subscription) (subscriber int64, err error) {
	notice, err := s.letterContent(ctx, LetterRequest{Kind: newsletter.LetterChanged, Newsletter: letter.Newsletter, Language: sub.Subscriber.Language})
	if err == nil {
		_, err = s.request(notice)
	}
	if err != nil {
		return 0, fmt.Errorf("writing the notice of a change of address: %w", err)
	}
	now := s.now()
	subscriber, err = s.store.ChangeAddress(ctx, store.AddressChange{Letter: letter.Chunk, Notice: notice, NoticeEnds: now.Add(letterPatience)}, now)
	if err == nil {
		s.log.Info("address changed", "subscriber", subscriber, "merged", subscriber != letter.Subscriber)
		s.Wake()
	}
	return subscriber, err
}
