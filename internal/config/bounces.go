package config

import (
	"net/mail"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Bounces says where undeliverable mail comes back to, and what it leads to.
type Bounces struct {
	// ReturnPath is the envelope sender; a key for each recipient is added to its local part (VERP).
	// Default: the zero address, the envelope sender is the newsletter's From.
	ReturnPath mail.Address `yaml:"return_path" kind:"bare"`
	// Unsubscribe takes mails that ask to unsubscribe; a key for each recipient is added to it too.
	// Default: the zero address, mails name none.
	Unsubscribe mail.Address `yaml:"unsubscribe" kind:"bare"`
	// Soft says when an address that bounces softly is suppressed.
	Soft SoftBounces `yaml:"soft"`
	// Maildir is the folder that mail to them arrives in, relative to the site folder; serve and run take it
	// in. Default none.
	Maildir string `yaml:"maildir" kind:"path"`
	// Listen is the address and port of the SMTP server that serve and worker have for that mail; it
	// needs ReturnPath. Default none.
	Listen string `yaml:"listen" kind:"listen"`
	// CertificateFile is the chain of certificates, in PEM, with which that server offers STARTTLS,
	// relative to the site folder; read again when it changes. Default none: it offers none.
	CertificateFile string `yaml:"certificate_file" kind:"path"`
	// KeyFile is the key of CertificateFile.
	KeyFile string `yaml:"key_file" kind:"path"`
	// Connections is how many that server has at once. Default 64.
	Connections int `yaml:"connections" default:"64" range:"1..10000"`
	// IMAP is the folder on a server that mail to them arrives in; serve and run take it in. Default none.
	IMAP *IMAP `yaml:"imap"`
	// Webhooks are the sending services that report to serve.
	Webhooks Webhooks `yaml:"webhooks"`
}

// SoftBounces says when an address that bounces softly, such as a mailbox that is full, is suppressed.
type SoftBounces struct {
	// Count is how many soft bounces, on as many different days. Default 5.
	Count int `yaml:"count" default:"5" range:"1..1000"`
	// Over is how long the first of them is before the last at least. Default 14d.
	Over time.Duration `yaml:"over" default:"14d" range:"0s..365d"`
	// Within is after how long one does not count any more; longer than Over. Default 90d.
	Within time.Duration `yaml:"within" default:"90d" range:"1h..730d"`
}

func (d *decoder) bounces(b Bounces) {
	for _, a := range []struct {
		key     string
		address string
	}{{"bounces.return_path", b.ReturnPath.Address}, {"bounces.unsubscribe", b.Unsubscribe.Address}} {
		if local, _, _ := strings.Cut(a.address, "@"); len(local) > newsletter.MaxReturnLocal {
			d.key(a.key, "a key is added to it, and servers take 64", "expected at most %d characters before the @, found %d", newsletter.MaxReturnLocal, len(local))
		}
	}
	if b.ReturnPath.Address != "" && strings.EqualFold(b.ReturnPath.Address, b.Unsubscribe.Address) {
		d.key("bounces.unsubscribe", "a mail server's words could be taken for a person's", "expected another address than return_path")
	}
	d.bounceServer()
	if b.Soft.Within > 0 && b.Soft.Over >= b.Soft.Within {
		d.key("bounces.soft.over", "", "expected less than within, which is %s", b.Soft.Within)
	}
}

// bounceServer checks that the server for mail that comes back has all that it needs.
func (d *decoder) bounceServer() {
	const listen, certificate, key = "bounces.listen", "bounces.certificate_file", "bounces.key_file"
	if d.given(listen) && !d.given("bounces.return_path") {
		d.key(listen, "for example return_path: bounces@bounces.example.org", "it is for mail that comes back to return_path, which is missing")
	}
	for _, k := range []string{certificate, key, "bounces.connections"} {
		if d.given(k) && !d.given(listen) {
			d.key(k, "for example listen: 127.0.0.1:2525", "it is for the server at listen, which is missing")
			return
		}
	}
	switch {
	case d.given(certificate) && !d.given(key):
		d.key(certificate, "both are in PEM", "add key_file")
	case d.given(key) && !d.given(certificate):
		d.key(key, "both are in PEM", "add certificate_file")
	}
}
