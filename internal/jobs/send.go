package jobs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
)

// SendOptions says which issue is sent by hand.
type SendOptions struct {
	Newsletter string
	Hash       string // of the preview that is meant (its beginning is enough); empty: whatever is composed
	NoRefresh  bool   // do not look for new articles and list lines first
	NoWait     bool   // leave sealing and delivery to Serve
	Confirm    func(context.Context, Question) (bool, error)
}

// Send composes an issue now, by hand, and waits until every delivery is settled
// or is to be tried later. It is no occurrence of the schedule. store.ErrConflict:
// what is composed is not what Hash names.
func (s *Service) Send(ctx context.Context, o SendOptions) (RunReport, error) {
	return s.reported(ctx, func(r *RunReport) error {
		n, err := s.Newsletter(o.Newsletter)
		if err != nil {
			return err
		}
		if err := s.known(ctx); err != nil {
			return err
		}
		if !o.NoRefresh {
			if err := s.refresh(ctx, r, false, []string{n.Name}); err != nil {
				return err
			}
		}
		if err := s.issueAll(ctx, r, []newsletter.Newsletter{n}, nil, o.Hash, o.Confirm); err != nil {
			return err
		}
		if o.NoWait {
			poke(s.look)
			return nil
		}
		return s.complete(ctx, r)
	})
}

// sameHash reports whether wanted is the hash or a beginning of it that is long
// enough to mean it.
func sameHash(hash, wanted string) bool {
	wanted = strings.ToLower(strings.TrimSpace(wanted))
	return len(wanted) >= 6 && strings.HasPrefix(hash, wanted)
}

// Message returns the leading digest of a preview as a finished message to the
// address: what .eml files hold. Its links work for nobody: they lead to the
// newsletter's page.
func (s *Service) Message(p Preview, to string) ([]byte, error) {
	l, personal, err := s.copyOf(p, 0, to)
	if err != nil {
		return nil, err
	}
	return l.template.Append(nil, personal), nil
}

// copyOf makes a message of a preview that is nobody's delivery: its Message-ID
// is new each time, and its links do not act for a subscriber.
func (s *Service) copyOf(p Preview, group int, to string) (*letter, mailer.Personal, error) {
	if len(p.Groups) == 0 {
		return nil, mailer.Personal{}, fmt.Errorf("the next issue of %s has nothing to show: %s", p.Newsletter.Name, p.Nothing)
	}
	address, err := roster.Address(to)
	if err != nil {
		return nil, mailer.Personal{}, err
	}
	l, err := s.letter(p.frozen.Newsletter, p.Groups[group].Digest, 0, p.Number)
	if err != nil {
		return nil, mailer.Personal{}, err
	}
	page := s.newsletterURL(p.Newsletter.Name)
	id := uuid.New()
	return l, mailer.Personal{
		To:             mail.Address{Address: address},
		Date:           s.now(),
		MessageID:      hex.EncodeToString(id[:]) + "@" + l.domain,
		UnsubscribeURL: page,
		PreferencesURL: page,
		WebURL:         s.PreviewURL(),
		MaskedAddress:  newsletter.MaskAddress(address),
	}, nil
}

// SendTest sends the leading digest of a preview to one address, through the
// first relay that takes it or the catcher: a copy with another Message-ID that
// no ledger knows. The reply is the relay's; an error says why it was not taken.
func (s *Service) SendTest(ctx context.Context, p Preview, to string) (newsletter.Reply, error) {
	l, personal, err := s.copyOf(p, 0, to)
	if err != nil {
		return newsletter.Reply{}, err
	}
	relays := s.o.Relays
	if s.Rehearsal() {
		catcher, err := mailer.StartCatcher(mailer.CatcherOptions{Dir: s.o.OutboxDir, Now: s.now, Log: s.log})
		if err != nil {
			return newsletter.Reply{}, fmt.Errorf("starting the catcher: %w", err)
		}
		defer func() { _ = catcher.Close() }() // the message was answered
		relays = []mailer.Relay{catcher.Relay()}
	}
	var reply newsletter.Reply
	var problems []error
	for _, r := range relays {
		if reply, err = handOver(ctx, r, l, personal); err == nil {
			return reply, nil
		}
		problems = append(problems, err)
		if !newsletter.Judge(reply).RelayBad {
			break // about the message, not about the relay: no other shall be asked
		}
	}
	return reply, errors.Join(problems...)
}

