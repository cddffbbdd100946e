package bounce

import (
	"bytes"
	"io"
	"mime"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// letter is a message taken apart.
type letter struct {
	header   fields   // the report's own, also where it was forwarded
	cover    fields   // of the mail that it was forwarded with
	text     []string // what people read: text/plain
	html     []string // the same, of text/html
	status   []fields // blocks of message/delivery-status
	feedback []fields // of message/feedback-report
	receipt  []fields // of message/disposition-notification
	returned fields   // header of the returned mail

	note  *string             // see notification
	lines []noteLine          // see about
	found *newsletter.Refusal // see diagnose
	parts int
}

// open takes a message apart. Nothing fails: what is broken is read as text.
func open(raw []byte) *letter {
	raw = trimMailbox(unifyLines(raw))
	l := &letter{}
	l.header = header(raw)
	l.walk(l.header, body(raw), 0)
	if len(l.text) == 0 && len(l.html) == 0 && len(l.status) == 0 && len(l.feedback) == 0 {
		// No part could be read: a boundary that does not fit, a broken header.
		l.addText(decodeText(partHeader.ReplaceAll(body(raw), []byte("\n")), ""))
	}
	return l
}

// partHeader is a boundary and the header of the part behind it.
var partHeader = regexp.MustCompile(`(?m)^--\S.*\n(?:(?i:content-|boundary=|charset=|[ \t]).*\n)*`)

// unifyLines makes all line ends LF, those of old Macs too.
func unifyLines(raw []byte) []byte {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
}

// trimMailbox takes off what stands before a header: the line of an mbox, blank
// lines.
func trimMailbox(raw []byte) []byte {
	raw = bytes.TrimLeft(raw, "\n \t\ufeff")
	for bytes.HasPrefix(raw, []byte("From ")) || bytes.HasPrefix(raw, []byte(">From ")) {
		_, raw, _ = bytes.Cut(raw, []byte("\n"))
	}
	return raw
}

// header reads the header of a message, in whatever charset it is.
func header(raw []byte) fields {
	head, _, _ := bytes.Cut(raw, []byte("\n\n"))
	fs, _ := parseFields(decodeText(head[:min(len(head), maxHeader)], ""))
	return fs
}

func body(raw []byte) []byte {
	_, b, _ := bytes.Cut(raw, []byte("\n\n"))
	return b
}

var boundaryPattern = regexp.MustCompile(`(?i)boundary\s*=\s*("[^"]*"|[^\s";]+)`)

// walk reads the body of an entity with a header.
func (l *letter) walk(h fields, b []byte, depth int) {
	l.parts++
	if l.parts > maxParts {
		return
	}
	kind, params := contentType(h)
	if strings.HasPrefix(kind, "multipart/") && depth < maxDepth {
		if l.multipart(b, params["boundary"], depth) {
			return
		}
	}
	content := decodeTransfer(h, b)
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		l.status = append(l.status, blocks(asText(content, params))...)
	case "message/feedback-report":
		l.feedback = append(l.feedback, blocks(asText(content, params))...)
	case "message/disposition-notification", "message/global-disposition-notification":
		l.receipt = append(l.receipt, blocks(asText(content, params))...)
	case "message/rfc822", "message/global":
		l.nested(content, depth)
	case "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers", "text/rfc822", "message/partial":
		l.setReturned(asText(content, params))
	case "text/html":
		l.html = append(l.html, markup.Text(asText(content, params)))
	default:
		if strings.HasPrefix(kind, "text/") || kind == "" || looksLikeStatus(content) {
			l.addText(asText(content, params))
		}
	}
}

// multipart walks the parts; false: there is none.
func (l *letter) multipart(b []byte, boundary string, depth int) bool {
	if boundary == "" {
		return false
	}
	found := false
	r := textproto.NewMultipartReader(bytes.NewReader(b), boundary)
	for broken := 0; l.parts <= maxParts && broken < maxParts; {
		p, err := r.NextPart()
		if err == io.EOF { //nolint:errorlint // the reader's own word for the end; a wrapped one is a broken part
			break
		}
		if err != nil {
			broken++
			continue
		}
		found = true
		content, _ := io.ReadAll(p) // what could be read of a part that is cut off
		var h fields
		for f := p.Header.Fields(); f.Next(); {
			h = append(h, field{f.Key(), f.Value()})
		}
		l.walk(h, content, depth+1)
	}
	return found
}

