package bounce

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

type mailgunHook struct {
	Signature struct {
		Timestamp string `json:"timestamp"`
		Token     string `json:"token"`
		Signature string `json:"signature"`
	} `json:"signature"`
	Event struct {
		Event     string `json:"event"`
		Severity  string `json:"severity"`
		Reason    string `json:"reason"`
		Recipient string `json:"recipient"`
		Status    struct {
			Code        int    `json:"code"`
			Enhanced    string `json:"enhanced-code"`
			Message     string `json:"message"`
			Description string `json:"description"`
		} `json:"delivery-status"`
		Envelope struct {
			Sender string `json:"sender"`
		} `json:"envelope"`
		Message struct {
			Headers struct {
				MessageID string `json:"message-id"`
			} `json:"headers"`
		} `json:"message"`
	} `json:"event-data"`
}

// ReadMailgun reads a request of a webhook, one event, and verifies that it was
// made with the webhook signing key.
func ReadMailgun(body []byte, key string, now time.Time) ([]Report, error) {
	var hook mailgunHook
	if err := readJSON("Mailgun", body, &hook); err != nil {
		return nil, err
	}
	s := hook.Signature
	want := hmac.New(sha256.New, []byte(key))
	want.Write([]byte(s.Timestamp + s.Token))
	got, err := hex.DecodeString(s.Signature)
	if err != nil || key == "" || !hmac.Equal(got, want.Sum(nil)) || !fresh(s.Timestamp, now) {
		return nil, fmt.Errorf("a webhook of Mailgun: %w", ErrSignature)
	}
	e := hook.Event
	said := e.Status.Message
	if said == "" {
		said = e.Status.Description
	}
	r := providerReport("Mailgun", e.Recipient, e.Status.Enhanced, e.Status.Code, said, mailgunVerdict(e.Severity, e.Reason))
	r.MessageID = bareID(e.Message.Headers.MessageID)
	r.To = addressesIn(e.Envelope.Sender)
	switch e.Event {
	case "failed":
		r = mailgunFailure(r, e.Severity, e.Reason)
	case "complained":
		r = r.as(newsletter.ReportComplaint, "")
	case "unsubscribed":
		r = r.as(newsletter.ReportUnsubscribe, "")
	case "delivered":
		r = r.as(newsletter.ReportDelivered, "")
	default:
		return nil, nil
	}
	return []Report{r}, nil
}

// mailgunVerdict trusts "bounce" only: "generic" is whatever Mailgun does not
// know, "espblock" a provider's block, "old" what was given up.
func mailgunVerdict(severity, reason string) verdict {
	switch {
	case severity == "temporary", reason == "espblock", reason == "old":
		return temporary
	case reason == "bounce":
		return permanent
	}
	return unsure
}

func mailgunFailure(r Report, severity, reason string) Report {
	switch reason {
	case "suppress-bounce":
		return r.as(newsletter.ReportHard, newsletter.ReasonNoUser)
	case "suppress-complaint":
		return r.as(newsletter.ReportComplaint, "")
	case "suppress-unsubscribe":
		return r.as(newsletter.ReportUnsubscribe, "")
	case "espblock":
		return r.as(newsletter.ReportBlock, r.Reason)
	case "old":
		return r.as(softened(r.Kind), newsletter.ReasonExpired)
	}
	if severity == "temporary" {
		return r.as(newsletter.ReportDelayed, r.Reason)
	}
	return r
}
