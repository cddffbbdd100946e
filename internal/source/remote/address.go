package remote

import (
	"net/url"
	"slices"
	"strings"
)

// alike returns what two addresses of one page have in common: no scheme, no
// capitals in the host, no slash at the end, no tracking. Text that is no address
// stays as it is.
func alike(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return address
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443")
	text := "//" + host + strings.TrimRight(u.EscapedPath(), "/")
	if q := withoutTracking(u.RawQuery); q != "" {
		text += "?" + q
	}
	if f := withoutTracking(u.EscapedFragment()); f != "" {
		text += "#" + f
	}
	return text
}

// withoutTracking drops the parameters that say where a reader came from, and
// orders the others.
func withoutTracking(query string) string {
	parts := slices.DeleteFunc(strings.Split(query, "&"), func(p string) bool {
		name, _, _ := strings.Cut(strings.ToLower(p), "=")
		return name == "" || strings.HasPrefix(name, "utm_") || strings.HasPrefix(name, "mtm_") || strings.HasPrefix(name, "pk_") ||
			slices.Contains([]string{"fbclid", "gclid", "mc_cid", "mc_eid", "ref_src"}, name)
	})
	slices.Sort(parts)
	return strings.Join(parts, "&")
}
