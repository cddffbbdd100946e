package mailer_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
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
	for _, caps := range []string{"250-PIPELINING\r\n", ""} {
		for _, connections := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("pipelining=%v/connections=%d", caps != "", connections), func(b *testing.B) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				go func() {
					for {
						c, err := l.Accept()
						if err != nil {
							return
						}
						go discard(c, caps)
					}
				}()
				relay := mailer.Relay{Host: "127.0.0.1", Port: port(b, l), TLS: "none", Helo: "localhost"}
				tpl, p := build(b, bigContent()), personal()
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
			})
		}
	}
}
