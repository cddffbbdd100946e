package store

import (
	"time"

	"syndicate/internal/newsletter"
)

// SourceState is what the store remembers of an article source.
type SourceState struct {
	Name      string
	State     []byte // the source's own memory, nil before the first complete listing
	CheckedAt time.Time
	FailedAt  time.Time // zero: the last listing worked
	Error     string
	Held      string // why articles wait for an operator, empty: nothing is held
	HeldCount int
	Accepted  bool      // an operator accepted the hold: the next listing may do what was held
	Due       time.Time // when it is to be asked again, zero: it has no schedule
}

// UpsertBatch is one batch of articles from a source.
type UpsertBatch struct {
	Source   string
	SiteURL  string          // part of what article ids are minted from
	Vanished map[string]bool // keys this listing no longer has: candidates for a move
	Articles []newsletter.Article
}

// Upserted counts what became of a batch.
type Upserted struct {
	Added, Changed, Unchanged int
	MovedFrom                 []string // former keys of the articles that moved
	Published                 int      // articles that became public for the first time
	Relabelled                []Relabelled
}

// Relabelled is a public article of earlier whose language, tags, authors or
// section changed, so that other newsletters may want it now.
type Relabelled struct {
	Was, Is newsletter.Article // no more than File, Seq, Title and what changed
}

// ArticleQuery selects articles, newest first.
type ArticleQuery struct {
	Select         newsletter.Selection
	After, Through int64 // bounds on seq: After < seq <= Through; 0: open
	Limit, Offset  int   // Limit 0: all
	Bodies         bool
	State          string // "" (public), "all", "draft", "scheduled", "unpublished"
	News           bool   // without the backlog of sources: what newsletters send
}

// Label is a tag, author, section or language with its number of public articles.
type Label struct {
	Name  string
	Count int
}

// Track is where a newsletter stands, for real or in rehearsal.
type Track struct {
	Newsletter string
	Rehearsal  bool
	Horizon    int64 // of the last sealed issue, 0 before the first
	LastNumber int
	Since      time.Time // when the newsletter was first seen
}

// GroupCount is a group of subscriptions that are served alike.
type GroupCount struct {
	newsletter.Group
	Count int
}

// NewIssue is what CreateIssue freezes.
type NewIssue struct {
	Newsletter string
	Rehearsal  bool
	Horizon    int64
	Hash       string // of everything frozen
	Subject    string
	Frozen     newsletter.Frozen
	Articles   []newsletter.Article   // in order; with bodies if templates want them
	Occurrence *newsletter.Occurrence // nil: by hand
	Approval   bool                   // an operator must approve it first
	Canary     float64                // the share of the audience that goes first, 0: none
	Turn       newsletter.Turn        // whose turn it is
}

// IssueQuery selects issues, newest first.
type IssueQuery struct {
	Newsletter string
	Rehearsal  *bool
	Open       bool // only issues that can still send something
	Out        bool // only issues that came out, see newsletter.Issue.Out
	Limit      int  // 0: all
	Offset     int
}

// Failure is a way in which deliveries of an issue failed.
type Failure struct {
	State   newsletter.DeliveryState // Failed, Uncertain, or Pending: to be tried again
	Code    int
	Reply   string
	Count   int
	Example string // a masked address
}

// Trouble is a delivery that failed, is uncertain, or is to be tried again.
type Trouble struct {
	Email    string // empty: the subscriber was removed
	State    newsletter.DeliveryState
	Attempts int
	Code     int
	Reply    string
}

// Recipient is a member of an issue's audience.
type Recipient struct {
	Subscriber int64
	Group      newsletter.Group
	Domain     string    // see newsletter.DomainGroup
	NotBefore  time.Time // the hour its owner wants, zero: at once
}

// Lease is a chunk of deliveries that a worker holds for a while.
type Lease struct {
	Chunk, Issue, Fence int64
	Newsletter          string
	Number              int // of the issue
	Rehearsal           bool
	Group               string             // recipient-domain group, empty: small domains
	At                  time.Time          // when it was leased, by the database's clock, as is the FirstTry of its rows
	MaxRate             float64            // of the issue, messages a second over all workers; 0: no limit
	Letter              *newsletter.Letter // on request; nil: the deliveries are an issue's
	Rows                []newsletter.Delivery
}

// Settlement is how one attempt at a delivery ended.
type Settlement struct {
	Chunk, Fence int64
	N            int
	State        newsletter.DeliveryState // Sent, Failed, Uncertain, or Pending: try again
	Reply        newsletter.Reply
	RetryIn      time.Duration // with Pending; 0: at once, and the attempt does not count (the relay's fault)
	Uncounted    bool          // with RetryIn: the attempt does not count all the same
	Suppress     bool          // the address does not exist
	Address      string        // with Suppress: where it went, which may be the subscriber's no more
	Subscriber   int64         // with Suppress
	Issue        int64         // with Suppress
}

// AddResult says what AddSubscriber found or did.
type AddResult string

// The results of AddSubscriber.
const (
	Created      AddResult = "created"
	Exists       AddResult = "exists"
	Unsubscribed AddResult = "unsubscribed" // the owner left; nothing was changed
	Suppressed   AddResult = "suppressed"
	Gone         AddResult = "gone" // removed, changed or erased before, or left long ago
)

// SyncNote says why a line of a list was not taken.
type SyncNote struct {
	Line   int // in the file
	Reason AddResult
}

// SyncResult counts what became of a subscriber list.
type SyncResult struct {
	Added, Changed, Unchanged, Refused, Pruned int
	Notes                                      []SyncNote // of the refused, at most 100
}

// SubscriberQuery selects subscriptions in ascending order of subscriber id.
type SubscriberQuery struct {
	Newsletter string // empty: all
	State      newsletter.SubscriptionState
	Suppressed bool   // only these
	Match      string // part of the address or name
	After      int64  // subscriber id
	Through    int64  // subscriber id, 0: no end
	Limit      int    // 0: all
}

// Overview is what `status` shows.
type Overview struct {
	Articles    map[string]int // by state
	Newest      time.Time      // publication of the newest public article
	NextRelease time.Time      // zero: nothing is scheduled
	Sources     []SourceState  // State left out
	Subscribers []SubscriberCount
	Open        []newsletter.Issue
	Relays      []Relay // that are paused
	Suppressed  int
}

// SubscriberCount counts subscriptions.
type SubscriberCount struct {
	Newsletter string
	State      newsletter.SubscriptionState
	Count      int
	Suppressed int // of Count
}

// Relay is what all workers know of a relay.
type Relay struct {
	Name        string
	PausedUntil time.Time
	Reason      string
}
