// Package dns is a DNS server on loopback with TXT, MX and A records.
package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Serve answers questions until stop is called. Records returns the zone at the time of
// the question: lines such as
//
//	name. IN TXT ( "text" "more text" )
//	name. IN MX 10 other.
//	other. IN A 192.0.2.1
//
// It gives no answer at all where records fails.
func Serve(records func() (string, error)) (address string, stop func(), err error) {
	c, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var served sync.WaitGroup
	served.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			zone, err := records()
			if err != nil {
				continue
			}
			if reply, err := answer(buf[:n], zone); err == nil {
				_, _ = c.WriteTo(reply, from) // who asked may be gone
			}
		}
	})
	return c.LocalAddr().String(), func() {
		_ = c.Close() // ends the reading
		served.Wait()
	}, nil
}

// Resolver asks the server at an address, or nobody where that is empty: tests
// leave the world alone.
func Resolver(address string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if address == "" {
			return nil, errors.New("no DNS in this test")
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}
}

// Lookup returns the records of a name, which ends with a dot, each in its pieces.
func Lookup(zone, name string) (list [][]string) {
	for line := range strings.Lines(zone) {
		owner, rest, _ := strings.Cut(line, " IN TXT ")
		if !strings.EqualFold(owner, name) {
			continue
		}
		var texts []string
		for i, piece := range strings.Split(rest, `"`) {
			if i%2 == 1 { // between quotation marks
				texts = append(texts, piece)
			}
		}
		list = append(list, texts)
	}
	return list
}

func answer(question []byte, zone string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	if len(m.Questions) != 1 {
		return nil, errors.New("not one question")
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals, m.RCode = true, true, nil, dnsmessage.RCodeNameError
	add := func(kind dnsmessage.Type, body dnsmessage.ResourceBody) {
		m.RCode = dnsmessage.RCodeSuccess // the name is known
		if q.Type == kind {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: kind, Class: dnsmessage.ClassINET}, Body: body,
			})
		}
	}
	for _, texts := range Lookup(zone, q.Name.String()) {
		add(dnsmessage.TypeTXT, &dnsmessage.TXTResource{TXT: texts})
	}
	for line := range strings.Lines(zone) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.EqualFold(f[0], q.Name.String()) {
			continue
		}
		switch f[2] {
		case "MX":
			preference, err := strconv.ParseUint(f[3], 10, 16)
			if err != nil {
				return nil, err
			}
			host, err := dnsmessage.NewName(f[len(f)-1])
			if err != nil {
				return nil, err
			}
			add(dnsmessage.TypeMX, &dnsmessage.MXResource{Pref: uint16(preference), MX: host})
		case "A":
			ip, err := netip.ParseAddr(f[3])
			if err != nil {
				return nil, err
			}
			add(dnsmessage.TypeA, &dnsmessage.AResource{A: ip.As4()})
		}
	}
	return m.Pack()
}
