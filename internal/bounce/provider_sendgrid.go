package bounce

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// maxSignatureAge is how old a signed webhook may be: providers try for a day.
const maxSignatureAge = 25 * time.Hour

// VerifySendGrid verifies a signed event webhook. key is the verification key
// that SendGrid's settings show.
func VerifySendGrid(h http.Header, body []byte, key string, now time.Time) error {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if err != nil {
		return fmt.Errorf("the verification key of SendGrid is not base64: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return fmt.Errorf("the verification key of SendGrid cannot be read: %w", err)
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return errors.New("the verification key of SendGrid is not for ECDSA")
	}
	timestamp := h.Get("X-Twilio-Email-Event-Webhook-Timestamp")
	signature, err := base64.StdEncoding.DecodeString(h.Get("X-Twilio-Email-Event-Webhook-Signature"))
	if err != nil || !fresh(timestamp, now) {
		return fmt.Errorf("a webhook of SendGrid: %w", ErrSignature)
	}
	sum := sha256.New()
	sum.Write([]byte(timestamp))
	sum.Write(body)
	if !ecdsa.VerifyASN1(public, sum.Sum(nil), signature) {
		return fmt.Errorf("a webhook of SendGrid: %w", ErrSignature)
	}
	return nil
}

// fresh reports whether a Unix time is about now.
func fresh(timestamp string, now time.Time) bool {
	n, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && now.Sub(time.Unix(n, 0)).Abs() <= maxSignatureAge
}

type sendGridEvent struct {
	Event          string `json:"event"`
	Email          string `json:"email"`
	Type           string `json:"type"`
	Status         string `json:"status"`
	Reason         string `json:"reason"`
	Response       string `json:"response"`
	Classification string `json:"bounce_classification"`
	SMTPID         string `json:"smtp-id"`
}

// ParseSendGrid reads a request of the event webhook: a list of events.
func ParseSendGrid(body []byte) ([]Report, error) {
	var events []sendGridEvent
	if err := readJSON("SendGrid", body, &events); err != nil {
		return nil, err
	}
	var out []Report
	for _, e := range events {
		r := providerReport("SendGrid", e.Email, e.Status, 0, strings.TrimSpace(e.Reason+" "+e.Response), e.verdict())
		r.MessageID = bareID(e.SMTPID)
		switch e.Event {
		case "bounce":
			if e.Type == "blocked" && r.Kind == newsletter.ReportHard {
				r.Kind = newsletter.ReportBlock
			}
		case "dropped":
			r = e.dropped(r)
		case "deferred":
			r = r.as(newsletter.ReportDelayed, r.Reason)
		case "delivered":
			r = r.as(newsletter.ReportDelivered, "")
		case "spamreport":
			r = r.as(newsletter.ReportComplaint, "")
		case "unsubscribe", "group_unsubscribe":
			r = r.as(newsletter.ReportUnsubscribe, "")
		default:
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// verdict is what SendGrid makes of a bounce: what it blocks it tries again
// next time, what it classifies otherwise than as a bad address it is not sure of.
func (e sendGridEvent) verdict() verdict {
	switch {
	case e.Event != "bounce":
		return unsure
	case e.Type == "blocked":
		return temporary
	case e.Classification == "", strings.EqualFold(e.Classification, "Invalid Address"):
		return permanent
	}
	return unsure
}

// dropped is what SendGrid did not even try, because of what was before.
func (e sendGridEvent) dropped(r Report) Report {
	switch reason := strings.ToLower(e.Reason); {
	case strings.HasPrefix(reason, "bounced address"), reason == "invalid":
		return r.as(newsletter.ReportHard, newsletter.ReasonNoUser)
	case strings.HasPrefix(reason, "spam reporting"):
		return r.as(newsletter.ReportComplaint, "")
	case strings.HasPrefix(reason, "unsubscribed"):
		return r.as(newsletter.ReportUnsubscribe, "")
	}
	return r.as(newsletter.ReportBlock, newsletter.ReasonPolicy)
}
