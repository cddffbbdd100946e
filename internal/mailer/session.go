package mailer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"syndicate/internal/newsletter"
)

// session is one Run. Between turns no reply is outstanding, and the relay waits
// for the message of open (it is in Conn.out) or for a command.
type session struct {
	*Conn
	markCtx context.Context // of each Mark
	next    func(context.Context) (*Outgoing, bool)
	done    func(*Outgoing, newsletter.Reply)

	open  *Outgoing // marked, its DATA answered 354
	size  int       // of the message that was built last, without what the wire adds
	ended bool
	end   newsletter.Reply // what ended the connection
}

// groupPhases are the commands that lead to a message.
var groupPhases = [...]newsletter.Phase{newsletter.PhaseMail, newsletter.PhaseRcpt, newsletter.PhaseData}

// ask asks for the next message that can be sent over this connection.
func (s *session) ask(ctx context.Context) (*Outgoing, bool) {
	for ctx.Err() == nil && (s.limit == 0 || s.used < s.limit) {
		o, more := s.next(ctx)
		if o == nil || !more {
			return nil, more
		}
		if reply := s.refuse(o); reply.Code != 0 {
			s.done(o, reply)
			continue
		}
		s.used++
		return o, true
	}
	return nil, false
}

// refuse says in the relay's place what it would say, or what must not get as
// far as it.
func (s *session) refuse(o *Outgoing) newsletter.Reply {
	if o.From != "" {
		if err := checkAddress(o.From); err != nil {
			return newsletter.Reply{Phase: newsletter.PhaseMail, Code: 553, Text: plainWords("not sent: the sender address " + err.Error())}
		}
	}
	if err := checkAddress(o.To); err != nil {
		return newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 553, Text: plainWords("not sent: the address " + err.Error())}
	}
	return s.refuseSize(o.Size)
}

func (s *session) refuseSize(octets int) newsletter.Reply {
	if s.caps.Size == 0 || int64(octets) <= s.caps.Size {
		return newsletter.Reply{}
	}
	return newsletter.Reply{
		Phase: newsletter.PhaseData, Code: 552, Enhanced: "5.3.4", // RFC 1870 6.1
		Text: fmt.Sprintf("not sent: the message has %d octets, the relay takes at most %d", octets, s.caps.Size),
	}
}

// turn sends the open message and leads o, if there is one, to its DATA. With
// PIPELINING both share a write and so a round trip (RFC 2920 3.1).
func (s *session) turn(o *Outgoing) {
	if s.open == nil && o == nil || s.stray(o) {
		return
	}
	if s.open == nil {
		s.out = s.out[:0]
	}
	body := len(s.out)
	grouped := o != nil && s.caps.Pipelining
	if grouped {
		if s.refused {
			s.out = append(s.out, rset...)
		}
		for _, phase := range groupPhases {
			s.out = s.appendCommand(s.out, phase, o)
		}
	}
	if s.withheld(o) {
		return
	}
	n, err := s.write(s.out)
	if err != nil && (n < body || s.open == nil) { // the final dot is not out
		s.lose(o, s.parting(err))
		return
	}
	if grouped && err == nil {
		s.build(o)
	}
	if s.open != nil {
		reply := s.answer(newsletter.PhaseDot)
		s.done(s.open, reply)
		s.open = nil
		switch {
		case lost(reply):
			s.lose(o, reply)
			return
		case err != nil:
			s.lose(o, noReply(newsletter.PhaseMail, err, s.timeouts.Data))
			return
		}
	}
	if o != nil {
		s.envelope(o, grouped)
	}
}

// withheld ends the connection if the open message may not leave.
func (s *session) withheld(o *Outgoing) bool {
	if s.open == nil || s.open.Ready == nil {
		return false
	}
	err := s.open.Ready()
	if err != nil {
		s.lose(o, newsletter.Reply{Phase: newsletter.PhaseData, Text: plainWords("not sent: " + err.Error())})
	}
	return err != nil
}

// envelope leads o to its DATA: it reads the replies to its group, or goes step
// by step. Afterwards o is open, or done.
func (s *session) envelope(o *Outgoing, grouped bool) {
	if s.refused && !s.reset(o, grouped) {
		return
	}
	var refusal newsletter.Reply // the first; Code 0: none
	recipient, waiting := false, false
	for _, phase := range groupPhases {
		if !grouped && !s.step(o, phase) {
			return
		}
		reply := s.answer(phase)
		switch {
		case lost(reply) && refusal.Code == 0:
			s.lose(o, reply)
			return
		case lost(reply): // o's fate was settled before
			s.done(o, refusal)
			s.close(reply)
			return
		case reply.Code >= 400:
			s.refused = true
			if refusal.Code == 0 {
				refusal = reply
			}
		case phase == newsletter.PhaseRcpt:
			recipient = true
		case phase == newsletter.PhaseData:
			waiting = true
		}
		if refusal.Code != 0 && !grouped {
			break
		}
	}
	s.decide(o, refusal, recipient, waiting)
}

