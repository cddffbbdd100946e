package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/config"
)

// TestWebhooks: what a service's calls are verified by is needed, checked and kept secret.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	const head = "site: {title: T, url: \"https://example.org\"}\nbounces:\n  webhooks: "
	key := "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(filepath.Join(dir, "config.yaml"), []byte(head+`{ses: {topic: "arn:aws:sns:eu-west-1:1:b"}, sendgrid: {public_key: "`+key+`"}, postmark: {user: u, password: p}, mailgun: {signing_key_file: key}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := c.Bounces.Webhooks
	if w.SES.Topic != "arn:aws:sns:eu-west-1:1:b" || w.SendGrid.PublicKey != key || w.Postmark.User != "u" || w.Postmark.Password.Reveal() != "p" || w.Mailgun.SigningKey.Reveal() != "from a file" {
		t.Errorf("%+v", w)
	}

	_, err = config.Parse("config.yaml", []byte(head+"{ses: {topic: bounces}, sendgrid: {public_key: AAAA}, postmark: {user: u}, mailgun: {key: k}, mailjet: {}}"), nil)
	want := []string{
		"config.yaml:3:27: bounces.webhooks.ses.topic: expected the ARN of a topic",
		"bounces.webhooks.sendgrid.public_key: expected a public key for ECDSA",
		"bounces.webhooks.postmark.password is missing",
		`unknown key "key"`,
		`unknown key "mailjet"`,
	}
	for _, line := range want {
		if err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q is missing in:\n%v", line, err)
		}
	}
	c, err = config.Parse("config.yaml", []byte("site: {title: T, url: \"https://example.org\"}\nbounces: {webhooks: }\n"), nil)
	if err != nil || !cmp.Equal(c.Bounces.Webhooks, config.Webhooks{}) {
		t.Errorf("%+v, %v", c, err)
	}
}
