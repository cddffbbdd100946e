package mailbox_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/mailbox"
)

// fake is a server that does what it should not: each connection is spoken to by
// itself.
type fake struct {
	t    *testing.T
	port int
}

// serve starts one. speak has the connection until it returns.
func serve(t *testing.T, speak func(c *talk)) *fake {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				speak(&talk{c, bufio.NewReader(c)})
			})
		}
	})
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP address")
	}
	return &fake{t, addr.Port}
}

// account is how to reach it. What is asked of it may take a minute, so that only what
// is to be slow is.
func (f *fake) account() mailbox.Account {
	return mailbox.Account{
		Host: "127.0.0.1", Port: f.port, TLS: "none", Username: "bounces", Password: "secret",
		Timeouts: mailbox.Timeouts{Connect: time.Minute, Command: time.Minute, Fetch: time.Minute, Idle: time.Minute},
	}
}

// talk is a connection as a fake server has it.
type talk struct {
	net.Conn
	r *bufio.Reader
}

// say says a line; false: nobody listens any more.
func (c *talk) say(format string, args ...any) bool {
	_, err := fmt.Fprintf(c, format+"\r\n", args...)
	return err == nil
}

// hear hears a command; not ok: there will be no more.
func (c *talk) hear() (tag, command string, ok bool) {
	line, err := c.r.ReadString('\n')
	tag, command, _ = strings.Cut(strings.TrimSpace(line), " ")
	return tag, command, err == nil
}

// answer speaks IMAP with a folder that has messages with the numbers 1 to count, all
// of them new. other answers commands in its own way, by returning true.
func (c *talk) answer(count int, other func(tag, command string) bool) {
	c.say("* OK [CAPABILITY IMAP4rev1 IDLE] hello")
	for {
		tag, command, ok := c.hear()
		if !ok {
			return
		}
		if other != nil && other(tag, command) {
			continue
		}
		var uid int
		switch {
		case command == "CAPABILITY":
			c.say("* CAPABILITY IMAP4rev1 IDLE")
			c.say("%s OK", tag)
		case strings.HasPrefix(command, "SELECT"):
			c.say("* %d EXISTS", count)
			c.say("* OK [UIDVALIDITY 1] fine")
			c.say("%s OK [READ-WRITE] selected", tag)
		case strings.HasPrefix(command, "UID SEARCH"):
			numbers := ""
			for k := range count {
				numbers += fmt.Sprintf(" %d", k+1)
			}
			c.say("* SEARCH%s", numbers)
			c.say("%s OK found", tag)
		case strings.HasPrefix(command, "UID FETCH"):
			_, _ = fmt.Sscanf(command, "UID FETCH %d", &uid) // 0 is no number of a message
			body := fmt.Sprintf("Subject: %d\r\n\r\n", uid)
			c.say("* %d FETCH (UID %d BODY[]<0> {%d}", uid, uid, len(body))
			c.say("%s)", body)
			c.say("%s OK fetched", tag)
		case command == "IDLE":
			c.say("+ idling")
			_, _, ok = c.hear()
			c.say("%s OK", tag)
		default:
			c.say("%s OK", tag)
		}
		if !ok {
			return
		}
	}
}
