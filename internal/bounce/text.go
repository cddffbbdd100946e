package bounce

import (
	"regexp"
	"slices"
	"strings"

	"syndicate/internal/newsletter"
)

// bounceText reads a report that was written for people only.
func (l *letter) bounceText() []Report {
	note := l.notification()
	if !l.likeBounce() {
		return nil
	}
	found := l.recipients()
	if len(found) == 0 {
		found = []string{""}
	}
	delayed := containsAny(l.subject(), stillTried) || containsAny(strings.ToLower(note), stillTried)
	var out []Report
	for _, who := range found {
		lines := l.about(who)
		if len(found) == 1 {
			lines = note
		}
		why := diagnose(lines)
		r := Report{Recipient: who, Source: SourceText, Status: why.Status, Code: why.Code, Diagnostic: oneLine(why.Words)}
		r.Kind, r.Reason = newsletter.Classify(why)
		if r.Reason == "" { // perhaps further away, or in the subject only
			all := newsletter.Refusal{Status: why.Status, Code: why.Code, Words: note + "\n" + l.subject()}
			if kind, reason := newsletter.Classify(all); reason != "" {
				r.Kind, r.Reason = kind, reason
			}
		}
		if delayed && !strings.HasPrefix(r.Status, "5") && r.Code/100 != 5 {
			r.Kind = newsletter.ReportDelayed
		}
		if r.Diagnostic == "" {
			r.Diagnostic = oneLine(l.header.text("Subject"))
		}
		out = append(out, r)
	}
	return out
}

var (
	// returnedStart is a line of a returned mail's header that no explanation has.
	returnedStart = regexp.MustCompile(`(?im)^[ \t>|]*(?:received|return-path|dkim-signature|mime-version|x-mailer|x-originating-ip|content-type|domainkey-signature|authentication-results): *\S`)
	// returnedMark announces it.
	returnedMark = regexp.MustCompile(`(?im)^[ \t>*|=_-]*(?:[-=_*]{2,}.*|.*(?:below this line|follow[s]?:?|enclosed|attached|is a copy of|beginning of your|begin of your).*)?` +
		`(?:original message|original mail|returned message|copy of the message|copy of your message|message headers?|headers? of|unsent message|rejected message|undelivered message|message follows|your message follows|message text follows|message as follows|the header follows|` +
		`ursprüngliche nachricht|originalnachricht|message d'origine|message original|mensaje original|messaggio originale|mensagem original|oorspronkelijk|исходное сообщение|oryginalna|元のメッセージ|原邮件|原始邮件)`)
	headerLine = regexp.MustCompile(`^[ \t>|]*[A-Za-z][\w-]*: `)
)

// notification returns what is said before the returned mail begins, and reads
// that mail's header where it has no part of its own.
func (l *letter) notification() string {
	text := strings.Join(l.text, "\n\n")
	if strings.TrimSpace(text) == "" {
		text = strings.Join(l.html, "\n\n")
	}
	text = text[:min(len(text), 2*maxPart)]
	if at := returnedStart.FindStringIndex(text); at != nil {
		start := at[0]
		for start > 0 { // the fields before it belong to the same header
			before := strings.LastIndexByte(text[:start-1], '\n') + 1
			if !headerLine.MatchString(text[before:start]) {
				break
			}
			start = before
		}
		if start > 0 {
			l.setReturned(unquote(text[start:]))
			text = text[:start]
		}
	}
	return text
}

// unquote takes indentation and quotation marks off the lines of a header.
func unquote(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	prefix := first[:len(first)-len(strings.TrimLeft(first, " \t>|"))]
	if prefix == "" {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, prefix)
	}
	return strings.Join(lines, "\n")
}

// The texts before an address that tell what it is.
var (
	notRecipient = regexp.MustCompile(`(?i)(?:\bfrom|\bsender|\breply-to|message-id|message id|\bcontact|mailto|\bby|\bvon|\bvia|\bauthor|e-?mail us(?: at)?|write to|\bid|return-path|identifier|abuse|\bat)[:=;\s<"'(\[]*$`)
	isRecipient  = regexp.MustCompile(`(?i)(?:^[\s<>"'*•·-]*|rcpt to: *<?|\bto:? *<?|recipients?(?:'s)?(?: address)?(?:es)?:? *<?|\buser:? *<?|address(?:es)?:? *<?|empfänger:? *<?|destinataires?\s*:? *<?|mailbox:? *<?|account:? *<?|\bfor:? *<?|\ban:? *<?|à:? *<?|\(\s*<?|宛先.{0,6})$`)
)

