package mailbox_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/mailbox"
	"syndicate/internal/test/dovecot"
)

// account is the mailbox of a server, with time enough for a slow machine.
func account(s *dovecot.Server, set ...func(*mailbox.Account)) mailbox.Account {
	a := mailbox.Account{
		Host: "127.0.0.1", Port: s.TLSPort, RootCAs: s.CAs, Username: dovecot.User, Password: dovecot.Password,
		Timeouts: mailbox.Timeouts{Connect: 2 * time.Minute, Command: 2 * time.Minute},
	}
	for _, f := range set {
		f(&a)
	}
	return a
}

func starttls(s *dovecot.Server) func(*mailbox.Account) {
	return func(a *mailbox.Account) { a.TLS, a.Port = "starttls", s.Port }
}

func unencrypted(s *dovecot.Server) func(*mailbox.Account) {
	return func(a *mailbox.Account) { a.TLS, a.Port = "none", s.Port }
}

func processed(how string) func(*mailbox.Account) {
	return func(a *mailbox.Account) { a.Processed = how }
}

// letters takes messages and returns their subjects.
func letters(t *testing.T, r *mailbox.Reader) []string {
	t.Helper()
	var subjects []string
	n, err := r.Take(t.Context(), func(_ context.Context, m []byte) error {
		line, _, _ := bytes.Cut(m, []byte("\r\n"))
		subjects = append(subjects, strings.TrimPrefix(string(line), "Subject: "))
		return nil
	})
	if err != nil || n != len(subjects) {
		t.Fatalf("%d messages taken, said to be %d: %v", len(subjects), n, err)
	}
	slices.Sort(subjects)
	return subjects
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// bare is a server that can do nothing but what every IMAP server has to.
const bare = "imap_capability = IMAP4rev1 AUTH=PLAIN"

// TestRead: what is there and what comes is handed over once, however the server is
// reached and whatever it can do, and is put away as wanted.
func TestRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings  []string
		reach     func(*dovecot.Server) func(*mailbox.Account)
		processed string
		check     func(t *testing.T, s *dovecot.Server)
	}{
		"seen": {nil, nil, "", func(t *testing.T, s *dovecot.Server) {
			unread, read := s.Messages("")
			same(t, "unread", unread)
			same(t, "read", read, "1", "2", "3")
		}},
		"seen, bare": {[]string{bare}, unencrypted, "seen", func(t *testing.T, s *dovecot.Server) {
			_, read := s.Messages("")
			same(t, "read", read, "1", "2", "3")
		}},
		"delete": {nil, starttls, "delete", func(t *testing.T, s *dovecot.Server) {
			unread, read := s.Messages("")
			same(t, "left", slices.Concat(unread, read))
		}},
		"delete, bare": {[]string{bare}, starttls, "delete", func(t *testing.T, s *dovecot.Server) {
			unread, read := s.Messages("")
			same(t, "left", slices.Concat(unread, read))
		}},
		"moved": {nil, nil, "Taken in", func(t *testing.T, s *dovecot.Server) {
			unread, read := s.Messages("")
			same(t, "left", slices.Concat(unread, read))
			unread, read = s.Messages("Taken in") // by other names
			if len(unread)+len(read) != 3 {
				t.Errorf("moved: %q, %q", unread, read)
			}
		}},
		"moved, bare": {[]string{bare}, unencrypted, "Reçus", func(t *testing.T, s *dovecot.Server) {
			unread, read := s.Messages("")
			same(t, "left", slices.Concat(unread, read))
			unread, read = s.Messages("Re&AOc-us")
			if len(unread)+len(read) != 3 {
				t.Errorf("moved: %q, %q", unread, read)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dovecot.Start(t, test.settings...)
			reach := test.reach
			if reach == nil {
				reach = func(*dovecot.Server) func(*mailbox.Account) { return func(*mailbox.Account) {} }
			}
			a := account(s, reach(s), processed(test.processed))
			a.Timeouts.Poll = 10 * time.Millisecond
			r := mailbox.New(a, func(why error) { t.Error(why) })
			defer r.Close()
			s.Deliver("1", "Subject: one\r\n\r\n")
			s.Deliver("2", "Subject: two\n\n")
			if err := r.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, "at first", letters(t, r), "one", "two")
			same(t, "again", letters(t, r))
			s.Deliver("3", "Subject: three\n\n")
			var came []string
			for len(came) == 0 { // a wait may end without news
				if err := r.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				came = letters(t, r)
			}
			same(t, "came", came, "three")
			if err := r.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, "over another connection", letters(t, r))
			r.Close()
			test.check(t, s)
		})
	}
}

