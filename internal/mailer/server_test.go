package mailer_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// received is a message that the server took.
type received struct {
	From, Body string
	To         []string
}

// server is an SMTP server on loopback that keeps to the letter of RFC 5321: a
// MAIL inside a transaction is a 503, a RCPT joins whatever envelope is open, and
// a dot without recipients delivers nothing. It fails where it is told to:
//
//   - an address that begins with a phase and a code, such as rcpt550.1@…, is
//     answered with that code in that phase; "drop" instead of a code closes the
//     connection without an answer, 421 with one;
//   - hook may give any other answer to a line ("": none of its own), to the
//     greeting under the name CONNECT and to the end of a message under ".";
//     "drop" closes, "hang" answers nothing and waits for the client to leave.
type server struct {
	caps      []string // after EHLO
	refused   string   // answer to DATA without recipients
	withhold  int      // > 0: no answers from a dot on until the next DATA, nor before so many messages came
	hook      func(line string) string
	startTLS  *tls.Config
	cutBodies bool // leave in the middle of a message
	onMessage func(received)

	mu   sync.Mutex
	got  []received
	told []string // lines, in order of arrival
	wg   sync.WaitGroup
}

func (s *server) start(t tester) mailer.Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.refused == "" {
		s.refused = "503 5.5.1 no valid recipients"
	}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() {
				defer c.Close()
				p := &peer{server: s, conn: c}
				p.serve()
			})
		}
	})
	t.Cleanup(func() { // hangs if the client leaves a connection open
		_ = l.Close()
		s.wg.Wait()
	})
	return mailer.Relay{Host: "127.0.0.1", Port: port(t, l), TLS: "none", Helo: "client.example.org", Timeouts: generous}
}

// generous is for tests that should not wait for anything.
var generous = mailer.Timeouts{Connect: 20 * time.Second, Command: 20 * time.Second, Data: 20 * time.Second, Dot: 20 * time.Second}

func (s *server) messages() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.got...)
}

// lines returns what clients said, in one string.
func (s *server) lines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.told, "\n")
}

// peer is one connection of a server.
type peer struct {
	*server
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer

	open bool // MAIL was accepted
	from string
	to   []string
}

var fault = regexp.MustCompile(`<(mail|rcpt|data|dot)(\d\d\d|drop)\.`)

// planned returns the fault that an address asks for in a phase.
func planned(phase, address string) string {
	if m := fault.FindStringSubmatch(address); len(m) == 3 && m[1] == phase {
		if m[2] == "drop" {
			return "drop"
		}
		return m[2] + " " + m[2][:1] + ".0.0 as planned"
	}
	return ""
}

func (p *peer) serve() {
	p.r, p.w = bufio.NewReader(p.conn), bufio.NewWriter(p.conn)
	if !p.answer("CONNECT", "220 test ESMTP", true) {
		return
	}
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		flush := p.withhold == 0 || verb != "MAIL" && verb != "RCPT" && verb != "RSET"
		if !p.answer(line, p.reply(verb, line), flush) {
			return
		}
		if verb == "STARTTLS" {
			if p.startTLS == nil { // promised, and then nothing
				_, _ = io.Copy(io.Discard, p.conn)
				return
			}
			c := tls.Server(p.conn, p.startTLS)
			if c.Handshake() != nil {
				return
			}
			p.conn, p.r, p.w = c, bufio.NewReader(c), bufio.NewWriter(c)
		}
	}
}

// answer says what the hook wants said, else the usual, and reports whether the
// connection goes on.
func (p *peer) answer(line, usual string, flush bool) bool {
	p.mu.Lock()
	p.told = append(p.told, line)
	said := ""
	if p.hook != nil {
		said = p.hook(line)
	}
	p.mu.Unlock()
	if said == "" {
		said = usual
	}
	switch said {
	case "drop":
		_ = p.w.Flush()
		return false
	case "hang":
		_ = p.w.Flush()
		_, _ = io.Copy(io.Discard, p.conn)
		return false
	}
	fmt.Fprintf(p.w, "%s\r\n", said)
	if flush && p.w.Flush() != nil {
		return false
	}
	if said == "354 go on" {
		return p.body()
	}
	return !strings.HasPrefix(said, "421") && !strings.HasPrefix(said, "221")
}

