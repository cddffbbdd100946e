package intake

import (
	"io"
	"net"
	"net/netip"
	"time"
)

// gate is the listener as go-smtp sees it: only who is admitted comes through.
type gate struct {
	net.Listener
	server *Server
}

// Accept waits for the next connection that is admitted. The others are told to come
// again.
func (g *gate) Accept() (net.Conn, error) {
	for {
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := g.server.admit(raw); c != nil {
			return c, nil
		}
		g.server.counts.away.Add(1)
		_ = raw.SetWriteDeadline(time.Now().Add(time.Second)) // it has room for a line
		_, _ = io.WriteString(raw, "421 4.7.0 "+g.server.o.Name+" Too many connections, please come again\r\n")
		raw.Close()
	}
}

// admit counts a connection; nil: there are too many.
func (s *Server) admit(raw net.Conn) *conn {
	client := clientOf(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	// A mail server on this machine speaks for all the world.
	if s.closed || len(s.conns) >= s.o.Connections || !client.IsLoopback() && s.clients[client] >= s.o.PerClient {
		return nil
	}
	c := &conn{Conn: raw, server: s, client: client, end: time.Now().Add(s.o.Timeouts.Life)}
	s.conns[c] = struct{}{}
	s.clients[client]++
	return c
}

// hasty counts a message of a client, and reports whether it is one too many for this
// minute. How many clients there can be is bounded by their connections.
func (s *Server) hasty(client netip.Addr) bool {
	if client.IsLoopback() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.o.Now(); now.Sub(s.minute) >= time.Minute || now.Before(s.minute) {
		s.minute = now
		clear(s.sent)
	}
	s.sent[client]++
	return s.sent[client] > s.o.PerMinute
}

// crowded reports whether more than half of the connections are in use: then nobody is
// waited for as long as else. s.mu is held.
func (s *Server) crowded() bool { return len(s.conns) > s.o.Connections/2 }

// leave takes a connection off the count.
func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.conns[c]; !there {
		return
	}
	delete(s.conns, c)
	if s.clients[c.client]--; s.clients[c.client] <= 0 {
		delete(s.clients, c.client)
	}
}

// clientOf returns what one customer of a provider has: an IPv4 address, or an IPv6
// network of 64 bits.
func clientOf(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	a := at.Addr().Unmap().WithZone("")
	if a.Is6() && !a.IsLoopback() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
