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
	Messages      []recordedMessage    `json:"messages"`   // that came back, were not understood, and name the address
	SignUps       []recordedSignUp     `json:"sign_ups"`   // that wait to be answered
}

type recordedLetter struct {
	Kind       newsletter.LetterKind `json:"kind"`
	Newsletter string                `json:"newsletter,omitempty"`
	Address    string                `json:"address"` // where it went
	Rehearsal  bool                  `json:"rehearsal,omitempty"`
	At         time.Time             `json:"at"`
	Expires    time.Time             `json:"expires,omitzero"`
	Asked      jsonText              `json:"asked"`              // what for, and from where
	ByOther    bool                  `json:"by_other,omitempty"` // another subscriber asked for it
	State      string                `json:"state"`
	Attempts   int                   `json:"attempts"`
	SettledAt  time.Time             `json:"settled_at,omitzero"`
	Code       int                   `json:"code,omitempty"`
	Reply      string                `json:"reply,omitempty"` // of the receiving server
}

type recordedMessage struct {
	Number int64     `json:"number"` // the operator can look at it by that
	At     time.Time `json:"at"`
	Bytes  int       `json:"bytes"`
}

type recordedSignUp struct {
	Newsletter string `json:"newsletter"`
	Address    string `json:"address"`
	newsletter.SignUp
}

type recordedReport struct {
	Kind       newsletter.ReportKind `json:"kind"`
	Reason     newsletter.Reason     `json:"reason,omitempty"`
	Status     string                `json:"status,omitempty"` // RFC 3463
	Code       int                   `json:"code,omitempty"`
	Words      string                `json:"words,omitempty"`
	Reporter   string                `json:"reporter,omitempty"`
	Source     string                `json:"source"` // how it came
	Issue      int64                 `json:"issue,omitempty"`
	Newsletter string                `json:"newsletter,omitempty"`
	At         time.Time             `json:"at"`
	Outcome    store.BounceOutcome   `json:"outcome"`
}

type recordedSuppression struct {
	Cause newsletter.Cause `json:"cause"`
	Issue int64            `json:"issue,omitempty"` // that led to it
	Note  string           `json:"note,omitempty"`
	Since time.Time        `json:"since"`
	Held  bool             `json:"held,omitempty"` // the operator is to review it
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
	FormWords  string                       `json:"form_words,omitempty"` // what stood in the form that Proof names
	LeftAt     time.Time                    `json:"left_at,omitzero"`
	LeftBy     string                       `json:"left_by,omitempty"`
	CreatedAt  time.Time                    `json:"created_at"`
	UpdatedAt  time.Time                    `json:"updated_at"`
	SetByOwner []string                     `json:"set_by_owner,omitempty"`
	List       jsonText                     `json:"list"` // what the operator's own list said; null: nothing

	// Up to which article it is served, and when it was last (days since 1970).
	Cursor          int64 `json:"cursor"`
	Served          int64 `json:"served,omitempty"`
	RehearsalCursor int64 `json:"rehearsal_cursor"`
	RehearsalServed int64 `json:"rehearsal_served,omitempty"`
}

type recordedDelivery struct {
	Newsletter string    `json:"newsletter"`
	Number     int       `json:"number"`
	Rehearsal  bool      `json:"rehearsal,omitempty"`
	Subject    string    `json:"subject"`
	State      string    `json:"state"`
	At         time.Time `json:"at,omitzero"`
	DueAt      time.Time `json:"due_at,omitzero"` // when it is tried again
	FirstTry   time.Time `json:"first_try,omitzero"`
	Attempts   int       `json:"attempts"`
	Digest     int       `json:"digest"` // which of the issue's: by language and articles
	Code       int       `json:"code,omitempty"`
	Reply      string    `json:"reply,omitempty"` // of the receiving server
}

// jsonText is JSON as it is stored.
type jsonText string

// MarshalJSON returns the text.
func (t jsonText) MarshalJSON() ([]byte, error) { return []byte(cmp.Or(string(t), "null")), nil }

