package newsletter

import (
	"net/netip"
	"time"
)

// SignUp is what somebody asked for with a form: the proof of where a consent came
// from, and what is to be set when it is confirmed.
type SignUp struct {
	At       time.Time `json:"at"`
	Source   string    `json:"source"`             // "form" on a page of the site, "embed" elsewhere
	Page     string    `json:"page,omitempty"`     // where the form stood, as far as that was told: a path of the site, or another site
	Form     string    `json:"form,omitempty"`     // which words stood in it: their hash, by which the store has them
	Network  string    `json:"network,omitempty"`  // of who asked, see Network
	Language string    `json:"language,omitempty"` // of the mail; empty: the newsletter's
	Topics   []string  `json:"topics,omitempty"`   // none: all

	// ArchiveOnly: nobody is to be subscribed; whoever is asks for their link to the issues.
	ArchiveOnly bool `json:"archive_only,omitempty"`
}

// Consent is the proof of a consent by double opt-in.
type Consent struct {
	SignUp
	Confirmed        time.Time `json:"confirmed"`
	ConfirmedNetwork string    `json:"confirmed_network,omitempty"`
}

// The networks that one customer of a provider, or a small company, is in.
const (
	networkBits4 = 24
	networkBits6 = 48
)

// Network returns an address without what tells one machine from its neighbours:
// "192.0.2.0/24", "2001:db8:7::/48"; empty for the zero address.
func Network(a netip.Addr) string {
	bits := networkBits6
	if a = a.Unmap().WithZone(""); a.Is4() {
		bits = networkBits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
