package newsletter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		connect = newsletter.PhaseConnect
		hello   = newsletter.PhaseHello
		tls     = newsletter.PhaseTLS
		auth    = newsletter.PhaseAuth
		mail    = newsletter.PhaseMail
		rcpt    = newsletter.PhaseRcpt
		data    = newsletter.PhaseData
		dot     = newsletter.PhaseDot
	)
	sent := newsletter.Verdict{State: newsletter.Sent}
	failed := newsletter.Verdict{State: newsletter.Failed}
	suppress := newsletter.Verdict{State: newsletter.Failed, Suppress: true}
	later := newsletter.Verdict{State: newsletter.Pending}
	lost := newsletter.Verdict{State: newsletter.Pending, Lost: true}
	bad := newsletter.Verdict{State: newsletter.Pending, RelayBad: true}
	badLost := newsletter.Verdict{State: newsletter.Pending, RelayBad: true, Lost: true}
	uncertain := newsletter.Verdict{State: newsletter.Uncertain, Lost: true}
	for _, tt := range []struct {
		reply newsletter.Reply
		want  newsletter.Verdict
	}{
		// No answer: before the final dot it is safe to send again.
		{newsletter.Reply{Phase: connect}, badLost},
		{newsletter.Reply{Phase: hello}, badLost},
		{newsletter.Reply{Phase: tls}, badLost},
		{newsletter.Reply{Phase: auth}, badLost},
		{newsletter.Reply{Phase: mail}, lost},
		{newsletter.Reply{Phase: rcpt}, lost},
		{newsletter.Reply{Phase: data}, lost},
		{newsletter.Reply{Phase: dot}, uncertain},
		{newsletter.Reply{Phase: dot, Code: 354}, uncertain}, // no answer to a message
		// The service is closing.
		{newsletter.Reply{Phase: connect, Code: 421}, badLost},
		{newsletter.Reply{Phase: mail, Code: 421}, lost},
		{newsletter.Reply{Phase: rcpt, Code: 421}, lost},
		{newsletter.Reply{Phase: dot, Code: 421}, lost}, // an answer: it was not taken
		// Not now.
		{newsletter.Reply{Phase: connect, Code: 450}, badLost},
		{newsletter.Reply{Phase: tls, Code: 454}, badLost},
		{newsletter.Reply{Phase: mail, Code: 452, Enhanced: "4.3.1"}, bad}, // not the recipient's fault
		{newsletter.Reply{Phase: rcpt, Code: 450, Enhanced: "4.2.1"}, later},
		{newsletter.Reply{Phase: data, Code: 451}, later},
		{newsletter.Reply{Phase: dot, Code: 452}, later},
		// Not ever: up to MAIL it is about the relay and us.
		{newsletter.Reply{Phase: connect, Code: 554}, badLost},
		{newsletter.Reply{Phase: hello, Code: 550}, badLost},
		{newsletter.Reply{Phase: auth, Code: 535, Enhanced: "5.7.8"}, badLost},
		{newsletter.Reply{Phase: mail, Code: 553, Enhanced: "5.1.8"}, bad},
		{newsletter.Reply{Phase: mail, Code: 530, Enhanced: "5.7.0"}, bad},
		{newsletter.Reply{Phase: mail, Code: 552, Enhanced: "5.3.4"}, failed}, // SIZE
		{newsletter.Reply{Phase: mail, Code: 550, Enhanced: "5.2.3"}, failed},
		// At RCPT it is about the recipient, …
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.1.1"}, suppress},
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.1.10"}, suppress},
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.2.1"}, suppress},
		{newsletter.Reply{Phase: rcpt, Code: 552, Enhanced: "5.2.2"}, failed},      // full, not gone
		{newsletter.Reply{Phase: rcpt, Code: 550, Text: "no such user"}, suppress}, // in as many words
		{newsletter.Reply{Phase: rcpt, Code: 550, Text: "rejected"}, failed},       // without them it may be policy
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.1.1", Text: "5.1.1 a@x.org mailbox full"}, failed},
		{newsletter.Reply{Phase: rcpt, Code: 554, Enhanced: "5.7.1", Text: "5.7.1 listed at bl.example"}, failed},
		// … unless we were to log in first.
		{newsletter.Reply{Phase: rcpt, Code: 530, Enhanced: "5.7.0"}, bad},
		{newsletter.Reply{Phase: rcpt, Code: 503, Enhanced: "5.5.1"}, bad},
		{newsletter.Reply{Phase: rcpt, Code: 554, Enhanced: "5.7.1", Text: "5.7.1 <a@x.org>: Relay access denied"}, bad},
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.7.1", Text: "5.7.1 a@x.org... Relaying denied"}, bad},
		{newsletter.Reply{Phase: rcpt, Code: 550, Text: "relay not permitted"}, bad},
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.7.54", Text: "5.7.54 SMTP; Unable to relay recipient in non-accepted domain"}, bad},
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.7.0", Text: "5.7.0 Mail relay denied"}, bad},
		// Words of another server, which the relay only quotes, are not about us,
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.1.1", Text: "5.1.1 undeliverable address: host mx.gone said: 554 5.7.1 Relay access denied"}, suppress},
		{newsletter.Reply{Phase: rcpt, Code: 550, Text: "undeliverable address: host mx.gone said: 554 Relay access denied"}, failed},
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.1.2", Text: "5.1.2 Relay access denied for that domain"}, suppress},
		// nor is every policy.
		{newsletter.Reply{Phase: rcpt, Code: 550, Enhanced: "5.7.0", Text: "5.7.0 Local policy violation"}, failed},
		// The message itself.
		{newsletter.Reply{Phase: data, Code: 554, Enhanced: "5.1.1"}, failed},
		{newsletter.Reply{Phase: dot, Code: 554, Enhanced: "5.7.1"}, failed},
		{newsletter.Reply{Phase: dot, Code: 550, Enhanced: "5.1.1"}, failed},
		{newsletter.Reply{Phase: dot, Code: 250}, sent},
		{newsletter.Reply{Phase: dot, Code: 252}, sent},
	} {
		if diff := cmp.Diff(tt.want, newsletter.Judge(tt.reply)); diff != "" {
			t.Errorf("%s %d %s %s (-want +got):\n%s", tt.reply.Phase, tt.reply.Code, tt.reply.Enhanced, tt.reply.Text, diff)
		}
	}
}

