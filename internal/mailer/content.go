package mailer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// Content is what all copies of a message share. HTML and Text may hold the
// newsletter.Placeholder… constants. Empty fields leave their header out.
type Content struct {
	From    mail.Address // ASCII address
	ReplyTo mail.Address // zero: none
	Subject string       // plain text in UTF-8

	HTML string // UTF-8; empty: a message with a text part only
	Text string // UTF-8; empty: a message with an HTML part only

	Language      string // BCP 47, for Content-Language
	ListName      string // phrase before ListID
	ListID        string // RFC 2919, without brackets: "weekly.news.example.org"
	ListHelp      string // URL, RFC 2369
	ListArchive   string // URL, RFC 2369
	FeedbackID    string // for Gmail's feedback loop; without recipient data
	Precedence    string // "list" on digests
	AutoSubmitted string // RFC 3834: "auto-generated" on confirmations, empty on digests

	Signer *Signer // signs each copy; nil: nobody here does
}

// check refuses what no relay should see. Values end up in one header line each,
// so they are bounded far below the 998 octets of RFC 5322 2.1.1.
func (c *Content) check() error {
	if err := checkAddress(c.From.Address); err != nil {
		return fmt.Errorf("the sender address: %w", err)
	}
	if c.ReplyTo.Address != "" {
		if err := checkAddress(c.ReplyTo.Address); err != nil {
			return fmt.Errorf("the reply address: %w", err)
		}
	}
	for _, f := range []struct{ name, value string }{
		{"Language", c.Language},
		{"List-Id", c.ListID},
		{"List-Help", c.ListHelp},
		{"List-Archive", c.ListArchive},
		{"Feedback-ID", c.FeedbackID},
		{"Precedence", c.Precedence},
		{"Auto-Submitted", c.AutoSubmitted},
	} {
		if len(f.value) > 500 {
			return fmt.Errorf("%s: %d octets are too long, at most 500", f.name, len(f.value))
		}
		if i := strings.IndexFunc(f.value, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }); i >= 0 {
			return fmt.Errorf("%s: %q holds a character that does not belong there (at octet %d)", f.name, f.value, i+1)
		}
	}
	if c.HTML == "" && c.Text == "" {
		return errors.New("the message has neither an HTML nor a text part")
	}
	if !utf8.ValidString(c.HTML) {
		return errors.New("the HTML part is not UTF-8")
	}
	if !utf8.ValidString(c.Text) {
		return errors.New("the text part is not UTF-8")
	}
	return nil
}

// checkAddress accepts what may stand between < and > in an envelope and in a
// header: ASCII (SMTPUTF8 is not spoken), a local part without quotes, an @, a
// domain or an address literal (RFC 5321 4.1.2).
func checkAddress(a string) error {
	local, domain, _ := strings.Cut(a, "@")
	switch {
	case len(a) > 254:
		return fmt.Errorf("%.40q… has %d octets, more than 254", a, len(a))
	case local == "" || domain == "":
		return fmt.Errorf("%q is not an address", a)
	}
	for _, part := range []struct{ text, bad string }{{local, `<>()[]\,;:"`}, {domain, `<>()\,;"@`}} {
		for i := range len(part.text) {
			if c := part.text[i]; c <= ' ' || c > '~' || strings.IndexByte(part.bad, c) >= 0 {
				return fmt.Errorf("%q holds %q, which does not belong in an address", a, part.text[i:i+1])
			}
		}
	}
	return nil
}

// build serialises the content with go-mail. The Date and Message-ID in it are
// go-mail's own and are cut out by the caller.
func (c *Content) build() (raw []byte, boundary string, err error) {
	boundary = c.boundary()
	m := gomail.NewMsg(
		gomail.WithCharset(gomail.CharsetUTF8),
		gomail.WithEncoding(gomail.EncodingQP),
		gomail.WithBoundary(boundary),
		gomail.WithNoDefaultUserAgent(),
	)
	for _, h := range []struct {
		name  gomail.Header
		value string
	}{
		// Not as address headers: those take net/mail's form of a name, which
		// leaves a backslash in an encoded word.
		{"From", mailbox(c.From)},
		{"Reply-To", mailbox(c.ReplyTo)},
		{gomail.HeaderSubject, encodeText(c.Subject, firstRoom)},
		{gomail.HeaderContentLang, c.Language},
		{"List-Id", c.listID()},
		{"List-Help", bracketed(c.ListHelp)},
		{"List-Archive", bracketed(c.ListArchive)},
		{"Feedback-ID", c.FeedbackID},
		{gomail.HeaderPrecedence, c.Precedence},
		{"Auto-Submitted", c.AutoSubmitted},
	} {
		if h.value != "" {
			m.SetGenHeader(h.name, h.value)
		}
	}
	if c.Text != "" {
		m.SetBodyString(gomail.TypeTextPlain, lineFeeds(c.Text))
	}
	if c.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, lineFeeds(c.HTML))
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, "", fmt.Errorf("serialise the message: %w", err)
	}
	return b.Bytes(), boundary, nil
}

// firstRoom is what go-mail leaves on the first line of these headers.
const firstRoom = 63

func (c *Content) listID() string {
	if c.ListID == "" {
		return ""
	}
	return named(c.ListName, c.ListID)
}

func mailbox(a mail.Address) string {
	if a.Address == "" || a.Name == "" {
		return a.Address
	}
	return named(a.Name, a.Address)
}

// named returns what is in angle brackets with a phrase before it, if there is
// one, for go-mail to fold.
func named(phrase, s string) string {
	if phrase = oneLine(phrase); phrase == "" {
		return bracketed(s)
	}
	return string(appendPhrase(nil, phrase, firstRoom, " ")) + " " + bracketed(s)
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return "<" + s + ">"
}

// boundary depends on the content alone, so that the same digest is the same
// bytes on every worker, and nobody can foresee it to plant a part.
func (c *Content) boundary() string {
	h := sha256.New()
	for _, s := range []string{c.From.String(), c.Subject, c.Text, c.HTML} {
		fmt.Fprintf(h, "%d %s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// lineFeeds makes every line end a \n, which the encoder turns into CRLF.
func lineFeeds(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
