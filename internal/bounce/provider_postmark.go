package bounce

import (
	"crypto/subtle"
	"fmt"
	"net/http"

	"syndicate/internal/newsletter"
)

// VerifyPostmark verifies the user and the password that stand in the webhook's
// address; Postmark signs nothing.
func VerifyPostmark(r *http.Request, user, password string) error {
	u, p, ok := r.BasicAuth()
	same := subtle.ConstantTimeCompare([]byte(u), []byte(user)) & subtle.ConstantTimeCompare([]byte(p), []byte(password))
	if !ok || password == "" || same != 1 {
		return fmt.Errorf("a webhook of Postmark has another user or password: %w", ErrSignature)
	}
	return nil
}

type postmarkEvent struct {
	RecordType        string
	Type              string
	Email             string
	Recipient         string
	Details           string
	Description       string
	SuppressSending   bool
	SuppressionReason string
	Metadata          map[string]string
}

// ParsePostmark reads a request of a webhook: one event. Bounces may carry the
// mail's Message-ID as metadata "message-id".
func ParsePostmark(body []byte) ([]Report, error) {
	var e postmarkEvent
	if err := readJSON("Postmark", body, &e); err != nil {
		return nil, err
	}
	who := e.Email
	if who == "" {
		who = e.Recipient
	}
	said := e.Details
	if said == "" {
		said = e.Description
	}
	v := temporary
	if e.Type == "HardBounce" {
		v = permanent
	}
	r := providerReport("Postmark", who, "", 0, said, v)
	r.MessageID = bareID(e.Metadata["message-id"])
	switch e.RecordType {
	case "Bounce":
		r = postmarkBounce(r, e.Type)
	case "SpamComplaint":
		r = r.as(newsletter.ReportComplaint, "")
	case "Delivery":
		r = r.as(newsletter.ReportDelivered, "")
	case "SubscriptionChange":
		switch {
		case !e.SuppressSending:
			return nil, nil
		case e.SuppressionReason == "HardBounce":
			r = r.as(newsletter.ReportHard, newsletter.ReasonNoUser)
		case e.SuppressionReason == "SpamComplaint":
			r = r.as(newsletter.ReportComplaint, "")
		default:
			r = r.as(newsletter.ReportUnsubscribe, "")
		}
	default:
		return nil, nil
	}
	return []Report{r}, nil
}

// postmarkBounce knows Postmark's types of bounces.
func postmarkBounce(r Report, kind string) Report {
	switch kind {
	case "HardBounce":
		return r
	case "BadEmailAddress":
		return r.as(newsletter.ReportHard, newsletter.ReasonBadAddress)
	case "ManuallyDeactivated":
		return r.as(newsletter.ReportHard, newsletter.ReasonDisabled)
	case "AddressChange":
		return r.as(newsletter.ReportAutoReply, "")
	case "SpamComplaint":
		return r.as(newsletter.ReportComplaint, "")
	case "Unsubscribe":
		return r.as(newsletter.ReportUnsubscribe, "")
	case "AutoResponder", "ChallengeVerification":
		return r.as(newsletter.ReportAutoReply, "")
	case "SpamNotification":
		return r.as(newsletter.ReportBlock, newsletter.ReasonSpam)
	case "DMARCPolicy":
		return r.as(newsletter.ReportBlock, newsletter.ReasonAuth)
	case "VirusNotification":
		return r.as(newsletter.ReportBlock, newsletter.ReasonContent)
	case "Blocked":
		return r.as(newsletter.ReportBlock, newsletter.ReasonPolicy)
	case "SMTPApiError", "TemplateRenderingFailed": // Postmark did not take the mail
		return r.as(newsletter.ReportBlock, newsletter.ReasonPolicy)
	case "InboundError", "OpenRelayTest", "Subscribe", "Unconfirmed": // says nothing of a mail of ours
		return r.as(newsletter.ReportNotice, "")
	case "DnsError":
		return r.as(newsletter.ReportSoft, newsletter.ReasonNetwork)
	}
	return r
}

// softened keeps what is no hard bounce, and makes a soft one of what is.
func softened(kind newsletter.ReportKind) newsletter.ReportKind {
	if kind == newsletter.ReportHard {
		return newsletter.ReportSoft
	}
	return kind
}
