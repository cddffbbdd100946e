package bounce

import "syndicate/internal/newsletter"

// Source is where in a message a report was found.
type Source string

// The sources, the most trusted first.
const (
	SourceProvider Source = "provider" // the webhook of a sending service
	SourceDSN      Source = "dsn"      // RFC 3464
	SourceARF      Source = "arf"      // RFC 5965
	SourceHeader   Source = "header"   // automatic replies, receipts, unsubscribing
	SourceText     Source = "text"     // written for people
)

// Report is what one message says about one recipient.
type Report struct {
	Kind       newsletter.ReportKind
	Reason     newsletter.Reason // of a bounce; empty: not known
	Recipient  string            // as the returned mail was addressed, if that is told; empty: not found
	Final      string            // where it ended, if that is another address
	Status     string            // RFC 3463, empty: none
	Code       int               // SMTP reply code, 0: none
	Diagnostic string            // what the receiver said, one line of at most 500 bytes
	Reporter   string            // the system that reports, usually a host name
	Source     Source

	MessageID   string   // of the returned mail, without < >
	Unsubscribe string   // the https address in the returned mail's List-Unsubscribe, for reports that hide the recipient
	To          []string // addresses that may carry a VERP key: of the report's envelope, of the returned mail's envelope
}
