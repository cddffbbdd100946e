package websub

import (
	"net/url"
	"strings"
	"time"
)

// Intent is what a hub asks a callback: whether it meant to subscribe or to
// unsubscribe (section 5.3), or what it tells it: that it is denied (section 5.2).
type Intent struct {
	Mode      Mode
	Topic     string
	Challenge string        // to be echoed; not with Denied
	Lease     time.Duration // granted; with Subscribe only
	Reason    string        // with Denied only, may be empty
}

// URL returns the callback with the intent added to its query.
func (i Intent) URL(callback string) (string, error) {
	u, err := url.Parse(callback)
	if err != nil {
		return "", err
	}
	query := url.Values{"hub.mode": {string(i.Mode)}, "hub.topic": {i.Topic}}
	if i.Challenge != "" {
		query.Set("hub.challenge", i.Challenge)
	}
	if i.Mode == Subscribe {
		query.Set("hub.lease_seconds", seconds(i.Lease))
	}
	if i.Reason != "" {
		query.Set("hub.reason", i.Reason)
	}
	// What the callback's query says stays as it is, byte for byte.
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	return u.String(), nil
}

// ParseIntent reads the query of a request to a callback. The error is a *Refusal.
func ParseIntent(query url.Values) (Intent, error) {
	i := Intent{
		Mode: Mode(query.Get("hub.mode")), Topic: query.Get("hub.topic"),
		Challenge: query.Get("hub.challenge"), Reason: query.Get("hub.reason"),
	}
	switch i.Mode {
	case Denied:
		return i, nil
	case Subscribe, Unsubscribe:
	default:
		return i, refuse("hub.mode is to be subscribe, unsubscribe or denied")
	}
	if i.Challenge == "" {
		return i, refuse("hub.challenge is missing")
	}
	lease, err := parseLease(query.Get("hub.lease_seconds"))
	i.Lease = lease
	return i, err
}

// Echoes reports whether the answer of a callback is the challenge. A line end
// behind it is forgiven.
func (i Intent) Echoes(answer []byte) bool {
	return i.Challenge != "" && strings.TrimRight(string(answer), "\r\n") == i.Challenge
}
