package mailer

import (
	"bytes"
	"net/mail"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Personal is what one copy of a message has to itself. The values are made
// safe where they are spliced in: none can add a header, a line or markup.
type Personal struct {
	To             mail.Address // ASCII address
	Date           time.Time
	MessageID      string // without angle brackets
	UnsubscribeURL string // absolute; empty: no List-Unsubscribe URL
	PreferencesURL string // absolute
	UnsubscribeTo  string // ASCII address that takes unsubscribe requests (RFC 2369); empty: none does
	WebURL         string // absolute; the same message on the web
	LinkURL        string // absolute; of a letter on request
	Name           string // may be empty
	MaskedAddress  string // newsletter.MaskAddress
}

// slot is a place in a message for a recipient's own value.
type slot int

const (
	slotHeaders slot = iota
	slotUnsubscribe
	slotPreferences
	slotName
	slotNameEnd // nothing stands here; what is between it and the name is for whom none is known
	slotAddress
	slotWeb
	slotLink
)

// placeholders stand in the body for slots.
var placeholders = [...]string{
	slotHeaders:     "", // none: never found
	slotUnsubscribe: newsletter.PlaceholderUnsubscribe,
	slotPreferences: newsletter.PlaceholderPreferences,
	slotName:        newsletter.PlaceholderName,
	slotNameEnd:     newsletter.PlaceholderNameEnd,
	slotAddress:     newsletter.PlaceholderAddress,
	slotWeb:         newsletter.PlaceholderWeb,
	slotLink:        newsletter.PlaceholderLink,
}

const softBreak = "=\r\n" // RFC 2045 6.7, rule 5

// segment is a slot and the bytes that follow it.
type segment struct {
	slot slot
	html bool // the slot is in the HTML part
	text []byte
}

// Template is a serialised message that waits for recipients. It is immutable
// and safe for concurrent use.
type Template struct {
	segments []segment
	keys     []*Key
	size     int
}

// NewTemplate builds the message. Errors are about content that no relay should
// see: a bad address, text that is not UTF-8.
func NewTemplate(c Content) (*Template, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	raw, boundary, err := c.build()
	if err != nil {
		return nil, err
	}
	t := &Template{keys: c.Signer.Keys(c.From.Address)}
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	t.segments = []segment{{slot: slotHeaders, text: append(sharedHeaders(head), "\r\n"...)}}
	t.cut(body, htmlStart(c, body, boundary))
	if last := t.segments[len(t.segments)-1].text; !bytes.HasSuffix(last, []byte("\r\n")) {
		t.extend([]byte("\r\n"))
	}
	for i := range t.segments {
		s := &t.segments[i]
		s.text = hideDots(s.text)
		t.size += len(s.text) + 256
	}
	t.size += 1024 // the headers of one recipient
	for _, k := range t.keys {
		t.size += signedSize(k)
	}
	return t, nil
}

// sharedHeaders returns the header fields without those that go-mail made up and
// each recipient gets anew.
func sharedHeaders(head []byte) []byte {
	out := make([]byte, 0, len(head)+4)
	keep := true
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if line[0] != ' ' && line[0] != '\t' { // not a folded line
			keep = !bytes.HasPrefix(line, []byte("Date:")) && !bytes.HasPrefix(line, []byte("Message-ID:"))
		}
		if keep {
			out = append(append(out, line...), "\r\n"...)
		}
	}
	return out
}

// htmlStart returns where in the body the HTML part begins.
func htmlStart(c Content, body []byte, boundary string) int {
	switch {
	case c.HTML == "":
		return len(body)
	case c.Text == "":
		return 0
	}
	return bytes.Index(body, []byte("\r\n--"+boundary)) // the text part is the first
}

// cut splits the body at its placeholders. Soft line breaks isolate each, so
// that the lines around a value stay as short as they were.
func (t *Template) cut(body []byte, html int) {
	from := 0
	for at := 0; ; {
		i := bytes.IndexByte(body[at:], newsletter.PlaceholderName[0]) // they all begin alike
		if i < 0 {
			break
		}
		at += i
		slot, n := placeholderAt(body[at:])
		if n == 0 {
			at++
			continue
		}
		t.extend(body[from:at])
		if last := t.segments[len(t.segments)-1].text; !bytes.HasSuffix(last, []byte("\r\n")) {
			t.extend([]byte(softBreak))
		}
		t.segments = append(t.segments, segment{slot: slot, html: at >= html})
		at += n
		from = at
		if rest := body[from:]; len(rest) > 0 && !bytes.HasPrefix(rest, []byte("\r\n")) && !bytes.HasPrefix(rest, []byte(softBreak)) {
			t.extend([]byte(softBreak))
		}
	}
	t.extend(body[from:])
}

