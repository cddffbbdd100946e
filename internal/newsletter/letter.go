package newsletter

import "time"

// LetterKind says what a letter on request is for: mail to one person that is no
// issue. The words are stored, and name the templates.
type LetterKind string

// The letters on request.
const (
	LetterConfirm LetterKind = "confirm" // to whoever signed up: its link confirms
	LetterKnown   LetterKind = "known"   // to whoever signed up and is confirmed: has the link to the preferences
	LetterAccess  LetterKind = "access"  // its link opens what a forwarded digest must not
	LetterChange  LetterKind = "change"  // to a new address: its link confirms the change
	LetterChanged LetterKind = "changed" // to the address of before, has no link that acts
	LetterArchive LetterKind = "archive" // to a subscriber who asked for it: its link leads to the issues of a private archive
)

// LetterKinds returns all there are.
func LetterKinds() []LetterKind {
	return []LetterKind{LetterConfirm, LetterKnown, LetterAccess, LetterChange, LetterChanged, LetterArchive}
}

// Purpose returns what the letter's link is good for, 0: it has none.
func (k LetterKind) Purpose() Purpose {
	switch k {
	case LetterConfirm:
		return PurposeConfirm
	case LetterKnown:
		return PurposePreferences
	case LetterAccess:
		return PurposeAccess
	case LetterChange:
		return PurposeChange
	case LetterArchive:
		return PurposeRead
	}
	return 0
}

// Letter is a letter on request, as it is stored.
type Letter struct {
	Chunk      int64 // of its one delivery
	Kind       LetterKind
	Rehearsal  bool
	Newsletter string // empty: of the site
	Subscriber int64
	Owner      string    // the subscriber's own address, known when it is leased
	Address    string    // where it goes: with LetterChange not yet its subscriber's
	Content    string    // hash of its LetterContent
	Asked      string    // JSON, with LetterConfirm a SignUp; empty: nothing
	Expires    time.Time // when its link ends; it is not sent any more then. Zero: never
	CreatedAt  time.Time
}

// SignedFor returns what a letter's token is signed for: the address of its
// subscriber, and with a change the new one, too. So it dies with either.
func (l *Letter) SignedFor() string {
	if l.Kind == LetterChange {
		return ChangeKey(l.Owner, l.Address)
	}
	return l.Owner
}

// ChangeKey is what the token of a change of address is signed for.
func ChangeKey(from, to string) string { return from + "\n" + to }

// LetterContent is what letters of a kind, newsletter and language have in common,
// with placeholders.
type LetterContent struct {
	FromName    string `json:"from_name"`
	FromAddress string `json:"from_address"`
	ReplyTo     string `json:"reply_to"`
	Language    string `json:"language"`
	Subject     string `json:"subject"`
	HTML        string `json:"html"`
	Text        string `json:"text"`
}
