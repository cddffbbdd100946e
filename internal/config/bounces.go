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
	// Maildir is the folder that mail to them arrives in, relative to the site folder; serve takes it in.
	// Default none.
	Maildir string `yaml:"maildir" kind:"path"`
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
	if b.Soft.Within > 0 && b.Soft.Over >= b.Soft.Within {
		d.key("bounces.soft.over", "", "expected less than within, which is %s", b.Soft.Within)
	}
}
