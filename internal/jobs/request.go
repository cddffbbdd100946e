package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"syndicate/internal/digest"
	"syndicate/internal/i18n"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// LetterOptions bounds letters on request. Zero fields get their defaults from New.
type LetterOptions struct {
	Confirm time.Duration // how long a link that confirms a subscription is good; 0: 7 days
	Access  time.Duration // … that opens what a forwarded digest must not; 0: 1 hour
	Change  time.Duration // … that confirms a new address; 0: 1 day
	Daily   int           // letters of one kind to one address within a day; 0: 3
}

func (o *LetterOptions) defaults() {
	o.Confirm = cmp.Or(max(o.Confirm, 0), 7*24*time.Hour)
	o.Access = cmp.Or(max(o.Access, 0), time.Hour)
	o.Change = cmp.Or(max(o.Change, 0), 24*time.Hour)
	o.Daily = cmp.Or(max(o.Daily, 0), 3)
}

// letterPatience is how long a letter is tried whose link does not end.
const letterPatience = 48 * time.Hour

// valid returns how long the link of a letter is good, 0: it does not end.
func (o *LetterOptions) valid(kind newsletter.LetterKind) time.Duration {
	switch kind {
	case newsletter.LetterConfirm:
		return o.Confirm
	case newsletter.LetterAccess:
		return o.Access
	case newsletter.LetterChange:
		return o.Change
	}
	return 0
}

// LetterRequest asks for a letter to one person.
type LetterRequest struct {
	Kind       newsletter.LetterKind
	Newsletter string // that it comes from; empty: the first one's sender, in the name of the site
	Subscriber int64
	Address    string // where it goes; empty: the subscriber's own
	Language   string // BCP 47; empty: the newsletter's
	Asked      string // JSON, for whoever answers its link; see newsletter.Letter
}

// Letter writes a letter on request, which is delivered at once and before all
// issues, under the same promise. sent is false where it may not be: too many
// letters went to that address, or it is suppressed, or its subscriber is gone. Who
// asked is to be told the same in each case.
func (s *Service) Letter(ctx context.Context, r LetterRequest) (sent bool, err error) {
	what := fmt.Sprintf("writing the letter %q", r.Kind)
	content, err := s.tryLetter(ctx, r)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	limit := store.LetterCap{Most: s.o.Letters.Daily, Within: 24 * time.Hour}
	if r.Kind == newsletter.LetterChange {
		limit.PerSubscriber = askedAddresses
	}
	now := s.now()
	_, err = s.store.CreateLetter(ctx, newsletter.Letter{
		Kind: r.Kind, Rehearsal: s.Rehearsal(), Newsletter: r.Newsletter, Subscriber: r.Subscriber, Address: r.Address, Asked: r.Asked,
		Expires: now.Add(cmp.Or(s.o.Letters.valid(r.Kind), letterPatience)),
	}, content, limit, now)
	switch {
	case errors.Is(err, store.ErrLimit), errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound):
		s.log.Info("letter not sent", "kind", string(r.Kind), "newsletter", r.Newsletter, "reason", notWritten(err))
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s: %w", what, err)
	}
	s.Wake()
	return true, nil
}

// notWritten says why a letter is not written, without the store's own words around it.
func notWritten(err error) string {
	why := strings.TrimPrefix(err.Error(), "write a letter: ")
	for _, kind := range []error{store.ErrLimit, store.ErrConflict, store.ErrNotFound} {
		why = strings.TrimSuffix(why, ": "+kind.Error())
	}
	return why
}

// tryLetter renders a letter and makes its message: now, not when a connection waits
// for it.
func (s *Service) tryLetter(ctx context.Context, r LetterRequest) (newsletter.LetterContent, error) {
	c, err := s.letterContent(ctx, r)
	if err == nil {
		_, err = s.request(c)
	}
	return c, err
}

// TryLetters renders every letter on request that a newsletter may send, in each
// language, and returns how many there are and what is wrong with them, each once.
func (s *Service) TryLetters(ctx context.Context, n newsletter.Newsletter) (letters int, wrong []error) {
	languages := i18n.Languages()
	if !slices.Contains(languages, n.Language) {
		languages = append(languages, n.Language)
	}
	for _, kind := range newsletter.LetterKinds() {
		for _, language := range languages {
			letters++
			_, err := s.tryLetter(ctx, LetterRequest{Kind: kind, Newsletter: n.Name, Language: language})
			if err != nil && !slices.ContainsFunc(wrong, func(have error) bool { return have.Error() == err.Error() }) {
				wrong = append(wrong, err)
			}
		}
	}
	return letters, wrong
}

