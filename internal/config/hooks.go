package config

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
)

// Webhooks are the sending services whose reports serve takes at /hooks/. Each is answered only where
// it is given what its calls are verified by. Default none.
type Webhooks struct {
	// SES is Amazon SES, through SNS.
	SES *SESHook `yaml:"ses"`
	// SendGrid is SendGrid's signed event webhook.
	SendGrid *SendGridHook `yaml:"sendgrid"`
	// Postmark is Postmark's webhook.
	Postmark *PostmarkHook `yaml:"postmark"`
	// Mailgun is Mailgun's webhook.
	Mailgun *MailgunHook `yaml:"mailgun"`
}

// SESHook is what calls of Amazon SNS are verified by.
type SESHook struct {
	// Topic is the ARN of the SNS topic that SES reports to.
	Topic string `yaml:"topic" required:"true" example:"topic: arn:aws:sns:eu-west-1:123456789012:bounces"`
}

// SendGridHook is what calls of SendGrid are verified by.
type SendGridHook struct {
	// PublicKey is the verification key that SendGrid shows, in base64.
	PublicKey string `yaml:"public_key" required:"true" example:"public_key: MFkwEwYHKoZIzj0CAQ…"`
}

// PostmarkHook is what calls of Postmark are verified by: it signs nothing, but logs in.
type PostmarkHook struct {
	// User is the user name in the webhook's address.
	User string `yaml:"user" required:"true" example:"user: postmark"`
	// Password goes with User; or password_file.
	Password Secret `yaml:"password" required:"true" example:"password: ${POSTMARK_HOOK}"`
}

// MailgunHook is what calls of Mailgun are verified by.
type MailgunHook struct {
	// SigningKey is the HTTP webhook signing key; or signing_key_file.
	SigningKey Secret `yaml:"signing_key" required:"true" example:"signing_key: ${MAILGUN_SIGNING_KEY}"`
}

// webhooks checks what can be known without a call.
func (d *decoder) webhooks(w Webhooks) {
	const section = "bounces.webhooks"
	if w.SES != nil && w.SES.Topic != "" && (!strings.HasPrefix(w.SES.Topic, "arn:aws") || !strings.Contains(w.SES.Topic, ":sns:")) {
		d.key(section+".ses.topic", "the SNS console shows it", "expected the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:bounces")
	}
	if w.SendGrid != nil && w.SendGrid.PublicKey != "" && !isECDSA(w.SendGrid.PublicKey) {
		d.key(section+".sendgrid.public_key", "SendGrid shows it under Mail Settings, Signed Event Webhook", "expected a public key for ECDSA in base64")
	}
}

func isECDSA(key string) bool {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if err != nil {
		return false
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	_, ok := parsed.(*ecdsa.PublicKey)
	return err == nil && ok
}