// Record returns everything that is held about a subscriber; store.ErrNotFound.
func (s *Service) Record(ctx context.Context, subscriber int64) (Record, error) {
	r := Record{
		MadeAt: s.now().UTC(), Subscriptions: []recorded{}, Deliveries: []recordedDelivery{}, Letters: []recordedLetter{}, Reports: []recordedReport{},
		Messages: []recordedMessage{}, SignUps: []recordedSignUp{},
	}
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
		x := recordOf(&subs[i])
		if x.FormWords, err = s.formWords(ctx, subs[i].Proof); err != nil {
			return r, err
		}
		r.Subscriptions = append(r.Subscriptions, x)
	}
	p, err := s.store.Suppression(ctx, who.Email)
	switch {
	case err == nil:
		r.Suppressed = &recordedSuppression{p.Cause, p.Issue, p.Note, p.At, p.Held}
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
	traces, err := s.store.Traces(ctx, subscriber, who.Email)
	if err != nil {
		return r, err
	}
	r.trace(subscriber, traces)
	reports, err := s.store.Bounces(ctx, store.BounceQuery{Email: who.Email})
	if err != nil {
		return r, err
	}
	for i := range reports {
		b := &reports[i]
		r.Reports = append(r.Reports, recordedReport{
			Kind: b.Kind, Reason: b.Reason, Status: b.Status, Code: b.Code, Words: b.Words, Reporter: b.Reporter, Source: b.Source,
			Newsletter: b.Newsletter, Issue: b.Issue, At: b.At, Outcome: b.Outcome,
		})
	}
	for _, rehearsal := range []bool{false, true} {
		past, err := s.store.History(ctx, subscriber, rehearsal, 0)
		if err != nil {
			return r, err
		}
		for _, d := range past {
			r.Deliveries = append(r.Deliveries, recordedDelivery{
				Newsletter: d.Newsletter, Number: d.Number, Rehearsal: d.Rehearsal, Subject: d.Subject, State: d.State.String(), At: d.At, DueAt: d.DueAt,
				FirstTry: d.FirstTry, Attempts: d.Attempts, Digest: d.Digest, Code: d.Code, Reply: d.Reply,
			})
		}
	}
	return r, nil
}

// trace adds what no other query returns.
func (r *Record) trace(subscriber int64, t store.Traces) {
	for _, l := range t.Letters {
		x := recordedLetter{
			Kind: l.Kind, Newsletter: l.Newsletter, Address: l.Address, Rehearsal: l.Rehearsal, At: l.CreatedAt, Expires: l.Expires, Asked: jsonText(l.Asked),
			State: l.State.String(), Attempts: l.Attempts, SettledAt: l.At, Code: l.Code, Reply: l.Reply,
		}
		if l.Subscriber != subscriber { // what is theirs stays theirs
			x.ByOther, x.Asked = true, ""
		}
		r.Letters = append(r.Letters, x)
	}
	for _, m := range t.Messages {
		r.Messages = append(r.Messages, recordedMessage{m.Bounce, m.At, m.Bytes})
	}
	for _, u := range t.SignUps {
		r.SignUps = append(r.SignUps, recordedSignUp{u.Newsletter, u.Email, u.SignUp})
	}
	for _, l := range t.Lines {
		for i := range r.Subscriptions {
			if b := &r.Subscriptions[i]; b.Newsletter == l.Newsletter {
				b.List = jsonText(l.Cells)
			}
		}
	}
}

// formWords returns what stood in the form that a proof names; empty: it names none, or one
// of a time when that was not kept.
func (s *Service) formWords(ctx context.Context, proof string) (string, error) {
	var consent newsletter.Consent
	if json.Unmarshal([]byte(proof), &consent) != nil || consent.Form == "" {
		return "", nil //nolint:nilerr // an import's proof may be of any kind
	}
	words, err := s.store.FormWords(ctx, consent.Form)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return words, err
}

func recordOf(b *newsletter.Subscription) recorded {
	r := recorded{
		Newsletter: b.Newsletter, State: b.State, Language: b.Subscriber.Language, TimeZone: b.Subscriber.TimeZone, Topics: b.Topics, Cadence: b.Cadence,
		MaxItems: b.MaxItems, PausedTill: b.PausedTill, ByFeed: b.ByFeed, HasFeed: b.HasFeed, ConsentAt: b.ConsentAt, Source: b.Source, Proof: jsonText(b.Proof),
		LeftAt: b.LeftAt, LeftBy: b.LeftBy, CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt,
		SetByOwner: b.SetByOwner, Cursor: b.Cursor, Served: int64(b.Served), RehearsalCursor: b.RehearsalCursor, RehearsalServed: int64(b.RehearsalServed),
	}
	if b.Hour >= 0 {
		r.Hour = &b.Hour
	}
	return r
}
