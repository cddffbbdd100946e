package config

import (
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"text/template/parse"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/robfig/cron/v3"
	"golang.org/x/net/idna"
	"golang.org/x/text/language"
)

// kind describes what a string of some kind is, and returns the function that checks one and brings it
// into its canonical form. The empty kind is any text on one line.
func kind(name string) (want string, check func(string) (string, error)) {
	switch name {
	case "text":
		return "text", func(s string) (string, error) { return clean(s, "\n\t") }
	case "url":
		want, check = "an http or https URL", siteURL
	case "anyurl":
		want, check = "an http or https URL", absoluteURL
	case "hub":
		want, check = "self or an http or https URL", hub
	case "link":
		want, check = "an http or https URL or a path that begins with /", link
	case "language":
		want, check = "a language tag such as en or pt-BR", languageTag
	case "schedule":
		want, check = `a schedule such as "0 7 * * MON"`, schedule
	case "template":
		want, check = "text", template
	case "name":
		want, check = "small letters, digits and hyphens", newsletterName
	case "group":
		want, check = "a recipient domain, a receiver such as gmail, or default", group
	case "host":
		want, check = "a host name or an IP address", host
	case "domain":
		want, check = "a domain such as example.org", domain
	case "selector":
		want, check = "a DKIM selector such as s1", selector
	case "listen":
		want, check = "an address and port such as 127.0.0.1:8080", listen
	case "path":
		want, check = "the name of a file or folder", present
	case "inside":
		want, check = "the name of a file in the site folder", inside
	case "feedname":
		want, check = "small letters, digits and hyphens", feedName
	case "feedpath":
		want, check = "a folder on the site, such as podcast", feedPath
	case "oldpath":
		want, check = "a path on the site that begins with /", oldPath
	case "folder":
		want, check = "the name of a folder in templates/", folder
	case "pattern":
		want, check = "a file name pattern such as *.draft.md", pattern
	default:
		want, check = "text", func(s string) (string, error) { return s, nil }
	}
	inner := check
	return want, func(s string) (string, error) {
		s, err := clean(s, "")
		if err != nil {
			return "", err
		}
		s, err = inner(s)
		if f := faultOf(err); err != nil && f.message == "" && f.expected == "" {
			return "", fault{expected: want, hint: f.hint}
		}
		return s, err
	}
}

// not is the fault of a string that is not of its kind; kind says what was expected.
func not(hint string) error { return fault{hint: hint} }

// clean refuses control characters, which could end a header of a mail and begin another, but those
// in except. A line break at the end is what YAML makes of | and >.
func clean(s, except string) (string, error) {
	s = strings.TrimRight(s, "\n")
	if !utf8.ValidString(s) {
		return "", wrong("", "not UTF-8 text")
	}
	for _, r := range s {
		switch {
		case strings.ContainsRune(except, r):
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return "", wrong("", "a line break is not allowed here")
		case unicode.IsControl(r):
			return "", wrong("", "the character %U is not allowed here", r)
		}
	}
	return s, nil
}

func present(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", not("")
	}
	return s, nil
}

func absoluteURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err == nil && u.User != nil:
		return "", wrong("", "a user name or password is not allowed in this URL")
	case err == nil && u.Scheme == "" && u.Host == "" && strings.Contains(s, "."):
		return "", not("begin with https://")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(s, " <>\"\\"):
		return "", not("")
	}
	name, err := host(u.Hostname())
	if err != nil {
		return "", not("")
	}
	if p := u.Port(); p != "" && !isPort(p) {
		return "", wrong("", "%s is not a port", quote(p))
	}
	if !strings.EqualFold(name, u.Hostname()) {
		s = strings.Replace(s, u.Hostname(), name, 1) // an international name, now in ASCII
	}
	return s, nil
}

// siteURL is one that paths are added to.
func siteURL(s string) (string, error) {
	s, err := absoluteURL(s)
	if err == nil && strings.ContainsAny(s, "?#") {
		return "", wrong("paths are added to it", "? and # are not allowed in this URL")
	}
	return strings.TrimRight(s, "/"), err
}

func hub(s string) (string, error) {
	if s == "self" {
		return s, nil
	}
	return absoluteURL(s)
}

func link(s string) (string, error) {
	if strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") {
		if u, err := url.Parse(s); err == nil {
			return u.String(), nil
		}
	}
	if !strings.Contains(s, "://") {
		return "", not("begin with / or https://")
	}
	return absoluteURL(s)
}

func languageTag(s string) (string, error) {
	tag, err := language.Parse(s)
	if err != nil || tag == language.Und || len(s) > 35 {
		return "", not("")
	}
	return tag.String(), nil
}

func schedule(s string) (string, error) {
	const hint = `five fields: minute, hour, day of month, month, day of week; for example "0 7 * * MON"`
	s = strings.TrimSpace(s)
	upper := strings.ToUpper(s)
	switch {
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		return "", wrong("use the key time_zone", "a schedule cannot name its time zone")
	case strings.HasPrefix(upper, "@EVERY"):
		return "", wrong("write the hours, for example 0 */6 * * *; its zone is the key time_zone",
			"@every is not possible, it would count from whenever the program was started")
	case len(s) > 200:
		return "", not(hint)
	}
	sched, err := cron.ParseStandard(s)
	if err != nil {
		return "", wrong(hint, "%s is not a schedule%s", quote(s), badField(s))
	}
	// Any day will do to find out that there is no 30th of February.
	if sched.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return "", wrong("", "this schedule never comes due")
	}
	return s, nil
}

