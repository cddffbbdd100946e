package newsletter

import (
	"regexp"
	"strings"
)

// What in people's words may say who they are, or open something.
var (
	maskedLink = regexp.MustCompile(`(?i)\b(https?://)([^\s/?#"'<>]+)[^\s"'<>]*`)
	// maskedAddress is an address as it is written: in mail, in links (%40, also encoded
	// twice), and for people who fear harvesters.
	maskedAddress = regexp.MustCompile(`(?i)(?:"[^"]*"|[^\s<>()\[\]",;:@＠]+)` +
		`(?:(?:[@＠]|%(?:25)*40)(?:\[[^\]\s]*\]|[\pL\pN_-]+(?:\.[\pL\pN_-]+)*)` +
		`|(?:\s?[@＠]\s?|\s*[\[({]\s*(?:at|@|arobase|chez)\s*[\])}]\s*)[\pL\pN_-]+(?:(?:\.|\s*[\[({]\s*(?:dot|point|\.)\s*[\])}]\s*)[\pL\pN_-]+)+)`)
	// maskedEnvelope is an address in that of an envelope, such as bounces-ann=example.org.
	maskedEnvelope = regexp.MustCompile(`[^\s<>()\[\]",;:@=]+=(?:[\pL\pN-]+\.)+\pL{2,}`)
	maskedToken    = regexp.MustCompile(`[A-Za-z0-9_-]{20,}`)
)

// MaskWords takes addresses, what links lead to, and secrets of links out of what
// somebody wrote, so that it can be kept without them.
func MaskWords(text string) string {
	text = maskedLink.ReplaceAllStringFunc(text, func(link string) string {
		m := maskedLink.FindStringSubmatch(link)
		host := m[2][strings.LastIndexByte(m[2], '@')+1:]
		if strings.TrimRight(link[len(m[1])+len(m[2]):], "/.,;:!?)") == "" && host == m[2] {
			return link
		}
		return m[1] + host + "/…"
	})
	text = maskedAddress.ReplaceAllString(text, "…")
	text = maskedEnvelope.ReplaceAllString(text, "…")
	return maskedToken.ReplaceAllStringFunc(text, func(word string) string {
		if rest := word[1:]; strings.ContainsAny(word, "0123456789") || strings.ToLower(rest) != rest && strings.ToUpper(rest) != rest {
			return "…" // a long word of a language has no digits, and no capitals amid small letters
		}
		return word
	})
}
