package newsletter

import (
	"regexp"
	"strconv"
	"strings"
)

// Refusal is what a receiver said about one recipient: in an SMTP reply or in a
// report that came back later.
type Refusal struct {
	Status string // RFC 3463, such as "5.1.1", empty: none
	Code   int    // SMTP reply code, 0: none
	Words  string // as they were written, in any language
}

// Classify is the one table of what refusals mean. Words that can only mean one
// thing are trusted most, because the statuses 5.0.0, 5.1.0 and 5.7.1 stand in
// front of everything; then the status; then words that mean a thing as a rule;
// then the reply code. What is temporary is never hard, and neither is a status
// 5.7.x, which is about the sender, but for one sentence (see saysNobody).
func Classify(r Refusal) (ReportKind, Reason) {
	class, subject, detail := cutStatus(r.Status)
	if class == 0 {
		class = r.Code / 100
	}
	words := foldWords(r.Words)
	reason := reasonByWords(words)
	byStatus := reasonByStatus(subject, detail)
	switch {
	case subject == 7 && reason.kind(true) == ReportHard && !saysNobody(detail, words):
		reason = byStatus
	case reason == "" || overrules(byStatus, reason):
		reason = byStatus
	}
	if reason == "" {
		reason = reasonByWeakWords(words)
	}
	if reason == "" {
		reason = reasonByCode(r.Code)
	}
	if reason == "" && class == 0 {
		return ReportUnclassified, ""
	}
	return reason.kind(class != 4), reason
}

// saysNobody reports whether words behind a status 5.7.x are believed before it:
// "5.7.1 No such user" is how Yandex says that nobody is there, and Gmail did. Any other
// words there ("user unknown", "mailbox disabled") are how filters answer whom they do
// not want, and so is this sentence beside a word of policy.
func saysNobody(detail int, words string) bool {
	weak := reasonByWeakWords(words)
	return detail == 1 && strings.Contains(words, "no such user") && (weak == "" || weak.kind(true) == ReportHard)
}

// overrules reports whether the status of a refusal is to be believed before its
// words.
func overrules(status, words Reason) bool {
	switch status {
	case ReasonFull: // 5.2.2 is about a mailbox that exists
		return words.kind(true) == ReportHard
	case ReasonSender: // 5.1.7, 5.1.8: "no such user" is about us there
		return true
	}
	return false
}

// cutStatus splits an RFC 3463 status; class 0: it is none.
func cutStatus(s string) (class, subject, detail int) {
	a, rest, _ := strings.Cut(s, ".")
	b, c, ok := strings.Cut(rest, ".")
	class, err1 := strconv.Atoi(a)
	subject, err2 := strconv.Atoi(b)
	detail, err3 := strconv.Atoi(c)
	if !ok || err1 != nil || err2 != nil || err3 != nil || class != 4 && class != 5 {
		return 0, 0, 0
	}
	return class, subject, detail
}

// reasonByStatus knows the statuses that say why (RFC 3463 3; RFC 5248 2.4 and
// IANA's registry). Those that do not are missing: X.0.0, X.1.0, X.3.0, X.4.0, X.5.x.
func reasonByStatus(subject, detail int) Reason {
	if subject == 7 {
		return reasonBySecurity(detail)
	}
	switch subject*1000 + detail {
	case 1001:
		return ReasonNoUser
	case 1002, 1010: // 1.10: the domain says that it takes no mail (RFC 7505)
		return ReasonNoDomain
	case 1003:
		return ReasonBadAddress
	case 1004:
		return ReasonAmbiguous
	case 1006:
		return ReasonMoved
	case 1007, 1008:
		return ReasonSender
	case 1090: // Exchange Online, as what follows of three digits
		return ReasonRate
	case 2121, 2122:
		return ReasonBusy
	case 4310:
		return ReasonNoDomain
	case 2001:
		return ReasonDisabled
	case 2002:
		return ReasonFull
	case 2003, 3004:
		return ReasonTooLarge
	case 3001, 3002, 3005, 4005:
		return ReasonSystem
	case 4001, 4002, 4003, 4004:
		return ReasonNetwork
	case 4006:
		return ReasonLoop
	case 4007:
		return ReasonExpired
	}
	if subject == 6 {
		return ReasonContent
	}
	return ""
}

// reasonBySecurity knows the statuses X.7.x. Each is about the sender.
func reasonBySecurity(detail int) Reason {
	switch detail {
	case 5, 8, 9, 20, 21, 22, 23, 24, 26, 29:
		return ReasonAuth
	case 25: // no name for the address of the relay
		return ReasonReputation
	case 27:
		return ReasonSender
	case 28, 705:
		return ReasonRate
	}
	if detail >= 600 && detail < 650 { // Exchange Online: a banned address of the relay
		return ReasonReputation
	}
	return ReasonPolicy
}

// reasonByCode is what is left where nothing else helps (RFC 5321 4.2.2, 4.2.3).
// A bare 550 says nothing: it stands for policy as often as for unknown people.
func reasonByCode(code int) Reason {
	switch code {
	case 421, 432:
		return ReasonSystem
	case 452, 552:
		return ReasonFull
	case 530, 534, 535, 538:
		return ReasonAuth
	case 556: // RFC 7504: the domain takes no mail
		return ReasonNoDomain
	}
	return ""
}

// wordsAddress is an address as words have it: not "ann@example.org...User unknown",
// and not the words around it in languages that need no space.
var wordsAddress = regexp.MustCompile(`[^` + noAddress + `]+@[^.` + noAddress + `]+(?:\.[^.` + noAddress + `]+)*`)

const noAddress = `\s<>()"',;:@「」『』【】“”。，：\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}`

// foldWords makes words comparable: lower case, single spaces, plain quotes, and
// no addresses, whose names mean nothing.
func foldWords(s string) string {
	s = wordsAddress.ReplaceAllString(s, "@")
	s = strings.ReplaceAll(s, "Unknown address error", "") // Cisco writes it before whatever the receiver said
	s = foldQuotes.Replace(strings.ToLower(s))
	return strings.Join(strings.Fields(s), " ")
}
