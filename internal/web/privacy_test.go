package web_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
)

// TestNothingTells: a subscriber's whole life, from the form to the erasure, with what
// comes back in between, is in the log at its most talkative, and in the metrics, without
// an address and without a link that does anything.
func TestNothingTells(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	const moved = "m.tanguide@example.net"
	secrets := []string{newcomer, "Nadia@example.net", her, other, moved}
	used := func(link string) string {
		parts := strings.Split(link, "/")
		secrets = append(secrets, parts[2])
		return link
	}

	// Signing up, reading, choosing.
	s.signUp(t, "weekly", url.Values{"email": {"Nadia@example.net"}, "language": {"fr"}})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.service.Serve(ctx) }()
	confirm := used(s.mail(1).path(t, "confirm"))
	stop()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	text(t, s.get(confirm), 200)
	text(t, s.post(confirm, url.Values{"confirm": {"1"}}), 200)
	if _, err := s.service.Send(t.Context(), jobs.SendOptions{Newsletter: "weekly", NoRefresh: true}); err != nil {
		t.Fatal(err)
	}
	used(s.mail(2).path(t, "preferences"))
	preferences := used(s.link(newsletter.PurposePreferences, newcomer, "weekly"))
	text(t, s.get(preferences), 200)
	text(t, s.post(preferences, url.Values{"newsletter": {"weekly"}, "confirm": {"1"}}), 200)
	text(t, s.post(preferences, url.Values{"newsletter": {"weekly"}, "undo": {"1"}}), 200)

	// What only the owner can do.
	access := used(s.accessLink(her, "weekly"))
	feed := regexp.MustCompile(`(/personal/[A-Z0-9]{26}/feed)\.rss`).FindString(text(t, s.post(access, doing("feed", "newsletter", "weekly")), 200))
	text(t, s.get(used(feed)), 200)
	text(t, s.post(access, doing("download")), 200)
	text(t, s.post(access, doing("change", "email", moved)), 200)
	text(t, s.post(used(s.letterLink(newsletter.LetterChange)), url.Values{"confirm": {"1"}}), 200)

	// Links that do not work, and requests that make no sense.
	for _, link := range []string{access, confirm + "/", preferences[:len(preferences)-3], "/unsubscribe/" + newcomer, "/newsletters/" + newcomer} {
		s.get(link)
		s.post(link, url.Values{"email": {newcomer}, "confirm": {"1"}})
	}

	// What comes back, by a message and by a hook; nobody understands the last.
	for _, message := range []string{
		"From: MAILER-DAEMON@mx.example.net\r\nTo: editors@example.org\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
			"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; " + other + "\r\n\r\nFinal-Recipient: rfc822; " + other + "\r\nAction: failed\r\n" +
			"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <" + other + "> unknown\r\n\r\n--b--\r\n",
		"From: " + newcomer + "\r\nTo: " + other + "\r\nSubject: " + her + "\r\n\r\nI am " + moved + ".\r\n",
	} {
		if _, err := s.service.TakeMessage(t.Context(), strings.NewReader(message), other); err != nil {
			t.Fatal(err)
		}
	}
	for _, email := range []string{newcomer, "nobody at all " + newcomer} {
		s.do("POST", "/hooks/postmark", `{"RecordType":"SpamComplaint","Type":"SpamComplaint","Email":"`+email+`"}`, basic("postmark", "a password")...)
		s.do("POST", "/hooks/postmark", `{"RecordType":"`+email, basic("postmark", "a password")...)
		s.do("POST", "/hooks/postmark", `{"Email":"`+email+`"}`, basic(email, email)...)
	}

	// Leaving, saying why, and being forgotten.
	leave := used(s.link(newsletter.PurposeUnsubscribe, moved, "weekly"))
	text(t, s.post(leave, url.Values{"List-Unsubscribe": {"One-Click"}}), 200)
	text(t, s.post(leave, url.Values{"reason": {"often"}, "words": {"write to " + her}}), 200)
	text(t, s.post(used(s.accessLink(moved, "weekly")), doing("erase for good")), 200)
	if err := s.store.Erase(t.Context(), other, s.clock()); err != nil {
		t.Fatal(err)
	}
	s.pass(400 * 24 * time.Hour)
	if _, err := s.service.Retain(t.Context()); err != nil {
		t.Fatal(err)
	}

	metrics := text(t, s.get("/metrics", "remote", "127.0.0.1:5"), 200)
	for _, where := range []struct{ name, text string }{{"log", s.log.String()}, {"metrics", metrics}} {
		for _, line := range strings.Split(where.text, "\n") {
			for _, secret := range secrets {
				if strings.Contains(strings.ToLower(line), strings.ToLower(secret)) {
					t.Errorf("%.12s… is in the %s: %s", secret, where.name, line)
				}
			}
		}
	}
	for _, event := range []string{`msg=sign-up`, `msg="issue sent"`, `msg="mail came back"`, `msg="address changed"`, `msg=forgotten`, "route="} {
		if !strings.Contains(s.log.String(), event) {
			t.Errorf("the log does not tell of %s", event)
		}
	}
}
