package bounce

import (
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"syndicate/internal/newsletter"
)

// fields are "Name: value" lines in their order: a header, or one block of a
// report. Systems write them with every freedom, so nothing in them is an error.
type fields []field

type field struct{ name, value string }

const maxFields = 500

// parseFields reads lines up to the first blank one and returns the rest. What
// is not indented and no field goes on with the one before it, because some
// systems break long lines without indenting them.
func parseFields(s string) (fs fields, rest string) {
	for s != "" {
		var line string
		line, s, _ = strings.Cut(s, "\n")
		line = strings.TrimRight(line, "\r")
		name, value, ok := cutField(line)
		switch {
		case strings.TrimSpace(line) == "":
			if len(fs) > 0 {
				return fs, s
			}
		case len(fs) == maxFields:
		case ok:
			fs = append(fs, field{name, value})
		case len(fs) > 0:
			if last := &fs[len(fs)-1]; len(last.value) < maxPart {
				last.value += " " + strings.TrimSpace(line)
			}
		}
	}
	return fs, ""
}

func cutField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	if !ok || name == "" || len(name) > 70 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>()@;,\"", r) }) {
		return "", "", false
	}
	return name, strings.TrimSpace(value), true
}

func (fs fields) get(name string) string {
	for _, f := range fs {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

func (fs fields) all(name string) []string {
	var out []string
	for _, f := range fs {
		if strings.EqualFold(f.name, name) {
			out = append(out, f.value)
		}
	}
	return out
}

func (fs fields) has(name string) bool {
	for _, f := range fs {
		if strings.EqualFold(f.name, name) {
			return true
		}
	}
	return false
}

// text returns a field with its encoded words (RFC 2047) decoded.
func (fs fields) text(name string) string {
	v := fs.get(name)
	d := mime.WordDecoder{CharsetReader: charsetReader}
	if s, err := d.DecodeHeader(v); err == nil {
		v = s
	}
	return decodeText([]byte(v), "")
}

// address returns the first address of a field.
func (fs fields) address(name string) string {
	v := fs.get(name)
	if a, err := mail.ParseAddress(v); err == nil && proper(a.Address) {
		return a.Address
	}
	if all := addressesIn(v); len(all) > 0 {
		return all[0]
	}
	return ""
}

// domain returns the domain of a field's first address.
func (fs fields) domain(name string) string {
	_, domain, _ := strings.Cut(fs.address(name), "@")
	return domain
}

func (fs fields) messageID() string {
	id := fs.get("Message-ID")
	if i := strings.IndexByte(id, '<'); i >= 0 {
		id = id[i+1:]
	}
	id, _, _ = strings.Cut(id, ">")
	return oneLine(id)
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError
}

func (fs fields) unsubscribe() string {
	for _, v := range strings.Split(fs.get("List-Unsubscribe"), ",") {
		v = strings.Trim(strings.TrimSpace(v), "<>")
		if strings.HasPrefix(strings.ToLower(v), "http") && len(v) < 2000 && !strings.ContainsFunc(v, unprintable) {
			return v
		}
	}
	return ""
}

// addressPattern keeps the last part of a domain within one script, because words of
// some languages follow without a space.
var addressPattern = regexp.MustCompile(`[^\s\pC<>()"',;:@\[\]|\\` + "`" + `=*?!` + wideMarks + `][^\s\pC<>()"',;:@\[\]|\\` + wideMarks + `]*@(?:[\pL\pN](?:[\pL\pN_-]*[\pL\pN])?\.)+` +
	`(?:[\p{Latin}\pN](?:[\p{Latin}\pN-]*[\p{Latin}\pN])?|[\pL\pN](?:[\pL\pN-]*[\pL\pN])?)`)

// wideMarks are brackets, quotes and stops of Chinese and Japanese, which stand next to addresses.
const wideMarks = "「」『』（）【】《》〈〉“”‘’«»、。，：；！？＜＞"

// addressesIn returns the addresses in a text, in their order.
func addressesIn(s string) []string {
	found := addressPattern.FindAllString(s, maxRecipients*4)
	for i, a := range found {
		found[i] = bareAddress(a)
	}
	return slices.DeleteFunc(found, func(a string) bool { return !proper(a) })
}

// proper reports whether an address is fit to be kept (RFC 5321 4.5.3.1.3).
func proper(a string) bool { return len(a) <= 320 && !strings.ContainsFunc(a, unprintable) }

// bareAddress takes off what is glued to an address: Exchange's type of it, the
// word before it in languages that need no space.
func bareAddress(a string) string {
	if len(a) > 5 && strings.EqualFold(a[:5], "smtp=") {
		return a[5:]
	}
	local, _, _ := strings.Cut(a, "@")
	if word := strings.LastIndexFunc(local, unspaced); word >= 0 {
		if _, size := utf8.DecodeRuneInString(local[word:]); word+size < len(local) { // else it is of the address
			return a[word+size:]
		}
	}
	return a
}

func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

var (
	statusPattern = regexp.MustCompile(`(?:^|[^\d.])([245]\.[0-7]\.\d{1,3})(?:\D|$)`)
	codePattern   = regexp.MustCompile(`(?:^|[^\w.,/:+=-]|[a-z]:|\bcode[:=]|#)([45][0-5]\d)(?:[ \-:,)#;\]]|$)`)
)

// findStatus returns the RFC 3463 status in words, empty: none. Of several it is
// the first that says more than its class: gateways write their own before the
// receiver's.
func findStatus(words string) string {
	first := ""
	for _, m := range statusPattern.FindAllStringSubmatchIndex(words, 20) {
		s := words[m[2]:m[3]]
		if tail := words[m[3]:]; len(tail) > 1 && tail[0] == '.' && tail[1] >= '0' && tail[1] <= '9' {
			continue // an IP address, a version
		}
		if !general(s) {
			return s
		}
		if first == "" {
			first = s
		}
	}
	return first
}

// findCode returns the first SMTP reply code of a refusal in words, 0: none.
func findCode(words string) int {
	m := codePattern.FindStringSubmatch(words)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// refusal reads a server's words.
func refusal(words string) newsletter.Refusal {
	return newsletter.Refusal{Status: findStatus(words), Code: findCode(words), Words: words}
}
