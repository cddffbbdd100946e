package jobs_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/mailbox"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
	"syndicate/internal/test/dovecot"
)

// withIMAP reads bounces from a server.
func withIMAP(d *dovecot.Server, set ...func(*mailbox.Account)) func(*jobs.Options) {
	return func(o *jobs.Options) {
		o.Bounces.IMAP = mailbox.Account{
			Host: "127.0.0.1", Port: d.TLSPort, RootCAs: d.CAs, Username: dovecot.User, Password: dovecot.Password,
			Timeouts: mailbox.Timeouts{Connect: 2 * time.Minute, Command: 2 * time.Minute},
		}
		for _, f := range set {
			f(&o.Bounces.IMAP)
		}
	}
}

// returns sends an issue to so many people, and returns what a mail server writes of each
// when there is no such user.
func (s *site) returns(count int) (emails []string, back map[string]string, relay func(*jobs.Options)) {
	s.t.Helper()
	emails = s.subscribe(count)
	s.article()
	k := newSink(s.t)
	relay = withRelay(k.relay("main"))
	s.run(s.service(relay, withBounces))
	back = map[string]string{}
	for _, m := range k.messages() {
		back[m.To] = notice(m.From, m.To, "5.1.1", "550 5.1.1 no such user", "")
	}
	return emails, back, relay
}

func (s *site) suppressed(email string) bool {
	_, err := s.store.Suppression(s.t.Context(), email)
	return err == nil
}

// mailbox returns how the mailbox on the server stands.
func (s *site) mailbox() store.Mailbox {
	s.t.Helper()
	all, err := s.store.Mailboxes(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, b := range all {
		if b.Name == "imap" {
			return b
		}
	}
	return store.Mailbox{}
}

// inTime waits for a condition while the site's clock goes on: what failed is tried
// again.
func (s *site) inTime(what string, ok func() bool) {
	s.t.Helper()
	eventually(s.t, what, func() bool {
		if ok() {
			return true
		}
		s.clock.add(time.Second)
		return false
	})
}

// TestIMAP: the daemon takes in what is in the mailbox when it starts, what comes while
// it waits, and what came while the server was away; on both engines.
func TestIMAP(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		d := dovecot.Start(t)
		s := newSiteOn(t, open)
		emails, back, relay := s.returns(4)
		log := s.logged()
		v := s.service(relay, withBounces, withIMAP(d))
		d.Deliver("1", back[emails[0]])
		d.Deliver("2", "\r\nwhatever\r\n")
		stop := s.serve(v)
		eventually(t, "what was there is taken in", func() bool {
			_, read := d.Messages("")
			return s.suppressed(emails[0]) && slices.Equal(read, []string{"1", "2"})
		})
		d.Deliver("3", back[emails[1]])
		eventually(t, "what comes is taken in", func() bool { return s.suppressed(emails[1]) })
		if b := s.mailbox(); b.Error != "" || b.ReadAt.IsZero() {
			t.Errorf("the mailbox: %+v", b)
		}

		d.Stop()
		s.inTime("the server is missed", func() bool { return s.mailbox().Failures > 2 })
		d.Deliver("4", back[emails[2]])
		d.Start()
		s.inTime("what came meanwhile is taken in", func() bool { return s.suppressed(emails[2]) && s.mailbox().Error == "" })
		eventually(t, "it is said", func() bool { return log.of("mailbox can be read again") == 1 })
		if n := log.of("mailbox not read"); n != 1 {
			t.Errorf("it was said %d times that the mailbox cannot be read", n)
		}
		stop()
		if s.suppressed(emails[3]) {
			t.Error("somebody is suppressed of whom nothing came back")
		}
	})
}

// TestIMAPCrash: what was taken in, but not put away before a crash, counts once.
func TestIMAPCrash(t *testing.T) {
	t.Parallel()
	d := dovecot.Start(t)
	s := newSite(t)
	emails, back, relay := s.returns(1)
	d.Deliver("1", back[emails[0]])
	v := s.service(relay, withBounces, withIMAP(d))
	takes(t, v, back[emails[0]], store.BounceSuppressed)
	before := s.bounces()
	stop := s.serve(v)
	eventually(t, "it is put away all the same", func() bool {
		_, read := d.Messages("")
		return len(read) == 1
	})
	stop()
	if after := s.bounces(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("what came twice counted twice: %v, then %v", before, after)
	}
}

