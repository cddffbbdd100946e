package feed

import (
	"bytes"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"syndicate/internal/markup"
)

var (
	// declaration is the one of XML, with the encoding that it names.
	declaration = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?(?:encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["'][^>]{0,200}?)?\?>`)
	escape      = []byte{0x1B} // begins every shift of ISO-2022, whose bytes are ASCII else
)

// utf8Text decodes a document: by its byte order mark, else as UTF-8, if it is that,
// else as what it says itself, else as what the server says, else as Windows-1252,
// which is never wrong. What feeds must not carry goes, and so does the XML
// declaration, which is untrue now.
func utf8Text(body []byte, contentType string) string {
	text := decode(body, contentType)
	if m := declaration.FindStringIndex(text); m != nil {
		text = text[m[1]:]
	}
	return markup.Clean(text)
}

func decode(body []byte, contentType string) string {
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return string(body[3:])
	case bytes.HasPrefix(body, []byte("\xFE\xFF")), bytes.HasPrefix(body, []byte("\x00<")):
		return with(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), body)
	case bytes.HasPrefix(body, []byte("\xFF\xFE")), bytes.HasPrefix(body, []byte("<\x00")):
		return with(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), body)
	}
	said := ""
	if m := declaration.FindSubmatch(body); m != nil {
		said = strings.ToLower(string(m[1]))
	}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		params = nil
	}
	shifts := bytes.Contains(body, escape)
	if utf8.Valid(body) && !shifts {
		return string(body)
	}
	for _, name := range []string{said, strings.ToLower(params["charset"])} {
		if e, canonical := charset.Lookup(name); e != nil && canonical != "utf-8" && !strings.HasPrefix(canonical, "utf-16") {
			return with(e, body)
		}
	}
	if utf8.Valid(body) || mostlyUTF8(body) {
		return string(body) // what is broken of it is cleaned away
	}
	return with(charmap.Windows1252, body)
}

// mostlyUTF8 reports whether there are more whole characters beyond ASCII than
// broken ones.
func mostlyUTF8(body []byte) bool {
	whole, broken := 0, 0
	for len(body) > 0 {
		r, n := utf8.DecodeRune(body)
		switch {
		case r == utf8.RuneError && n == 1:
			broken++
		case n > 1:
			whole++
		}
		body = body[n:]
	}
	return whole > broken
}

func with(e encoding.Encoding, body []byte) string {
	text, err := e.NewDecoder().Bytes(body)
	if err != nil { // what cannot be decoded becomes U+FFFD; it does not fail
		return string(body)
	}
	return string(text)
}
