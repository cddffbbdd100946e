package bounce

import (
	"strings"

	"syndicate/internal/newsletter"
)

// complaints reads feedback reports (RFC 5965) and what Outlook.com sends in
// their place: the mail, with the recipient in a field of its own.
func (l *letter) complaints() []Report {
	if len(l.feedback) == 0 {
		if who := l.returned.address("X-HmXmrOriginalRecipient"); who != "" {
			return []Report{{Kind: newsletter.ReportComplaint, Recipient: who, Source: SourceARF}}
		}
		return nil
	}
	var f fields
	for _, b := range l.feedback { // blank lines inside do no harm
		f = append(f, b...)
	}
	r := Report{Kind: feedbackKind(f.get("Feedback-Type")), Source: SourceARF, Reporter: oneLine(afterType(f.get("Reporting-MTA")))}
	r.Diagnostic = oneLine("Feedback-Type: " + f.get("Feedback-Type"))
	var out []Report
	for _, name := range []string{"Original-Rcpt-To", "Removal-Recipient", "X-Original-Rcpt-To", "X-HmXmrOriginalRecipient"} {
		for _, v := range f.all(name) {
			for _, a := range addressesIn(v) {
				if !redacted(a) && len(out) < maxRecipients {
					one := r
					one.Recipient = a
					out = append(out, one)
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	for _, name := range []string{"X-HmXmrOriginalRecipient", "To", "X-Original-To", "Delivered-To"} {
		if a := l.returned.address(name); a != "" && !redacted(a) {
			r.Recipient = a
			return []Report{r}
		}
	}
	if found := l.encoded(); len(found) > 0 && !redacted(found[0]) {
		r.Recipient = found[0]
	}
	return []Report{r}
}

// feedbackKind knows the types of feedback (RFC 5965 7.3, RFC 6430, RFC 6591).
// Only what a person did is a complaint.
func feedbackKind(kind string) newsletter.ReportKind {
	kind, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(kind)), " ")
	switch kind {
	case "not-spam", "auth-failure", "dkim", "dmarc", "spf":
		return newsletter.ReportNotice
	case "opt-out", "opt-out-list":
		return newsletter.ReportUnsubscribe
	case "virus":
		return newsletter.ReportBlock
	}
	return newsletter.ReportComplaint
}

// redacted reports whether an address was made unreadable on purpose (RFC 6590).
func redacted(a string) bool {
	local, domain, _ := strings.Cut(strings.ToLower(a), "@")
	return strings.Contains(local, "redacted") || strings.Contains(domain, "redacted") || strings.Trim(local, "x*") == ""
}
