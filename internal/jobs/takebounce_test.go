package jobs_test

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

const returnPath, leaveAt = "bounces@bounces.example.org", "leave@bounces.example.org"

func withBounces(o *jobs.Options) {
	o.Bounces = jobs.BounceOptions{ReturnPath: returnPath, Unsubscribe: leaveAt}
	o.OfflineLinks = true
}

// notice is a delivery status notification as Postfix writes it.
func notice(to, recipient, status, words, returned string) string {
	return strings.ReplaceAll(fmt.Sprintf(`Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: %s
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; %s
Action: failed
Status: %s
Diagnostic-Code: smtp; %s

--b
Content-Type: text/rfc822-headers

%s
--b--
`, to, recipient, status, words, returned), "\n", "\r\n")
}

func takes(t *testing.T, v *jobs.Service, message string, want ...store.BounceOutcome) {
	t.Helper()
	taken, err := v.TakeMessage(t.Context(), strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	var got []store.BounceOutcome
	for _, x := range taken {
		got = append(got, x.Outcome)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestReturnPath: every message has an envelope sender of its own, and what comes back
// to it is about its recipient, whatever it says.
func TestReturnPath(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("weekly")
	emails := s.subscribe(3)
	s.article()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces)
	s.run(v)
	from := map[string]string{}
	for _, m := range k.messages() {
		from[m.To] = m.From
	}
	if len(from) != 3 || from[emails[0]] == from[emails[1]] {
		t.Fatalf("envelope senders: %v", from)
	}

	takes(t, v, notice(returnPath, emails[1], "5.1.1", "550 5.1.1 no such user", ""), store.BounceNobody) // without a key
	takes(t, v, notice(strings.ToUpper(from[emails[0]]), "else@example.net", "5.1.1", "550 5.1.1 no such user", ""), store.BounceSuppressed)
	takes(t, v, notice(from[emails[2]], emails[2], "5.7.1", "550 5.7.1 blocked by policy", ""), store.BounceNoted)
	for i, want := range []bool{true, false, false} {
		_, err := s.store.Suppression(t.Context(), emails[i])
		if (err == nil) != want {
			t.Errorf("%s is suppressed: %v", emails[i], !want)
		}
	}
}

// TestReportAboutTwo: a report about several people is about whose key it came by only
// where it names them.
func TestReportAboutTwo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("weekly")
	emails := s.subscribe(5)
	s.article()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces)
	s.run(v)
	from := map[string]string{}
	for _, m := range k.messages() {
		from[m.To] = m.From
	}
	// about is a report of blocks, each the fields of one recipient.
	about := func(key string, blocks ...string) string {
		m := notice(key, "x@example.net", "5.1.1", "550 5.1.1 no such user", "")
		start, end := strings.Index(m, "Final-Recipient"), strings.Index(m, "\r\n\r\n--b\r\nContent-Type: text/rfc822")
		return m[:start] + strings.Join(blocks, "\r\n\r\n") + m[end:]
	}
	block := func(recipient, action, status, more string) string {
		return fmt.Sprintf("%sFinal-Recipient: rfc822; %s\r\nAction: %s\r\nStatus: %s\r\nDiagnostic-Code: smtp; 550 %[4]s no such user", more, recipient, action, status)
	}
	delivered := func(recipient string) string {
		return "Final-Recipient: rfc822; " + recipient + "\r\nAction: delivered\r\nStatus: 2.0.0"
	}
	gone := func(recipient string) string { return block(recipient, "failed", "5.1.1", "") }

	// It arrived at the recipient, and at nobody of a list behind.
	takes(t, v, about(from[emails[0]], delivered(emails[0]), gone("else@example.net"), gone(emails[1])), store.BounceNoted, store.BounceNobody, store.BounceNobody)
	// The other way round, also where the recipient is told by the field of where it ended.
	takes(t, v, about(from[emails[2]], gone(emails[3]), gone(emails[2])), store.BounceNobody, store.BounceSuppressed)
	takes(t, v, about(from[emails[3]], block(emails[3], "failed", "5.1.1", "Original-Recipient: rfc822; alias@example.net\r\n"), delivered("else@example.net")), store.BounceSuppressed, store.BounceNobody)
	// Forwarded: nobody but the key knows whose it was.
	takes(t, v, about(from[emails[4]], gone("one@example.net"), gone("two@example.net")), store.BounceSuppressed, store.BounceSuppressed)
	for i, want := range []bool{false, false, true, true, true} {
		_, err := s.store.Suppression(t.Context(), emails[i])
		if (err == nil) != want {
			t.Errorf("%d is suppressed: %v", i, !want)
		}
	}
}

// TestBounceByMessageID: without a key, the Message-ID that came back proves it.
func TestBounceByMessageID(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("weekly")
	email := s.subscribe(1)[0]
	s.article()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces)
	s.run(v)
	m := k.messages()[0]
	takes(t, v, notice("weekly@example.org", email, "5.1.1", "550 5.1.1 no such user", "Message-ID: <0@example.org>"), store.BounceNobody)
	report := notice("weekly@example.org", email, "5.1.1", "550 5.1.1 no such user", "Message-ID: "+m.MessageID)
	takes(t, v, report, store.BounceSuppressed)
	takes(t, v, report, store.BounceTwice)
}