// hideDots encodes the dots that lines of quoted-printable text begin with, so that
// no copy of the message has to be dot-stuffed.
func hideDots(text []byte) []byte {
	if !bytes.Contains(text, []byte("\r\n.")) {
		return text
	}
	w := valueWriter{dst: make([]byte, 0, len(text)+len(text)/16)}
	for line := range bytes.Lines(text) {
		w.col = 0
		rest := bytes.TrimLeft(line, ".")
		for range len(line) - len(rest) {
			w.encoded('.')
		}
		if w.col > 0 && w.col+len(rest) > 76+len("\r\n") {
			w.dst = append(w.dst, softBreak...)
		}
		w.dst = append(w.dst, rest...)
	}
	return w.dst
}

// placeholderAt returns the placeholder that quoted-printable text begins with,
// and its length there: a soft line break may cut it in two. They are letters
// only, so it never encodes them.
func placeholderAt(b []byte) (slot, int) {
	for s, name := range placeholders {
		n := 0
		for i := 0; i < len(name); i++ {
			if bytes.HasPrefix(b[n:], []byte(softBreak)) {
				n += len(softBreak)
			}
			if n == len(b) || b[n] != name[i] {
				n = 0
				break
			}
			n++
		}
		if n > 0 {
			return slot(s), n
		}
	}
	return slotHeaders, 0
}

func (t *Template) extend(b []byte) {
	last := &t.segments[len(t.segments)-1]
	last.text = append(last.text, b...)
}

// Append appends the finished message of one recipient to dst: 7-bit ASCII in lines
// that end with CRLF and do not begin with a dot, signed at p.Date where the signer
// has keys for the sender.
func (t *Template) Append(dst []byte, p Personal) []byte {
	start := len(dst)
	for i := range t.segments {
		s := &t.segments[i]
		named := false
		if s.slot == slotHeaders {
			dst = t.headers(dst, &p)
		} else {
			w := valueWriter{dst: dst, html: s.html}
			switch s.slot {
			case slotUnsubscribe:
				w.url(p.UnsubscribeURL)
			case slotPreferences:
				w.url(p.PreferencesURL)
			case slotName:
				named = strings.TrimSpace(p.Name) != ""
				if otherwise := i+1 < len(t.segments) && t.segments[i+1].slot == slotNameEnd; named || !otherwise {
					w.text(p.Name)
					named = otherwise
				}
			case slotAddress:
				w.text(p.MaskedAddress)
			case slotWeb:
				w.url(p.WebURL)
			case slotLink:
				w.url(p.LinkURL)
			}
			dst = w.dst
		}
		if !named {
			dst = append(dst, s.text...)
		}
	}
	return insertSignatures(dst, start, t.keys, p.Date)
}

// headers appends the recipient's own header fields, folded at 78 octets where
// that is possible (RFC 5322 2.1.1).
func (t *Template) headers(dst []byte, p *Personal) []byte {
	dst = append(dst, "Date: "...)
	dst = p.Date.AppendFormat(dst, time.RFC1123Z)
	dst = append(dst, "\r\nMessage-ID: <"...)
	dst = appendToken(dst, p.MessageID)
	dst = append(dst, ">\r\nTo: "...)
	dst = appendMailbox(dst, p.To)
	dst = append(dst, "\r\n"...)

	start := len(dst)
	dst = append(dst, "List-Unsubscribe: "...)
	if p.UnsubscribeURL != "" {
		dst = append(dst, '<')
		dst = appendURL(dst, p.UnsubscribeURL)
		dst = append(dst, '>')
	}
	if len(dst)-start > 900 {
		dst = append(dst[:start], "List-Unsubscribe: "...) // no line may pass 998 octets
	}
	oneClick := dst[len(dst)-1] == '>' && strings.HasPrefix(p.UnsubscribeURL, "https://") // RFC 8058 3.1
	switch {
	case p.UnsubscribeTo == "" && dst[len(dst)-1] != '>':
		return dst[:start]
	case p.UnsubscribeTo != "":
		if dst[len(dst)-1] == '>' {
			dst = append(dst, ",\r\n "...)
		}
		dst = append(dst, "<mailto:"...)
		dst = appendToken(dst, p.UnsubscribeTo)
		dst = append(dst, '>')
	}
	dst = append(dst, "\r\n"...)
	if oneClick {
		dst = append(dst, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
	}
	return dst
}

// appendMailbox appends a mailbox after "To: ".
func appendMailbox(dst []byte, a mail.Address) []byte {
	name := strings.TrimSpace(a.Name)
	if name == "" {
		return appendToken(dst, a.Address)
	}
	dst = appendPhrase(dst, name, 76-len("To: "), "\r\n ")
	if len(dst)-bytes.LastIndexByte(dst, '\n')+len(a.Address)+len(" <>") > 79 {
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, " <"...)
	dst = appendToken(dst, a.Address)
	return append(dst, '>')
}

// Signed reports whether messages are signed, which is most of the work of making one.
func (t *Template) Signed() bool { return len(t.keys) > 0 }

// Size returns about how many octets a finished message has, rather too many
// than too few: what Outgoing.Size wants.
func (t *Template) Size() int { return t.size }