// letterContent renders a letter.
func (s *Service) letterContent(ctx context.Context, r LetterRequest) (newsletter.LetterContent, error) {
	if len(s.o.Newsletters) == 0 {
		return newsletter.LetterContent{}, errors.New("there is no newsletter whose sender could write it")
	}
	n := s.o.Newsletters[0]
	if r.Newsletter != "" {
		var err error
		if n, err = s.Newsletter(r.Newsletter); err != nil {
			return newsletter.LetterContent{}, err
		}
	}
	bundle, err := digest.ReadLetters(s.templatesFS(), s.o.Builtin, n.Templates)
	if err != nil {
		return newsletter.LetterContent{}, err
	}
	d := digest.Letter{
		Kind: r.Kind, Site: s.o.Site, Newsletter: frozenNewsletter(n), Language: cmp.Or(r.Language, n.Language),
		Valid: s.o.Letters.valid(r.Kind), PageURL: s.newsletterURL(n.Name),
	}
	if r.Newsletter == "" {
		d.Newsletter.Title, d.PageURL = "", s.o.WebURL+"/"
	}
	return digest.RenderLetter(ctx, bundle, d)
}

// request builds the message of a letter on request, its placeholders open.
func (s *Service) request(c newsletter.LetterContent) (*letter, error) {
	t, err := mailer.NewTemplate(mailer.Content{
		From:          mail.Address{Name: c.FromName, Address: c.FromAddress},
		ReplyTo:       mail.Address{Address: c.ReplyTo},
		Subject:       c.Subject,
		HTML:          c.HTML,
		Text:          c.Text,
		Language:      c.Language,
		AutoSubmitted: "auto-generated",
		Signer:        s.o.Signer,
	})
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(c.FromAddress, "@")
	return &letter{template: t, from: c.FromAddress, domain: domain}, nil
}

// linkPath is where a letter's link leads, by what it is good for.
func linkPath(p newsletter.Purpose) string {
	switch p {
	case newsletter.PurposeConfirm:
		return "/confirm/"
	case newsletter.PurposeAccess:
		return "/access/"
	case newsletter.PurposeChange:
		return "/change/"
	case newsletter.PurposeRead:
		return readPath
	}
	return "/preferences/"
}

// personalOf is what a delivery's copy has to itself.
func (s *Service) personalOf(l *letter, it *item) mailer.Personal {
	if it.lease.Letter == nil {
		return s.personal(l, it.row, s.now())
	}
	r, keys := it.lease.Letter, s.store.Keyring()
	name := it.row.Name
	if r.Kind == newsletter.LetterChange { // the address was typed: it may be a stranger's
		name = ""
	}
	p := mailer.Personal{
		To:            mail.Address{Name: name, Address: it.row.Email},
		Date:          s.now(),
		MessageID:     keys.LetterID(r.Chunk, l.domain),
		Name:          name,
		MaskedAddress: newsletter.MaskAddress(it.row.Email),
	}
	if purpose := r.Kind.Purpose(); purpose != 0 {
		p.LinkURL = s.o.WebURL + linkPath(purpose) + keys.Token(newsletter.Claim{
			Purpose: purpose, Subscriber: r.Subscriber, Newsletter: r.Newsletter, Letter: r.Chunk, Expires: r.Expires,
		}, r.SignedFor())
		if purpose == newsletter.PurposeRead { // it is of no issue
			p.LinkURL += "/issues"
		}
	}
	return p
}

// unfitLetter deals with a letter on request that cannot be made any more. It was
// made once before it was written down, so this is not to be expected.
func (c *connection) unfitLetter(it *item, cause error) {
	c.s.log.Error("letter cannot be built", "kind", string(it.lease.Letter.Kind), "error", cause)
	err := c.ledger.Settle(c.hard, store.Settlement{
		Chunk: it.row.Chunk, N: it.row.N, Fence: it.lease.Fence, State: newsletter.Failed, Reply: newsletter.Reply{Text: cause.Error()},
	})
	if err != nil && !errors.Is(err, store.ErrStale) {
		c.fail(err)
	}
}
