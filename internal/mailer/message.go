package mailer

import (
	"net/mail"
	"time"
)

// Personal is what one copy of a message has to itself. The values are made
// safe where they are spliced in: no value can add a header or a line.
type Personal struct {
	To             mail.Address // ASCII address
	Date           time.Time
	MessageID      string // without angle brackets
	UnsubscribeURL string // absolute; empty: no List-Unsubscribe URL
	PreferencesURL string // absolute
	Name           string // may be empty
	MaskedAddress  string // newsletter.MaskAddress
}

// Template is a serialised message that waits for recipients. It is immutable
// and safe for concurrent use.
type Template struct{ size int }

// NewTemplate builds the message. Errors are about content that no relay should
// see: a bad address, text that is not UTF-8.
func NewTemplate(c Content) (*Template, error) { return &Template{}, nil }

// Append appends the finished message of one recipient to dst: 7-bit ASCII with
// CRLF line ends, not dot-stuffed.
func (t *Template) Append(dst []byte, p Personal) []byte { return dst }

// Size returns about how many octets a finished message has, rather too many
// than too few: what Outgoing.Size wants.
func (t *Template) Size() int { return t.size }