// TestJudgeSuppress: only words or a status about the recipient suppress. What a
// relay says about our account, our domain or itself does not.
func TestJudgeSuppress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code     int
		status   string
		text     string
		suppress bool
	}{
		{550, "", "No such user here", true},
		{550, "", "no such recipient", true},
		{550, "", "No such mailbox", true},
		{550, "", "User unknown", true},
		{550, "", "<a@x.org>: Recipient address rejected: User unknown in virtual mailbox table", true},
		{550, "", "Unknown user", true},
		{551, "", "Recipient unknown", true},
		{553, "", "Mailbox not found", true},
		{550, "", "User <a@x.org> does not exist", true},
		{550, "", "The recipient a@x.org doesn’t exist", true},
		{550, "", "mailbox is unknown", true},
		{550, "5.1.1", "5.1.1 something new", true},
		{550, "5.1.2", "5.1.2 Domain x.org does not exist", true},
		{553, "5.1.3", "5.1.3 bad syntax", true},
		{551, "5.1.6", "5.1.6 moved", true},
		{556, "5.1.10", "5.1.10 null MX", true},
		{550, "5.2.1", "5.2.1 The email account that you tried to reach is disabled", true},

		// The relay's troubles.
		{550, "", "Unknown error", false},
		{500, "", "Unknown command", false},
		{554, "5.5.4", "5.5.4 SMTP parameters unknown", false},
		// Our account, our domain, our address.
		{550, "", `Outgoing mail from "news@example.org" has been suspended.`, false},
		{550, "", "Your account has been suspended", false},
		{550, "", "Your account is disabled", false},
		{550, "5.2.1", "5.2.1 Your account is disabled", false},
		{550, "", "user account is locked, please log in", false},
		{550, "", "Domain news.example.org does not exist", false},
		{550, "", "Sending account does not exist", false},
		{550, "", "Unknown user or bad password", false},
		{550, "", "Your mailbox does not exist", false},
		{550, "", "user unknown (sender news@example.org)", false},
		{550, "5.1.8", "5.1.8 sender user unknown", false},
		// About the recipient, but weakly, or by a code or status of something else.
		{550, "", "mailbox unavailable", false},
		{550, "", "account disabled", false},
		{550, "", "does not exist", false},
		{554, "", "no such user", false},
		{500, "", "unknown user", false},
		{550, "5.0.0", "5.0.0 no such user", false},
		{550, "5.7.1", "5.7.1 No such user!", false},
		// Somebody's mailbox.
		{550, "5.1.1", "5.1.1 a@x.org mailbox full", false},
		{550, "", "user unknown: mailbox full", false},
	} {
		got := newsletter.Judge(newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: tt.code, Enhanced: tt.status, Text: tt.text})
		if want := (newsletter.Verdict{State: newsletter.Failed, Suppress: tt.suppress}); got != want {
			t.Errorf("%d %s: %+v, want %+v", tt.code, tt.text, got, want)
		}
	}
}