// handOver sends one message over a connection of its own.
func handOver(ctx context.Context, r mailer.Relay, l *letter, p mailer.Personal) (newsletter.Reply, error) {
	conn, reply, err := mailer.Dial(ctx, r)
	if err != nil {
		return reply, err
	}
	defer conn.Quit()
	handed := false
	end := conn.Run(ctx, func(context.Context) (*mailer.Outgoing, bool) {
		if handed {
			return nil, false
		}
		handed = true
		return &mailer.Outgoing{
			From: l.from, To: p.To.Address, Size: l.template.Size(),
			Message: func(dst []byte) []byte { return l.template.Append(dst, p) },
		}, true
	}, func(_ *mailer.Outgoing, got newsletter.Reply) { reply = got })
	if !handed {
		reply = end
	}
	if ctx.Err() != nil && reply.Code == 0 {
		return reply, ctx.Err()
	}
	if newsletter.Judge(reply).State != newsletter.Sent {
		return reply, &mailer.RelayError{Relay: r.Name, Addr: r.Addr(), Reply: reply}
	}
	return reply, nil
}

// Approve lets an issue go out; hash (its beginning is enough) names what was
// looked at. store.ErrConflict: it is another, or the issue does not wait.
func (s *Service) Approve(ctx context.Context, issue int64, hash string) error {
	i, err := s.store.Issue(ctx, issue)
	if err != nil {
		return err
	}
	if !sameHash(i.Hash, hash) {
		return &conflict{fmt.Sprintf("issue %d of %s is %s, not %s", i.Number, i.Newsletter, ShortHash(i.Hash), hash)}
	}
	if err := s.store.Approve(ctx, issue, i.Hash); err != nil {
		return err
	}
	s.log.Info("issue approved", "newsletter", i.Newsletter, "issue", i.Number, "hash", ShortHash(i.Hash))
	poke(s.look)
	return nil
}

// Pause stops an issue within seconds.
func (s *Service) Pause(ctx context.Context, issue int64, reason string) error {
	return s.store.Pause(ctx, issue, newsletter.ByOperator, reason)
}

// Resume lets a paused issue go on.
func (s *Service) Resume(ctx context.Context, issue int64) error {
	err := s.store.Resume(ctx, issue)
	poke(s.look)
	s.Wake()
	return err
}

// Cancel stops an issue for good and returns how many deliveries will not happen.
func (s *Service) Cancel(ctx context.Context, issue int64, reason string) (int, error) {
	return s.store.Cancel(ctx, issue, reason)
}

// Retry makes the failed deliveries of an issue pending again, and the uncertain
// ones if wanted, and returns how many.
func (s *Service) Retry(ctx context.Context, issue int64, uncertain bool) (int, error) {
	n, err := s.store.RetryFailed(ctx, issue)
	if err == nil && uncertain {
		var more int
		more, err = s.store.RetryUncertain(ctx, issue)
		n += more
	}
	s.Wake()
	return n, err
}

// ReleaseLetters lets letters go out again that are held, by their chunks (none: all),
// and returns how many.
func (s *Service) ReleaseLetters(ctx context.Context, chunks []int64) (int, error) {
	n, err := s.store.ReleaseLetters(ctx, s.Rehearsal(), chunks, s.now())
	if n > 0 {
		s.Wake()
	}
	return n, err
}

// NextDue returns when each newsletter with a schedule is due next.
func (s *Service) NextDue(now time.Time) []NextDue {
	var out []NextDue
	for _, n := range s.o.Newsletters {
		if n.Schedule == "" {
			continue
		}
		schedule, err := ParseSchedule(n.Schedule, n.Location)
		if err != nil {
			continue // New refused it
		}
		if due, ok := schedule.Next(now); ok {
			out = append(out, NextDue{Newsletter: n.Name, Local: due.Local, At: due.At})
		}
	}
	return out
}
