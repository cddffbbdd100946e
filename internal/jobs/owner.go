package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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

// Record is everything that is held about a subscriber, for themselves.
type Record struct {
	Address       string               `json:"address"`
	Name          string               `json:"name,omitempty"`
	Since         time.Time            `json:"since"`
	MadeAt        time.Time            `json:"made_at"`
	Suppressed    *recordedSuppression `json:"suppressed,omitempty"` // nil: it is mailed
	Removals      []recordedRemoval    `json:"removals,omitempty"`   // why no list brings it back
	Subscriptions []recorded           `json:"subscriptions"`
	Deliveries    []recordedDelivery   `json:"deliveries"` // latest first
	Letters       []recordedLetter     `json:"letters"`    // on request, latest first
	Reports       []recordedReport     `json:"reports"`    // what came back from the address, latest first
}

type recordedLetter struct {
	Kind       newsletter.LetterKind `json:"kind"`
	Newsletter string                `json:"newsletter,omitempty"`
	Address    string                `json:"address"` // where it went
	At         time.Time             `json:"at"`
	Asked      jsonText              `json:"asked"` // what for, and from where
}

type recordedReport struct {
	Kind       newsletter.ReportKind `json:"kind"`
	Reason     newsletter.Reason     `json:"reason,omitempty"`
	Words      string                `json:"words,omitempty"`
	Newsletter string                `json:"newsletter,omitempty"`
	At         time.Time             `json:"at"`
	Outcome    store.BounceOutcome   `json:"outcome"`
}

type recordedSuppression struct {
	Cause newsletter.Cause `json:"cause"`
	Note  string           `json:"note,omitempty"`
	Since time.Time        `json:"since"`
}

type recordedRemoval struct {
	Newsletter string    `json:"newsletter,omitempty"` // empty: every one
	Cause      string    `json:"cause"`
	At         time.Time `json:"at"`
}

type recorded struct {
	Newsletter string                       `json:"newsletter"`
	State      newsletter.SubscriptionState `json:"state"`
	Language   string                       `json:"language,omitempty"`
	TimeZone   string                       `json:"time_zone,omitempty"`
	Topics     []string                     `json:"topics,omitempty"`
	Cadence    newsletter.Cadence           `json:"cadence,omitempty"`
	Hour       *int                         `json:"hour,omitempty"`
	MaxItems   int                          `json:"max_items,omitempty"`
	PausedTill time.Time                    `json:"paused_till,omitzero"`
	ByFeed     bool                         `json:"by_feed,omitempty"`
	HasFeed    bool                         `json:"has_feed,omitempty"`
	ConsentAt  time.Time                    `json:"consent_at,omitzero"`
	Source     string                       `json:"source"`
	Proof      jsonText                     `json:"proof"`
	LeftAt     time.Time                    `json:"left_at,omitzero"`
	LeftBy     string                       `json:"left_by,omitempty"`
	CreatedAt  time.Time                    `json:"created_at"`
	UpdatedAt  time.Time                    `json:"updated_at"`
}

type recordedDelivery struct {
	Newsletter string    `json:"newsletter"`
	Number     int       `json:"number"`
	Rehearsal  bool      `json:"rehearsal,omitempty"`
	Subject    string    `json:"subject"`
	State      string    `json:"state"`
	At         time.Time `json:"at,omitzero"`
	Attempts   int       `json:"attempts"`
	Reply      string    `json:"reply,omitempty"` // of the receiving server
}

// jsonText is JSON as it is stored.
type jsonText string

// MarshalJSON returns the text.
func (t jsonText) MarshalJSON() ([]byte, error) { return []byte(cmp.Or(string(t), "null")), nil }

// Record returns everything that is held about a subscriber; store.ErrNotFound.
func (s *Service) Record(ctx context.Context, subscriber int64) (Record, error) {
	r := Record{MadeAt: s.now().UTC(), Subscriptions: []recorded{}, Deliveries: []recordedDelivery{}, Letters: []recordedLetter{}, Reports: []recordedReport{}}
	subs, err := s.store.Subscribers(ctx, store.SubscriberQuery{After: subscriber - 1, Through: subscriber})
	if err != nil {
		return r, err
	}
	if len(subs) == 0 {
		return r, fmt.Errorf("subscriber %d: %w", subscriber, store.ErrNotFound)
	}
	who := subs[0].Subscriber
	r.Address, r.Name, r.Since = who.Email, who.Name, who.CreatedAt
	for i := range subs {
		r.Subscriptions = append(r.Subscriptions, recordOf(&subs[i]))
	}
	p, err := s.store.Suppression(ctx, who.Email)
	switch {
	case err == nil:
		r.Suppressed = &recordedSuppression{p.Cause, p.Note, p.At}
	case !errors.Is(err, store.ErrNotFound):
		return r, err
	}
	removed, err := s.store.Tombstones(ctx, who.Email)
	if err != nil {
		return r, err
	}
	for _, t := range removed {
		r.Removals = append(r.Removals, recordedRemoval(t))
	}
	letters, err := s.store.LettersOf(ctx, subscriber)
	if err != nil {
		return r, err
	}
	for _, l := range letters {
		r.Letters = append(r.Letters, recordedLetter{l.Kind, l.Newsletter, l.Address, l.CreatedAt, jsonText(l.Asked)})
	}
	reports, err := s.store.Bounces(ctx, store.BounceQuery{Email: who.Email})
	if err != nil {
		return r, err
	}
	for i := range reports {
		b := &reports[i]
		r.Reports = append(r.Reports, recordedReport{b.Kind, b.Reason, b.Words, b.Newsletter, b.At, b.Outcome})
	}
	for _, rehearsal := range []bool{false, true} {
		past, err := s.store.History(ctx, subscriber, rehearsal, 0)
		if err != nil {
			return r, err
		}
		for _, d := range past {
			r.Deliveries = append(r.Deliveries, recordedDelivery{d.Newsletter, d.Number, d.Rehearsal, d.Subject, d.State.String(), d.At, d.Attempts, d.Reply})
		}
	}
	return r, nil
}

func recordOf(b *newsletter.Subscription) recorded {
	r := recorded{
		Newsletter: b.Newsletter, State: b.State, Language: b.Subscriber.Language, TimeZone: b.Subscriber.TimeZone, Topics: b.Topics, Cadence: b.Cadence,
		MaxItems: b.MaxItems, PausedTill: b.PausedTill, ByFeed: b.ByFeed, HasFeed: b.HasFeed, ConsentAt: b.ConsentAt, Source: b.Source, Proof: jsonText(b.Proof),
		LeftAt: b.LeftAt, LeftBy: b.LeftBy, CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt,
	}
	if b.Hour >= 0 {
		r.Hour = &b.Hour
	}
	return r
}
