package intake_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/smtp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"syndicate/internal/intake"
)

// TestTaken: what is for us is handed over as it came, with its envelope, before its
// sender hears so.
func TestTaken(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, err := smtp.Dial(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing is lost with it
	for name, want := range map[string]string{"SIZE": "33554432", "8BITMIME": "", "SMTPUTF8": "", "PIPELINING": "", "ENHANCEDSTATUSCODES": ""} {
		if ok, param := c.Extension(name); !ok || param != want {
			t.Errorf("%s: %v, %q", name, ok, param)
		}
	}
	for _, name := range []string{"AUTH", "STARTTLS"} {
		if ok, _ := c.Extension(name); ok {
			t.Errorf("%s is offered", name)
		}
	}
	for _, to := range []string{own, "bounces+key@bounces.example.org"} {
		if err := errors.Join(c.Mail(""), c.Rcpt(strings.ToUpper(to))); err != nil {
			t.Fatal(err)
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, report); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{delivered(own), delivered("bounces+key@bounces.example.org")}, s.messages()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := s.Counts(); n != (intake.Counts{Taken: 2}) {
		t.Errorf("%+v", n)
	}
}

// TestExtensions: chunks, eight bits, and senders beyond ASCII.
func TestExtensions(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.dial()
	c.say("EHLO mx.example.net", "250 ")
	c.say("MAIL FROM:<postmeister@bücher.example> SMTPUTF8 BODY=8BITMIME SIZE=20", "250")
	c.say("RCPT TO:<"+own+">", "250")
	c.send("BDAT 11\r\nSubject: ü")
	c.want("250 2.0.0 Continue")
	c.send("BDAT 6 LAST\r\n\r\n\r\nx\n")
	c.want("250")
	if diff := cmp.Diff([]string{own + "\nReturn-Path: <postmeister@bücher.example>\r\nDelivered-To: " + own + "\r\nSubject: ü\r\n\r\nx\n"}, s.messages()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStrangers: mail for others is refused for good, however it is asked for, and the
// connection with too much of it ends.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *intake.Options) { o.Refusals, o.Commands = 1000, 1000 })
	c := s.dial()
	c.say("EHLO mx.example.net", "250 ")
	for _, to := range []string{
		"<victim@example.com>",
		"victim@example.com",
		"<@bounces.example.org:victim@example.com>",
		"<@bounces.example.org,@x.example:victim@example.com>",
		"<victim%example.com@bounces.example.org>",
		"<victim%example.com@[127.0.0.1]>",
		"<bounces%bounces.example.org@example.com>",
		"<example.com!victim@bounces.example.org>",
		`<"victim@example.com"@bounces.example.org>`,
		`<"bounces@bounces.example.org"@example.com>`,
		`<"bounces@bounces.example.org@example.com"@bounces.example.org>`,
		"<bounces@bounces.example.org@example.com>",
		"<bounces@bounces.example.org.example.com>",
		"<bounces+forged@bounces.example.org>",
		"<bounces@example.org>",
		"<bounces@[127.0.0.1]>",
		"<bounces@bounces.example.org.>",
		"<bounces@bounces.example.org\x00>",
		"<bounces\x00@bounces.example.org>",
		"<böunces@bounces.example.org>",
		"<" + strings.Repeat("a", 1000) + "@bounces.example.org>",
		`<"bounces "@bounces.example.org>`,
	} {
		c.say("MAIL FROM:<>", "250")
		c.say("RCPT TO:"+to, "550 5.7.1")
		c.say("RCPT TO:"+to+" ORCPT=rfc822;victim@example.com", "50") // not even known
		c.say("DATA", "502 5.5.1")
		c.say("RSET", "250")
	}
	for _, to := range []string{"<>", "<bounces>", "", "<@bounces.example.org>", "<@a:>", `<"bounces@bounces.example.org>`} {
		c.say("MAIL FROM:<>", "250")
		c.say("RCPT TO:"+to, "501")
		c.say("RSET", "250")
	}
	for _, to := range []string{"<BOUNCES@Bounces.Example.ORG>", `<"bounces"@bounces.example.org>`, `<"\b\ounces+key"@bounces.example.org>`, "<@relay.example:bounces+KEY@bounces.example.org>"} {
		c.say("MAIL FROM:<x@example.com>", "250") // these are ours by RFC 5321
		c.say("RCPT TO:"+to, "250")
		c.say("RSET", "250")
	}
	if len(s.messages()) > 0 {
		t.Errorf("taken: %q", s.messages())
	}
}

// TestNoRelay: a message that reached us for somebody else is nobody's: there is no way
// to hand it in.
func TestNoRelay(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.dial()
	for _, line := range []string{"DATA", "BDAT 0 LAST", "RCPT TO:<" + own + ">", "MAIL FROM:<>"} {
		c.say(line, "502")
	}
	c.say("AUTH PLAIN AGEAYg==", "502")
	c.say("EHLO x", "250 ")
	c.say("AUTH PLAIN AGEAYg==", "523")
	c.say("VRFY bounces", "252")
	c.say("EXPN bounces", "502")
	c.say("MAIL FROM:<>", "250")
	c.say("DATA", "502")
	c.say("RCPT TO:<"+own+">", "250")
	c.say("RCPT TO:<bounces+key@bounces.example.org>", "452 4.5.3") // each its own message
	c.say("RCPT TO:<victim@example.com>", "550 5.7.1")
	c.say("RCPT TO:<"+own+">", "250")
	c.say("DATA", "354")
	c.say(report+".", "250")
	if diff := cmp.Diff([]string{delivered(own)}, s.messages()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.say("QUIT", "221")
	c.wantClosed()
}

// TestNotStored: what cannot be stored stays its sender's, who is told to come again.
func TestNotStored(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	down.Store(true)
	s := start(t, func(o *intake.Options) {
		take := o.Take
		o.Take = func(ctx context.Context, r io.Reader, to string) error {
			if down.Load() {
				return errors.New("no database")
			}
			return take(ctx, r, to)
		}
	})
	c := s.dial()
	c.deliver(own, report, "451 4.3.0")
	down.Store(false)
	c.deliver(own, report, "250")
	if n := s.Counts(); n != (intake.Counts{Taken: 1, NotStored: 1}) {
		t.Errorf("%+v", n)
	}
}

// TestPanic: a message that breaks what reads it does so once, and breaks nothing else.
// What it says is not logged.
func TestPanic(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := start(t, func(o *intake.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		take := o.Take
		o.Take = func(ctx context.Context, r io.Reader, to string) error {
			if strings.HasPrefix(to, "bounces+key") {
				panic("broken by ann@example.net")
			}
			if strings.HasPrefix(to, "bounces+other") {
				_ = to[len(to):][0]
			}
			return take(ctx, r, to)
		}
	})
	c := s.dial()
	c.deliver("bounces+key@bounces.example.org", report, "554 5.6.0")
	c.deliver("bounces+other@bounces.example.org", report, "554 5.6.0")
	c.deliver(own, report, "250")
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if got := log.String(); strings.Contains(got, "ann@") || !strings.Contains(got, "not logged") || !strings.Contains(got, "out of range") {
		t.Error(got)
	}
}

// TestLarge: a large message is taken, and its beginning kept; one beyond the size that is
// told is refused, whether it says so before or not.
func TestLarge(t *testing.T) {
	t.Parallel()
	const head, size = 1000, 1 << 20
	s := start(t, func(o *intake.Options) { o.Head, o.Size = head, size })
	c := s.dial()
	c.envelope(own)
	c.say("DATA", "354")
	line := strings.Repeat("All work and no play. ", 3) + "\r\n"
	c.send(strings.Repeat(line, size/len(line)))
	c.say(".", "250")
	if got := s.messages(); len(got) != 1 || !strings.HasSuffix(got[0], "\r\n"+strings.Repeat(line, 100)[:head]) {
		t.Errorf("%d messages: %.2000q", len(got), got)
	}
	c.say("MAIL FROM:<> SIZE=1048577", "552 5.3.4")
	c.envelope(own)
	c.say("DATA", "354")
	c.send(strings.Repeat(line, 2*size/len(line)))
	c.say(".", "552 5.3.4")
	c.deliver(own, report, "250")
	if n := s.Counts(); n != (intake.Counts{Taken: 2, TooLarge: 1}) {
		t.Errorf("%+v", n)
	}
}

// TestSmuggling: a message ends with CRLF.CRLF and nothing else.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.dial()
	body := "Subject: x\r\n\r\n\n.\nMAIL FROM:<>\r\n\r.\r\nRCPT TO:<" + own + ">\n.\r\nDATA\r\n..\r\n"
	c.deliver(own, body, "250")
	want := own + "\nReturn-Path: <>\r\nDelivered-To: " + own + "\r\n" + strings.Replace(body, "\r\n..\r\n", "\r\n.\r\n", 1)
	if diff := cmp.Diff([]string{want}, s.messages()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGarbage: whatever is sent, the connection ends, nothing is taken, and others are
// answered.
func TestGarbage(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, what := range map[string]string{
		"nothing known": strings.Repeat("GET / HTTP/1.1\r\n", 200),
		"blank lines":   strings.Repeat("\r\n", 200),
		"zeros":         strings.Repeat("\x00\xff\r\n", 200),
		"commands":      strings.Repeat("NOOP\r\n", 200),
		"greetings":     strings.Repeat("EHLO x\r\n", 200),
		"one line":      strings.Repeat("x", 200<<10),
		"a command":     "RCPT TO:<" + strings.Repeat("x", 200<<10) + "@bounces.example.org>\r\n",
		"recipients":    "EHLO x\r\nMAIL FROM:<>\r\n" + strings.Repeat("RCPT TO:<a@example.com>\r\n", 200),
		"resets":        "EHLO x\r\n" + strings.Repeat("MAIL FROM:<>\r\nRCPT TO:<"+own+">\r\nRSET\r\n", 100),
		"chunks":        "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + own + ">\r\n" + strings.Repeat("BDAT 3\r\nabc", 200),
		"bad chunks":    "EHLO x\r\n" + strings.Repeat("BDAT 3\r\nabc", 200),
		"cut off":       "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + own + ">\r\nDATA\r\nSubject: x\r\n",
		"cut chunk":     "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + own + ">\r\nBDAT 100 LAST\r\nSubject: x\r\n",
		"cut before it": "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<" + own + ">\r\nBDAT 100 LAST\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.dial()
			c.t = t
			go func() {
				_, _ = io.WriteString(c.conn, what) // it may be hung up on in the middle
				if strings.HasPrefix(name, "cut") {
					if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
						_ = half.CloseWrite()
					}
				}
			}()
			for {
				if _, err := c.reply(); err != nil {
					break
				}
			}
			s.dial().say("EHLO x", "250 ")
		})
	}
	t.Cleanup(func() {
		if len(s.messages()) > 0 {
			t.Errorf("taken: %q", s.messages())
		}
	})
}

// TestLongLine: a line of a message may be long, but not endless.
func TestLongLine(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.dial()
	c.deliver(own, "Subject: "+strings.Repeat("x", 50_000)+"\r\n", "250")
	c.envelope(own)
	c.say("DATA", "354")
	go func() { _, _ = io.WriteString(c.conn, strings.Repeat("x", 300_000)) }()
	c.want("554 5.6.0")
}

// TestEveryClient: the libraries that mail servers are written with.
func TestEveryClient(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, err := gosmtp.Dial(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing is lost with it
	if err := c.SendMail("", []string{own}, strings.NewReader(report)); err != nil {
		t.Error(err)
	}
	if err := smtp.SendMail(s.addr, nil, "", []string{own}, []byte(report)); err != nil {
		t.Error(err)
	}
	if got := s.messages(); !slices.Equal(got, []string{delivered(own), delivered(own)}) {
		t.Errorf("%q", got)
	}
}
