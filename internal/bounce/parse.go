package bounce

import (
	"fmt"
	"io"
	"strings"

	"syndicate/internal/newsletter"
)

// Options are what a reader of reports knows of itself.
type Options struct {
	// Unsubscribe are the addresses that people write to in order to leave, as in
	// List-Unsubscribe; local parts may have a +key.
	Unsubscribe []string
}

// MaxMessage is how many octets of a message are read: reports stand at its beginning,
// the returned mail at its end.
const MaxMessage = 1 << 20

// Limits of what is looked at in it.
const (
	maxHeader     = 256 << 10
	maxPart       = 64 << 10 // of one part that is looked at
	maxDepth      = 8
	maxParts      = 100
	maxRecipients = 100
	maxDiagnostic = 500
)

// Parse reads one message and returns what it says, at least one report. It reads
// at most a mebibyte; the caller drains the rest where somebody waits for that.
// Only reading fails: a message that is not understood is an unclassified report.
func Parse(r io.Reader, o Options) ([]Report, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxMessage))
	if err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	l := open(raw)
	l.notification() // finds the returned mail where it has no part of its own
	reports := l.reports(o)
	if len(reports) == 0 {
		reports = []Report{{Kind: newsletter.ReportUnclassified, Source: SourceText, Diagnostic: oneLine(l.header.text("Subject"))}}
	}
	to := l.verpAddresses()
	for i := range reports {
		r := &reports[i]
		if r.Source != SourceProvider { // which knows them
			r.MessageID = l.returned.messageID()
			r.Unsubscribe = l.returned.unsubscribe()
		}
		r.To = appendNew(r.To, to...)
		if r.Reporter == "" {
			r.Reporter = l.header.domain("From")
		}
	}
	return reports[:min(len(reports), maxRecipients)], nil
}

func (l *letter) reports(o Options) []Report {
	for _, read := range []func() []Report{l.complaints, l.deliveryStatus, l.receipts, l.notifications} {
		if reports := read(); len(reports) > 0 {
			return reports
		}
	}
	if l.unsubscribes(o.Unsubscribe) {
		return l.answer(newsletter.ReportUnsubscribe)
	}
	if l.automatic() {
		return l.answer(newsletter.ReportAutoReply)
	}
	reports := l.bounceText()
	if l.silent() && !l.failure() && (len(reports) == 0 || reports[0].Kind == newsletter.ReportUnclassified || l.ownWords(reports[0])) {
		return l.answer(newsletter.ReportAutoReply)
	}
	return reports
}

// ownWords reports whether a text says of its own writer, without a server's reply,
// what bounces say: who left says so in an automatic reply.
func (l *letter) ownWords(r Report) bool {
	return r.Status == "" && r.Code == 0 && (r.Recipient == "" || strings.EqualFold(r.Recipient, l.header.address("From")))
}

// answer is what a person's address says, or a machine in its name.
func (l *letter) answer(kind newsletter.ReportKind) []Report {
	return []Report{{Kind: kind, Recipient: l.header.address("From"), Source: SourceHeader, Diagnostic: oneLine(l.header.text("Subject"))}}
}

// verpAddresses returns the addresses in which a VERP key may stand.
func (l *letter) verpAddresses() []string {
	var out []string
	add := func(addresses ...string) { out = appendNew(out, addresses...) }
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To", "To"} {
		for _, v := range append(l.cover.all(name), l.header.all(name)...) {
			add(addressesIn(v)...)
		}
	}
	for _, b := range l.status {
		add(addressesIn(b.get("X-Postfix-Sender"))...)
	}
	for _, f := range l.feedback {
		add(addressesIn(f.get("Original-Mail-From"))...)
	}
	for _, name := range []string{"Return-Path", "Errors-To", "Sender"} {
		add(addressesIn(l.returned.get(name))...)
	}
	return out
}

// oneLine makes foreign words one clean line of bounded length.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd || r >= 0x80 && r <= 0xa0 }), " ")
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= maxDiagnostic {
		return s
	}
	n := maxDiagnostic - len("…")
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
