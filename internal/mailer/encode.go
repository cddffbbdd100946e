package mailer

import (
	"strings"
	"unicode/utf8"
)

// plain marks the octets that stand for themselves in quoted-printable text and
// need no escape in HTML or in a URL. A space is not among them: at the end of a
// line it has to be encoded.
const plain = "!#$%()*+,-./0123456789:;?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"

var isPlain = octets(plain)

// isPhrasePlain marks the octets that stand for themselves in the Q encoding of a
// phrase (RFC 2047 5, rule 3).
var isPhrasePlain = octets("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")

func octets(s string) (t [256]bool) {
	for i := range len(s) {
		t[s[i]] = true
	}
	return t
}

const hexDigits = "0123456789ABCDEF"

// valueWriter appends a value to a quoted-printable body (RFC 2045 6.7), from
// the beginning of a line on. No line gets longer than 75 octets, so that there
// is room for the soft break that follows the value, and none begins with a dot,
// which would have to be doubled on its way.
type valueWriter struct {
	dst  []byte
	col  int
	html bool
}

// room makes room for n octets that belong together.
func (w *valueWriter) room(n int) {
	if w.col+n > 75 {
		w.dst = append(w.dst, softBreak...)
		w.col = 0
	}
	w.col += n
}

func (w *valueWriter) encoded(c byte) {
	w.room(3)
	w.dst = append(w.dst, '=', hexDigits[c>>4], hexDigits[c&15])
}

// octet writes one octet that is not plain.
func (w *valueWriter) octet(c byte) {
	if w.html {
		entity := ""
		switch c {
		case '&':
			entity = "&amp;"
		case '<':
			entity = "&lt;"
		case '>':
			entity = "&gt;"
		case '"':
			entity = "&#34;"
		case '\'':
			entity = "&#39;"
		}
		if entity != "" {
			w.room(len(entity))
			w.dst = append(w.dst, entity...)
			return
		}
	}
	if c == '=' || c < ' ' || c > '~' {
		w.encoded(c)
		return
	}
	w.room(1)
	w.dst = append(w.dst, c)
}

// plainRun copies the plain octets s begins with and returns how many.
func (w *valueWriter) plainRun(s string) int {
	n := 0
	for n < len(s) && isPlain[s[n]] {
		n++
	}
	for run := s[:n]; run != ""; {
		if w.col == 75 {
			w.dst = append(w.dst, softBreak...)
			w.col = 0
		}
		if w.col == 0 && run[0] == '.' {
			w.encoded('.')
			run = run[1:]
			continue
		}
		k := min(len(run), 75-w.col)
		w.col += k
		w.dst = append(w.dst, run[:k]...)
		run = run[k:]
	}
	return n
}

// text writes words for people. Control characters become spaces: a name has no
// lines.
func (w *valueWriter) text(s string) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for i := 0; i < len(s); {
		if n := w.plainRun(s[i:]); n > 0 {
			i += n
			continue
		}
		c := s[i]
		i++
		if c < ' ' || c == 0x7F {
			c = ' '
		}
		if c == ' ' && i == len(s) {
			w.encoded(c) // a space must not end a line
			continue
		}
		w.octet(c)
	}
}

// url writes a URL. What does not belong in one is percent-encoded.
func (w *valueWriter) url(s string) {
	for i := 0; i < len(s); {
		if n := w.plainRun(s[i:]); n > 0 {
			i += n
			continue
		}
		c := s[i]
		i++
		if !inURL(c) {
			w.room(3)
			w.dst = append(w.dst, '%', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		w.octet(c)
	}
}

func inURL(c byte) bool {
	return c > ' ' && c <= '~' && c != '<' && c != '>' && c != '"' && c != '\\'
}

// appendURL appends a URL to a header value, percent-encoding what does not
// belong in one.
func appendURL(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; inURL(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// appendToken appends what stands between angle brackets in a header, an
// address or a Message-ID, without the octets that could end it.
func appendToken(dst []byte, s string) []byte {
	for i := range min(len(s), 500) {
		if c := s[i]; c > ' ' && c <= '~' && c != '<' && c != '>' {
			dst = append(dst, c)
		}
	}
	return dst
}

// encodeText returns s as the value of an unstructured header such as Subject:
// as it is if it is short words of ASCII, else as encoded words that are
// separated by spaces. first is the room on the first line.
func encodeText(s string, first int) string {
	s = oneLine(s)
	word := 0
	for i := range len(s) {
		if word++; s[i] == ' ' {
			word = 0
		}
		if s[i] > '~' || word > 60 {
			return string(appendEncodedWords(nil, s, first, " "))
		}
	}
	if strings.Contains(s, "=?") {
		return string(appendEncodedWords(nil, s, first, " "))
	}
	return s
}

// oneLine turns control characters into spaces, and runs of ASCII space into
// one. No-break spaces stay: French typography lives from them.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7F }), " ")
}

// appendPhrase appends a display name: a quoted string or encoded words. first
// is the room on the first line, fold what separates encoded words.
func appendPhrase(dst []byte, name string, first int, fold string) []byte {
	ascii := len(name) <= 60 && !strings.Contains(name, "=?")
	for i := 0; ascii && i < len(name); i++ {
		ascii = name[i] >= ' ' && name[i] <= '~'
	}
	if !ascii {
		return appendEncodedWords(dst, name, first, fold)
	}
	dst = append(dst, '"')
	for i := range len(name) {
		if name[i] == '"' || name[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, name[i])
	}
	return append(dst, '"')
}

// appendEncodedWords appends s in the Q encoding of RFC 2047: words of at most
// 75 octets (the first of at most first) that never split a character, with sep
// between them.
func appendEncodedWords(dst []byte, s string, first int, sep string) []byte {
	const open, end = "=?UTF-8?q?", "?="
	room := first - len(open) - len(end)
	dst = append(dst, open...)
	var buf [utf8.UTFMax]byte
	for _, r := range s {
		if r < ' ' || r == 0x7F {
			r = ' '
		}
		n := utf8.EncodeRune(buf[:], r)
		width := 3 * n
		if r == ' ' || r < utf8.RuneSelf && isPhrasePlain[buf[0]] {
			width = 1
		}
		if room < width {
			dst = append(dst, end...)
			dst = append(dst, sep...)
			dst = append(dst, open...)
			room = 75 - len(open) - len(end)
		}
		room -= width
		switch {
		case r == ' ':
			dst = append(dst, '_')
		case width == 1:
			dst = append(dst, buf[0])
		default:
			for _, c := range buf[:n] {
				dst = append(dst, '=', hexDigits[c>>4], hexDigits[c&15])
			}
		}
	}
	return append(dst, end...)
}
