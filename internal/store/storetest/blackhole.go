package storetest

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Blackhole returns the DSN of a database by a way that can be blocked: after block,
// connections to it stay open and nothing comes through any more, as when a server
// was stopped by SIGSTOP, or a network loses every packet.
func Blackhole(t testing.TB, dsn string) (blocked string, block func()) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{shut: make(chan struct{}), over: make(chan struct{})}
	t.Cleanup(func() {
		close(h.over)
		_ = l.Close() // of a test that ends
		h.all.Wait()
	})
	h.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.all.Go(func() { h.pass(c, server) })
		}
	})
	u.Host = l.Addr().String()
	return u.String(), sync.OnceFunc(func() { close(h.shut) })
}

// hole is a way that can be blocked.
type hole struct {
	shut, over chan struct{}
	all        sync.WaitGroup
}

// pass connects a client with the server until one of them ends.
func (h *hole) pass(client net.Conn, server string) {
	defer client.Close()
	s, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", server)
	if err != nil {
		return
	}
	defer s.Close()
	ended := make(chan struct{}, 2)
	h.all.Go(func() { h.copy(s, client, ended) })
	h.all.Go(func() { h.copy(client, s, ended) })
	select {
	case <-ended:
	case <-h.over:
	}
}

func (h *hole) copy(to, from net.Conn, ended chan<- struct{}) {
	defer func() { ended <- struct{}{} }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-h.shut:
			<-h.over // whatever it was, it is lost
			return
		default:
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
