package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxSlug bounds a slug, in bytes: names of files end at 255.
const maxSlug = 100

// slug makes a name for a folder from a label: small letters and digits of any
// script, hyphens for everything else. Two labels may have one slug; the store
// tells them apart.
func slug(label string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range norm.NFC.String(strings.ToLower(label)) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			hyphen = b.Len() > 0
			continue
		}
		if hyphen {
			b.WriteByte('-')
			hyphen = false
		}
		b.WriteRune(r)
	}
	s := b.String()
	switch {
	case s == "":
		return "x-" + short(label)
	case len(s) <= maxSlug:
		return s
	}
	s = s[:maxSlug]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return strings.TrimRight(s, "-") + "-" + short(label)
}

// short is a piece of a label's hash.
func short(label string) string {
	sum := sha256.Sum256([]byte(label))
	return hex.EncodeToString(sum[:4])
}

// slugPath makes a path from a section: a slug of each of its parts.
func slugPath(section string) string {
	parts := strings.Split(section, "/")
	for i := range parts {
		parts[i] = slug(parts[i])
	}
	return strings.Join(parts, "/")
}
