package feeds

import "strings"

// text is an element with text in it, escaped by one of the functions below
// instead of encoding/xml, which would also turn every quote and line end into a
// reference.
type text struct {
	Type string `xml:"type,attr,omitempty"` // of Atom's text constructs and Media RSS; empty: plain
	Raw  string `xml:",innerxml"`
}

// escape escapes a clean string for element content.
func escape(s string) string { return escapeWith(s, "&amp;", "&lt;", "&gt;") }

// escapeNumeric escapes with the character references that the RSS profile
// advises (rssboard.org/rss-profile, Character Data), so that fewer readers take an
// escaped "<" for markup.
func escapeNumeric(s string) string { return escapeWith(s, "&#x26;", "&#x3C;", "&#x3E;") }

func escapeWith(s, amp, lt, gt string) string {
	i := strings.IndexAny(s, "&<>")
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8 + 16)
	for last := 0; ; {
		ref := gt
		switch s[i] {
		case '&':
			ref = amp
		case '<':
			ref = lt
		}
		b.WriteString(s[last:i])
		b.WriteString(ref)
		last, i = i+1, i+1
		for i < len(s) && s[i] != '&' && s[i] != '<' && s[i] != '>' {
			i++
		}
		if i == len(s) {
			b.WriteString(s[last:])
			return b.String()
		}
	}
}

// htmlText makes HTML of plain text, as an element whose readers expect HTML.
func htmlText(s string) string { return escapeNumeric(escape(s)) }

// atomText is an Atom text construct (RFC 4287, 3.1). Text that reads like markup
// is given as HTML, since some readers do not look at the type.
func atomText(s string) text {
	if looksLikeMarkup(s) {
		return text{"html", escape(escape(s))}
	}
	return text{Raw: escape(s)}
}

// mediaDescription is atomText for Media RSS, where the type has to be said.
func mediaDescription(s string) *text {
	switch {
	case s == "":
		return nil
	case looksLikeMarkup(s):
		return &text{"html", escape(escape(s))}
	}
	return &text{"plain", escape(s)}
}

// rssText is plain text in RSS, which has no way to say so.
func rssText(s string) text { return text{Raw: escapeNumeric(unmistakable(s))} }

// unmistakable puts a word joiner (U+2060, invisible) into what a reader might
// take for a tag or a reference, so that both readers that expect text and readers
// that expect HTML show it.
func unmistakable(s string) string {
	if !looksLikeMarkup(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		b.WriteByte(s[i])
		if isTag(s[i:]) || isReference(s[i:]) {
			b.WriteRune('\u2060')
		}
	}
	return b.String()
}

// looksLikeMarkup reports whether there is anything like a tag or a character
// reference.
func looksLikeMarkup(s string) bool {
	for i := range len(s) {
		if isTag(s[i:]) || isReference(s[i:]) {
			return true
		}
	}
	return false
}

func isTag(s string) bool {
	return len(s) > 1 && s[0] == '<' && (isLetter(s[1]) || strings.IndexByte("/!?", s[1]) >= 0)
}

// isReference reports whether s begins with &name; or &#number;, which old HTML
// also takes without the semicolon if it knows the name.
func isReference(s string) bool {
	if len(s) < 3 || s[0] != '&' {
		return false
	}
	if s[1] == '#' {
		return true
	}
	i := 1
	for i < len(s) && (isLetter(s[i]) || s[i] >= '0' && s[i] <= '9') {
		i++
	}
	return i > 1 && (i < len(s) && s[i] == ';' || legacyReferences[s[1:i]])
}

// legacyReferences are those that occur in practice.
var legacyReferences = map[string]bool{"amp": true, "lt": true, "gt": true, "quot": true, "copy": true, "reg": true, "nbsp": true}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
