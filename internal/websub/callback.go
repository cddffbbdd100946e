package websub

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Owner names whose machines a callback is on, as far as its address says: the
// domain somebody registered, an IPv4 address, or the network of an IPv6 address.
// Limits are held by it, since anybody has as many names below a domain as wanted.
func Owner(callback string) string {
	u, err := url.Parse(callback)
	if err != nil {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return Network(a)
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return domain
	}
	return host
}

// Network is what one customer of a provider has: an IPv4 address, or an IPv6
// network of 64 bits.
func Network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
