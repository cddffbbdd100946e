package newsletter

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DeliveryState is where one message to one subscriber stands. The numbers are
// stored.
type DeliveryState int

// The states of a delivery: pending → sending → sent | failed | cancelled | uncertain.
const (
	Pending   DeliveryState = 0
	Sending   DeliveryState = 1
	Sent      DeliveryState = 2
	Failed    DeliveryState = 3
	Cancelled DeliveryState = 4
	Uncertain DeliveryState = 5
)

func (s DeliveryState) String() string {
	switch s {
	case Pending:
		return "pending"
	case Sending:
		return "sending"
	case Sent:
		return "sent"
	case Failed:
		return "failed"
	case Cancelled:
		return "cancelled"
	case Uncertain:
		return "uncertain"
	}
	return "state " + strconv.Itoa(int(s))
}

// Delivery is one message to one subscriber, as a worker leases it.
type Delivery struct {
	Chunk      int64
	N          int // in its chunk
	Subscriber int64
	Digest     int // N of the digest
	State      DeliveryState
	Attempts   int       // bodies or envelopes tried so far
	FirstTry   time.Time // zero: never tried
	Email      string    // ASCII form (IDN domains as A-labels)
	Name       string
	Group      string // the recipient-domain group it is paced with
	Newsletter string // for links
}

// Phase is the step of an SMTP session that an answer belongs to. What a failure
// means depends on it (RFC 5321 4.2.1, 4.5.3.2).
type Phase int

// The phases, in the order of a session.
const (
	PhaseConnect Phase = iota // TCP and the 220 greeting
	PhaseHello                // EHLO
	PhaseTLS                  // STARTTLS and the handshake
	PhaseAuth                 // AUTH
	PhaseMail                 // MAIL FROM
	PhaseRcpt                 // RCPT TO
	PhaseData                 // DATA and the body, until the final dot is written
	PhaseDot                  // the final dot was (perhaps) written
)

