package bounce

import (
	"regexp"
	"strconv"
	"strings"

	"syndicate/internal/newsletter"
)

// deliveryStatus reads the blocks of delivery-status parts (RFC 3464): one about
// the message, one about each recipient. Systems that forget the blank line
// between them are understood.
func (l *letter) deliveryStatus() []Report {
	var reporter string
	var out []Report
	for _, b := range splitRecipients(l.status) {
		if mta := afterType(b.get("Reporting-MTA")); mta != "" {
			reporter = mta
		}
		if !b.has("Final-Recipient") && !b.has("Original-Recipient") && !b.has("X-Actual-Recipient") {
			continue
		}
		if len(out) == maxRecipients {
			break
		}
		out = append(out, l.recipientStatus(b))
	}
	l.completeRecipients(out)
	for i := range out {
		out[i].Reporter = oneLine(reporter)
	}
	return out
}

// splitRecipients begins a new block where a block names a second recipient.
func splitRecipients(blocks []fields) []fields {
	var out []fields
	for _, b := range blocks {
		start := 0
		var final, original bool
		for i, f := range b {
			again := final && strings.EqualFold(f.name, "Final-Recipient") || original && strings.EqualFold(f.name, "Original-Recipient")
			if again {
				out = append(out, b[start:i])
				start, final, original = i, false, false
			}
			final = final || strings.EqualFold(f.name, "Final-Recipient")
			original = original || strings.EqualFold(f.name, "Original-Recipient")
		}
		out = append(out, b[start:])
	}
	return out
}

// recipientStatus reads the block of one recipient.
func (l *letter) recipientStatus(b fields) Report {
	r := Report{Source: SourceDSN}
	original, final := typedAddress(b.get("Original-Recipient")), typedAddress(b.get("Final-Recipient"))
	if final == "" {
		final = typedAddress(b.get("X-Actual-Recipient"))
	}
	r.Recipient = original
	if original == "" {
		r.Recipient = final
	} else if !strings.EqualFold(original, final) {
		r.Final = final
	}
	said := afterType(strings.Join(b.all("Diagnostic-Code"), " "))
	if said == "" { // Exchange before 2010 wrote it there
		said = strings.Trim(b.get("X-Supplementary-Info"), "<>")
	}
	why := combined(findStatus(b.get("Status")), said)
	if why.Code == 0 {
		why.Code = findCode(b.get("Status")) // some write a reply there
	}
	why.Words += " " + b.get("Status")
	r.Status, r.Code, r.Diagnostic = why.Status, why.Code, oneLine(said)

	kind, reason := newsletter.Classify(why)
	if reason == "" || said == "" {
		kind, reason = l.askText(&r, why)
	}
	kind, r.Reason = byPhase(kind, reason, r.Status, l.about(r.Recipient, r.Final))
	switch action, _, _ := strings.Cut(strings.ToLower(b.get("Action"))+" ", " "); action {
	case "delayed":
		r.Kind = newsletter.ReportDelayed
	case "delivered", "relayed", "expanded":
		r.Kind, r.Reason = newsletter.ReportDelivered, ""
	case "failed":
		r.Kind = kind
	default:
		switch {
		case strings.HasPrefix(b.get("Status"), "2"):
			r.Kind, r.Reason = newsletter.ReportDelivered, ""
		case strings.HasPrefix(r.Status, "4") && b.has("Will-Retry-Until"):
			r.Kind = newsletter.ReportDelayed
		default:
			r.Kind = kind
		}
	}
	return r
}

// combined puts the Status field and the server's own words together: the words'
// status counts, unless it says nothing and the field says something.
func combined(status, said string) newsletter.Refusal {
	why := refusal(said)
	if strings.HasPrefix(status, "2") {
		status = ""
	}
	contradicts := why.Code != 0 && status != "" && int(status[0]-'0') != why.Code/100
	if !contradicts && (why.Status == "" || general(why.Status) && !general(status) && status != "") {
		why.Status = status
	}
	return why
}

// general reports whether a status says no more than its class: X.0.0, and X.1.0,
// which some write before everything.
func general(status string) bool {
	return strings.HasSuffix(status, ".0.0") || strings.HasSuffix(status, ".1.0")
}

// askText looks for the reason in the words for people, where the report gives
// none.
func (l *letter) askText(r *Report, why newsletter.Refusal) (newsletter.ReportKind, newsletter.Reason) {
	found := l.diagnose(l.about(r.Recipient, r.Final))
	if r.Diagnostic == "" {
		r.Diagnostic = oneLine(found.Words)
	}
	if why.Code == 0 {
		why.Code = found.Code
		r.Code = found.Code
	}
	if (why.Status == "" || general(why.Status)) && found.Status != "" && !strings.HasPrefix(found.Status, "2") {
		why.Status = found.Status
		r.Status = found.Status
	}
	why.Words += " " + found.Words
	return newsletter.Classify(why)
}

// completeRecipients fills in recipients that a report names without an address:
// a local user, an X.400 name.
func (l *letter) completeRecipients(reports []Report) {
	for i := range reports {
		if reports[i].Recipient == "" {
			if found := l.recipients(); len(found) > 0 {
				reports[i].Recipient = found[min(i, len(found)-1)]
			}
		}
	}
}

// afterType cuts the type off a field such as "smtp; 550 5.1.1 …".
func afterType(v string) string {
	kind, rest, ok := strings.Cut(v, ";")
	if !ok || strings.ContainsAny(strings.TrimSpace(kind), " <@") {
		return strings.TrimSpace(v)
	}
	return strings.TrimSpace(rest)
}

var hexPoint = regexp.MustCompile(`\\x\{([0-9A-Fa-f]{1,6})\}`)

// typedAddress returns the address of a field such as "rfc822; ann@example.org",
// empty: there is none. Addresses of RFC 6533 are decoded.
func typedAddress(v string) string {
	v = hexPoint.ReplaceAllStringFunc(afterType(v), func(m string) string {
		n, err := strconv.ParseInt(m[3:len(m)-1], 16, 32)
		if err != nil {
			return m
		}
		return string(rune(n))
	})
	v = strings.ReplaceAll(strings.ReplaceAll(v, "+2B", "+"), "+3D", "=") // RFC 3461 4, left as it was
	if found := addressesIn(v); len(found) > 0 {
		return found[0]
	}
	return ""
}
