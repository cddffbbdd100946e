package markup

import (
	"net/url"
	"strings"
)

// reference returns what becomes of a reference: absolute by the resolver, or
// empty if it is not fit to be followed.
func (t *tidier) reference(ref string, kind Kind) string {
	ref = strings.Map(func(r rune) rune { // WHATWG URL, 4.4: tabs and newlines do not count
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, strings.TrimFunc(Clean(ref), isASCIISpace))
	if ref == "" {
		return ""
	}
	if ref[0] == '#' {
		if kind == Media {
			return ""
		}
		if id := fragment(ref); t.wanted[id] {
			return "#" + (&url.URL{Path: t.prefix + strings.ReplaceAll(id, " ", "-")}).EscapedPath()
		}
		if t.resolve == nil {
			return ref
		}
		// Of the page around the article, perhaps: in feeds it needs the page's address.
	}
	switch s := scheme(ref); {
	case s == "mailto" || s == "tel":
		if kind == Link {
			return ref
		}
		return ""
	case s == "data":
		if kind == Media && strings.HasPrefix(strings.ToLower(ref), "data:image/") {
			return ref
		}
		return ""
	case s != "" && s != "http" && s != "https":
		return ""
	}
	if t.resolve != nil {
		ref = Clean(t.resolve(ref, kind))
	}
	u, err := url.Parse(strings.ReplaceAll(ref, " ", "%20"))
	if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}

// scheme returns the scheme of a reference in lower case, empty if it has none
// (RFC 3986, 3.1).
func scheme(ref string) string {
	for i := range len(ref) {
		c := ref[i] | 0x20
		switch {
		case ref[i] == ':':
			return strings.ToLower(ref[:i])
		case c >= 'a' && c <= 'z':
		case i > 0 && (ref[i] >= '0' && ref[i] <= '9' || ref[i] == '+' || ref[i] == '-' || ref[i] == '.'):
		default:
			return ""
		}
	}
	return ""
}

// sourceSet resolves each candidate of a srcset attribute (HTML, 4.8.4.3.8):
// "url descriptor, url descriptor".
func (t *tidier) sourceSet(set string) string {
	var out []string
	for {
		set = strings.TrimLeft(set, " \t\n\r\f,")
		if set == "" {
			return strings.Join(out, ", ")
		}
		end := strings.IndexFunc(set, isASCIISpace)
		if end < 0 {
			end = len(set)
		}
		ref, rest, descriptor := set[:end], set[end:], ""
		if strings.HasSuffix(ref, ",") { // a comma at its end ends the candidate
			ref = strings.TrimRight(ref, ",")
		} else {
			descriptor, rest, _ = strings.Cut(rest, ",")
			descriptor = strings.TrimFunc(descriptor, isASCIISpace)
		}
		set = rest
		// In a set, a comma or a space inside a reference would end it.
		ref = strings.NewReplacer(",", "%2C", " ", "%20").Replace(t.reference(ref, Media))
		if ref == "" || strings.HasPrefix(ref, "data:") || !validDescriptor(descriptor) {
			continue
		}
		if descriptor != "" {
			ref += " " + descriptor
		}
		out = append(out, ref)
	}
}

func validDescriptor(d string) bool {
	return d == "" || len(d) < 12 && strings.Trim(d, "0123456789.wxh ") == ""
}
