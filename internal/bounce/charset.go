package bounce

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// decodeText returns text in UTF-8 whatever it claims to be. Text that is UTF-8
// is left alone whatever its label says; without a label that is known, 8-bit
// text is Windows-1252, and 7-bit text with escapes the Japanese ISO-2022-JP.
func decodeText(b []byte, label string) string {
	escapes := bytes.Contains(b, []byte("\x1b$"))
	if utf8.Valid(b) && !escapes && !strings.HasPrefix(strings.ToLower(label), "utf-16") {
		return string(b)
	}
	enc, name := charset.Lookup(strings.TrimSpace(label))
	if enc == nil || name == "utf-8" || name == "replacement" {
		fallback := "windows-1252"
		if escapes {
			fallback = "iso-2022-jp"
		} else if name == "utf-8" {
			return strings.ToValidUTF8(string(b), "\ufffd")
		}
		enc, _ = charset.Lookup(fallback)
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(out)
}

// charsetReader decodes the words of headers; a charset that is not known is
// read as decodeText does.
func charsetReader(label string, r io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPart))
	if err != nil {
		return nil, err
	}
	return strings.NewReader(decodeText(b, label)), nil
}
