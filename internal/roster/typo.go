package roster

import "strings"

// mailDomains are the domains that most people who mistype theirs mean.
func mailDomains() []string {
	return []string{
		"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "hotmail.fr", "live.com", "live.fr", "msn.com", "yahoo.com", "yahoo.fr", "yahoo.co.uk",
		"icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr",
		"proton.me", "protonmail.com", "fastmail.com", "posteo.de", "mailbox.org", "btinternet.com", "bluewin.ch", "skynet.be", "videotron.ca",
	}
}

// Meant returns the address that somebody who typed this one may have meant: the
// same at a well-known domain that differs by one slip of the hand. Empty: no idea,
// or nothing is wrong. It is for asking back, never for correcting.
func Meant(address string) string {
	local, domain, _ := cutLast(address, '@')
	best := ""
	for _, d := range mailDomains() {
		if d == domain {
			return ""
		}
		if best == "" && len(d) > 5 && slip(domain, d) {
			best = d
		}
	}
	if best == "" {
		for wrong, right := range map[string]string{".con": ".com", ".cmo": ".com", ".ocm": ".com", ".vom": ".com", ".comm": ".com", ".fre": ".fr"} {
			if rest, ok := strings.CutSuffix(domain, wrong); ok && rest != "" {
				return local + "@" + rest + right
			}
		}
		return ""
	}
	return local + "@" + best
}

// slip reports whether a becomes b by one letter more, less, another, or by two
// neighbours that changed places.
func slip(a, b string) bool {
	if a == b || max(len(a), len(b))-min(len(a), len(b)) > 1 {
		return false
	}
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	a, b = a[n:], b[n:]
	switch {
	case len(a) < len(b):
		return a == b[1:]
	case len(a) > len(b):
		return a[1:] == b
	case a[1:] == b[1:]:
		return true
	}
	return len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}
