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
	if !l.likeBounce() && !l.quotesRefusal(note) {
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
		r.Kind = afterData(r.Kind, r.Status, lines)
		if r.Kind == newsletter.ReportUnclassified && who != "" && l.failure() {
			r.Kind = newsletter.ReportSoft // it failed, nobody says why
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

// quotesRefusal reports whether a text has a server's refusal in it, or words of
// one above a returned mail: a report that looks like none from outside.
func (l *letter) quotesRefusal(note string) bool {
	enough := 4
	if len(l.returned) > 0 {
		enough = 2
	}
	for line := range strings.Lines(note[:min(len(note), 4096)]) {
		if telling(line) >= enough {
			return true
		}
	}
	return false
}

var (
	// returnedStart is a line of a returned mail's header that no explanation has.
	returnedStart = regexp.MustCompile(`(?im)^[ \t>|]*(?:received|return-path|dkim-signature|mime-version|x-mailer|x-originating-ip|content-type|domainkey-signature|authentication-results): *\S|` +
		`^>?(?:from|subject|date|to): .*\n(?:>?(?:[a-z-]+: |[ \t]).*\n){2}`)
	// statusBlock is where a report for machines begins that came as text.
	statusBlock = regexp.MustCompile(`(?im)^(?:reporting-mta|final-recipient|original-recipient): *[a-z0-9]+ *;`)
	headerLine  = regexp.MustCompile(`^[ \t>|]*[A-Za-z][\w-]*: `)
)

// notification returns what is said before the returned mail begins, and reads
// that mail's header where it has no part of its own.
func (l *letter) notification() string {
	if l.note == nil {
		note := l.findNotification()
		l.note = &note
	}
	return *l.note
}

func (l *letter) findNotification() string {
	text := strings.Join(l.text, "\n\n")
	if strings.TrimSpace(text) == "" {
		text = strings.Join(l.html, "\n\n")
	}
	text = text[:min(len(text), 2*maxPart)]
	if at := statusBlock.FindStringIndex(text); len(at) > 0 && at[0] > 0 { // a report that came as text
		l.findReturned(text[at[0]:])
		return text[:at[0]]
	}
	return text[:l.findReturned(text)]
}

// findReturned looks for the header of the returned mail in a text and returns
// where it begins.
func (l *letter) findReturned(text string) int {
	end := len(text)
	for i, at := range returnedStart.FindAllStringIndex(text, 20) {
		start := at[0]
		for start > 0 { // the fields before it belong to the same header
			before := strings.LastIndexByte(text[:start-1], '\n') + 1
			if !headerLine.MatchString(text[before:start]) {
				break
			}
			start = before
		}
		if i == 0 && start > 0 {
			end = start
		}
		h, _ := parseFields(unquote(text[start:]))
		if len(l.returned) == 0 && (h.has("From") || h.has("Message-ID")) { // and no part's own header
			l.returned = h
		}
	}
	return end
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
	isRecipient  = regexp.MustCompile(`(?i)(?:^[\s<>"'*•·-]*|rcpt to: *<?|\bto:? *<?|recipients?(?:'s)?(?: address)?(?:es)?:? *<?|\buser:? *<?|address(?:es)?:? *<?|empfänger:? *<?|destinataires?\s*:? *<?|mailbox:? *<?|account:? *<?|\bfor:? *<?|\ban:? *<?|à:? *<?|\(\s*<?|宛先.{0,6}|\b[45]\d\d[ -](?:[45]\.\d\.\d{1,3} )?<?)$`)
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
	note := afterSummary(l.notification())
	addressed := l.addressed()
	ours := l.ours(addressed)
	var likely, possible, own []string
	forms := map[string]string{} // what stands before an address that stands where recipients do
	for line := range strings.Lines(note) {
		for _, at := range addressPattern.FindAllStringIndex(line, 20) {
			a := bareAddress(line[at[0]:at[1]])
			before := line[max(0, at[0]-40):at[0]]
			likes := isRecipient.MatchString(before)
			switch {
			case notRecipient.MatchString(before), isStaff(a) && !containsFold(addressed, a):
			case containsFold(ours, a):
				if likes {
					own = appendNew(own, a)
				}
			case likes:
				likely = appendNew(likely, a)
				forms[a] = before
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
	for _, a := range likely { // others in the same list
		if slices.ContainsFunc(both, func(b string) bool { return forms[a] == forms[b] }) {
			both = appendNew(both, a)
		}
	}
	for _, found := range [][]string{both, likely, possible, addressed, own} {
		if len(found) > 0 {
			if len(both) == 0 && len(likely) == 0 {
				return found[:1]
			}
			return found
		}
	}
	return nil
}

// addressed returns whom the returned mail was for, by its header: lists write
// their own address into To, so what relays noted counts too.
func (l *letter) addressed() []string {
	var out []string
	for _, name := range []string{"To", "Cc"} {
		for _, v := range l.returned.all(name) {
			out = appendNew(out, addressesIn(v)...)
		}
	}
	for _, v := range l.returned.all("Received") {
		if m := receivedFor.FindStringSubmatch(v); m != nil {
			out = appendNew(out, addressesIn(m[1])...)
		}
	}
	return out
}

var (
	receivedFor = regexp.MustCompile(`(?i)\sfor <([^<>\s]+@[^<>\s]+)>`)
	// announcement is what stands between a summary of the returned mail and the
	// recipients.
	announcement = regexp.MustCompile(`(?i)did not reach|following recipient|following address|could not be delivered to|not delivered to|undeliverable to|failed recipient|fatal errors|recipient address:`)
)

// afterSummary cuts off a summary of the returned mail ("To: the list").
func afterSummary(note string) string {
	for _, at := range announcement.FindAllStringIndex(note, 5) {
		if addressPattern.MatchString(note[at[1]:]) {
			return note[at[0]:]
		}
	}
	return note
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

var replyStart = regexp.MustCompile(`^\W*([2-5]\d\d)[ -]`)

// paragraph joins a line with what it begins: up to three lines more, as long as
// none is blank or begins another reply.
func paragraph(lines []string, at int) string {
	out := lines[at]
	reply := replyStart.FindStringSubmatch(out)
	for _, line := range lines[at+1 : min(len(lines), at+4)] {
		next := replyStart.FindStringSubmatch(line)
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, ">>> ") || len(next) > 0 && (len(reply) == 0 || next[1] != reply[1]) {
			break
		}
		out += " " + strings.TrimSpace(line)
	}
	return strings.TrimSpace(out)
}

// dataWords are how systems say that a refusal came after the body.
var dataWords = []string{"in reply to end of data", "in reply to data", "after end of data", "smtp command data"}

// rcptWords tell that what stands after DATA in a pipelined session answers RCPT.
var rcptWords = []string{"<<< 503", "no valid recipients", "no recipients", "need rcpt"}

// yahooWords are Yahoo's for unknown users, which it looks for at the end.
var yahooWords = []string{"delivery error: dd", "requested mail action aborted, mailbox not found"}

// afterData makes a soft bounce of an unknown user who was only found unknown
// when the whole mail had been seen: filters answer so. A status about the
// address is believed even then.
func afterData(kind newsletter.ReportKind, status, text string) newsletter.ReportKind {
	if kind != newsletter.ReportHard || strings.HasPrefix(status, "5.1.") {
		return kind
	}
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	if containsAny(text, yahooWords) {
		return kind
	}
	if containsAny(text, dataWords) || strings.Contains(text, ">>> data") && !containsAny(text, rcptWords) {
		return newsletter.ReportSoft
	}
	return kind
}