func (p *peer) reply(verb, line string) string {
	switch verb {
	case "EHLO":
		p.reset()
		return "250-" + strings.Join(append([]string{"test"}, p.caps...), "\r\n250-") + "\r\n250 HELP"
	case "RSET":
		p.reset()
		return "250 2.0.0 flushed"
	case "QUIT":
		return "221 2.0.0 bye"
	case "STARTTLS":
		return "220 2.0.0 go"
	case "MAIL":
		if p.open {
			return "503 5.5.1 nested MAIL command"
		}
		if s := planned("mail", line); s != "" {
			return s
		}
		p.open, p.from = true, between(line)
		return "250 2.1.0 ok"
	case "RCPT":
		if !p.open {
			return "503 5.5.1 need MAIL"
		}
		if s := planned("rcpt", line); s != "" {
			return s
		}
		p.to = append(p.to, between(line))
		return "250 2.1.5 ok"
	case "DATA":
		switch {
		case !p.open:
			return "503 5.5.1 need MAIL"
		case len(p.to) == 0:
			return p.refused
		}
		if s := planned("data", "<"+p.to[0]); s != "" {
			return s
		}
		return "354 go on"
	}
	return "500 5.5.2 what?"
}

func (p *peer) reset() { p.open, p.from, p.to = false, "", nil }

// body reads a message up to its dot and settles it.
func (p *peer) body() bool {
	var b strings.Builder
	for {
		if p.cutBodies && b.Len() > 1000 {
			return false
		}
		line, err := p.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	m := received{From: p.from, To: p.to, Body: b.String()}
	p.reset()
	said := "554 5.5.1 no valid recipients"
	if len(m.To) > 0 {
		if said = planned("dot", "<"+m.To[0]); said == "" {
			said = "250 2.0.0 queued"
		}
	}
	flush := p.withhold == 0
	if strings.HasPrefix(said, "250") {
		p.mu.Lock()
		p.got = append(p.got, m)
		flush = flush || len(p.got) >= p.withhold
		p.mu.Unlock()
		if p.onMessage != nil {
			p.onMessage(m)
		}
	}
	return p.answer(".", said, flush)
}

func between(line string) string {
	_, s, _ := strings.Cut(line, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

// tester is a *testing.T, *testing.B or *rapid.T.
type tester interface {
	rapid.TB
	Cleanup(func())
	Context() context.Context
}

func port(t tester, l net.Listener) int {
	t.Helper()
	a, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return int(a.Port())
}

// dial dials, or fails the test.
func dial(t tester, r mailer.Relay) *mailer.Conn {
	t.Helper()
	c, reply, err := mailer.Dial(t.Context(), r)
	if err != nil {
		t.Fatalf("%+v: %v", reply, err)
	}
	return c
}

// message is a small one to an address; its body names the address.
func message(to string) *mailer.Outgoing {
	return &mailer.Outgoing{From: "news@example.org", To: to, Message: func(dst []byte) []byte {
		return fmt.Appendf(dst, "To: %s\r\n\r\n.for %[1]s\r\n", to)
	}}
}

// result is what done was told.
type result struct {
	To    string
	Reply newsletter.Reply
}

// run hands messages to a connection and returns what became of them.
func run(c *mailer.Conn, list ...*mailer.Outgoing) (results []result, end newsletter.Reply) {
	end = c.Run(context.Background(), func(context.Context) (*mailer.Outgoing, bool) {
		if len(list) == 0 {
			return nil, false
		}
		o := list[0]
		list = list[1:]
		return o, true
	}, func(o *mailer.Outgoing, r newsletter.Reply) {
		results = append(results, result{o.To, r})
	})
	return results, end
}
