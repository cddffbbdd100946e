package web_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"syndicate/internal/web"
)

// BenchmarkFeed takes a feed through all of net/http over a connection in memory,
// beside a handler that does nothing but write the same bytes: what the short way
// costs. cpu-ns is processor time, which other work on the machine stretches less.
func BenchmarkFeed(b *testing.B) {
	s := newSite(b, func(o *web.Options) { o.Log = slog.New(slog.DiscardHandler) })
	s.write("feed.rss", strings.Repeat("<item/>\n", 40_000))
	r := s.get("/feed.rss", "Accept-Encoding", "gzip")
	body, err := io.ReadAll(r.Body)
	s.check(err)
	tag := r.Header.Get("Etag")
	bare := bareFeed(tag, body)
	for name, request := range map[string]string{
		"whole":     "GET /feed.rss HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept-Encoding: gzip\r\n\r\n",
		"unchanged": "GET /feed.rss HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept-Encoding: gzip\r\nIf-None-Match: " + tag + "\r\n\r\n",
	} {
		for who, server := range map[string]*http.Server{
			"ours": web.NewServer(s.handler, web.Timeouts{}, nil),
			"bare": {Handler: bare, ReadHeaderTimeout: time.Minute},
		} {
			b.Run(name+"/"+who, func(b *testing.B) {
				b.ReportAllocs()
				c := &replay{request: []byte(request), n: b.N, done: make(chan struct{})}
				l := &oneListener{conn: c, done: c.done}
				before := processorTime()
				err := server.Serve(l)
				b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
				if err != io.EOF || c.answers != b.N { //nolint:errorlint // it is this very one
					b.Fatalf("%d answers of %d, %v", c.answers, b.N, err)
				}
			})
		}
	}
}

// bareFeed does nothing but write a feed.
func bareFeed(tag string, body []byte) http.Handler {
	length := strconv.Itoa(len(body))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", "application/rss+xml; charset=utf-8")
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", length)
		w.Write(body)
	})
}

// BenchmarkUnchanged asks for a feed with the tag that it has, over a socket, which
// has deadlines: as they are set, as net/http would set them, and a bare program,
// which has but one. The client's part is in all three.
func BenchmarkUnchanged(b *testing.B) {
	s := newSite(b, func(o *web.Options) { o.Log = slog.New(slog.DiscardHandler) })
	s.write("feed.rss", strings.Repeat("<item/>\n", 40_000))
	tag := s.get("/feed.rss", "Accept-Encoding", "gzip").Header.Get("Etag")
	request := "GET /feed.rss HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept-Encoding: gzip\r\nIf-None-Match: " + tag + "\r\n\r\n"
	eager := func(l net.Listener) net.Listener { return l }
	for _, c := range []struct {
		who    string
		server *http.Server
		listen func(net.Listener) net.Listener
	}{
		{"ours", web.NewServer(s.handler, web.Timeouts{}, nil), web.LazyDeadlines},
		{"eager", web.NewServer(s.handler, web.Timeouts{}, nil), eager},
		{"bare", &http.Server{Handler: bareFeed(tag, nil), ReadHeaderTimeout: time.Minute}, eager},
	} {
		b.Run(c.who, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			s.check(err)
			done := make(chan error, 1)
			go func() { done <- c.server.Serve(c.listen(l)) }()
			conn, err := net.Dial("tcp", l.Addr().String())
			s.check(err)
			answers := bufio.NewReader(conn)
			before := processorTime()
			for range b.N {
				_, err := io.WriteString(conn, request)
				s.check(err)
				for line := []byte(nil); len(line) != len("\r\n"); {
					line, err = answers.ReadSlice('\n')
					s.check(err)
				}
			}
			b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
			s.check(conn.Close())
			s.check(l.Close())
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				b.Fatal(err)
			}
		})
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// replay is a connection on which the same request comes n times.
type replay struct {
	request    []byte
	n, answers int
	sent       int
	rest       []byte
	done       chan struct{}
	once       sync.Once
}

func (c *replay) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.sent == c.n {
			return 0, io.EOF
		}
		c.rest, c.sent = c.request, c.sent+1
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *replay) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p[:min(9, len(p))]), "HTTP/1.1 ") {
		c.answers++
	}
	return len(p), nil
}

func (c *replay) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

func (c *replay) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

func (c *replay) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000} }
func (c *replay) SetDeadline(time.Time) error      { return nil }
func (c *replay) SetReadDeadline(time.Time) error  { return nil }
func (c *replay) SetWriteDeadline(time.Time) error { return nil }

// oneListener accepts one connection, and ends when that does.
type oneListener struct {
	conn net.Conn
	done chan struct{}
}

func (l *oneListener) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, io.EOF
}
func (l *oneListener) Close() error   { return nil }
func (l *oneListener) Addr() net.Addr { return &net.TCPAddr{} }
