package mailer

import (
	"context"

	"syndicate/internal/newsletter"
)

// Outgoing is one message to one recipient.
type Outgoing struct {
	From string // envelope sender, ASCII; empty: the null path <>
	To   string // envelope recipient, ASCII
	Size int    // about how many octets Message appends, 0: unknown

	// Mark is called once the commands that lead to DATA are written, on another
	// goroutine, with a context that outlives Run's. No byte of the message is
	// written before it returned nil. If it returns an error, nothing of the
	// message is sent; should the relay already be waiting for it, the connection
	// is closed. nil: no mark is needed.
	Mark func(ctx context.Context) error

	// Message appends the finished message, with CRLF line ends and not
	// dot-stuffed, to dst. It is called at most once, while replies are under way:
	// the place to sign.
	Message func(dst []byte) []byte

	Ref any // the caller's
}

// Run hands messages to the relay until next returns false, ctx is cancelled
// or the connection is lost, and calls done once for each message that next
// returned, after its Mark returned. It returns a reply with Code 250 if the
// connection can still be used, else what ended it.
func (c *Conn) Run(ctx context.Context, next func(context.Context) (*Outgoing, bool), done func(*Outgoing, newsletter.Reply)) newsletter.Reply {
	return newsletter.Reply{}
}
