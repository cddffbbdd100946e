package roster

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// Limits of RFC 5321 4.5.3.1: octets in a local part and in an address (a path
// of 256 less its angle brackets).
const (
	maxLocal   = 64
	maxAddress = 254
)

// idnaProfile is idna.Lookup with the DNS's length limits; it holds no state.
var idnaProfile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// Address checks an e-mail address and returns it in the form in which it is
// kept, compared and written to SMTP: without surrounding space, the domain in
// lower case and as A-labels (IDNA 2008). The local part keeps its case. What
// cannot be mailed everywhere is refused in words for the person who typed it:
// local parts outside ASCII (they need SMTPUTF8 at every hop), quoted local
// parts, address literals, and anything that holds a line end.
func Address(s string) (string, error) {
	if strings.ContainsAny(s, "\r\n\x00") {
		return "", errors.New("the address holds a line end")
	}
	s = strings.Trim(s, " \t\u00a0\u202f\ufeff")
	local, domain, ok := cutLast(s, '@')
	switch {
	case s == "":
		return "", errors.New("the address is empty")
	case !ok || local == "" || domain == "":
		return "", errors.New("that is no e-mail address: it needs a name, an @ and a domain")
	case len(local) > maxLocal:
		return "", fmt.Errorf("the part before the @ has %d characters, %d are allowed", len(local), maxLocal)
	}
	if err := checkLocal(local); err != nil {
		return "", err
	}
	ascii, err := Domain(domain)
	if err != nil {
		return "", err
	}
	if n := len(local) + 1 + len(ascii); n > maxAddress {
		return "", fmt.Errorf("the address has %d characters, %d are allowed", n, maxAddress)
	}
	return local + "@" + ascii, nil
}

// Domain returns a mail domain in lower case and as A-labels, or says what is
// wrong with it. It must have a dot and must not be an address literal.
func Domain(s string) (string, error) {
	if strings.HasPrefix(s, "[") {
		return "", errors.New("an address by IP number cannot subscribe")
	}
	ascii, err := idnaProfile.ToASCII(s)
	if err != nil {
		return "", fmt.Errorf("%q is no domain name", s)
	}
	ascii = strings.ToLower(ascii)
	dot := strings.LastIndexByte(ascii, '.')
	if dot < 0 {
		return "", fmt.Errorf("the domain %q has no dot", s)
	}
	if strings.Trim(ascii[dot+1:], "0123456789") == "" {
		return "", fmt.Errorf("%q is no domain name", s)
	}
	return ascii, nil
}

// checkLocal wants a dot-atom (RFC 5322 3.2.3).
func checkLocal(local string) error {
	for _, r := range local {
		switch {
		case r >= 0x80:
			return errors.New("letters outside ASCII before the @ cannot be mailed everywhere")
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r):
		default:
			return fmt.Errorf("%q cannot stand before the @", r)
		}
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return errors.New("a dot stands at the edge or doubled before the @")
	}
	return nil
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