// recipients returns whom a text is about, best first: named in the header, named
// in the text and addressed by the returned mail, standing where recipients
// stand, the only one there is, addressed by the returned mail.
func (l *letter) recipients() []string {
	var failed []string
	for _, v := range l.header.all("X-Failed-Recipients") {
		failed = appendNew(failed, addressesIn(v)...)
	}
	if len(failed) > 0 {
		return failed
	}
	note := l.notification()
	var addressed []string
	for _, name := range []string{"To", "Cc"} {
		for _, v := range l.returned.all(name) {
			addressed = appendNew(addressed, addressesIn(v)...)
		}
	}
	ours := l.ours(addressed)
	var likely, possible []string
	for line := range strings.Lines(note) {
		for _, at := range addressPattern.FindAllStringIndex(line, 20) {
			a := line[at[0]:at[1]]
			before := line[max(0, at[0]-40):at[0]]
			switch {
			case containsFold(ours, a), notRecipient.MatchString(before), isStaff(a) && !containsFold(addressed, a):
			case isRecipient.MatchString(before):
				likely = appendNew(likely, a)
			default:
				possible = appendNew(possible, a)
			}
		}
	}
	var both []string
	for _, a := range append(slices.Clone(likely), possible...) {
		if containsFold(addressed, a) {
			both = appendNew(both, a)
		}
	}
	switch {
	case len(both) > 0:
		return both
	case len(likely) > 0:
		return likely
	case len(possible) > 0:
		return possible[:1]
	case len(addressed) > 0:
		return addressed[:1]
	}
	return nil
}

// ours are the addresses of this side: of the report's reader, and of the
// returned mail's sender.
func (l *letter) ours(addressed []string) []string {
	var out []string
	for _, name := range []string{"To", "Delivered-To", "X-Original-To", "Envelope-To", "From", "Reply-To", "Return-Path"} {
		for _, v := range l.header.all(name) {
			out = appendNew(out, addressesIn(v)...)
		}
	}
	for _, name := range []string{"From", "Return-Path", "Sender", "Reply-To", "Errors-To", "Message-ID"} {
		out = appendNew(out, addressesIn(l.returned.get(name))...)
	}
	return slices.DeleteFunc(out, func(a string) bool { return containsFold(addressed, a) })
}

func isStaff(a string) bool {
	local, _, _ := strings.Cut(strings.ToLower(a), "@")
	return slices.Contains(staff, local) || strings.HasPrefix(local, "mailer-daemon")
}

func appendNew(list []string, more ...string) []string {
	for _, a := range more {
		if !containsFold(list, a) && len(list) < maxRecipients {
			list = append(list, a)
		}
	}
	return list
}

func containsFold(list []string, a string) bool {
	return slices.ContainsFunc(list, func(b string) bool { return strings.EqualFold(a, b) })
}

// about returns the lines of the text that are about one recipient, known by any
// of its addresses: from where it is named to where another one is. Without such
// lines, all of them.
func (l *letter) about(addresses ...string) string {
	note := l.notification()
	var b strings.Builder
	mine := false
	for line := range strings.Lines(note) {
		if named := addressesIn(line); len(named) > 0 {
			mine = slices.ContainsFunc(named, func(a string) bool { return containsFold(addresses, a) })
		}
		if mine {
			b.WriteString(line)
		}
	}
	if b.Len() == 0 {
		return note
	}
	return b.String()
}

// diagnose finds the most telling lines of a text: with a status, with a reply
// code, with words that mean something.
func diagnose(text string) newsletter.Refusal {
	lines := strings.Split(text, "\n")
	best, at := 0, -1
	for i, line := range lines[:min(len(lines), 400)] {
		if score := telling(line); score > best {
			best, at = score, i
		}
	}
	if at < 0 {
		return newsletter.Refusal{}
	}
	why := refusal(paragraph(lines, at))
	if why.Status == "" {
		why.Status = findStatus(text)
	}
	if why.Code == 0 {
		why.Code = findCode(text)
	}
	if strings.HasPrefix(why.Status, "2") {
		why.Status = ""
	}
	return why
}

// telling scores one line.
func telling(line string) int {
	score := 0
	if s := findStatus(line); s != "" && !strings.HasPrefix(s, "2") {
		score += 3
		if general(s) {
			score--
		}
	}
	if findCode(line) != 0 {
		score += 2
	}
	if _, reason := newsletter.Classify(newsletter.Refusal{Words: line}); reason != "" {
		score += 2
	}
	return score
}

// paragraph joins a line with what it begins in: up to three lines more, as long
// as none is blank or says something of its own.
func paragraph(lines []string, at int) string {
	out := lines[at]
	for _, line := range lines[at+1 : min(len(lines), at+4)] {
		if strings.TrimSpace(line) == "" {
			break
		}
		out += " " + strings.TrimSpace(line)
	}
	return strings.TrimSpace(out)
}
