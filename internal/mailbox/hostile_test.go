package mailbox_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"syndicate/internal/mailbox"
)

// read opens a folder, takes what is there and waits for more, until something fails.
func read(ctx context.Context, r *mailbox.Reader, take func(context.Context, []byte) error) error {
	defer r.Close()
	if err := r.Open(ctx); err != nil {
		return err
	}
	for {
		if _, err := r.Take(ctx, take); err != nil {
			return err
		}
		if err := r.Wait(ctx); err != nil {
			return err
		}
	}
}

func forget(context.Context, []byte) error { return nil }

// TestHostile: whatever a server says, or does not, reading ends, and with a plain
// sentence.
func TestHostile(t *testing.T) {
	t.Parallel()
	const long = "not-a-word-of-it-ends"
	flood := func(c *talk, chunk string) {
		chunk = strings.Repeat(chunk, 1000)
		for {
			if _, err := c.Write([]byte(chunk)); err != nil {
				return
			}
		}
	}
	on := func(c *talk, prefix string, then func(tag string)) {
		c.answer(3, func(tag, command string) bool {
			if !strings.HasPrefix(command, prefix) {
				return false
			}
			then(tag)
			return true
		})
	}
	for name, test := range map[string]struct {
		speak func(c *talk)
		want  string
		short bool // it is to be slow
	}{
		"silence":   {func(c *talk) { c.hear() }, "connecting: the server does not answer within", true},
		"no answer": {func(c *talk) { on(c, "LOGIN", func(string) {}) }, "logging in: the server does not answer within", true},
		"no idling": {func(c *talk) { on(c, "IDLE", func(string) {}) }, "waiting for mail: the server does not answer within", true},
		"half a message": {func(c *talk) {
			on(c, "UID FETCH", func(string) { c.say("* 1 FETCH (UID 1 BODY[]<0> {1000}\r\n"); c.hear() })
		}, "reading a message: the server does not answer within", true},
		"goodbye":          {func(c *talk) { c.say("* BYE go away ann@example.org"); c.hear() }, "connecting: the server says: go away <…>", false},
		"closed":           {func(c *talk) {}, "connecting: ", false},
		"garbage":          {func(c *talk) { flood(c, "\x00\xff(}{\r\n") }, "connecting: ", false},
		"an endless line":  {func(c *talk) { flood(c, long) }, "connecting: the server says more than it was asked for", false},
		"endless greeting": {func(c *talk) { c.say("* OK "); flood(c, "* 1 EXISTS\r\n") }, "logging in: the server says more", false},
		"refused":          {func(c *talk) { on(c, "LOGIN", func(tag string) { c.say("%s NO bounces@example.org may not", tag) }) }, "logging in: the server says: <…> may not", false},
		"no folder":        {func(c *talk) { on(c, "SELECT", func(tag string) { c.say("%s NO there is none", tag) }) }, `opening the folder "INBOX": the server says: there is none`, false},
		"many messages":    {func(c *talk) { on(c, "UID SEARCH", func(string) { flood(c, "* SEARCH 1 2 3\r\n") }) }, "looking for new mail: the server says more", false},
		"nested lists":     {func(c *talk) { on(c, "UID FETCH", func(string) { flood(c, "* 1 FETCH ((((") }) }, "reading a message: ", false},
		"a huge message": {func(c *talk) {
			on(c, "UID FETCH", func(string) { c.say("* 1 FETCH (UID 1 BODY[]<0> {4000000000}"); flood(c, long) })
		}, "reading a message: the server says more", false},
		"news without end": {func(c *talk) {
			on(c, "IDLE", func(string) { c.say("+ idling"); flood(c, "* 4 EXISTS\r\n* 3 EXPUNGE\r\n") })
		}, "waiting for mail: ", false},
		"another's answer": {func(c *talk) { on(c, "UID STORE", func(string) { c.say("T1 OK") }) }, "marking messages: ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := serve(t, test.speak).account()
			if test.short {
				const brief = 3 * time.Second // in which a busy machine says what it does say
				a.Timeouts = mailbox.Timeouts{Connect: brief, Command: brief, Fetch: brief, Idle: time.Minute}
			}
			err := read(t.Context(), mailbox.New(a, func(error) {}), forget)
			var failed *mailbox.Error
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

// TestManyNumbers: a server that says that there are four milliards of messages is
// believed for some of them only.
func TestManyNumbers(t *testing.T) {
	t.Parallel()
	f := serve(t, func(c *talk) {
		c.answer(1<<31, func(tag, command string) bool {
			switch {
			case strings.HasPrefix(command, "UID SEARCH"):
				c.say(`* ESEARCH (TAG "%s") UID ALL 1:4294967295`, tag)
				c.say("%s OK", tag)
			case strings.HasPrefix(command, "UID FETCH"):
				c.say("%s NO there are not so many", tag)
			default:
				return false
			}
			return true
		})
	})
	refused := 0
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	err := read(ctx, mailbox.New(f.account(), func(error) {
		if refused++; refused == 500 {
			cancel(stop)
		}
	}), forget)
	if !errors.Is(err, context.Canceled) || refused != 500 {
		t.Errorf("%v after %d", err, refused)
	}
}

// TestUnreadable: a message that the server cannot give, or over which connections
// break, keeps no other.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	f := serve(t, func(c *talk) {
		connections.Add(1)
		c.answer(4, func(tag, command string) bool {
			switch {
			case strings.HasPrefix(command, "UID FETCH 1 "):
				c.Close()
			case strings.HasPrefix(command, "UID FETCH 2 "):
				c.say("%s NO it is broken", tag)
			case command == "IDLE":
				c.say("* BYE enough")
				c.Close()
			default:
				return false
			}
			return true
		})
	})
	var unread, taken []string
	r := mailbox.New(f.account(), func(why error) { unread = append(unread, why.Error()) })
	for n := range 4 {
		taken = nil
		err := read(t.Context(), r, func(_ context.Context, m []byte) error {
			taken = append(taken, strings.TrimSpace(string(m)))
			return nil
		})
		// The first connection breaks before anything else is read.
		if want := []string{"Subject: 3", "Subject: 4"}; n > 0 && !slices.Equal(taken, want) {
			t.Errorf("connection %d: %q, want %q (%v)", n+1, taken, want, err)
		}
	}
	if connections.Load() != 4 {
		t.Errorf("%d connections", connections.Load())
	}
	last := unread[max(0, len(unread)-2):]
	if len(last) != 2 || !strings.Contains(last[0], "message 2 ") || !strings.Contains(last[0], "it is broken") || !strings.Contains(last[1], "message 1 ") || !strings.Contains(last[1], "broke over it 3 times") {
		t.Errorf("told of %q", unread)
	}
}

// TestTakeFails: when a message cannot be taken, what was taken before it is put away,
// and it comes again.
func TestTakeFails(t *testing.T) {
	t.Parallel()
	var marked []string
	done := make(chan struct{})
	f := serve(t, func(c *talk) {
		defer close(done)
		c.answer(3, func(_, command string) bool {
			if strings.HasPrefix(command, "UID STORE") {
				marked = append(marked, command)
			}
			return false
		})
	})
	full := errors.New("the disk is full")
	n := 0
	err := read(t.Context(), mailbox.New(f.account(), func(error) {}), func(context.Context, []byte) error {
		if n++; n == 3 {
			return full
		}
		return nil
	})
	<-done
	if want := []string{`UID STORE 1:2 +FLAGS.SILENT (\Seen)`}; !errors.Is(err, full) || !slices.Equal(marked, want) {
		t.Errorf("%v, marked %q, want %q", err, marked, want)
	}
}
