package mailer_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

// discard is an SMTP server that throws everything away, as cheaply as it can,
// so that what is measured is the client.
func discard(c net.Conn, caps string) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	out := []byte("220 discard\r\n")
	for {
		if r.Buffered() == 0 {
			if _, err := c.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("DATA")):
			out = append(out, "354 go on\r\n"...)
			if _, err := c.Write(out); err != nil {
				return
			}
			out = out[:0]
			for {
				line, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				if len(line) == 3 && line[0] == '.' {
					break
				}
			}
			out = append(out, "250 2.0.0 Ok: queued as 4XQk3p2Cz1z9sR\r\n"...)
		case bytes.HasPrefix(line, []byte("EHLO")):
			out = append(append(out, caps...), "250 8BITMIME\r\n"...)
		default:
			out = append(out, "250 2.1.0 Ok\r\n"...)
		}
	}
}

// BenchmarkRun sends a message of 38 KB to an SMTP server in this process: one
// iteration is one message, spliced, dot-stuffed and answered, by both sides.
func BenchmarkRun(b *testing.B) {
	for _, caps := range []string{offered, ""} {
		for _, connections := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("pipelining=%v/connections=%d", caps != "", connections), func(b *testing.B) {
				benchmarkRun(b, bigContent(), caps, connections)
			})
		}
	}
}

// BenchmarkSignedRun does the same with an RSA and an Ed25519 signature, and beside
// it does what cannot be done without: sign, send, read the answer.
func BenchmarkSignedRun(b *testing.B) {
	c := bigContent()
	c.Signer = mailer.NewSigner(keys(b, "rsa", "ed")...)
	for _, connections := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("ours/connections=%d", connections), func(b *testing.B) { benchmarkRun(b, c, offered, connections) })
		b.Run(fmt.Sprintf("bare/connections=%d", connections), func(b *testing.B) { benchmarkBare(b, c, connections) })
	}
}

const offered = "250-PIPELINING\r\n"

// sink starts the server and returns where it listens.
func sink(b *testing.B, caps string) net.Listener {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go discard(c, caps)
		}
	}()
	return l
}

func benchmarkRun(b *testing.B, content mailer.Content, caps string, connections int) {
	b.Helper()
	relay := mailer.Relay{Host: "127.0.0.1", Port: port(b, sink(b, caps)), TLS: "none", Helo: "localhost"}
	tpl, p := build(b, content), personal()
	b.SetBytes(int64(len(tpl.Append(nil, p))))
	b.ReportAllocs()
	conns := make(chan *mailer.Conn, connections)
	for range connections {
		conns <- dial(b, relay)
	}
	b.SetParallelism((connections + 1) / 2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var c *mailer.Conn
		select {
		case c = <-conns:
		default:
			return // more goroutines than connections
		}
		end := c.Run(context.Background(), func(context.Context) (*mailer.Outgoing, bool) {
			if !pb.Next() {
				return nil, false
			}
			return &mailer.Outgoing{
				From: "news@example.org", To: p.To.Address,
				Message: func(dst []byte) []byte { return tpl.Append(dst, p) },
			}, true
		}, func(_ *mailer.Outgoing, r newsletter.Reply) {
			if r.Code != 250 {
				b.Errorf("%+v", r)
			}
		})
		if end.Code != 250 {
			b.Errorf("%+v", end)
		}
		c.Quit()
	})
}

// benchmarkBare writes each message in one piece with the commands before it, and
// looks at no answer but for its end.
func benchmarkBare(b *testing.B, content mailer.Content, connections int) {
	b.Helper()
	address := sink(b, offered).Addr().String()
	tpl, p := build(b, content), personal()
	b.SetBytes(int64(len(tpl.Append(nil, p))))
	b.ReportAllocs()
	conns := make(chan net.Conn, connections)
	for range connections {
		c, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		conns <- c
	}
	b.SetParallelism((connections + 1) / 2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var c net.Conn
		select {
		case c = <-conns:
		default:
			return // more goroutines than connections
		}
		r := bufio.NewReader(c)
		var out []byte
		for pb.Next() {
			out = append(out[:0], "MAIL FROM:<news@example.org>\r\nRCPT TO:<zoe@example.net>\r\nDATA\r\n"...)
			out = append(tpl.Append(out, p), ".\r\n"...)
			if _, err := c.Write(out); err != nil {
				b.Error(err)
				return
			}
			for line := ""; !strings.HasPrefix(line, "250 2.0.0"); {
				var err error
				if line, err = r.ReadString('\n'); err != nil {
					b.Error(err)
					return
				}
			}
		}
	})
}
