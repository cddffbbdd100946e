package publish

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"syndicate/internal/feeds"
)

// maxDocument bounds a document, in bytes: servers and readers keep them in memory.
const maxDocument = 64 << 20

// checkEntry checks that the pieces of an entry can stand in any document. Each
// is looked at once, whatever the number of documents.
func checkEntry(e *feeds.Entry) error {
	for _, x := range []struct {
		format Format
		piece  []byte
	}{{RSS, e.RSS}, {Atom, e.Atom}} {
		if err := wellFormed(x.piece); err != nil {
			return fmt.Errorf("its %s is not well-formed: %w", x.format, err)
		}
	}
	if !utf8.Valid(e.JSON) || !json.Valid(e.JSON) {
		return errors.New("its JSON is not valid")
	}
	o := outlineOf(e)
	return firstBroken(o.check(JSON, time.Time{})) // without dates, no format matters
}

// sound checks a document before it takes the place of another. Its entries were
// checked when they were encoded, so what is left is the rest of it, which is
// parsed, that no two have one id, and that all were put together.
func (b *Builder) sound(d Document, render feeds.Format, head feeds.Feed, ids []string, data []byte) error {
	if len(data) > maxDocument {
		return firstBroken([]Finding{tooLarge(len(data))})
	}
	bare, err := render.Render(head, nil)
	if err != nil {
		return err
	}
	found := CheckDocument(d.Format, bare, d.URL(b.o.Site.URL), b.o.Now())
	if err := firstBroken(append(found, checkUnique(ids)...)); err != nil {
		return err
	}
	// A document ends as the bare one does: nothing is missing at its end.
	end := bare[bytes.LastIndexByte(bytes.TrimRight(bare, "\n"), '\n')+1:]
	if !bytes.HasSuffix(data, end) {
		return errors.New("its end is missing")
	}
	return nil
}

// parseXML reads a document to its end.
func parseXML(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// wellFormed checks a piece of XML (XML 1.0, 2.1) as encoders write it: elements
// that are nested and closed, attributes in quotes, references, comments and CDATA,
// no character that may not stand in XML; no declarations, no processing
// instructions. encoding/xml would do, at twenty times the price.
func wellFormed(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("not UTF-8")
	}
	if i := badCharacter(data); i >= 0 {
		return fmt.Errorf("a character that XML does not allow, %q", data[i:min(len(data), i+3)])
	}
	var open [][]byte
	for rest := data; ; {
		i := bytes.IndexByte(rest, '<')
		text := rest
		if i >= 0 {
			text = rest[:i]
		}
		if err := checkText(text); err != nil {
			return err
		}
		if i < 0 {
			break
		}
		rest = rest[i:]
		var err error
		if rest, open, err = markupAt(rest, open); err != nil {
			return err
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("<%s> is not closed", open[len(open)-1])
	}
	return nil
}

// markupAt reads a tag, comment or CDATA section at the front.
func markupAt(rest []byte, open [][]byte) ([]byte, [][]byte, error) {
	for _, x := range [...]struct{ from, to string }{{"<![CDATA[", "]]>"}, {"<!--", "-->"}} {
		if !bytes.HasPrefix(rest, []byte(x.from)) {
			continue
		}
		end := bytes.Index(rest[len(x.from):], []byte(x.to))
		if end < 0 {
			return nil, open, fmt.Errorf("%s is not closed", x.from)
		}
		return rest[len(x.from)+end+len(x.to):], open, nil
	}
	if bytes.HasPrefix(rest, []byte("</")) {
		end := bytes.IndexByte(rest, '>')
		if end < 0 || len(open) == 0 || !bytes.Equal(bytes.TrimRight(rest[2:end], " \t\r\n"), open[len(open)-1]) {
			return nil, open, fmt.Errorf("%q closes nothing", rest[:min(len(rest), 40)])
		}
		return rest[end+1:], open[:len(open)-1], nil
	}
	n := nameLength(rest[1:])
	if n == 0 {
		return nil, open, fmt.Errorf("%q is no tag", rest[:min(len(rest), 40)])
	}
	name := rest[1 : 1+n]
	for rest = rest[1+n:]; ; {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		switch {
		case bytes.HasPrefix(rest, []byte("/>")):
			return rest[2:], open, nil
		case bytes.HasPrefix(rest, []byte(">")):
			return rest[1:], append(open, name), nil
		}
		n := nameLength(rest)
		if n == 0 || len(rest) < n+3 || rest[n] != '=' || rest[n+1] != '"' && rest[n+1] != '\'' {
			return nil, open, fmt.Errorf("the tag <%s> is not well-formed", name)
		}
		quote := rest[n+1]
		end := bytes.IndexByte(rest[n+2:], quote)
		if end < 0 {
			return nil, open, fmt.Errorf("the tag <%s> has no end", name)
		}
		value := rest[n+2:][:end]
		if bytes.IndexByte(value, '<') >= 0 {
			return nil, open, fmt.Errorf("< in an attribute of <%s>", name)
		}
		if err := checkReferences(value); err != nil {
			return nil, open, err
		}
		rest = rest[n+2+end+1:]
	}
}

// checkText checks what stands between tags.
func checkText(text []byte) error {
	if bytes.Contains(text, []byte("]]>")) {
		return errors.New("]]> in a text")
	}
	return checkReferences(text)
}

// checkReferences checks that each & begins a reference that XML knows.
func checkReferences(text []byte) error {
	for {
		i := bytes.IndexByte(text, '&')
		if i < 0 {
			return nil
		}
		text = text[i+1:]
		end := bytes.IndexByte(text[:min(len(text), 12)], ';')
		if end < 1 {
			return errors.New("& that begins no reference")
		}
		switch name := text[:end]; {
		case name[0] == '#':
		case string(name) == "amp", string(name) == "lt", string(name) == "gt", string(name) == "quot", string(name) == "apos":
		default:
			return fmt.Errorf("the reference &%s;", name)
		}
		text = text[end:]
	}
}

// nameLength is how many bytes at the front make a name.
func nameLength(b []byte) int {
	for i, c := range b {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || c >= 0x80
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return i
		}
	}
	return len(b)
}

// badCharacter finds a character that XML 1.0 does not allow (2.2); -1: none. data
// is UTF-8.
func badCharacter(data []byte) int {
	for i, c := range data {
		switch {
		case c < 0x20 && c != '\t' && c != '\n' && c != '\r':
			return i
		case c == 0xEF && i+2 < len(data) && data[i+1] == 0xBF && data[i+2] >= 0xBE: // U+FFFE, U+FFFF
			return i
		}
	}
	return -1
}
