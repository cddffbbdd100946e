package jobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/bounce"
	"syndicate/internal/mailbox"
	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

// BounceOptions says where mail comes back to and what it leads to.
type BounceOptions struct {
	ReturnPath  string // takes bounces, with a key for each recipient added (VERP); empty: the sender does
	Unsubscribe string // takes mails that ask to unsubscribe, with keys too; empty: nothing does
	Soft        newsletter.SoftLimit
	Maildir     string          // absolute; that mail arrives in it; empty: none
	IMAP        mailbox.Account // the same, on a server; its Limit is ours. No Host: none
}

// OwnMailbox returns the form in which an address is known that mail comes back to: the
// return path, and the address for mails that ask to unsubscribe, bare or with a key
// that this site made. ok: it is one of them.
func (s *Service) OwnMailbox(address string) (ours string, ok bool) {
	if a, err := roster.Address(address); err == nil {
		address = a // whatever form its domain has
	}
	for _, own := range []string{s.o.Bounces.ReturnPath, s.o.Bounces.Unsubscribe} {
		if own == "" {
			continue
		}
		if _, keyed := s.store.Keyring().ParseReturnAddress(own, address); keyed || strings.EqualFold(own, address) {
			return address, true
		}
	}
	return "", false
}

// maxKept is how much is kept of a message that was not understood.
const maxKept = 64 << 10

// Taken is what one report led to.
type Taken struct {
	Kind    newsletter.ReportKind
	Reason  newsletter.Reason
	Outcome store.BounceOutcome
	Why     string // it led to nothing, for people
}

// TakeMessage reads one message that came back and does what it says. envelope are
// the addresses it was sent to, if they are known apart from what it says itself.
// An error means that reading it or the store failed: it should come again.
func (s *Service) TakeMessage(ctx context.Context, r io.Reader, envelope ...string) ([]Taken, error) {
	whole := sha256.New()
	kept := &prefix{left: maxKept}
	r = io.TeeReader(r, io.MultiWriter(whole, kept))
	var o bounce.Options
	if s.o.Bounces.Unsubscribe != "" {
		o.Unsubscribe = []string{s.o.Bounces.Unsubscribe}
	}
	reports, err := s.parse(r, o)
	if err == nil {
		_, err = io.Copy(io.Discard, r) // whoever hands it over wants to be rid of all of it
	}
	if err != nil {
		return nil, err
	}
	return s.TakeReports(ctx, reports, whole.Sum(nil), kept.Bytes(), envelope...)
}

// parse reads a message. One over which that panics is not understood.
func (s *Service) parse(r io.Reader, o bounce.Options) (reports []bounce.Report, err error) {
	if !s.guarded(func() { reports, err = bounce.Parse(r, o) }) {
		return []bounce.Report{{Kind: newsletter.ReportUnclassified, Source: bounce.SourceText}}, nil
	}
	return reports, err
}

// guarded runs what looks into a message; false: it panicked. A fault of ours that a
// message brings out shall not end the daemon, or keep those behind it.
func (s *Service) guarded(look func()) (done bool) {
	defer func() {
		if v := recover(); v != nil {
			what := "a value that is not logged" // it may hold an address
			if e, ok := v.(runtime.Error); ok {
				what = e.Error()
			}
			s.log.Error("reading a message panicked", "error", what, "stack", string(debug.Stack()))
		}
	}()
	look()
	return true
}