// TestLarge: of a message of 30 MB no more is read than wanted, and the next one is too.
func TestLarge(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t)
	s.Deliver("1", "Subject: large\n\n"+strings.Repeat(strings.Repeat("x", 75)+"\n", 30<<20/76))
	s.Deliver("2", "Subject: empty\n\n")
	a := account(s)
	a.Limit = 1 << 20
	r := mailbox.New(a, func(why error) { t.Error(why) })
	defer r.Close()
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sizes []string
	if _, err := r.Take(t.Context(), func(_ context.Context, m []byte) error {
		sizes = append(sizes, fmt.Sprint(len(m)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(sizes)
	same(t, "octets", sizes, fmt.Sprint(1<<20), "18")
}

// TestRefused: what keeps a folder from being read is said in a sentence, with the key
// that it is about and what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t)
	for name, test := range map[string]struct {
		set             func(*mailbox.Account)
		key, text, hint string
	}{
		"password":          {func(a *mailbox.Account) { a.Password = "wrong" }, "username", "logging in: the server says: ", "check username and password"},
		"password, clear":   {func(a *mailbox.Account) { unencrypted(s)(a); a.Password = "wrong" }, "username", "logging in: the server says: ", "check username and password"},
		"authority":         {func(a *mailbox.Account) { a.RootCAs = x509.NewCertPool() }, "tls", "certificate signed by unknown authority", "ca_file"},
		"authority, later":  {func(a *mailbox.Account) { starttls(s)(a); a.RootCAs = x509.NewCertPool() }, "tls", "certificate signed by unknown authority", "ca_file"},
		"name":              {func(a *mailbox.Account) { a.Host = "localhost" }, "tls", "encrypting: ", "host must be a name in the server's certificate"},
		"not TLS":           {func(a *mailbox.Account) { a.Port = s.Port }, "tls", "encrypting: ", "port 143 wants tls: starttls"},
		"no folder":         {func(a *mailbox.Account) { a.Folder = "Bounces" }, "folder", `opening the folder "Bounces": the server says: `, "check folder"},
		"nobody listens":    {func(a *mailbox.Account) { a.Port = 1 }, "host", "connecting: ", "nothing listens there"},
		"no way to encrypt": {func(a *mailbox.Account) { a.TLS = "ssl" }, "tls", `"ssl" is not implicit, starttls or none`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mailbox.Check(t.Context(), account(s, test.set))
			var failed *mailbox.Error
			if !errors.As(err, &failed) {
				t.Fatal(err)
			}
			if failed.Key != test.key || !strings.Contains(err.Error(), test.text) || !strings.Contains(failed.Hint(), test.hint) || (test.hint == "") != (failed.Hint() == "") {
				t.Errorf("%s: %v; %s", failed.Key, err, failed.Hint())
			}
			if strings.Contains(err.Error(), dovecot.Password) {
				t.Errorf("it tells the password: %v", err)
			}
		})
	}
}

// TestCheck: a look at the folder changes nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t)
	s.Deliver("1", "Subject: one\n\n")
	for range 2 {
		found, err := mailbox.Check(t.Context(), account(s))
		if err != nil || found != (mailbox.Found{Messages: 1, Idle: true}) {
			t.Errorf("%+v, %v", found, err)
		}
	}
	if unread, read := s.Messages(""); len(unread) != 1 || len(read) != 0 {
		t.Errorf("%q are unread, %q read", unread, read)
	}
}

// TestRestart: a connection that ends while mail is waited for is told of, and another
// goes on where it was, though messages have other numbers now.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t)
	r := mailbox.New(account(s), func(why error) { t.Error(why) })
	defer r.Close()
	s.Deliver("1", "Subject: one\n\n")
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "at first", letters(t, r), "one")
	ended := make(chan error, 1)
	go func() {
		for {
			if err := r.Wait(t.Context()); err != nil {
				ended <- err
				return
			}
		}
	}()
	s.Stop()
	if err := <-ended; !errors.As(err, new(*mailbox.Error)) {
		t.Errorf("the server has gone: %v", err)
	}
	if err := r.Open(t.Context()); err == nil {
		t.Error("there is no server")
	}
	s.Deliver("2", "Subject: two\n\n")
	s.Renumber()
	s.Start()
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "afterwards", letters(t, r), "two")
}

// TestEnd: the end of the context ends a wait, and is no failure of the server's.
func TestEnd(t *testing.T) {
	t.Parallel()
	waiting := make(chan struct{})
	f := serve(t, func(c *talk) {
		c.answer(0, func(_, command string) bool {
			if command == "IDLE" {
				close(waiting)
			}
			return false
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-waiting
		cancel()
	}()
	if err := read(ctx, mailbox.New(f.account(), nil), forget); !errors.Is(err, context.Canceled) || errors.As(err, new(*mailbox.Error)) {
		t.Error(err)
	}
}
