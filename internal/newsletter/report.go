package newsletter

// ReportKind is what something that came back says of one recipient. The words
// are stored.
type ReportKind string

// The kinds of reports. Only hard bounces and complaints suppress an address.
const (
	ReportHard         ReportKind = "hard"         // about the address: mailing it again is useless
	ReportSoft         ReportKind = "soft"         // not now, or not this message: counts, and decays
	ReportBlock        ReportKind = "block"        // about the sender (policy, reputation, content): never counts against the person
	ReportComplaint    ReportKind = "complaint"    // the recipient calls it spam
	ReportAutoReply    ReportKind = "auto-reply"   // out of office, challenge-response: it arrived
	ReportUnsubscribe  ReportKind = "unsubscribe"  // the owner wants to leave
	ReportDelayed      ReportKind = "delayed"      // a warning: still being tried
	ReportDelivered    ReportKind = "delivered"    // a receipt
	ReportNotice       ReportKind = "notice"       // asks for nothing: "not spam", a failed DKIM check
	ReportUnclassified ReportKind = "unclassified" // not understood: for the operator to look at
)

// ReportKinds returns all of them, the grave ones first.
func ReportKinds() []ReportKind {
	return []ReportKind{
		ReportHard, ReportSoft, ReportBlock, ReportComplaint, ReportUnsubscribe, ReportAutoReply,
		ReportDelayed, ReportDelivered, ReportNotice, ReportUnclassified,
	}
}

// Reason is why a receiver refused a mail. The words are stored and shown.
type Reason string

// The reasons of refusals; empty: it gives none that is known.
const (
	ReasonNoUser     Reason = "no such user"
	ReasonDisabled   Reason = "mailbox disabled"
	ReasonMoved      Reason = "mailbox moved"
	ReasonBadAddress Reason = "bad address"
	ReasonNoDomain   Reason = "no such domain"

	ReasonFull      Reason = "mailbox full"
	ReasonTooLarge  Reason = "message too large"
	ReasonLoop      Reason = "mail loop"
	ReasonNetwork   Reason = "receiver not reached"
	ReasonExpired   Reason = "given up after retries"
	ReasonSystem    Reason = "receiver's trouble"
	ReasonGreylist  Reason = "greylisted"
	ReasonBusy      Reason = "mailbox busy" // takes no more just now
	ReasonAmbiguous Reason = "ambiguous address"
	ReasonRelaying  Reason = "relaying denied" // that server does not take mail for the domain

	ReasonSpam       Reason = "taken for spam"
	ReasonReputation Reason = "sender's reputation"
	ReasonRate       Reason = "too much mail from the sender"
	ReasonAuth       Reason = "sender not authenticated"
	ReasonSender     Reason = "sender refused"
	ReasonContent    Reason = "content refused"
	ReasonPolicy     Reason = "policy"
	ReasonRefused    Reason = "refused by the recipient"
)

// kind returns what a refusal for the reason says, where it is permanent or not.
func (r Reason) kind(permanent bool) ReportKind {
	switch r {
	case ReasonNoUser, ReasonDisabled, ReasonMoved, ReasonBadAddress, ReasonNoDomain:
		if permanent {
			return ReportHard
		}
	case ReasonSpam, ReasonReputation, ReasonRate, ReasonAuth, ReasonSender, ReasonContent, ReasonPolicy,
		ReasonRefused:
		return ReportBlock // also where it is temporary: no number of them is the person's fault
	}
	return ReportSoft
}
