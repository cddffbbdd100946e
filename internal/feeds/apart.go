package feeds

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Span is where an entry stands in a document, without the space around it.
type Span struct{ Start, End int }

// Spans finds the entries of a document by the ending of its file (".rss", ".atom",
// ".json"); false where the document is not as this package writes them. It goes by
// the grammar of the formats, so nothing that is inside an entry can look like the
// end of one.
func Spans(ext string, doc []byte) ([]Span, bool) {
	switch ext {
	case ".rss":
		return xmlSpans(doc, "item", 2)
	case ".atom":
		return xmlSpans(doc, "entry", 1)
	case ".json":
		return jsonSpans(doc)
	}
	return nil, false
}

// TakeApart undoes what RSS, Atom and JSON do: it returns the entries that the three
// documents of a feed were put together of, by their ids, with nothing but their
// bytes and ids. False where the documents were not made of the same ones.
func TakeApart(rss, atom, jsonFeed []byte) (map[string]Entry, bool) {
	inRSS, ok1 := pieces(".rss", rss, "    ")
	inAtom, ok2 := pieces(".atom", atom, "  ")
	inJSON, ok3 := pieces(".json", jsonFeed, "")
	if !ok1 || !ok2 || !ok3 || len(inRSS) != len(inJSON) || len(inAtom) != len(inJSON) {
		return nil, false
	}
	out := make(map[string]Entry, len(inJSON))
	for i, piece := range inJSON {
		id, ok := pieceID(piece)
		if _, twice := out[id]; !ok || twice {
			return nil, false
		}
		out[id] = Entry{RSS: inRSS[i], Atom: inAtom[i], JSON: piece, ID: id}
	}
	return out, true
}

// pieces returns the entries of a document as they were encoded: with the
// indentation of their first line.
func pieces(ext string, doc []byte, indent string) ([][]byte, bool) {
	spans, ok := Spans(ext, doc)
	out := make([][]byte, len(spans))
	for i, x := range spans {
		from := x.Start - len(indent)
		if from < 0 || string(doc[from:x.Start]) != indent {
			return nil, false
		}
		out[i] = doc[from:x.End]
	}
	return out, ok
}

// pieceID reads the id of an item of a JSON Feed, which is the first thing in it.
func pieceID(piece []byte) (id string, ok bool) {
	rest, ok := bytes.CutPrefix(piece, []byte("{\n      \"id\": "))
	end := -1
	if ok && len(rest) > 0 && rest[0] == '"' {
		end = stringEnd(rest)
	}
	if end < 0 || json.Unmarshal(rest[:end], &id) != nil {
		return "", false
	}
	return id, true
}

// xmlSpans finds the elements of a name at a depth of a well-formed document.
// It looks at tags only and steps over what may hold a "<" that begins none.
func xmlSpans(body []byte, name string, depth int) (list []Span, ok bool) {
	level, start := 0, -1
	for at := 0; ; {
		next := bytes.IndexByte(body[at:], '<')
		if next < 0 {
			return list, level == 0 && at > 0
		}
		at += next
		rest := body[at:]
		skip := -1
		switch {
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			skip = past(rest, "]]>")
		case bytes.HasPrefix(rest, []byte("<!--")):
			skip = past(rest, "-->")
		case bytes.HasPrefix(rest, []byte("<?")):
			skip = past(rest, "?>")
		case bytes.HasPrefix(rest, []byte("<!")): // a DTD: none of ours
		default:
			skip = tagEnd(rest)
		}
		if skip < 0 {
			return nil, false
		}
		tag := rest[:skip]
		at += skip
		switch tag[1] {
		case '!', '?':
		case '/':
			if level--; level == depth && start >= 0 {
				list = append(list, Span{start, at})
				start = -1
			}
		default:
			empty := tag[len(tag)-2] == '/'
			if level == depth && tagName(tag) == name {
				if start = at - skip; empty {
					list = append(list, Span{start, at})
					start = -1
				}
			}
			if !empty {
				level++
			}
		}
		if level < 0 {
			return nil, false
		}
	}
}

// past returns how long b is up to and with the mark, -1 where that is missing.
func past(b []byte, mark string) int {
	i := bytes.Index(b, []byte(mark))
	if i < 0 {
		return -1
	}
	return i + len(mark)
}

// tagEnd returns the length of the tag at the beginning of b. A ">" in the value
// of an attribute does not end it.
func tagEnd(b []byte) int {
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>' && i >= 2:
			return i + 1
		}
	}
	return -1
}

func tagName(tag []byte) string {
	end := bytes.IndexAny(tag[1:], " \t\r\n/>")
	return string(tag[1 : 1+end])
}

// jsonSpans finds the elements of the array "items" at the top of an object.
func jsonSpans(body []byte) (list []Span, ok bool) {
	level, key := 0, []byte(nil)
	items := false // inside the array
	start, found := -1, false
	for at := 0; at < len(body); at++ {
		switch c := body[at]; c {
		case '"':
			end := stringEnd(body[at:])
			if end < 0 {
				return nil, false
			}
			if level == 1 {
				key = body[at : at+end]
			}
			at += end - 1
		case '{', '[':
			switch {
			case c == '[' && level == 1 && string(key) == `"items"`:
				if found {
					return nil, false
				}
				items, found = true, true
			case items && level == 2:
				if c == '[' {
					return nil, false
				}
				start = at
			}
			level++
		case '}', ']':
			level--
			switch {
			case items && level == 2:
				list = append(list, Span{start, at + 1})
			case items && level == 1:
				items = false
			}
			if level < 0 {
				return nil, false
			}
		}
	}
	return slices.Clip(list), found && level == 0
}

// stringEnd returns the length of the JSON string at the beginning of b.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}
