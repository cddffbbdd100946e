package web

import (
	"net/http"
	"net/netip"
	"strings"

	"syndicate/internal/newsletter"
)

// trusted reports whether the peer of the connection is a proxy whose
// forwarding headers are believed.
func (s *server) trusted(a netip.Addr) bool {
	for _, p := range s.o.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// peer returns the address of the other end of the connection; the zero Addr
// where it is unknown.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// client returns the address a request came from: the peer's, or, behind
// trusted proxies, the last address in X-Forwarded-For that is not theirs.
// Whatever stands before that one was written by the client itself.
func (s *server) client(r *http.Request) netip.Addr {
	a := peer(r)
	if len(r.Header["X-Forwarded-For"]) == 0 {
		return a
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(a); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		a = hop.Unmap().WithZone("")
	}
	return a
}

// unnamed reports whether a client may stand for many: on this machine and in private
// networks it may be a proxy that names nobody, or that is not trusted. Limits by
// client do not hold for those: one visitor would use them up for all.
func unnamed(a netip.Addr) bool {
	return !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// networkOf returns the network of a request's client, as newsletter.Network names
// it; empty: it is not known.
func (s *server) networkOf(r *http.Request) string {
	a := s.client(r)
	if unnamed(a) {
		return ""
	}
	return newsletter.Network(a)
}

// noteProxy tells the operator, once, that requests come through a proxy that is not
// trusted.
func (s *server) noteProxy(r *http.Request) {
	if s.proxied.Load() || !forwarded(r) {
		return
	}
	if a := peer(r); a.IsValid() && unnamed(a) && !s.trusted(a) && s.proxied.CompareAndSwap(false, true) {
		s.log.WarnContext(r.Context(), "a proxy is not trusted: visitors cannot be told apart, and limits for each of them do not hold",
			"proxy", a.String(), "key", "web.trusted_proxies")
	}
}

// forwarded reports whether a proxy, or somebody who plays one, says whose request it
// passes on.
func forwarded(r *http.Request) bool {
	return r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
}

// isHTTPS reports whether the client's own connection is encrypted.
func (s *server) isHTTPS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	return strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") && s.trusted(peer(r))
}

// isLocal reports whether a request comes from this machine or a private
// network. A request that a proxy passed on is judged by the client it names; a
// proxy that is not trusted cannot vouch for anybody.
func (s *server) isLocal(r *http.Request) bool {
	if forwarded(r) && !s.trusted(peer(r)) {
		return false
	}
	a := s.client(r)
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}
