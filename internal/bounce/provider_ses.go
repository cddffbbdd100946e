package bounce

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what Amazon signs with, as long as nobody tells it otherwise
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"syndicate/internal/newsletter"
)

// SNS is a message of Amazon's notification service, which carries what SES
// reports.
type SNS struct {
	Type             string // Notification, SubscriptionConfirmation, UnsubscribeConfirmation
	MessageID        string `json:"MessageId"`
	TopicARN         string `json:"TopicArn"`
	Token            string // of a SubscriptionConfirmation
	Subject          string
	Message          string
	SubscribeURL     string // to be opened once, of a SubscriptionConfirmation
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
}

// amazonHost is where certificates and confirmations of SNS are.
var amazonHost = regexp.MustCompile(`^sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?$`)

// ReadSNS reads a request of SNS and verifies that Amazon signed it for the
// topic. certificate fetches the signing certificate, in PEM's DER, from an
// address that is Amazon's for sure; it may keep it, addresses do not change
// their content.
func ReadSNS(body []byte, topic string, certificate func(url string) (*x509.Certificate, error)) (SNS, error) {
	var m SNS
	if err := readJSON("Amazon SNS", body, &m); err != nil {
		return m, err
	}
	if topic == "" || m.TopicARN != topic {
		return m, fmt.Errorf("a webhook of Amazon SNS is for another topic: %w", ErrSignature)
	}
	if !isAmazon(m.SigningCertURL) || m.SubscribeURL != "" && !isAmazon(m.SubscribeURL) {
		return m, fmt.Errorf("a webhook of Amazon SNS names a server that is not Amazon's: %w", ErrSignature)
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil {
		return m, fmt.Errorf("a webhook of Amazon SNS: %w", ErrSignature)
	}
	cert, err := certificate(m.SigningCertURL)
	if err != nil {
		return m, fmt.Errorf("fetching the certificate of Amazon SNS: %w", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return m, errors.New("the certificate of Amazon SNS is not for RSA")
	}
	hash, sum, err := m.sum()
	if err != nil {
		return m, err
	}
	if err := rsa.VerifyPKCS1v15(key, hash, sum, signature); err != nil {
		return m, fmt.Errorf("a webhook of Amazon SNS: %w", ErrSignature)
	}
	return m, nil
}

// sum returns the hash that is signed. Version 1 (SHA-1) is what topics have until
// somebody sets their SignatureVersion to 2 (SHA-256). To forge one takes another text
// with the sum of one that Amazon signed, which nobody can make; who makes two with the
// same sum has to have Amazon sign one of them, and what is signed ends with its topic.
func (m SNS) sum() (crypto.Hash, []byte, error) {
	switch m.SignatureVersion {
	case "1":
		sum := sha1.Sum([]byte(m.signed())) //nolint:gosec // as above
		return crypto.SHA1, sum[:], nil
	case "2":
		sum := sha256.Sum256([]byte(m.signed()))
		return crypto.SHA256, sum[:], nil
	}
	return 0, nil, fmt.Errorf("a webhook of Amazon SNS is signed in a way that is not known (SignatureVersion %q): %w", m.SignatureVersion, ErrSignature)
}

func isAmazon(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Port() == "" && amazonHost.MatchString(u.Hostname())
}

// signed returns what the signature covers: names and values, a line each, in
// the order of their names ("Verifying the signatures of Amazon SNS messages").
func (m SNS) signed() string {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	line("Message", m.Message)
	line("MessageId", m.MessageID)
	if m.Type == "Notification" {
		if m.Subject != "" {
			line("Subject", m.Subject)
		}
	} else {
		line("SubscribeURL", m.SubscribeURL)
	}
	line("Timestamp", m.Timestamp)
	if m.Type != "Notification" {
		line("Token", m.Token)
	}
	line("TopicArn", m.TopicARN)
	line("Type", m.Type)
	return b.String()
}

// sesEvent is what SES writes into a notification, or publishes as an event.
type sesEvent struct {
	NotificationType string `json:"notificationType"`
	EventType        string `json:"eventType"`
	Bounce           struct {
		Type         string         `json:"bounceType"`
		SubType      string         `json:"bounceSubType"`
		Recipients   []sesRecipient `json:"bouncedRecipients"`
		ReportingMTA string         `json:"reportingMTA"`
	} `json:"bounce"`
	Complaint struct {
		Recipients []sesRecipient `json:"complainedRecipients"`
		Feedback   string         `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Delivery struct {
		Recipients []string `json:"recipients"`
	} `json:"delivery"`
	Delay struct {
		Recipients []sesRecipient `json:"delayedRecipients"`
	} `json:"deliveryDelay"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
	Mail struct {
		Source      string   `json:"source"`
		Destination []string `json:"destination"`
		Headers     []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
	} `json:"mail"`
}

type sesRecipient struct {
	Address    string `json:"emailAddress"`
	Action     string `json:"action"`
	Status     string `json:"status"`
	Diagnostic string `json:"diagnosticCode"`
}

// ParseSES reads what SES reports: the Message of an SNS notification. What is
// no report (opened, clicked, sent) gives none.
func ParseSES(message []byte) ([]Report, error) {
	var e sesEvent
	if err := readJSON("Amazon SES", message, &e); err != nil {
		return nil, err
	}
	const name = "Amazon SES"
	var out []Report
	kind := e.NotificationType
	if kind == "" {
		kind = e.EventType
	}
	switch kind {
	case "Bounce":
		for _, to := range e.Bounce.Recipients {
			out = append(out, sesBounce(e.Bounce.Type, e.Bounce.SubType, to))
		}
	case "Complaint":
		for _, to := range e.Complaint.Recipients {
			r := providerReport(name, to.Address, "", 0, "", unsure).as(feedbackKind(e.Complaint.Feedback), "")
			r.Diagnostic = oneLine("Feedback-Type: " + e.Complaint.Feedback)
			out = append(out, r)
		}
	case "DeliveryDelay":
		for _, to := range e.Delay.Recipients {
			r := providerReport(name, to.Address, to.Status, 0, to.Diagnostic, unsure)
			out = append(out, r.as(newsletter.ReportDelayed, r.Reason))
		}
	case "Delivery":
		for _, to := range e.Delivery.Recipients {
			out = append(out, providerReport(name, to, "", 0, "", unsure).as(newsletter.ReportDelivered, ""))
		}
	case "Reject": // SES found a virus
		for _, to := range e.Mail.Destination {
			out = append(out, providerReport(name, to, "", 0, e.Reject.Reason, unsure).as(newsletter.ReportBlock, newsletter.ReasonContent))
		}
	}
	for i := range out {
		for _, h := range e.Mail.Headers {
			switch {
			case strings.EqualFold(h.Name, "Message-ID"):
				out[i].MessageID = bareID(h.Value)
			case strings.EqualFold(h.Name, "List-Unsubscribe"):
				out[i].Unsubscribe = fields{{"List-Unsubscribe", h.Value}}.unsubscribe()
			}
		}
		out[i].To = addressesIn(e.Mail.Source)
	}
	return out[:min(len(out), maxRecipients)], nil
}

// sesBounce reads what SES says of one recipient of a bounce.
func sesBounce(kind, subtype string, to sesRecipient) Report {
	v := unsure // Undetermined: SES could not read the report
	switch {
	case kind == "Permanent" && !strings.HasPrefix(to.Status, "4"): // one type for several recipients
		v = permanent
	case kind == "Transient":
		v = temporary
	}
	r := providerReport("Amazon SES", to.Address, to.Status, 0, to.Diagnostic, v)
	switch subtype { // those that say more than the receiver's words
	case "Suppressed", "OnAccountSuppressionList", "NoEmail":
		return r.as(newsletter.ReportHard, newsletter.ReasonNoUser)
	case "UnsubscribedRecipient":
		return r.as(newsletter.ReportUnsubscribe, "")
	case "MailboxFull":
		return r.as(newsletter.ReportSoft, newsletter.ReasonFull)
	case "MessageTooLarge":
		return r.as(newsletter.ReportSoft, newsletter.ReasonTooLarge)
	case "ContentRejected", "AttachmentRejected":
		return r.as(newsletter.ReportBlock, newsletter.ReasonContent)
	}
	switch {
	case strings.EqualFold(to.Action, "delayed"):
		return r.as(newsletter.ReportDelayed, r.Reason)
	case kind == "Transient" && to.Status == "" && to.Diagnostic == "":
		return r.as(newsletter.ReportAutoReply, "") // SES calls automatic answers so; no server refused anything
	}
	return r
}

// notifications reads SES's own words where SNS delivers them by mail: bare, or
// in their envelope, with a foot below.
func (l *letter) notifications() []Report {
	for _, text := range l.text {
		text = strings.ReplaceAll(text, "\n", "") // some systems fold the long line
		start := strings.IndexByte(text, '{')
		if start < 0 || !strings.Contains(text, "notificationType") {
			continue
		}
		var envelope struct{ Message string }
		if json.NewDecoder(strings.NewReader(text[start:])).Decode(&envelope) != nil {
			continue
		}
		if envelope.Message != "" {
			text, start = envelope.Message, 0
		}
		var bare json.RawMessage
		if json.NewDecoder(strings.NewReader(text[start:])).Decode(&bare) != nil {
			continue
		}
		if reports, err := ParseSES(bare); err == nil && len(reports) > 0 {
			return reports
		}
	}
	return nil
}
