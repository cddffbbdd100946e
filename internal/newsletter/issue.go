package newsletter

import "time"

// IssueState is where an issue stands:
// draft → (awaiting →) sealing → sending ⇄ paused → sent | cancelled.
type IssueState string

// The states of an issue. A draft exists only in memory (a preview); rows start
// as awaiting or sealing.
const (
	IssueAwaiting  IssueState = "awaiting approval"
	IssueSealing   IssueState = "sealing"
	IssueSending   IssueState = "sending"
	IssuePaused    IssueState = "paused"
	IssueSent      IssueState = "sent"
	IssueCancelled IssueState = "cancelled"
)

// Open reports whether the issue can still send something.
func (s IssueState) Open() bool {
	return s == IssueAwaiting || s == IssueSealing || s == IssueSending || s == IssuePaused
}

// PausedBy says who paused an issue.
type PausedBy string

// Who pauses issues.
const (
	ByOperator PausedBy = "operator"
	ByBreaker  PausedBy = "breaker" // too many failures or complaints
	ByCanary   PausedBy = "canary"  // the first slice did not look well
	ByAge      PausedBy = "age"     // it made no progress for too long
	ByContent  PausedBy = "content" // its messages cannot be made
)

// Issue is one numbered, frozen sending of a newsletter.
type Issue struct {
	ID         int64      // in the store
	Newsletter string     //
	Rehearsal  bool       // goes to the catcher; numbered apart
	Number     int        // from 1, by newsletter and rehearsal
	State      IssueState //
	Reason     string     // why it is paused or cancelled, for people
	PausedBy   PausedBy   // empty: it is not paused
	Hash       string     // of everything frozen; what an approval names
	Horizon    int64      // the highest seq considered
	Subject    string     // of the leading digest, for listings
	Sealed     bool       // the audience is complete
	Watermark  int64      // the highest subscriber id sealed so far
	Recipients int        // deliveries made at sealing
	Canary     float64    // the share of the audience that goes first, 0: none
	CanaryAt   time.Time  // since when all of the canary was tried, zero: not yet
	Wave       int        // 0: the canary (or everybody, where there is none), 1: the rest
	Due        string     // local time of its occurrence, empty: by hand
	Turn       Turn       // whose turn it is
	CreatedAt  time.Time
	SealedAt   time.Time
	ProgressAt time.Time // the last settled delivery or state change
	DoneAt     time.Time // sent or cancelled
}

// Out reports whether the issue came out: its audience is complete and its sending
// began. What waits for approval, or was cancelled, is nobody's business.
func (i *Issue) Out() bool {
	switch i.State {
	case IssueSending, IssueSent:
		return true
	case IssuePaused:
		return i.Sealed
	}
	return false
}

// Frozen is what an issue was composed from; it does not change any more.
type Frozen struct {
	Site       Site              `json:"site"` // without Location
	Newsletter FrozenNewsletter  `json:"newsletter"`
	Templates  map[string]string `json:"templates"`  // file name → text
	Intro      string            `json:"intro"`      // Markdown
	IntroUsed  string            `json:"intro_used"` // hash of the last introduction that an issue carried, this one's or an earlier one's
	Date       time.Time         `json:"date"`       // shown in the masthead
	Minutes    map[int64]int     `json:"minutes"`    // reading time by seq
	Lists      []FrozenList      `json:"lists"`      // what each group known at composing gets, by group
}

// FrozenList is what the subscriptions of a group get in an issue.
type FrozenList struct {
	Group    Group   `json:"group"`
	Articles []int64 `json:"articles"` // seqs, in order of appearance; none: the group is passed over
	More     int     `json:"more"`     // new articles left out
}

// FrozenNewsletter is the part of a newsletter's settings that shows in its mail.
type FrozenNewsletter struct {
	Name        string    `json:"name"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	FromName    string    `json:"from_name"`
	FromAddress string    `json:"from_address"`
	ReplyTo     string    `json:"reply_to"`
	Language    string    `json:"language"`
	Subject     string    `json:"subject"`
	Select      Selection `json:"select"`
	Min         int       `json:"min"`
	Max         int       `json:"max"`
	TimeZone    string    `json:"time_zone"`
	Archive     Archive   `json:"archive,omitempty"`
	Counts      Counts    `json:"counts,omitzero"`
}

// Digest is an issue rendered for one group of subscribers: same language, same
// list of articles and as many left out.
type Digest struct {
	Issue    int64
	N        int // from 1 in its issue
	Language string
	Articles []int64 // seqs, in order of appearance
	More     int     // new articles left out
	Subject  string
	HTML     string // with placeholders
	Text     string // with placeholders
}

// Group is a set of subscriptions that are served alike. Subscriptions of equal
// groups share a digest.
type Group struct {
	Cursor   int64  `json:"cursor"`   // articles with a higher seq are new to it
	Language string `json:"language"` // empty: the newsletter's
	Topics   string `json:"topics"`   // sorted, joined by "|"; empty: all
	Max      int    `json:"max"`      // 0: the newsletter's
}

// Placeholders stand in the HTML and text of a digest or letter where each recipient's own
// value is spliced in. Letters only, so that no escaper changes them.
const (
	PlaceholderUnsubscribe = "SYNDICATExUNSUBSCRIBExURL"
	PlaceholderPreferences = "SYNDICATExPREFERENCESxURL"
	PlaceholderName        = "SYNDICATExSUBSCRIBERxNAME" // what follows it is for whom no name is known …
	PlaceholderNameEnd     = "SYNDICATExNAMExEND"        // … up to this; without, there is nothing for them
	PlaceholderAddress     = "SYNDICATExMASKEDxADDRESS"  // masked: m…@example.org
	PlaceholderWeb         = "SYNDICATExONxTHExWEBxURL"  // the digest on the web; each recipient's own where the archive is private
	PlaceholderLink        = "SYNDICATExLETTERxLINKxURL" // the one link of a letter on request
)

// Occurrence is one due time of a newsletter's schedule.
type Occurrence struct {
	Newsletter string
	Rehearsal  bool
	Local      string    // 2006-01-02T15:04, wall clock of the newsletter: the unique key
	At         time.Time // the instant
	Outcome    string    // "issue", "nothing new", "skipped", "late"
	Note       string    // for people
	Issue      int64     // 0: none
	Missed     Week      // what it makes up for, see Turn
}
