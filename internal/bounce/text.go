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
		r := l.textReport(who, len(found) == 1)
		if delayed && !strings.HasPrefix(r.Status, "5") && r.Code/100 != 5 {
			r.Kind = newsletter.ReportDelayed
		}
		out = append(out, r)
	}
	return out
}

// textReport is what the text says of one recipient; alone: it is the only one.
func (l *letter) textReport(who string, alone bool) Report {
	lines, note := l.about(who), l.notification()
	why := l.diagnose(lines)
	if _, reason := newsletter.Classify(why); reason == "" && alone {
		why = l.diagnose(note) // it stands before the address
	}
	r := Report{Recipient: who, Source: SourceText, Status: why.Status, Code: why.Code, Diagnostic: oneLine(why.Words)}
	r.Kind, r.Reason = newsletter.Classify(why)
	if r.Reason == "" { // perhaps further away, or in the subject only
		all := newsletter.Refusal{Status: why.Status, Code: why.Code, Words: note + "\n" + l.subject()}
		if kind, reason := newsletter.Classify(all); reason != "" {
			r.Kind, r.Reason = kind, reason
		}
	}
	if alone {
		lines = note
	}
	r.Kind, r.Reason = byPhase(r.Kind, r.Reason, r.Status, lines)
	switch {
	case !l.failed(r, note):
		r.Kind, r.Reason = newsletter.ReportUnclassified, ""
	case r.Kind == newsletter.ReportUnclassified && who != "" && l.failure():
		r.Kind = newsletter.ReportSoft // it failed, nobody says why
	}
	if r.Diagnostic == "" {
		r.Diagnostic = oneLine(l.header.text("Subject"))
	}
	return r
}

// failed reports whether a text has a sign that a delivery failed: people write from a
// mail system's address too, of their trouble, or of something else.
func (l *letter) failed(r Report, note string) bool {
	if l.header.has("X-Failed-Recipients") || reportType(l.header) || len(l.returned) > 0 || r.Status != "" || r.Code != 0 {
		return true
	}
	if r.Reason != "" && r.Reason != newsletter.ReasonSystem {
		return true
	}
	note = strings.ToLower(note)
	return containsAny(l.subject(), bounceSubjects) || containsAny(note, bounceSubjects) || strings.Contains(note, "message-id")
}

// quotesRefusal reports whether a text has a server's refusal in it, or words of
// one above a returned mail: a report that looks like none from outside.
func (l *letter) quotesRefusal(note string) bool {
	enough := 4
	if len(l.returned) > 0 {
		enough = 2
	}
	if l.header.has("In-Reply-To") || replyPrefix.MatchString(l.subject()) {
		return false // a person's answer, perhaps about bounces
	}
	for line := range strings.Lines(note[:min(len(note), 4096)]) {
		if telling(line) >= enough {
			return true
		}
	}
	return false
}

var replyPrefix = regexp.MustCompile(`^(?:re|aw|sv|antw|rif|odp|ynt|回复|回覆) ?[:：]`)

var (
	// returnedStart is a line of a returned mail's header that no explanation has.
	returnedStart = regexp.MustCompile(`(?im)^[ \t>|]*(?:received|return-path|dkim-signature|mime-version|x-mailer|x-originating-ip|domainkey-signature|authentication-results): *\S|` +
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
	for _, at := range returnedStart.FindAllStringIndex(text, 20) {
		start := at[0]
		for start > 0 { // the fields before it belong to the same header
			before := strings.LastIndexByte(text[:start-1], '\n') + 1
			if !headerLine.MatchString(text[before:start]) {
				break
			}
			start = before
		}
		h, _ := parseFields(unquote(text[start:]))
		if start == 0 || !h.has("From") && !h.has("Message-ID") && !h.has("Received") {
			continue // a part's own header, a summary
		}
		if strings.Contains(strings.ToLower(h.get("From")), "mailer-daemon@") {
			continue // the report's own header, after a line that broke it off
		}
		if len(l.returned) == 0 {
			l.returned = h
		}
		return start
	}
	return len(text)
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

// about returns the lines of the text that are about one recipient, known by any
// of its addresses: from where it is named to where another one is. Without such
// lines, all of them.
func (l *letter) about(addresses ...string) string {
	note := l.notification()
	if l.lines == nil {
		for line := range strings.Lines(note) {
			l.lines = append(l.lines, noteLine{line, addressesIn(line)})
		}
	}
	var b strings.Builder
	mine := false
	for _, line := range l.lines {
		if len(line.named) > 0 {
			mine = slices.ContainsFunc(line.named, func(a string) bool { return containsFold(addresses, a) })
		}
		if mine {
			b.WriteString(line.text)
		}
	}
	if b.Len() == 0 {
		return note
	}
	return b.String()
}

// noteLine is a line of the text with the addresses in it.
type noteLine struct {
	text  string
	named []string
}

// diagnose is the package's diagnose, which remembers what it found in the whole
// text: a report may ask for each of a hundred recipients.
func (l *letter) diagnose(text string) newsletter.Refusal {
	if text != l.notification() {
		return diagnose(text)
	}
	if l.found == nil {
		found := diagnose(text)
		l.found = &found
	}
	return *l.found
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
	if strings.HasPrefix(strings.TrimSpace(line), "(reason: ") { // Sendmail: the receiver's words, before what it makes of them
		score += 4
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

// What systems say of when a refusal came.
var (
	senderWords = []string{"in reply to mail from", "after mail from", "in reply to ehlo", "in reply to helo", "after ehlo", "after helo", "after initial connection", "smtp command mail"}
	dataWords   = []string{"in reply to end of data", "in reply to data", "after end of data", "smtp command data"}
	// rcptWords tell that what stands after DATA in a pipelined session answers RCPT.
	rcptWords = []string{"<<< 503", "no valid recipients", "no recipients", "need rcpt"}
	// groupWords are Google's for groups, which it says "may not exist, or you may not
	// have permission" of.
	groupWords = []string{"groups.google.", "google groups"}
	// yahooWords are Yahoo's for unknown users, which it looks for at the end.
	yahooWords = []string{"delivery error: dd", "requested mail action aborted, mailbox not found"}
)

// byPhase corrects what a refusal says by when it came, if the text tells: before
// the recipient was named it is about the sender. After the whole mail had been
// seen, "no such user" is how filters answer, and soft; a status about the address
// is believed even then.
func byPhase(kind newsletter.ReportKind, reason newsletter.Reason, status, text string) (newsletter.ReportKind, newsletter.Reason) {
	if kind != newsletter.ReportHard {
		return kind, reason
	}
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	switch {
	case containsAny(text, senderWords):
		return newsletter.ReportBlock, newsletter.ReasonSender
	case containsAny(text, groupWords):
		return newsletter.ReportBlock, newsletter.ReasonRefused
	case strings.HasPrefix(status, "5.1."), containsAny(text, yahooWords):
	case containsAny(text, dataWords), strings.Contains(text, ">>> data") && !containsAny(text, rcptWords):
		return newsletter.ReportSoft, reason
	}
	return kind, reason
}
