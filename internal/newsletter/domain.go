package newsletter

import "strings"

// DomainGroup returns the name under which a recipient domain is paced together
// with the other domains of the same receiver: "gmail" for gmail.com and
// googlemail.com; the domain itself where no receiver is known. See also
// ReceiverOfMX.
func DomainGroup(domain string) string {
	domain = strings.ToLower(domain)
	switch domain {
	case "gmail.com", "googlemail.com":
		return "gmail"
	case "icloud.com", "me.com", "mac.com":
		return "icloud"
	case "ymail.com", "rocketmail.com", "aim.com", "verizon.net":
		return "yahoo"
	case "msn.com", "passport.com":
		return "outlook"
	case "web.de":
		return "gmx"
	case "wanadoo.fr", "orange.fr", "voila.fr":
		return "orange"
	case "free.fr", "freesbee.fr", "libertysurf.fr", "aliceadsl.fr":
		return "free"
	case "sfr.fr", "neuf.fr", "9online.fr", "numericable.fr", "club-internet.fr", "cegetel.net":
		return "sfr"
	case "laposte.net":
		return "laposte"
	case "proton.me", "protonmail.com", "protonmail.ch", "pm.me":
		return "proton"
	case "t-online.de", "magenta.de":
		return "t-online"
	case "libero.it", "inwind.it", "iol.it", "blu.it", "giallo.it":
		return "libero"
	case "comcast.net", "xfinity.com":
		return "comcast"
	case "mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru":
		return "mail.ru"
	case "yandex.ru", "yandex.com", "ya.ru":
		return "yandex"
	case "qq.com", "foxmail.com":
		return "qq"
	case "163.com", "126.com", "yeah.net":
		return "netease"
	}
	name, rest, _ := strings.Cut(domain, ".")
	switch second, _, country := strings.Cut(rest, "."); {
	case !country: // yahoo.fr
	case second == "co" || second == "com" || second == "ne": // yahoo.co.uk, but not live.example.org
	default:
		return domain
	}
	switch name {
	case "outlook", "hotmail", "live":
		return "outlook"
	case "yahoo", "aol":
		return "yahoo"
	case "gmx":
		return "gmx"
	}
	return domain
}

// ReceiverOfMX returns the group of the receiver that a mail exchanger belongs
// to, such as "gmail" for aspmx.l.google.com; empty: none that is known.
func ReceiverOfMX(host string) string {
	host = "." + strings.ToLower(strings.TrimSuffix(host, "."))
	for _, r := range [...][2]string{
		{".google.com", "gmail"},
		{".googlemail.com", "gmail"},
		{".protection.outlook.com", "outlook"},
		{".mx.microsoft", "outlook"},
		{".hotmail.com", "outlook"},
		{".yahoodns.net", "yahoo"},
		{".icloud.com", "icloud"},
		{".apple.com", "icloud"},
		{".protonmail.ch", "proton"},
		{".proton.ch", "proton"},
		{".gmx.net", "gmx"},
		{".web.de", "gmx"},
		{".orange.fr", "orange"},
		{".wanadoo.fr", "orange"},
		{".free.fr", "free"},
		{".sfr.fr", "sfr"},
		{".laposte.net", "laposte"},
		{".t-online.de", "t-online"},
		{".comcast.net", "comcast"},
		{".mail.ru", "mail.ru"},
		{".yandex.ru", "yandex"},
		{".yandex.net", "yandex"},
		{".qq.com", "qq"},
		{".netease.com", "netease"},
	} {
		if strings.HasSuffix(host, r[0]) {
			return r[1]
		}
	}
	return ""
}