// reset ends what a refused group may have left open: its MAIL would answer the
// next with 503, and take the next RCPT into its own envelope.
func (s *session) reset(o *Outgoing, grouped bool) bool {
	if !grouped {
		if _, err := s.write([]byte(rset)); err != nil {
			s.lose(o, s.parting(err))
			return false
		}
	}
	reply := s.answer(newsletter.PhaseMail)
	if reply.Code/100 != 2 {
		if !lost(reply) {
			reply = newsletter.Reply{Phase: newsletter.PhaseMail, Text: "RSET was refused: " + reply.Text}
		}
		s.lose(o, reply)
		return false
	}
	s.refused = false
	return true
}

// step writes one command of o's group.
func (s *session) step(o *Outgoing, phase newsletter.Phase) bool {
	s.out = s.appendCommand(s.out[:0], phase, o)
	if _, err := s.write(s.out); err != nil {
		reply := s.parting(err)
		reply.Phase = phase
		s.lose(o, reply)
		return false
	}
	if phase == newsletter.PhaseData {
		s.build(o)
	}
	return true
}

// build makes the message of o, as it is written after a 354, while the relay is
// busy with what it got.
func (s *session) build(o *Outgoing) {
	s.out = o.Message(s.out[:0])
	s.size = len(s.out)
	switch {
	case s.size == 0:
	case o.Clean:
		s.out = append(s.out, finalDot...)
	default:
		s.out = endData(s.out)
	}
}

// decide makes o the open message if the relay waits for it and it may be sent.
func (s *session) decide(o *Outgoing, refusal newsletter.Reply, recipient, waiting bool) {
	switch {
	case waiting && refusal.Code == 0:
		if reply := s.unsendable(o); reply.Text != "" {
			s.done(o, reply)
			s.close(newsletter.Reply{Phase: newsletter.PhaseData, Text: "closed, to withdraw a message"})
		} else {
			s.open = o
		}
		return
	case waiting && recipient:
		// MAIL was refused, yet somebody's envelope is open: a dot would send
		// an empty message, and no command is understood now.
		s.close(newsletter.Reply{Phase: newsletter.PhaseData, Text: "closed: the relay wants a message whose MAIL it refused"})
	case waiting:
		// A refused RCPT, and still 354: nobody is to get the message, so end it
		// (RFC 2920 3.1).
		if _, err := s.write([]byte(finalDot)); err != nil {
			s.close(s.parting(err))
		} else if reply := s.answer(newsletter.PhaseDot); lost(reply) {
			s.close(reply)
		}
	}
	s.done(o, refusal)
}

// unsendable says why a message that the relay waits for must not be sent; no
// text: it may, and it is marked.
func (s *session) unsendable(o *Outgoing) newsletter.Reply {
	if len(s.out) == 0 {
		return newsletter.Reply{Phase: newsletter.PhaseData, Code: 554, Text: "not sent: the message is empty"}
	}
	if reply := s.refuseSize(s.size); reply.Code != 0 || o.Mark == nil {
		return reply
	}
	if err := o.Mark(s.markCtx); err != nil {
		return newsletter.Reply{Phase: newsletter.PhaseData, Text: plainWords("not sent: " + err.Error())}
	}
	return newsletter.Reply{}
}

// close ends the session, and Run with it.
func (s *session) close(why newsletter.Reply) {
	s.ended, s.end = true, why
}

// lose ends the connection. The open message and o, if there are, were still
// under way: reply belongs to the first of them.
func (s *session) lose(o *Outgoing, reply newsletter.Reply) {
	s.close(reply)
	behind := reply.Phase == newsletter.PhaseDot
	if s.open != nil {
		s.done(s.open, reply)
		s.open = nil
		behind = true
	}
	if o == nil {
		return
	}
	if behind {
		reply = newsletter.Reply{Phase: newsletter.PhaseMail, Text: reply.Text}
	}
	s.done(o, reply)
}

// stray ends the connection if the relay said something that nothing asked for:
// it would be taken for the reply to what comes next.
func (s *session) stray(o *Outgoing) bool {
	if s.r.Buffered() == 0 {
		return false
	}
	phase := newsletter.PhaseMail
	if s.open != nil {
		phase = newsletter.PhaseData
	}
	reply := s.answer(phase)
	if reply.Code != 421 {
		reply = newsletter.Reply{Phase: phase, Text: plainWords("the relay spoke out of turn: " + reply.Text)}
	}
	s.lose(o, reply)
	return true
}

// parting makes a reply of a failed write before the final dot. A relay that
// hangs up says why before; what it says is worth more than the error.
func (s *session) parting(err error) newsletter.Reply {
	phase := newsletter.PhaseMail
	if s.open != nil {
		phase = newsletter.PhaseData
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		_ = s.raw.SetReadDeadline(time.Now().Add(time.Second)) // without it, Close is what ends the wait
		if code, text, rerr := readReply(s.r, s.text[:0]); rerr == nil && code >= 400 {
			return newReply(phase, code, string(text))
		}
	}
	return noReply(phase, err, s.timeouts.Data)
}

// lost reports whether a reply is the last of its connection.
func lost(r newsletter.Reply) bool { return r.Code == 0 || r.Code == 421 }
