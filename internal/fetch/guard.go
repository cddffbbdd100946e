package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// platform are public addresses that answer only inside a provider's machines:
// Azure's, which hands out their keys.
var platform = netip.MustParsePrefix("168.63.129.16/32")

// guard dials what is on the public internet. It judges the address that a
// connection is about to be made to, after DNS, so that no name can lead it
// elsewhere: not one that answers differently the second time it is asked.
type guard struct {
	private map[string]bool // hosts that may be anywhere
	free    net.Dialer
	guarded net.Dialer
}

func newGuard(o Options) *guard {
	g := &guard{private: map[string]bool{}, free: net.Dialer{Timeout: o.Connect}}
	for _, host := range o.Private {
		g.private[canonicalHost(host)] = true
	}
	// Special addresses by IANA's registries, IPv4 ones inside IPv6 (mapped, 6to4,
	// NAT64, Teredo) among them.
	judge := ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(platform))
	g.guarded = net.Dialer{Timeout: o.Connect, Control: func(network, address string, c syscall.RawConn) error {
		if err := judge.Safe(network, address, c); err != nil {
			return refused(address, err)
		}
		return checkPort(address)
	}}
	return g
}

func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if g.private[canonicalHost(host)] {
		return g.free.DialContext(ctx, network, address)
	}
	return g.guarded.DialContext(ctx, network, address)
}

// canonicalHost makes the names of one host equal: news.Example.org. and its like.
func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return strings.ToLower(host)
}

// checkPort refuses the low ports of other services, mail servers for one, which
// may take the lines of a request for commands.
func checkPort(address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if p := a.Port(); p != 80 && p != 443 && p < 1024 {
		return fmt.Errorf("%w: nothing on port %d is a web server", ErrAddress, p)
	}
	return nil
}

// refused says in our words why an address is not dialled.
func refused(address string, cause error) error {
	if !errors.Is(cause, ssrf.ErrProhibitedIP) {
		return cause
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return fmt.Errorf("%w: its address is %s", ErrPrivate, host)
}
