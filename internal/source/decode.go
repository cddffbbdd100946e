package source

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"syndicate/internal/markup"
)

// decodeText turns the bytes of a file into clean UTF-8 with \n line ends. It
// takes UTF-8 with or without a byte order mark, UTF-16 with one, and
// Windows-1252, which is known by not being UTF-8. The second result is a
// warning, the third says why the bytes are no text.
func decodeText(data []byte) (text string, warning, broken *Problem) {
	switch {
	case bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xFF\xFE")), bytes.HasPrefix(data, []byte("\xFE\xFF")):
		if data, broken = fromUTF16(data); broken != nil {
			return "", nil, broken
		}
	}
	scan := scanText(data)
	if scan.invalid >= 0 {
		if data, broken = from1252(data, scan); broken != nil {
			return "", nil, broken
		}
		scan = scanText(data)
	}
	if scan.control >= 0 {
		p := problemAt(data, scan.control, fmt.Sprintf("holds the control character U+%04X", data[scan.control]))
		p.Hint = "remove it; if this is not a text file, list it under ignore in config.yaml"
		return "", nil, p
	}
	text = string(data)
	if scan.odd >= 0 {
		text, warning = repair(data, scan.odd)
	}
	if scan.cr {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	return text, warning, nil
}

// textScan holds the first offsets of what is not plain UTF-8, -1: none.
type textScan struct {
	invalid   int // byte that is no UTF-8
	control   int // C0 control or DEL
	odd       int // C1 control, U+FFFD, non-character, stray byte order mark
	bad       int // how many invalid bytes
	multibyte int // how many valid characters of several bytes
	cr        bool
}

func scanText(data []byte) textScan {
	s := textScan{invalid: -1, control: -1, odd: -1}
	for i := 0; i < len(data); {
		c := data[i]
		if c >= ' ' && c < 0x7F || c == '\n' || c == '\t' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			if c == '\r' {
				s.cr = true
			} else if s.control < 0 {
				s.control = i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			s.bad++
			if s.invalid < 0 {
				s.invalid = i
			}
		case r < 0xA0, r >= 0xFDD0 && markup.Clean(string(r)) == "":
			if s.odd < 0 {
				s.odd = i
			}
			s.multibyte++
		default:
			s.multibyte++
		}
		i += n
	}
	return s
}

// from1252 decodes Windows-1252, unless the bytes are more likely UTF-8 with a
// fault in it.
func from1252(data []byte, s textScan) ([]byte, *Problem) {
	if s.bad <= s.multibyte {
		p := problemAt(data, s.invalid, fmt.Sprintf("holds the byte 0x%02X, which is not valid UTF-8", data[s.invalid]))
		p.Hint = "save the file as UTF-8"
		return nil, p
	}
	if i := undefined1252(data); i >= 0 {
		p := problemAt(data, i, fmt.Sprintf("is neither UTF-8 nor Windows-1252: it holds the byte 0x%02X", data[i]))
		p.Hint = "save the file as UTF-8"
		return nil, p
	}
	out := make([]byte, 0, len(data)+len(data)/8)
	for _, c := range data {
		out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(c))
	}
	return out, nil
}

// undefined1252 returns the offset of the first byte that Windows-1252 leaves
// undefined, -1: none.
func undefined1252(data []byte) int {
	for i, c := range data {
		switch c {
		case 0x81, 0x8D, 0x8F, 0x90, 0x9D:
			return i
		}
	}
	return -1
}

func fromUTF16(data []byte) ([]byte, *Problem) {
	hint := "save the file as UTF-8"
	if len(data)%2 != 0 {
		return nil, &Problem{Message: "is UTF-16 with half a character at its end", Hint: hint}
	}
	little := data[0] == 0xFF
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i < len(data); i += 2 {
		hi, lo := data[i], data[i+1]
		if little {
			hi, lo = lo, hi
		}
		units = append(units, uint16(hi)<<8|uint16(lo))
	}
	return []byte(string(utf16.Decode(units))), nil // lone surrogates become U+FFFD, of which a warning is made
}

// repair replaces or drops the odd characters of valid UTF-8, the first of which
// is at i. C1 controls are what a text becomes when Windows-1252 is converted as
// if it were Latin-1, so they are read as what they were.
func repair(data []byte, i int) (string, *Problem) {
	r, _ := utf8.DecodeRune(data[i:])
	what := "dropped"
	fix := func(r rune) rune {
		if r >= 0x80 && r < 0xA0 {
			return charmap.Windows1252.DecodeByte(byte(r))
		}
		return r
	}
	if f := fix(r); f != r && f != utf8.RuneError {
		what = "read as " + string(f)
	}
	p := problemAt(data, i, fmt.Sprintf("holds the character U+%04X, left by a wrong conversion; it is %s", r, what))
	p.Warning = true
	if r == 0xFEFF { // harmless, and nobody can see it
		p = nil
	}
	return markup.Clean(strings.Map(fix, string(data))), p
}

// problemAt is a problem at an offset of the text.
func problemAt(data []byte, offset int, message string) *Problem {
	before := data[:offset]
	line := bytes.LastIndexByte(before, '\n') + 1
	return &Problem{
		Line:    bytes.Count(before, []byte{'\n'}) + 1,
		Column:  utf8.RuneCount(before[line:]) + 1,
		Message: message,
	}
}
