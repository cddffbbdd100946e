package markup

import (
	"strings"
	"unicode/utf8"
)

// Clean drops what feeds, pages and mail must not carry: characters that XML
// forbids (XML 1.0, 2.2), DEL and the C1 controls, U+FFFD, byte order marks,
// non-characters and invalid UTF-8. Line ends become \n. Tabs, newlines and
// no-break spaces stay.
func Clean(s string) string {
	i := firstUnclean(s)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") {
				b.WriteByte('\n')
			}
		case keep(r): // U+FFFD, which stands for invalid bytes too, is not kept
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// CleanLine is Clean for text of one line, such as a title: tabs and newlines
// become spaces, runs of spaces become one, and both ends are trimmed. No-break
// spaces are neither merged nor trimmed; French needs them.
func CleanLine(s string) string {
	s = Clean(s)
	if !strings.ContainsAny(s, "\t\n") && !strings.Contains(s, "  ") {
		return strings.Trim(s, " ")
	}
	return strings.Join(asciiFields(s), " ")
}

func firstUnclean(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\n' || c == 0x7F {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !keep(r) {
			return i
		}
		i += n
	}
	return -1
}

func keep(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n'
	case r >= 0x7F && r <= 0x9F, // DEL, C1
		r == utf8.RuneError,
		r == 0xFEFF,                // byte order mark
		r >= 0xFDD0 && r <= 0xFDEF, // non-characters
		r&0xFFFE == 0xFFFE:
		return false
	}
	return true
}

// asciiFields is strings.Fields for ASCII space only: strings.Fields would eat
// no-break spaces.
func asciiFields(s string) []string {
	return strings.FieldsFunc(s, isASCIISpace)
}

func isASCIISpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f'
}