// TestOnlyUnsubscribe: where people can only ask to leave, what a stranger sends there as a
// mail server's report is about nobody, whatever it claims it was sent to; without that
// address, nothing better can be had.
func TestOnlyUnsubscribe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("weekly")
	email := s.subscribe(1)[0]
	s.article()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces, func(o *jobs.Options) { o.Bounces.ReturnPath = "" })
	s.run(v)
	for _, to := range []string{leaveAt, "weekly@example.org"} {
		report := notice(to, email, "5.1.1", "550 5.1.1 no such user", "")
		takes(t, v, report, store.BounceNobody)
		complaint := strings.Replace(report, "message/delivery-status", "message/feedback-report", 1)
		takes(t, v, strings.Replace(complaint, "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; ", "Feedback-Type: abuse\r\nVersion: 1\r\nOriginal-Rcpt-To: ", 1), store.BounceNobody)
	}
	if _, err := s.store.Suppression(t.Context(), email); err == nil {
		t.Error("a stranger suppressed somebody")
	}
	takes(t, v, notice("weekly@example.org", email, "5.1.1", "550 5.1.1 unknown", "Message-ID: "+k.messages()[0].MessageID), store.BounceSuppressed)

	if _, err := s.store.LiftSuppression(t.Context(), email); err != nil {
		t.Fatal(err)
	}
	v = s.service(withRelay(k.relay("main")), withBounces, func(o *jobs.Options) { o.Bounces.ReturnPath, o.Bounces.Unsubscribe = "", "" })
	takes(t, v, notice("weekly@example.org", email, "5.1.1", "550 5.1.1 gone", ""), store.BounceSuppressed)
}

// TestReadingPanics: a message over which reading it panics is one that is not
// understood, and is kept.
func TestReadingPanics(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	log := s.logged()
	v := s.service(withBounces)
	taken, err := v.TakeMessage(t.Context(), io.MultiReader(strings.NewReader("Subject: x\r\n\r\n"), &onceBroken{}))
	if err != nil || len(taken) != 1 || taken[0].Kind != newsletter.ReportUnclassified || taken[0].Outcome != store.BounceNobody || log.of("reading a message panicked") != 1 {
		t.Errorf("%+v, %v", taken, err)
	}
	_, message, err := s.store.BounceMessage(t.Context(), 1)
	if err != nil || string(message) != "Subject: x\r\n\r\n" {
		t.Errorf("%q, %v", message, err)
	}
}

// onceBroken panics, then ends.
type onceBroken struct{ done bool }

func (b *onceBroken) Read([]byte) (int, error) {
	if !b.done {
		b.done = true
		panic("a fault of ours")
	}
	return 0, io.EOF
}

// TestUnsubscribeByMail: the address that an issue names unsubscribes its recipient,
// and nobody else.
func TestUnsubscribeByMail(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("weekly")
	emails := s.subscribe(2)
	s.article()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces)
	s.run(v)
	var to string
	for _, m := range k.messages() {
		if m.To == emails[0] {
			to = regexp.MustCompile(`<mailto:([^>]+)>`).FindStringSubmatch(m.Header.Get("List-Unsubscribe"))[1]
		}
	}
	write := func(from, to string) string {
		return "From: " + from + "\r\nTo: " + to + "\r\nSubject: unsubscribe\r\n\r\nunsubscribe\r\n"
	}
	takes(t, v, write(emails[1], leaveAt), store.BounceNobody) // anybody can write that
	bare := strings.NewReader(write(emails[1], leaveAt))
	taken, err := v.TakeMessage(t.Context(), bare, strings.Replace(leaveAt, "@", "+forged@", 1))
	if err != nil || len(taken) != 1 || taken[0].Outcome != store.BounceNobody || !strings.Contains(taken[0].Why, "is not this site's") {
		t.Errorf("again, with a forged key: %+v, %v", taken, err)
	}
	for _, want := range []store.BounceOutcome{store.BounceUnsubscribed, store.BounceTwice} {
		bare.Reset(write(emails[1], leaveAt))
		if taken, err = v.TakeMessage(t.Context(), bare, to); err != nil || len(taken) != 1 || taken[0].Outcome != want { // with the key
			t.Errorf("again, with a key: %+v, %v; want %s", taken, err, want)
		}
	}
	takes(t, v, write(emails[1], to), store.BounceUnsubscribed)   // from another of his addresses
	takes(t, v, write(emails[0], "x"+to), store.BounceNobody)     // cut or changed
	takes(t, v, write(emails[0], returnPath), store.BounceNobody) // not the address for that
	takes(t, v, "\r\nhello\r\n", store.BounceNobody)              // not understood
	for i, want := range []newsletter.SubscriptionState{newsletter.SubscriptionUnsubscribed, newsletter.SubscriptionConfirmed} {
		who, err := s.store.SubscriberByEmail(t.Context(), emails[i])
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.store.Subscription(t.Context(), who.ID, "weekly")
		if err != nil || b.State != want {
			t.Errorf("%s: %s, %v; want %s", emails[i], b.State, err, want)
		}
	}
}

// TestComplaintWithoutAddress: a feedback report that hides the address is known by the
// unsubscribe link that it returns.
func TestComplaintWithoutAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("weekly")
	email := s.subscribe(1)[0]
	s.article()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces)
	s.run(v)
	link := regexp.MustCompile(`<(https?://[^>]+)>`).FindStringSubmatch(k.messages()[0].Header.Get("List-Unsubscribe"))[1]
	report := func(link string) string {
		return strings.ReplaceAll(`From: <feedback@isp.example>
To: <abuse@example.org>
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Feedback/1.0
Version: 1

--b
Content-Type: message/rfc822

From: weekly@example.org
To: redacted@isp.example
List-Unsubscribe: <`+link+`>
Subject: x

x
--b--
`, "\n", "\r\n")
	}
	takes(t, v, report(link[:len(link)-1]), store.BounceNobody)
	takes(t, v, report(link), store.BounceSuppressed)
	p, err := s.store.Suppression(t.Context(), email)
	if err != nil || p.Cause != newsletter.CauseComplaint {
		t.Errorf("%+v, %v", p, err)
	}
}