// TestJudgeEverything: whatever a relay says in whatever phase, only RCPT
// suppresses, only the final dot sends, and only silence there is uncertain.
func TestJudgeEverything(t *testing.T) {
	t.Parallel()
	for phase := newsletter.PhaseConnect; phase <= newsletter.PhaseDot; phase++ {
		for code := range 600 {
			for _, status := range []string{"", "5.1.1", "5.7.1", "2.0.0"} {
				v := newsletter.Judge(newsletter.Reply{Phase: phase, Code: code, Enhanced: status})
				switch {
				case v.Suppress && (phase != newsletter.PhaseRcpt || code < 500 || v.State != newsletter.Failed),
					v.State == newsletter.Sent != (phase == newsletter.PhaseDot && code/100 == 2),
					v.State == newsletter.Uncertain && phase != newsletter.PhaseDot,
					v.State == newsletter.Failed && code < 500,
					v.RelayBad && v.State != newsletter.Pending,
					code == 0 && !v.Lost:
					t.Fatalf("%s %d %s: %+v", phase, code, status, v)
				}
			}
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	const base, limit = time.Minute, time.Hour
	for n, want := range map[int]time.Duration{
		-1: base, 0: base, 1: base, 2: 2 * base, 3: 4 * base, 6: 32 * base, 7: limit, 29: limit, 30: limit, 1 << 40: limit,
	} {
		low, middle, high := newsletter.Backoff(n, base, limit, 0), newsletter.Backoff(n, base, limit, 0.5), newsletter.Backoff(n, base, limit, 0.999)
		if low < want*79/100 || low > want*81/100 || middle != want || high > want*121/100 || high < want*119/100 {
			t.Errorf("attempt %d: %s, %s, %s; want %s", n, low, middle, high, want)
		}
	}
}

func TestStateNames(t *testing.T) {
	t.Parallel()
	want := "pending sending sent failed cancelled uncertain state 6 | connect EHLO STARTTLS AUTH MAIL RCPT DATA final dot"
	got := ""
	for s := newsletter.Pending; s <= newsletter.Uncertain+1; s++ {
		got += s.String() + " "
	}
	got += "|"
	for p := newsletter.PhaseConnect; p <= newsletter.PhaseDot; p++ {
		got += " " + fmt.Sprint(p)
	}
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
