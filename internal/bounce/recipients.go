package bounce

import (
	"regexp"
	"slices"
	"strings"
)

// The texts before an address that tell what it is.
var (
	notRecipient = regexp.MustCompile(`(?i)(?:\bfrom|\bsender|\breply-to|message-id|message id|\bcontact|mailto|\bby|\bvon|\bvia|\bauthor|e-?mail us(?: at)?|write to|please [\w ]{0,30}to|\bid|return-path|identifier|abuse|\bat)[:=;\s<"'(\[]*$`)
	isListed     = regexp.MustCompile(`(?i)(?:^[\s<>"'*•·-]*|rcpt to: *<?|recipients?(?:'s)?(?: address)?(?:es)?:? *<?|address(?:es)?:? *<?|empfänger:? *<?|destinataires?\s*:? *<?|宛先.{0,6}|\b[45]\d\d[ -](?:[45]\.\d\.\d{1,3} )?<?)$`)
	isOriginal   = regexp.MustCompile(`(?i)(?:expanded|generated) from:? *<?$`)
	isTold       = regexp.MustCompile(`(?i)(?:\bto:? *<?|\buser:? *<?|mailbox:? *<?|account:? *<?|\bfor:? *<?|\ban:? *<?|à:? *<?|\(\s*<?)$`)
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
	var listed, told, possible, own []string
	forms := map[string]string{} // what stands before an address that stands where recipients do
	for line := range strings.Lines(note) {
		for _, at := range addressPattern.FindAllStringIndex(line, 20) {
			a := bareAddress(line[at[0]:at[1]])
			before := line[max(0, at[0]-40):at[0]]
			original := isOriginal.MatchString(before)
			list, tell := isListed.MatchString(before), original || isTold.MatchString(before)
			switch {
			case !proper(a), notRecipient.MatchString(before) && !original, isStaff(a) && !containsFold(addressed, a):
			case containsFold(ours, a):
				if list || tell {
					own = appendNew(own, a)
				}
			case list:
				listed = appendNew(listed, a)
				forms[a] = formOf(before)
			case tell:
				told = appendNew(told, a)
				forms[a] = formOf(before)
			default:
				possible = appendNew(possible, a)
			}
		}
	}
	var both []string
	for _, a := range slices.Concat(listed, told, possible) {
		if containsFold(addressed, a) {
			both = appendNew(both, a)
		}
	}
	for _, a := range slices.Concat(listed, told) { // others in the same list
		if slices.ContainsFunc(both, func(b string) bool { return forms[a] == forms[b] }) {
			both = appendNew(both, a)
		}
	}
	for _, found := range [][]string{both, listed, told} {
		if len(found) > 0 {
			return found
		}
	}
	for _, found := range [][]string{possible, addressed, own, l.encoded()} {
		if len(found) > 0 {
			return found[:1]
		}
	}
	return nil
}

// encoded returns recipients from envelope senders of the common form of VERP,
// "list-bounces+ann=example.org@example.net".
func (l *letter) encoded() []string {
	var out []string
	for _, a := range l.verpAddresses() {
		local, _, _ := strings.Cut(a, "@")
		if m := verpLocal.FindStringSubmatch(local); m != nil && !strings.HasPrefix(strings.ToLower(local), "srs") {
			out = appendNew(out, addressesIn(m[1]+"@"+m[2])...)
		}
	}
	return out
}

var verpLocal = regexp.MustCompile(`[+-]([^+=-][^+=]*)=([\w.-]+\.\w+)$`)

// formOf makes what stands before addresses comparable: replies by any code.
func formOf(before string) string {
	before = strings.ToLower(before)
	if strings.Contains(before, "rcpt to:") {
		return "000 <"
	}
	return strings.TrimLeft(digits.ReplaceAllString(before, "0"), " \t>")
}

var digits = regexp.MustCompile(`\d`)

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
		rest := note[at[1]:]
		for _, a := range addressPattern.FindAllStringIndex(rest, 5) {
			if !notRecipient.MatchString(rest[max(0, a[0]-40):a[0]]) && !isStaff(rest[a[0]:a[1]]) {
				return note[at[0]:]
			}
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