// nested reads an attached message: the returned mail or, where the report was
// forwarded, the report, in whose place the words around it do not count.
func (l *letter) nested(content []byte, depth int) {
	content = trimMailbox(content)
	h := header(content)
	fromMachine := fromDaemon(l.header) || reportType(l.header) || sentBack(l.header)
	report := fromDaemon(h) && containsAny(strings.ToLower(h.text("Subject")), bounceSubjects)
	if (reportType(h) || !fromMachine && report) && len(l.status) == 0 && len(l.feedback) == 0 && depth < maxDepth {
		if !fromMachine {
			l.cover, l.header = l.header, h
			l.text, l.html = nil, nil
		}
		l.walk(h, body(content), depth+1)
		return
	}
	if len(l.returned) == 0 {
		l.returned = h
	}
}

// sentBack reports whether an envelope had the sender of what must not be answered.
func sentBack(h fields) bool {
	path := strings.ToLower(strings.TrimSpace(h.get("Return-Path")))
	return path == "<>" || strings.HasPrefix(path, "<mailer-daemon")
}

func reportType(h fields) bool {
	kind, _ := contentType(h)
	return kind == "multipart/report"
}

func (l *letter) setReturned(s string) {
	if len(l.returned) == 0 {
		l.returned, _ = parseFields(s)
	}
}

// addText takes what is written for people, or is a report under a wrong name.
func (l *letter) addText(s string) {
	switch {
	case looksLikeStatus([]byte(s)):
		l.status = append(l.status, blocks(s)...)
	case feedbackStart.MatchString(s[:min(len(s), 4096)]):
		l.feedback = append(l.feedback, blocks(s)...)
		return
	}
	l.text = append(l.text, s)
}

var (
	statusStart   = regexp.MustCompile(`(?im)^(?:Final|Original)-Recipient: *[a-z0-9]+ *;`)
	feedbackStart = regexp.MustCompile(`(?im)\A\s*(?:[\w-]+:.*\n)*?Feedback-Type: *[a-z]`)
)

func looksLikeStatus(b []byte) bool { return statusStart.Match(b[:min(len(b), maxPart)]) }

// blocks splits the fields of a report at its blank lines.
func blocks(s string) []fields {
	var out []fields
	for s != "" && len(out) < 4*maxRecipients {
		var fs fields
		if fs, s = parseFields(s); len(fs) > 0 {
			out = append(out, fs)
		}
	}
	return out
}

// contentType returns the media type in lower case and its parameters, whatever
// shape the field has.
func contentType(h fields) (string, map[string]string) {
	v := h.get("Content-Type")
	kind, params, err := mime.ParseMediaType(v)
	if err != nil || params == nil {
		params = map[string]string{}
		kind, _, _ = strings.Cut(v, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if m := boundaryPattern.FindStringSubmatch(v); m != nil {
			params["boundary"] = strings.Trim(m[1], `"`)
		}
	}
	return kind, params
}

// decodeTransfer undoes the transfer encoding as far as it goes.
func decodeTransfer(h fields, b []byte) []byte {
	encoding := strings.ToLower(strings.TrimSpace(h.get("Content-Transfer-Encoding")))
	switch encoding {
	case "", "7bit", "8bit", "binary":
		return b[:min(len(b), maxPart)]
	}
	// The type is kept from the library, which would decode the charset too.
	mh := message.Header{}
	mh.Set("Content-Transfer-Encoding", encoding)
	e, err := message.New(mh, bytes.NewReader(b))
	if err != nil {
		return b[:min(len(b), maxPart)]
	}
	out, err := io.ReadAll(io.LimitReader(e.Body, maxPart))
	if err != nil && len(out) == 0 {
		return b[:min(len(b), maxPart)]
	}
	return out
}

func asText(b []byte, params map[string]string) string { return decodeText(b, params["charset"]) }