// badField says which of the five fields of a schedule cannot be read, if it is one.
func badField(s string) string {
	given := strings.Fields(s)
	if strings.HasPrefix(s, "@") {
		return ": there are @hourly, @daily, @weekly, @monthly and @yearly"
	}
	if len(given) != 5 {
		return fmt.Sprintf(": five fields are needed, found %d", len(given))
	}
	for i, name := range []string{"minute", "hour", "day of month", "month", "day of week"} {
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = given[i]
		if _, err := cron.ParseStandard(strings.Join(alone, " ")); err != nil {
			return fmt.Sprintf(": %s is no %s", quote(given[i]), name)
		}
	}
	return ""
}

// template checks the syntax only; which fields and functions there are is the digest's to say.
func template(s string) (string, error) {
	t := parse.New("subject")
	t.Mode = parse.SkipFuncCheck
	if _, err := t.Parse(s, "", "", map[string]*parse.Tree{}); err != nil {
		return "", wrong("it is a Go text/template", "%s", strings.TrimPrefix(err.Error(), "template: subject:1: "))
	}
	return s, nil
}

// onlyOf tells whether s has no other characters.
func onlyOf(s, allowed string) bool { return strings.Trim(s, allowed) == "" }

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func newsletterName(s string) (string, error) {
	if s == "" || len(s) > 40 || s[0] == '-' || !onlyOf(s, lower+digits+"-") {
		return "", wrong("", "%s is no name for a newsletter: it takes small letters, digits and hyphens, at most 40", quote(s))
	}
	return s, nil
}

// group accepts the name of a receiver or a domain.
func group(s string) (string, error) {
	s, err := host(strings.ToLower(s))
	if err != nil {
		return "", wrong("for example gmail, outlook, example.org or default", "%s is no recipient-domain group", quote(s))
	}
	return s, nil
}

// host accepts an IP address or a name; international names come out in ASCII.
func host(s string) (string, error) {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return addr.String(), nil
	}
	if _, port, err := net.SplitHostPort(s); err == nil && isPort(port) {
		return "", not("the port has its own key")
	}
	// Not idna.Lookup: the names of containers often have an underscore.
	name, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(s)
	if err != nil || name == "" || len(name) > 253 || !onlyOf(name, lower+digits+"-_.") {
		return "", not("")
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return "", not("")
		}
	}
	return name, nil
}

// domain accepts a name that the DNS may have.
func domain(s string) (string, error) {
	name, err := host(s)
	if _, ip := netip.ParseAddr(name); err != nil || ip == nil || !strings.Contains(name, ".") {
		return "", not("")
	}
	return strings.TrimSuffix(name, "."), nil
}

func selector(s string) (string, error) {
	if s == "" || len(s) > 63 || !onlyOf(s, lower+upper+digits+"-_.") || strings.Trim(s, ".-") != s || strings.Contains(s, "..") {
		return "", not("")
	}
	return s, nil
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func listen(s string) (string, error) {
	name, port, err := net.SplitHostPort(s)
	if err != nil || !isPort(port) {
		return "", not("")
	}
	if name != "" {
		if _, err := host(name); err != nil {
			return "", not("")
		}
	}
	return s, nil
}

func inside(s string) (string, error) {
	if s = path.Clean(s); s == "." || !fs.ValidPath(s) {
		return "", not("")
	}
	return s, nil
}

func folder(s string) (string, error) {
	if s == "" || s[0] == '.' || strings.ContainsAny(s, `/\`) {
		return "", not("")
	}
	return s, nil
}

func pattern(s string) (string, error) {
	if _, err := path.Match(s, ""); err != nil || s == "" {
		return "", not("")
	}
	return s, nil
}

func parseZone(s string) (*time.Location, error) {
	bad := expected("a time zone such as Europe/Paris")
	// Local would be another zone on another machine.
	if s == "" || s == "Local" {
		return nil, bad
	}
	zone, err := time.LoadLocation(s)
	if err != nil {
		return nil, bad
	}
	return zone, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, expected("an IP address or a network such as 10.0.0.0/8")
	}
	return p.Masked(), nil
}

// parseAddress reads the address of a sender. Its domain comes out in ASCII.
func parseAddress(s string, bare bool) (mail.Address, error) {
	bad := expected(`a mail address such as "The Harbour Letter <letter@example.org>"`)
	if bare {
		bad = expected("a mail address such as bounces@example.org")
	}
	if s, err := clean(s, ""); err != nil || s == "" {
		return mail.Address{}, bad
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return mail.Address{}, bad
	}
	at := strings.LastIndexByte(a.Address, '@')
	local, domain := a.Address[:at], a.Address[at+1:]
	for _, r := range local {
		if r > unicode.MaxASCII {
			return mail.Address{}, wrong("many mail servers refuse it", "the part before @ has to be ASCII")
		}
	}
	const atext = lower + upper + digits + "!#$%&'*+-/=?^_`{|}~." // RFC 5322 section 3.2.3, and dots
	name, err := host(domain)
	if err != nil || len(local) > 64 || !onlyOf(local, atext) || strings.HasPrefix(domain, "[") {
		return mail.Address{}, bad
	}
	if _, err := clean(a.Name, ""); err != nil {
		return mail.Address{}, bad
	}
	if bare && a.Name != "" {
		return mail.Address{}, wrong("write "+local+"@"+name, "only the address, without a name")
	}
	return mail.Address{Name: a.Name, Address: local + "@" + name}, nil
}
