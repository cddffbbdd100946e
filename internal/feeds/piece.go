package feeds

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"

	"github.com/gorilla/feeds"
)

// xmlPiece encodes an element as it stands in a document, prefix being the
// indentation there and size what it may take.
func xmlPiece(v any, prefix string, size int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(size)
	e := xml.NewEncoder(&b)
	e.Indent(prefix, "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding an entry: %w", err)
	}
	return b.Bytes(), nil
}

// writeXML encodes a document with gorilla/feeds' writer.
func writeXML(root feeds.XmlFeed) ([]byte, error) {
	var b bytes.Buffer
	if err := feeds.WriteXML(root, &b); err != nil {
		return nil, fmt.Errorf("encoding the feed: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// jsonPiece encodes an item as it stands in a document. Its body is the last field
// and added by itself: encoding/json reads everything once more, byte by byte, to
// put the line breaks in.
func jsonPiece(x *jsonItem, size int) ([]byte, error) {
	body := x.HTML
	if body == "" {
		return encodeJSON(x, "    ", size)
	}
	rest := *x
	rest.HTML = ""
	b, err := encodeJSON(&rest, "    ", size)
	if err != nil {
		return nil, err
	}
	const end = "\n    }"
	b, ok := bytes.CutSuffix(b, []byte(end))
	if !ok {
		return nil, errors.New("encoding an entry: the item does not end as expected")
	}
	buf := bytes.NewBuffer(append(b, ",\n      \"content_html\": "...))
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return nil, fmt.Errorf("encoding an entry: %w", err)
	}
	return append(bytes.TrimSuffix(buf.Bytes(), []byte("\n")), end...), nil
}

func encodeJSON(v any, prefix string, size int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(size)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding the feed: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// splice puts pieces into a document that was encoded without any: before is cut
// from its end, and what is to stand around and between the pieces put there.
func splice(head []byte, before string, entries []Entry, piece func(*Entry) []byte, first, between, after string) ([]byte, error) {
	if len(entries) == 0 {
		return head, nil
	}
	head, ok := bytes.CutSuffix(head, []byte(before))
	if !ok {
		return nil, errors.New("encoding the feed: the empty document does not end as expected")
	}
	size := len(head) + len(first) + len(after)
	for i := range entries {
		size += len(piece(&entries[i])) + len(between)
	}
	out := append(make([]byte, 0, size), head...)
	out = append(out, first...)
	for i := range entries {
		if i > 0 {
			out = append(out, between...)
		}
		out = append(out, piece(&entries[i])...)
	}
	return append(out, after...), nil
}