// TakeReports does what reports say that came in one message or call. identity is what
// they are known by if they come again; message is kept where it was not understood.
func (s *Service) TakeReports(ctx context.Context, reports []bounce.Report, identity, message []byte, envelope ...string) ([]Taken, error) {
	all := make([]store.Bounced, len(reports))
	for i := range reports {
		var err error
		if all[i], err = s.bounced(ctx, &reports[i], envelope); err != nil {
			return nil, err
		}
	}
	beside(all)
	taken := make([]Taken, 0, len(reports))
	for i := range reports {
		r, b := &reports[i], all[i]
		b.Said = strconv.AppendInt(bytes.Clone(identity), int64(i), 10)
		if r.Kind == newsletter.ReportUnclassified {
			b.Message, b.Names = s.keptMessage(message, bounce.Addresses)
		}
		outcome, err := s.store.Bounce(ctx, b, s.softLimit(), s.now())
		if err != nil {
			return taken, err
		}
		t := Taken{Kind: r.Kind, Reason: r.Reason, Outcome: outcome}
		if outcome == store.BounceNobody {
			t.Why = s.nobody(r, b, envelope)
		}
		taken = append(taken, t)
		s.log.Info("mail came back", "kind", string(r.Kind), "reason", string(r.Reason), "reporter", b.Reporter, "outcome", string(outcome))
		if err := s.blocked(ctx, b, outcome); err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// keptMessage is a message as it is kept, with the addresses in it. One that names more
// than can be found again, or over which looking for them panics, is not kept.
func (s *Service) keptMessage(message []byte, addresses func([]byte) ([]string, bool)) (kept []byte, names []string) {
	var named []string
	var all bool
	if !s.guarded(func() { named, all = addresses(message) }) || !all {
		return nil, nil
	}
	for _, a := range named {
		if a, err := roster.Address(a); err == nil { // what nobody can be known by is in no row of ours
			names = append(names, a)
		}
	}
	return message, names
}

// bounced finds out whose mail a report is about. A key of ours is believed first:
// the address that it came to, then what it returns. Without one, what it says counts
// only where it is signed, or where no keys are used: with an address to unsubscribe
// alone, a stranger's words to that would look like a mail server's to the newsletter.
func (s *Service) bounced(ctx context.Context, r *bounce.Report, envelope []string) (store.Bounced, error) {
	b := store.Bounced{
		Kind: r.Kind, Reason: r.Reason, Status: r.Status, Code: r.Code, Words: r.Diagnostic, Reporter: r.Reporter[strings.LastIndexByte(r.Reporter, '@')+1:], // a host
		Source: string(r.Source), MessageID: r.MessageID, Rehearsed: s.Rehearsal(),
	}
	if address, err := roster.Address(r.Recipient); err == nil {
		b.Email = address
	}
	if address, err := roster.Address(r.Final); err == nil {
		b.Final = address
	}
	ours := s.comesTo(r.Kind)
	for _, to := range [][]string{envelope, r.To} {
		for _, a := range to {
			if whose, ok := s.store.Keyring().ParseReturnAddress(ours, a); ours != "" && ok {
				b.Returned = &whose
				return b, nil
			}
		}
	}
	switch {
	case r.Kind == newsletter.ReportUnsubscribe && r.Source != bounce.SourceProvider:
		b.Email, b.MessageID = "", "" // anybody can write from any address
		return b, nil
	case r.Kind == newsletter.ReportComplaint: // who has the link may leave, but is not believed that the address is dead
		whose, err := s.ownLink(ctx, r.Unsubscribe)
		if err != nil || whose != nil {
			b.Returned = whose
			return b, err
		}
	}
	keys := s.o.Bounces.ReturnPath != "" || s.o.Bounces.Unsubscribe != ""
	b.Named = r.Source == bounce.SourceProvider || !keys && (r.Source == bounce.SourceDSN || r.Source == bounce.SourceARF)
	return b, nil
}

// comesTo returns the address whose keys count in reports of a kind; empty: none do.
func (s *Service) comesTo(kind newsletter.ReportKind) string {
	if kind == newsletter.ReportUnsubscribe {
		return s.o.Bounces.Unsubscribe
	}
	return s.o.Bounces.ReturnPath
}

// beside tells each report that a key makes about a mail which addresses others name
// that the same key does.
func beside(all []store.Bounced) {
	for i := range all {
		for j := range all {
			if i == j || all[i].Returned == nil || all[j].Returned == nil || *all[i].Returned != *all[j].Returned {
				continue
			}
			for _, a := range []string{all[j].Email, all[j].Final} {
				if a != "" && !slices.Contains(all[i].Beside, a) {
					all[i].Beside = append(all[i].Beside, a)
				}
			}
		}
	}
}

// nobody says why it is not known whose mail a report is about.
func (s *Service) nobody(r *bounce.Report, b store.Bounced, envelope []string) string {
	local, domain, found := strings.Cut(strings.ToLower(s.comesTo(r.Kind)), "@")
	keyed := func(address string) bool {
		address = strings.ToLower(address)
		return found && strings.HasPrefix(address, local+"+") && strings.HasSuffix(address, "@"+domain)
	}
	switch {
	case b.Returned != nil:
		return "the key in it is this site's, but was made for another address than it names, or for somebody who is no subscriber any more"
	case slices.ContainsFunc(envelope, keyed) || slices.ContainsFunc(r.To, keyed):
		return "the key in the address that it came to is not this site's: it was cut or changed, or another site made it"
	case r.Kind == newsletter.ReportUnclassified:
		return "it was not understood, and has no key of this site"
	case r.Kind == newsletter.ReportUnsubscribe && r.Source != bounce.SourceProvider:
		return "anybody can ask that from any address: only the address with a key counts that stands in a mail of this site"
	case b.Email == "":
		return "it names no address, and has no key of this site"
	case !b.Named:
		return "anybody could have written it: it has no key of this site, and no Message-ID of a mail to the address that it names"
	}
	return "the address that it names is no subscriber's, or nothing was mailed there in the last two weeks"
}

// ownLink reads the unsubscribe link of a mail that was returned: some receivers hide
// the address of who complains, but not that. nil: it is none of ours.
func (s *Service) ownLink(ctx context.Context, link string) (*newsletter.Returned, error) {
	u, err := url.Parse(link)
	if link == "" || err != nil {
		return nil, nil //nolint:nilnil,nilerr // what strangers write is no error
	}
	token, keys := path.Base(u.Path), s.store.Keyring()
	claim, err := keys.ParseToken(token, newsletter.PurposeUnsubscribe)
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // as above
	}
	all, err := s.store.Subscribers(ctx, store.SubscriberQuery{After: claim.Subscriber - 1, Through: claim.Subscriber, Limit: 1})
	if err != nil || len(all) == 0 || !keys.Verify(token, all[0].Subscriber.Email) {
		return nil, err
	}
	return &newsletter.Returned{Subscriber: claim.Subscriber, Issue: claim.Issue}, nil
}

// softLimit is when soft bounces suppress.
func (s *Service) softLimit() newsletter.SoftLimit {
	if s.o.Bounces.Soft != (newsletter.SoftLimit{}) {
		return s.o.Bounces.Soft
	}
	const day = 24 * time.Hour
	return newsletter.SoftLimit{Count: 5, Over: 14 * day, Within: 90 * day}
}

// prefix keeps the beginning of what is written to it.
type prefix struct {
	bytes.Buffer
	left int
}

func (p *prefix) Write(b []byte) (int, error) {
	n := min(len(b), p.left)
	p.left -= n
	p.Buffer.Write(b[:n])
	return len(b), nil
}

// String says what a report led to, for people.
func (t Taken) String() string {
	if t.Reason == "" {
		return fmt.Sprintf("%s: %s", t.Kind, t.Outcome)
	}
	return fmt.Sprintf("%s (%s): %s", t.Kind, t.Reason, t.Outcome)
}
