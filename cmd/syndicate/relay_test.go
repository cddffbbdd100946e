package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/rogpeppe/go-internal/testscript"
)

// testRelay is an SMTP server that keeps what it gets, and fails as it is told.
type testRelay struct {
	dir    string // one file for each message
	auth   bool
	reject string // recipient that does not exist
	later  string // recipient to try again later

	mu      sync.Mutex
	count   int
	most    int        // messages it takes before it lets the others wait, 0: all
	waiting int        // that it lets wait
	changed *sync.Cond // one of these did
}

// answer lets a message wait while the relay has taken as many as it may.
func (r *testRelay) answer() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting++
	r.changed.Broadcast()
	for r.most > 0 && r.count >= r.most {
		r.changed.Wait()
	}
	r.waiting--
	r.count++
}

// hold lets messages wait from the Nth on (hold NAME N; 0: no longer). held NAME
// goes on when one waits.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "hold NAME N")
	r := testRelays(ts)[args[0]]
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.most = n
	r.changed.Broadcast()
}

func heldCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "held NAME")
	r := testRelays(ts)[args[0]]
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.most == 0 || r.count < r.most || r.waiting == 0 {
		r.changed.Wait()
	}
}

// relaysKey is where a script keeps its relays, by name.
type relaysKey struct{}

func testRelays(ts *testscript.TestScript) map[string]*testRelay {
	relays, ok := ts.Value(relaysKey{}).(map[string]*testRelay)
	if !ok {
		ts.Fatalf("no place for relays")
	}
	return relays
}

// smtpCommand starts a relay: smtp NAME [auth] [reject=ADDRESS] [later=ADDRESS] [hold=N], or
// smtp NAME refuse (nobody listens), smtp NAME hang (it never greets). Its port is
// $NAME; messages are kept in the folder NAME. AUTH takes user and secret.
func smtpCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "smtp NAME [auth|reject=…|later=…|refuse|hang]")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
	r := &testRelay{dir: ts.MkAbs(args[0])}
	r.changed = sync.NewCond(&r.mu)
	for _, how := range args[1:] {
		key, value, _ := strings.Cut(how, "=")
		switch key {
		case "auth":
			r.auth = true
		case "reject":
			r.reject = value
		case "later":
			r.later = value
		case "hold":
			r.most, err = strconv.Atoi(value)
			ts.Check(err)
		case "refuse":
			l.Close()
			return
		case "hang":
			ts.Defer(func() { l.Close() }) // connections wait in its queue
			return
		default:
			ts.Fatalf("smtp: %s?", how)
		}
	}
	ts.Check(os.MkdirAll(r.dir, 0o755))
	server := smtp.NewServer(r)
	server.Domain = "relay.test"
	server.AllowInsecureAuth = true
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(l); !errors.Is(err, smtp.ErrServerClosed) {
			ts.Logf("relay: %v", err)
		}
	})
	testRelays(ts)[args[0]] = r
	ts.Defer(func() {
		r.mu.Lock()
		r.most = 0
		r.changed.Broadcast()
		r.mu.Unlock()
		ts.Check(server.Close())
		served.Wait()
	})
}

// received counts what a relay got: received NAME N, or received NAME N..M.
func received(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "received NAME N")
	r := testRelays(ts)[args[0]]
	if r == nil {
		ts.Fatalf("no relay %s", args[0])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	low, high, span := strings.Cut(args[1], "..")
	if !span {
		high = low
	}
	from, err := strconv.Atoi(low)
	ts.Check(err)
	to, err := strconv.Atoi(high)
	ts.Check(err)
	if r.count < from || r.count > to {
		ts.Fatalf("%s got %d messages, not %s", args[0], r.count, args[1])
	}
}

// NewSession is smtp.Backend.
func (r *testRelay) NewSession(*smtp.Conn) (smtp.Session, error) { return &relaySession{r: r}, nil }

type relaySession struct {
	r    *testRelay
	user string
	to   string
}

func (s *relaySession) AuthMechanisms() []string {
	if s.r.auth {
		return []string{sasl.Plain}
	}
	return nil
}

func (s *relaySession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "user" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *relaySession) Mail(string, *smtp.MailOptions) error {
	if s.r.auth && s.user == "" {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *relaySession) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch s.to = to; to {
	case s.r.reject:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<" + to + ">: nobody of that name lives here"}
	case s.r.later:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "<" + to + ">: come back later"}
	}
	return nil
}

func (s *relaySession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name := filepath.Join(s.r.dir, s.to+"-"+rand.Text()[:8]+".eml")
	if err := os.WriteFile(name, body, 0o644); err != nil {
		return errors.Join(fmt.Errorf("keeping a message"), err)
	}
	s.r.answer()
	return nil
}

func (s *relaySession) Reset() {}

func (s *relaySession) Logout() error { return nil }
