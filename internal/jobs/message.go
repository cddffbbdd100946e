package jobs

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// contentError is a digest that makes no valid message.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// letter builds the message of a digest, its placeholders open. issue 0: it shows what an
// issue would be, which is nowhere on the web.
func (s *Service) letter(n newsletter.FrozenNewsletter, d newsletter.Digest, issue int64, number int) (*letter, error) {
	archive := s.archive(n.Name)
	if archive != newsletter.ArchivePrivate {
		address := s.issueURL(n.Name, number, d.N)
		if issue == 0 {
			address = s.PreviewURL()
		}
		d = onWeb(d, address)
	}
	list := ""
	if archive == newsletter.ArchivePublic {
		list = s.newsletterURL(n.Name)
	}
	t, err := mailer.NewTemplate(mailer.Content{
		From:        mail.Address{Name: n.FromName, Address: n.FromAddress},
		ReplyTo:     mail.Address{Address: n.ReplyTo},
		Subject:     d.Subject,
		HTML:        d.HTML,
		Text:        d.Text,
		Language:    d.Language,
		ListName:    n.Title,
		ListID:      n.Name + "." + hostOf(s.o.Site.URL),
		ListHelp:    s.newsletterURL(n.Name),
		ListArchive: list,
		FeedbackID:  fmt.Sprintf("%s-%d:%s:digest:%s", n.Name, number, n.Name, senderID(s.o.Site.ID)),
		Precedence:  "list",
		Signer:      s.o.Signer,
	})
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(n.FromAddress, "@")
	return &letter{
		template: t, from: n.FromAddress, domain: domain, newsletter: n.Name, issue: issue,
		digest: d.N, private: archive == newsletter.ArchivePrivate,
	}, nil
}

// personal is what one recipient's copy has to itself. The links in it are signed
// for the address, and die with it, but for that to leave.
func (s *Service) personal(l *letter, row newsletter.Delivery, now time.Time) mailer.Personal {
	keys := s.store.Keyring()
	link := func(path string, purpose newsletter.Purpose) string {
		return s.o.WebURL + path + keys.Token(newsletter.Claim{
			Purpose: purpose, Subscriber: row.Subscriber, Issue: l.issue, Newsletter: l.newsletter, Digest: l.digest,
		}, row.Email)
	}
	p := mailer.Personal{
		To:             mail.Address{Name: row.Name, Address: row.Email},
		Date:           now,
		MessageID:      keys.MessageID(l.issue, row.Subscriber, l.domain),
		UnsubscribeURL: link("/unsubscribe/", newsletter.PurposeUnsubscribe),
		PreferencesURL: link("/preferences/", newsletter.PurposePreferences),
		Name:           row.Name,
		MaskedAddress:  newsletter.MaskAddress(row.Email),
	}
	if l.private {
		p.WebURL = link(readPath, newsletter.PurposeRead)
	}
	if to := s.o.Bounces.Unsubscribe; to != "" {
		p.UnsubscribeTo = keys.ReturnAddress(to, newsletter.Returned{Subscriber: row.Subscriber, Issue: l.issue})
	}
	return p
}

// envelopeSender is where a message comes back to: with a return path, an address
// that says whose it was.
func (s *Service) envelopeSender(l *letter, r newsletter.Returned) string {
	if s.o.Bounces.ReturnPath == "" {
		return l.from
	}
	return s.store.Keyring().ReturnAddress(s.o.Bounces.ReturnPath, r)
}

// whose is whom a delivery is about, should it come back.
func (it *item) whose() newsletter.Returned {
	r := newsletter.Returned{Subscriber: it.row.Subscriber, Issue: it.lease.Issue}
	if it.lease.Letter != nil {
		r.Chunk = it.lease.Letter.Chunk
	}
	return r
}

// hostOf returns the host of a URL, without port: a List-Id's namespace.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "localhost"
	}
	return u.Hostname()
}

// senderID is the last part of a Feedback-ID: 5 to 15 characters that stay the
// same for a site.
func senderID(siteID string) string {
	id := strings.ReplaceAll(siteID, "-", "")
	return id[:min(len(id), 15)]
}
