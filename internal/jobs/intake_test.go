package jobs_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"regexp"
	"strings"
	"testing"
	"time"

	"syndicate/internal/intake"
	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
	"syndicate/internal/test/postfix"
)

// intake listens for what comes back, as the daemon does, and returns where.
func (s *site) intake(l net.Listener, v *jobs.Service) string {
	s.t.Helper()
	server := intake.New(intake.Options{
		Name: "bounces.example.org", Ours: v.OwnMailbox,
		Take: func(ctx context.Context, message io.Reader, to string) error {
			_, err := v.TakeMessage(ctx, message, to)
			return err
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l, time.Minute) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	return l.Addr().String()
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestIntake: a report that is taken over SMTP is done when its sender hears so, on both
// engines; who has no key of ours is not listened to.
func TestIntake(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		emails := s.subscribe(3)
		s.article()
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")), withBounces)
		s.run(v)
		addr := s.intake(loopback(t), v)
		from, leave := map[string]string{}, map[string]string{}
		for _, m := range k.messages() {
			from[m.To] = m.From
			leave[m.To] = regexp.MustCompile(`<mailto:([^>]+)>`).FindStringSubmatch(m.Header.Get("List-Unsubscribe"))[1]
		}
		hand := func(from, to, message string) error {
			return smtp.SendMail(addr, nil, from, []string{to}, []byte(message))
		}
		suppressed := func(email string) bool {
			_, err := s.store.Suppression(t.Context(), email)
			return err == nil
		}

		key := from[emails[1]]
		at := strings.IndexByte(key, '@')
		for _, to := range []string{
			key[:at-1] + key[at:],                            // cut
			strings.Replace(key, "+", "+a", 1),               // longer
			strings.Replace(key, "bounces+", "leave+", 1),    // for the other mailbox
			strings.Replace(key, "bounces.example", "ex", 1), // elsewhere
			leaveAt[:5] + "+x" + leaveAt[5:], "postmaster@bounces.example.org", emails[1],
		} {
			if err := hand("", to, notice(to, emails[1], "5.1.1", "550 5.1.1 no such user", "")); err == nil || !strings.Contains(err.Error(), "5.7.1") {
				t.Errorf("%s: %v", to, err)
			}
		}
		if suppressed(emails[1]) || len(s.bounces()) != 0 {
			t.Errorf("taken without a key: %v", s.bounces())
		}

		// The header says nothing of where it was sent to: the envelope does.
		report := notice("postmaster@example.org", "hidden@example.net", "5.1.1", "550 5.1.1 no such user", "")
		for range 2 { // as where the answer was lost
			if err := hand("", strings.ToUpper(from[emails[0]]), report); err != nil {
				t.Fatal(err)
			}
			if !suppressed(emails[0]) {
				t.Error("it is not done when it is taken")
			}
		}
		// The same words about somebody else are another report.
		if err := hand("", from[emails[1]], report); err != nil || !suppressed(emails[1]) {
			t.Error("not suppressed: ", err)
		}
		if err := hand("reader@example.net", leave[emails[2]], "From: reader@example.net\r\nTo: undisclosed-recipients:;\r\nSubject: hello\r\n\r\nplease\r\n"); err != nil {
			t.Error(err)
		}
		who, err := s.store.SubscriberByEmail(t.Context(), emails[2])
		if err != nil {
			t.Fatal(err)
		}
		if b, err := s.store.Subscription(t.Context(), who.ID, "weekly"); err != nil || b.State != newsletter.SubscriptionUnsubscribed {
			t.Errorf("%+v, %v", b.State, err)
		}
		for _, to := range []string{returnPath, leaveAt} {
			if err := hand("shop@example.net", to, "Subject: your parcel\r\n\r\nIt is on its way.\r\n"); err != nil {
				t.Error(err)
			}
		}
		if got := s.bounces(); got[store.BounceSuppressed] != 2 || got[store.BounceUnsubscribed] != 1 || got[store.BounceNobody] != 2 {
			t.Errorf("%v", got)
		}
	})
}

// TestIntakeBombs: what is built to break a reader is a message like others.
func TestIntakeBombs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	email := s.subscribe(1)[0]
	s.article()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces)
	s.run(v)
	addr := s.intake(loopback(t), v)
	to := k.messages()[0].From
	var nested, wide, lines strings.Builder
	nested.WriteString("Content-Type: multipart/mixed; boundary=b0\r\n\r\n")
	wide.WriteString("Content-Type: multipart/mixed; boundary=b\r\n\r\n")
	for i := range 10_000 {
		fmt.Fprintf(&nested, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i+1)
		wide.WriteString("--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: text/plain\r\n\r\nx\r\n")
		fmt.Fprintf(&lines, "X-%d: =?utf-8?B?%s?=\r\n", i, strings.Repeat("w7w=", 20))
	}
	for name, message := range map[string]string{
		"nested": nested.String(), "wide": wide.String(), "fields": lines.String() + "\r\n",
		"zeros": strings.Repeat(strings.Repeat("\x00", 1000)+"\r\n", 1<<10), "high bytes": strings.Repeat("\xff\xfe\r\n", 1<<16),
		"base64": "Content-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("AAAA\r\n", 1<<18),
		"empty":  "", "a dot": ".", "no end": "Subject: x",
	} {
		if err := smtp.SendMail(addr, nil, "", []string{to}, []byte(message)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	large := notice(to, email, "5.1.1", "550 5.1.1 no such user", "") + strings.Repeat(strings.Repeat("All work and no play. ", 3)+"\r\n", 25<<20/68)
	if err := smtp.SendMail(addr, nil, "", []string{to}, []byte(large)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.Suppression(t.Context(), email); err != nil {
		t.Error("the large one is not understood: ", err)
	}
}

// TestIntakePostfix: an issue goes out through a real Postfix, what cannot be delivered
// comes back through it, and is known for what it is.
func TestIntakePostfix(t *testing.T) {
	t.Parallel()
	l := loopback(t)
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server := postfix.Start(t, "bounces.example.org="+port)
	s := newSite(t)
	for _, email := range []string{"ann@nobody.example", "bob@full.example", "cay@policy.example", "dan@" + postfix.Domain} {
		if _, err := s.store.AddSubscriber(t.Context(), "weekly", newsletter.Line{Email: email}, "cli", s.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	s.article()
	v := s.service(withBounces, withRelay(mailer.Relay{
		Name: "postfix", Host: "127.0.0.1", Port: server.Port, TLS: "starttls", RootCAs: server.CAs, Connections: 1, Helo: "client.example.org",
		Timeouts: mailer.Timeouts{Connect: time.Minute, Command: time.Minute, Data: time.Minute, Dot: time.Minute},
	}))
	s.intake(l, v)
	s.run(v)
	eventually(t, "three of four come back", func() bool {
		all, err := s.store.Bounces(t.Context(), store.BounceQuery{})
		if err != nil {
			t.Fatal(err)
		}
		return len(all) == 3
	})
	for email, want := range map[string]newsletter.ReportKind{"ann@nobody.example": newsletter.ReportHard, "bob@full.example": newsletter.ReportSoft, "cay@policy.example": newsletter.ReportBlock} {
		all, err := s.store.Bounces(t.Context(), store.BounceQuery{Email: email})
		if err != nil || len(all) != 1 || all[0].Kind != want {
			t.Errorf("%s: %+v, %v; want %s", email, all, err, want)
		}
		_, err = s.store.Suppression(t.Context(), email)
		if (err == nil) != (want == newsletter.ReportHard) {
			t.Errorf("%s: suppressed: %v", email, err)
		}
	}
}
