package newsletter_test

import (
	"testing"

	"syndicate/internal/newsletter"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	const (
		hard, soft, block = newsletter.ReportHard, newsletter.ReportSoft, newsletter.ReportBlock
		unclassified      = newsletter.ReportUnclassified
	)
	for _, tt := range []struct {
		status string
		code   int
		words  string
		kind   newsletter.ReportKind
		reason newsletter.Reason
	}{
		// About the address.
		{"5.1.1", 550, "", hard, newsletter.ReasonNoUser},
		{"5.1.1", 550, "5.1.1 something new", hard, newsletter.ReasonNoUser},
		{"5.1.2", 0, "", hard, newsletter.ReasonNoDomain},
		{"5.1.3", 0, "", hard, newsletter.ReasonBadAddress},
		{"5.1.6", 0, "", hard, newsletter.ReasonMoved},
		{"5.1.10", 556, "", hard, newsletter.ReasonNoDomain},
		{"5.2.1", 0, "", hard, newsletter.ReasonDisabled},
		{"", 550, "No such user here", hard, newsletter.ReasonNoUser},
		{"", 0, "This user doesn't have a yahoo.com account", hard, newsletter.ReasonNoUser},
		{"5.0.0", 550, "Requested action not taken: mailbox unavailable", hard, newsletter.ReasonNoUser},
		{"5.7.1", 550, "5.7.1 No such user! 1756-abc", hard, newsletter.ReasonNoUser}, // Yandex
		{"5.4.1", 550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", hard, newsletter.ReasonNoUser},
		{"5.4.4", 0, "Host or domain name not found. Name service error for name=example.com type=A: Host not found", hard, newsletter.ReasonNoDomain},
		{"", 550, "Benutzer unbekannt", hard, newsletter.ReasonNoUser},
		{"", 550, "l’adresse est introuvable", hard, newsletter.ReasonNoUser},
		{"", 550, "Mailbox unavailable or access denied - <ann@example.com>", hard, newsletter.ReasonNoUser},
		{"5.0.0", 550, "ann@example.com...User unknown", hard, newsletter.ReasonNoUser},
		{"5.3.0", 553, "<ann@example.com>... Addressee unknown, relay=[192.0.2.1]", hard, newsletter.ReasonNoUser},
		{"5.1.1", 0, "not sent, because it is on the suppression list for your account", hard, newsletter.ReasonNoUser},
		{"5.0.0", 550, "<ann@example.com>: Recipient address rejected.", hard, newsletter.ReasonNoUser},
		{"5.7.1", 554, "<ann@example.com>: Recipient address rejected: Access denied", block, newsletter.ReasonPolicy},
		{"", 550, "该用户未开通QQ邮箱", hard, newsletter.ReasonNoUser},
		{"", 0, "The e-mail address you entered couldn't be found.", hard, newsletter.ReasonNoUser},
		{"", 0, "由於系統找不到「nobody@example.com」這個地址", hard, newsletter.ReasonNoUser},
		{"", 0, "Alamat tidak ditemukan", hard, newsletter.ReasonNoUser},
		{"", 0, "Your message couldn't be delivered. The domain example.com couldn't be found.", hard, newsletter.ReasonNoDomain},
		// A full mailbox is somebody's.
		{"5.2.2", 552, "", soft, newsletter.ReasonFull},
		{"5.2.2", 550, "user unknown", soft, newsletter.ReasonFull},
		{"5.1.1", 552, "mailbox is full", soft, newsletter.ReasonFull},
		{"", 552, "", soft, newsletter.ReasonFull},
		{"", 0, "Das Postfach des Empfängers ist voll", soft, newsletter.ReasonFull},
		// Not this message, not this way.
		{"5.3.4", 552, "", soft, newsletter.ReasonTooLarge},
		{"", 552, "message size exceeds fixed limit", soft, newsletter.ReasonTooLarge},
		{"5.4.6", 554, "", soft, newsletter.ReasonLoop},
		{"5.4.4", 0, "", soft, newsletter.ReasonNetwork},
		{"5.4.3", 0, "Host or domain name not found. Name service error: Host not found, try again", soft, newsletter.ReasonNetwork},
		{"5.4.7", 0, "", soft, newsletter.ReasonExpired},
		{"5.0.0", 550, "relaying denied", soft, newsletter.ReasonRelaying},
		{"", 550, "no", soft, ""},
		{"", 550, "The account is temporarily disabled", soft, newsletter.ReasonBusy},
		{"", 0, "user does not exist, but will deliver to /home/vpopmail/; can not open new email file", soft, newsletter.ReasonSystem},
		{"5.0.0", 0, "", soft, ""},
		// Contradictions.
		{"5.7.1", 550, "5.7.1 user unknown", block, newsletter.ReasonPolicy},
		{"5.7.1", 550, "5.7.1 Recipient mailbox is disabled", block, newsletter.ReasonPolicy},
		{"5.7.13", 550, "no such user", block, newsletter.ReasonPolicy},
		{"5.7.606", 550, "Access denied, banned sending IP; no such user", block, newsletter.ReasonReputation},
		{"5.7.1", 550, "5.7.1 Access denied: no such user", block, newsletter.ReasonPolicy},
		{"4.7.1", 450, "4.7.1 user unknown", block, newsletter.ReasonPolicy},
		{"4.7.1", 450, "4.7.1 no such user", soft, newsletter.ReasonNoUser},
		// Not now.
		{"4.1.1", 450, "user unknown", soft, newsletter.ReasonNoUser},
		{"4.2.2", 452, "", soft, newsletter.ReasonFull},
		{"4.7.1", 450, "Greylisted, come back", soft, newsletter.ReasonGreylist},
		{"4.2.1", 450, "The user you are trying to contact is receiving mail at a rate that …", soft, newsletter.ReasonBusy},
		// About the sender.
		{"5.7.1", 550, "", block, newsletter.ReasonPolicy},
		{"5.7.1", 550, "5.7.1 sender rejected: no such user", block, newsletter.ReasonSender},
		{"5.7.26", 550, "This mail has been blocked because the sender is unauthenticated", block, newsletter.ReasonAuth},
		{"5.1.1", 550, "blocked using zen.spamhaus.org", block, newsletter.ReasonReputation},
		{"5.1.8", 553, "Domain of sender address does not exist", block, newsletter.ReasonSender},
		{"5.1.1", 550, "Sender address rejected: User unknown", block, newsletter.ReasonSender},
		{"5.1.7", 550, "user unknown", block, newsletter.ReasonSender},
		{"", 554, "Your message looks like spam", block, newsletter.ReasonSpam},
		{"5.6.0", 554, "", block, newsletter.ReasonContent},
		{"4.7.0", 421, "[TSS04] Messages temporarily deferred due to user complaints", block, newsletter.ReasonReputation},
		{"", 530, "", block, newsletter.ReasonAuth},
		{"", 550, `Outgoing mail from "news@example.org" has been suspended.`, block, newsletter.ReasonSender},
		{"", 550, "Your account has been suspended", block, newsletter.ReasonSender},
		{"", 550, "message sending for this account is disabled", block, newsletter.ReasonSender},
		{"", 0, "couldn't be delivered because you weren't recognized as a valid sender", block, newsletter.ReasonSender},
		{"", 550, "Too many invalid recipients", block, newsletter.ReasonRate},
		{"", 550, "Sending account does not exist", block, newsletter.ReasonSender},
		{"", 550, "user account is locked, please log in", block, newsletter.ReasonSender},
		// Who or what is unknown is not said.
		{"", 550, "Unknown error", soft, ""},
		{"5.5.4", 554, "5.5.4 SMTP parameters unknown", soft, ""},
		// What an address is called means nothing.
		{"5.1.1", 550, "<blacklist@spamhaus.example>: spam@quota.example user unknown", hard, newsletter.ReasonNoUser},
		// Nothing at all.
		{"", 0, "", unclassified, ""},
		{"2.0.0", 0, "", unclassified, ""},
		{"5.x", 0, "hello", unclassified, ""},
	} {
		kind, reason := newsletter.Classify(newsletter.Refusal{Status: tt.status, Code: tt.code, Words: tt.words})
		if kind != tt.kind || reason != tt.reason {
			t.Errorf("%s %d %s: %s, %q; want %s, %q", tt.status, tt.code, tt.words, kind, reason, tt.kind, tt.reason)
		}
	}
}

// FuzzClassify: whatever the words are, nothing temporary and nothing about the
// sender is hard, and a full mailbox is nobody's end.
func FuzzClassify(f *testing.F) {
	f.Add("5.1.1", 550, "user unknown")
	f.Add("4.2.2", 452, "Postfach voll")
	f.Fuzz(func(t *testing.T, status string, code int, words string) {
		for _, never := range []string{"4.1.1", "4.7.1", "5.7.0", "5.7.26", "5.2.2", "5.1.8"} {
			if kind, _ := newsletter.Classify(newsletter.Refusal{Status: never, Code: code, Words: words}); kind == newsletter.ReportHard {
				t.Fatalf("%s %d %q is hard", never, code, words)
			}
		}
		if kind, _ := newsletter.Classify(newsletter.Refusal{Status: status, Code: code, Words: words}); kind == "" {
			t.Fatalf("%s %d %q is nothing", status, code, words)
		}
	})
}