// TestIMAPNodes: of two nodes one reads the mailbox, and takes in each message once; when
// it has gone, the other does.
func TestIMAPNodes(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	d := dovecot.Start(t)
	s := newSiteOn(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, dsn, o...) })
	emails, back, relay := s.returns(20)
	log := s.logged()
	nodes := []*jobs.Service{s.service(relay, withBounces, withIMAP(d)), s.service(relay, withBounces, withIMAP(d))}
	stops := []func(){s.serve(nodes[0]), s.serve(nodes[1])}
	for k, e := range emails[:10] {
		d.Deliver(fmt.Sprint(k), back[e])
	}
	all := func(emails []string) func() bool {
		return func() bool { return !slices.ContainsFunc(emails, func(e string) bool { return !s.suppressed(e) }) }
	}
	eventually(t, "one of them takes all in", all(emails[:10]))
	stops[0]()
	for k, e := range emails[10:] {
		d.Deliver(fmt.Sprint(10+k), back[e])
	}
	eventually(t, "the other takes the rest in", all(emails[10:]))
	stops[1]()
	if n := log.of("mail came back"); n != len(emails) {
		t.Errorf("%d messages were taken in %d times", len(emails), n)
	}
}

// TestIMAPDead: a node that died over the mailbox is followed when its claim runs out.
func TestIMAPDead(t *testing.T) {
	t.Parallel()
	d := dovecot.Start(t)
	s := newSite(t)
	emails, back, relay := s.returns(1)
	d.Deliver("1", back[emails[0]])
	if _, err := s.store.Claim(t.Context(), "imap", 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	v := s.service(relay, withBounces, withIMAP(d))
	r := s.run(v)
	if len(r.Mail) != 0 {
		t.Errorf("another process reads it, but: %+v", r.Mail)
	}
	s.clock.add(2 * time.Hour)
	r = s.run(v)
	if len(r.Mail) != 1 || r.Mail[0].Mailbox != "imap" || r.Mail[0].Taken != 1 || r.Mail[0].Error != "" {
		t.Errorf("nobody reads it any more, but: %+v", r.Mail)
	}
}

// TestIMAPRefused: a server that lets us not in is told of once, without the password,
// and keeps nothing else from being done.
func TestIMAPRefused(t *testing.T) {
	t.Parallel()
	d := dovecot.Start(t)
	s := newSite(t)
	emails, back, relay := s.returns(1)
	d.Deliver("1", back[emails[0]])
	var said lockedBuffer
	s.options.Log = slog.New(slog.NewTextHandler(&said, nil))
	wrong := withIMAP(d, func(a *mailbox.Account) { a.Password = "another secret" })
	v := s.service(relay, withBounces, wrong)
	s.article()
	stop := s.serve(v)
	s.inTime("it is refused again and again", func() bool { return s.mailbox().Failures > 3 })
	stop()
	b := s.mailbox()
	if !strings.Contains(b.Error, "logging in") || !b.ReadAt.IsZero() || b.Failing.IsZero() {
		t.Errorf("the mailbox: %+v", b)
	}
	text := said.String()
	if n := strings.Count(text, "mailbox not read"); n != 1 || strings.Contains(text, "secret") || !strings.Contains(text, "check username and password") {
		t.Errorf("it was told %d times:\n%s", n, text)
	}
	r := s.run(v)
	if len(r.Mail) != 1 || !strings.Contains(r.Mail[0].Error, "logging in") || r.Mail[0].Hint == "" || r.ExitCode() != 0 {
		t.Errorf("a run: %d, %+v", r.ExitCode(), r.Mail)
	}
	if r := s.run(s.service(relay, withBounces, withIMAP(d))); len(r.Mail) != 1 || r.Mail[0].Taken != 1 || !s.suppressed(emails[0]) {
		t.Errorf("with the right password: %+v", r.Mail)
	}
	if b := s.mailbox(); b.Error != "" || b.ReadAt.IsZero() {
		t.Errorf("afterwards the mailbox: %+v", b)
	}
}

// TestRunMail: a run takes in what came back before it mails anybody.
func TestRunMail(t *testing.T) {
	t.Parallel()
	d := dovecot.Start(t)
	box := newMaildir(t)
	s := newSite(t)
	emails, back, _ := s.returns(3)
	d.Deliver("1", back[emails[0]])
	box.deliver("1.M1.host", back[emails[1]])
	s.article()
	k := newSink(t)
	r := s.run(s.service(withRelay(k.relay("main")), withBounces, box.option, withIMAP(d, func(a *mailbox.Account) { a.Processed = mailbox.ProcessedDelete })))
	same(t, k.to(), emails[2:])
	if len(r.Mail) != 2 || r.Mail[0].Mailbox != "maildir" || r.Mail[0].Taken != 1 || r.Mail[1].Taken != 1 || r.ExitCode() != 0 {
		t.Errorf("%+v", r.Mail)
	}
	if unread, read := d.Messages(""); len(unread)+len(read) != 0 || !box.has("cur/1.M1.host:2,S") {
		t.Errorf("left: %q, %q", unread, read)
	}
}

// lockedBuffer is a buffer that several goroutines write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
