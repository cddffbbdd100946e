package mailer

import (
	"context"
	"fmt"
	"strings"
)

// Capabilities is what a relay offered.
type Capabilities struct {
	TLS        string   // "TLS 1.3", empty: not encrypted
	Auth       string   // the mechanism we logged in with, empty: no login
	Offered    []string // login mechanisms
	Pipelining bool     // RFC 2920
	Size       int64    // octets a message may have, RFC 1870; 0: not said

	declareSize bool // it wants SIZE= in MAIL
}

// String says it in words.
func (c Capabilities) String() string {
	words := []string{"not encrypted", "no login", "no pipelining"}
	if c.TLS != "" {
		words[0] = c.TLS
	}
	if c.Auth != "" {
		words[1] = "login with " + c.Auth
	}
	if c.Pipelining {
		words[2] = "pipelining"
	}
	if c.Size > 0 {
		words = append(words, fmt.Sprintf("messages up to %.1f MB", float64(c.Size)/1e6))
	}
	return strings.Join(words, ", ")
}

// Check connects to the relay, logs in, leaves and says what it found. Errors
// are those of Dial.
func Check(ctx context.Context, r Relay) (Capabilities, error) {
	c, _, err := Dial(ctx, r)
	if err != nil {
		return Capabilities{}, err
	}
	c.Quit()
	return c.caps, nil
}
