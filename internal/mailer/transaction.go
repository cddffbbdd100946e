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

	// Mark is called once the relay waits for the message, with a context that is
	// not cancelled with Run's. No byte of the message is written before it returned
	// nil. If it returns an error, nothing of the message is sent, and the connection
	// is closed. The result of the message before may be stored in the same step: it
	// was reported to done. nil: no mark is needed.
	Mark func(ctx context.Context) error

	// Ready is called right before the message is written. An error keeps it back:
	// the connection is closed, and the message reported with PhaseData, Code 0 and
	// the error's text. nil: it may leave.
	Ready func() error

	// Message appends the finished message, with CRLF line ends and not
	// dot-stuffed, to dst. It is called at most once, while replies are under way:
	// the place to sign.
	Message func(dst []byte) []byte

	// Clean says that Message appends lines that end with CRLF and do not begin with
	// a dot, as Template.Append does: nobody looks at them once more.
	Clean bool

	Ref any // the caller's
}

// Run hands messages to the relay until next returns false, ctx is cancelled,
// Relay.MessagesPerConnection is reached or the connection is lost. It returns a
// reply with Code 250 if the connection can be used further, else what ended it.
//
// next is called while the message before is in flight and waits for it: it
// should not block then, but return nil and true, which means "nothing now"; Run
// settles what is in flight and asks again. With nothing in flight (done was
// called for each message that next returned) next may block. After false it is
// not called again.
//
// done is called once for each message that next returned, before Run returns, in
// their order, but that what is refused here is reported at once. A message whose
// Mark failed is reported with PhaseData, Code 0 and the error's text. All functions
// are called on the caller's goroutine.
func (c *Conn) Run(ctx context.Context, next func(context.Context) (*Outgoing, bool), done func(*Outgoing, newsletter.Reply)) newsletter.Reply {
	s := session{Conn: c, markCtx: context.WithoutCancel(ctx), next: next, done: done}
	for more := true; !s.ended && (more || s.open != nil); {
		var o *Outgoing
		if more {
			o, more = s.ask(ctx)
		}
		s.turn(o)
	}
	if s.ended {
		_ = c.Close() // the reply says what went wrong
		return s.end
	}
	return newsletter.Reply{Phase: newsletter.PhaseDot, Code: 250}
}
