package newsletter

import (
	"slices"
	"strings"
	"time"
)

// SubscriptionState is whether the owner agreed.
type SubscriptionState string

// The states of a subscription: pending → confirmed → unsubscribed.
const (
	SubscriptionPending      SubscriptionState = "pending"
	SubscriptionConfirmed    SubscriptionState = "confirmed"
	SubscriptionUnsubscribed SubscriptionState = "unsubscribed"
)

// Subscriber is an address and its owner.
type Subscriber struct {
	ID        int64
	Email     string // as checked by package roster
	Name      string
	Language  string // BCP 47, empty: the newsletter's
	TimeZone  string // IANA name, empty: the newsletter's
	CreatedAt time.Time
}

// Subscription is subscriber × newsletter.
type Subscription struct {
	Subscriber Subscriber
	Newsletter string
	State      SubscriptionState
	Topics     []string // tags wanted; empty: all
	Cadence    Cadence
	Hour       int // local hour wanted, -1: when the issue is sent
	MaxItems   int // 0: the newsletter's
	PausedTill time.Time
	Cursor     int64 // articles up to this seq are served
	Served     Day   // on which an issue was for it last, or from which its cadence counts; 0: never

	RehearsalCursor int64     // the same in rehearsal
	RehearsalServed Day       //
	HasFeed         bool      // there is a personal feed of it
	ByFeed          bool      // it is served by that alone, not by mail
	LeftAt          time.Time // unsubscribed
	LeftBy          string    // where that came from: "link", "page", "file", …

	ConsentAt time.Time
	Source    string // where the consent came from: "file", "cli", "form", "import 3"
	Proof     string // JSON, what proves it
	CreatedAt time.Time
	UpdatedAt time.Time

	SetByOwner []string // names of the fields that its owner set, sorted
}

// Line is one line of a subscriber list, checked and normalised. A nil field was
// not in the list; an empty one was and is empty.
type Line struct {
	N        int // line in the file, from 1
	Email    string
	Name     *string
	Language *string
	Topics   *[]string
	TimeZone *string

	// What exports say besides; lists that an operator keeps leave it empty.
	State      SubscriptionState // empty: confirmed
	Suppressed Cause             // why the address is not to be mailed, empty: it may be
	ConsentAt  time.Time
	Proof      string // JSON, what the list says about the consent, empty: nothing
	LeftAt     time.Time
	LeftBy     string   // empty: the list says it
	Choices    *Choices // nil: none are known
}

// Choices are what an owner chose of a subscription, beside language, zone and
// topics.
type Choices struct {
	Cadence    Cadence
	Hour       int // local hour wanted, -1: when the issue is sent
	MaxItems   int // 0: the newsletter's
	PausedTill time.Time
	ByFeed     bool     // no mail: it was served by a feed of its own
	SetByOwner []string // names of the fields that the owner set
}

// JoinTopics returns the canonical form of a topic set: lower case, sorted,
// without doubles, joined by "|".
func JoinTopics(topics []string) string {
	out := make([]string, 0, len(topics))
	for _, t := range topics {
		if t = strings.ToLower(strings.TrimSpace(t)); t != "" {
			out = append(out, strings.ReplaceAll(t, "|", " "))
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "|")
}

// SplitTopics is the inverse of JoinTopics.
func SplitTopics(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "|")
}

// Cause says why an address is suppressed.
type Cause string

// The causes of a suppression.
const (
	CauseBounce    Cause = "bounce"    // hard bounce; only the operator lifts it
	CauseComplaint Cause = "complaint" // the owner's own double opt-in lifts it
	CauseOperator  Cause = "operator"
	CauseErasure   Cause = "erasure" // the owner's own double opt-in lifts it
)

// Lets reports whether a letter of a kind may go to an address that is suppressed for
// the cause: what its owner asked for after a complaint or an erasure, to come back
// or to see what is held. Mail that bounces, or that the operator forbade, may not.
func (c Cause) Lets(kind LetterKind) bool {
	return (c == CauseComplaint || c == CauseErasure) && (kind == LetterConfirm || kind == LetterAccess)
}

// Suppression is an address that is never mailed.
type Suppression struct {
	Hash  string // keyed, hex
	Cause Cause
	Issue int64 // that led to it, 0: none
	Note  string
	At    time.Time
	Held  bool // its issue was stopped by the breaker: to be reviewed
}
