package newsletter

import "strings"

// DomainGroup returns the name under which a recipient domain is paced together
// with the other domains of the same receiver: "gmail" for gmail.com and
// googlemail.com; the domain itself where no receiver is known.
func DomainGroup(domain string) string {
	domain = strings.ToLower(domain)
	switch domain {
	case "gmail.com", "googlemail.com":
		return "gmail"
	case "icloud.com", "me.com", "mac.com":
		return "icloud"
	case "aol.com", "ymail.com", "rocketmail.com":
		return "yahoo"
	case "msn.com", "passport.com":
		return "outlook"
	}
	name, _, _ := strings.Cut(domain, ".")
	switch name {
	case "outlook", "hotmail", "live":
		return "outlook"
	case "yahoo":
		return "yahoo"
	}
	return domain
}