func (p Phase) String() string {
	return [...]string{"connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "final dot"}[p]
}

// Reply is how one attempt ended.
type Reply struct {
	Phase    Phase
	Code     int    // SMTP reply code, 0: no answer
	Enhanced string // RFC 3463 status such as "5.1.1", taken from the text, empty: none
	Text     string // the relay's words, or the network error's; one line, at most 500 bytes
}

// Verdict is what a reply means for the delivery and for the relay.
type Verdict struct {
	State    DeliveryState // Sent, Failed, Uncertain, or Pending: try again later
	Suppress bool          // the address does not exist: never mail it again
	RelayBad bool          // the relay's (or our account's) fault: pause the relay, blame nobody
	Lost     bool          // the connection is of no use any more
}

// Judge settles a reply by phase and code. Only a reply about the address at
// RCPT may suppress; no answer to the final dot is uncertain, before it safe to
// retry; a refusal up to MAIL is the relay's fault, never the recipient's, unless it is
// about the size that MAIL declares.
func Judge(r Reply) Verdict {
	switch {
	case r.Phase == PhaseDot && (r.Code/100 < 2 || r.Code/100 == 3):
		return Verdict{State: Uncertain, Lost: true}
	case r.Code == 0 || r.Code == 421:
		return Verdict{State: Pending, Lost: true, RelayBad: r.Phase < PhaseMail}
	case r.Phase == PhaseDot && r.Code/100 == 2:
		return Verdict{State: Sent}
	case r.Phase < PhaseMail:
		return Verdict{State: Pending, RelayBad: true, Lost: true}
	case r.Phase == PhaseMail && r.Code/100 >= 4 && !tooLarge(r):
		return Verdict{State: Pending, RelayBad: true}
	case r.Code/100 == 5 && r.Phase == PhaseRcpt:
		if senderFault(r) {
			return Verdict{State: Pending, RelayBad: true}
		}
		return Verdict{State: Failed, Suppress: aboutAddress(r)}
	case r.Code/100 == 5:
		return Verdict{State: Failed}
	}
	return Verdict{State: Pending}
}

// aboutAddress reports whether a refusal at RCPT says that nobody is there, or
// nobody any more. Being hard by Classify is not enough: the relay also speaks of
// our account, our domain and its own troubles here, often in the same words. So
// the status must be about the address (RFC 3463 X.1.1, X.1.2, X.1.3, X.1.6,
// X.1.10, X.2.1), or, where there is none, the words about the recipient.
func aboutAddress(r Reply) bool {
	if kind, _ := Classify(Refusal{Status: r.Enhanced, Code: r.Code, Words: r.Text}); kind != ReportHard {
		return false
	}
	switch r.Enhanced {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1":
		return true
	case "":
		return (r.Code == 550 || r.Code == 551 || r.Code == 553) && nobodyThere(r.Text)
	}
	return false
}

// nobodyThere reports whether words say of the recipient, and of nobody else, that
// there is none.
func nobodyThere(text string) bool {
	words := foldWords(text)
	return wordsNobody.MatchString(words) && !wordsOurs.MatchString(words)
}

// tooLarge reports whether MAIL was refused for the message's declared size
// (RFC 1870 6.1). That is the message's fault; pausing the relay would not help.
func tooLarge(r Reply) bool {
	return r.Code == 552 || r.Enhanced == "5.3.4" || r.Enhanced == "5.2.3"
}

// senderFault reports whether a refusal at RCPT is about us: relaying denied or
// authentication wanted (RFC 4954 6: 530, 535, 538; RFC 3463 X.7.8). Otherwise
// 5.7.x is policy about the message or the recipient and stays a failure, and
// 5.1.x is about an address whatever the words are.
func senderFault(r Reply) bool {
	if strings.HasPrefix(r.Enhanced, "5.1.") {
		return false
	}
	switch r.Code {
	case 503, 530, 534, 535, 538:
		return true
	}
	switch r.Enhanced {
	case "5.7.8", "5.5.1":
		return true
	}
	return relayingDenied(r.Text)
}

// relayingDenied knows the words in which relays refuse whoever did not log in,
// because the status (5.7.1 or none) says no more than "policy": Postfix,
// Sendmail, Exim and Exchange. Taken for the recipient's fault, one missing
// password would fail a whole issue. What another server said to the relay is
// about the recipient: a relay that verifies addresses quotes it.
func relayingDenied(text string) bool {
	text, _, _ = strings.Cut(strings.ToLower(text), "said:")
	return slices.ContainsFunc(relayingWords, func(words string) bool { return strings.Contains(text, words) })
}

// Backoff returns how long to wait after the n-th failed attempt (n from 1):
// base doubled each time, at most limit, spread by jitter in [0,1) over ±20 %
// so that a relay that comes back is not met by everybody at once.
func Backoff(n int, base, limit time.Duration, jitter float64) time.Duration {
	d, doublings := limit, max(n, 1)-1
	if base <= limit>>min(doublings, 63) { // not base<<doublings: that overflows
		d = base << doublings
	}
	return time.Duration(float64(d) * (0.8 + 0.4*jitter))
}

var (
	wordsNobody = regexp.MustCompile(`\b(?:unknown|no such) (?:user|recipient|mailbox)\b` +
		`|\b(?:user|recipient|mailbox)(?: <?@>?)?(?: is| was)? (?:unknown|not found|does not exist|doesn't exist)\b`)
	wordsOurs = regexp.MustCompile(`\b(?:sender|sending|outgoing|password|your (?:user|mailbox))\b`)

	// Addresses, in links too, where @ is %40.
	replyAddress = regexp.MustCompile(`<?[^\s<>()"',;:@][^\s<>()",;:@]*(?:@|%(?:25)*40)[\pL\pN.-]+\.?[\pL\pN]>?`)
	// Numbers of three digits or more that are no reply code or status, and the
	// identifiers of queues and sessions.
	replyNumber = regexp.MustCompile(`\b[0-9A-Za-z_-]*(?:[0-9][0-9A-Za-z_-]*){4,}\b`)
)

// ReplyKind makes replies of one kind equal: without addresses, and without the
// numbers and identifiers that differ from message to message.
func ReplyKind(text string) string {
	text = replyAddress.ReplaceAllString(text, "<…>")
	text = replyNumber.ReplaceAllString(text, "…")
	return strings.Join(strings.Fields(text), " ")
}
