package web

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// entry is one item of a feed's document: where it stands, and a hash of its
// bytes. Whoever has an entry with the same hash has the same entry, whatever its
// id; one that was edited is another.
type entry struct {
	start, end int
	hash       [16]byte
}

// edition is what is remembered of a document that was served before: which
// entries its readers have.
type edition struct {
	hash    string
	entries map[[16]byte]bool
}

// maxEditions is how many former editions of a document are remembered.
const maxEditions = 8

// findEntries finds the entries of a feed; false where the document is not as
// Syndicate writes them. Then it is always sent whole.
func findEntries(ending string, body []byte) ([]entry, bool) {
	var list []entry
	ok := false
	switch ending {
	case ".rss":
		list, ok = xmlEntries(body, "item", 2)
	case ".atom":
		list, ok = xmlEntries(body, "entry", 1)
	case ".json":
		list, ok = jsonEntries(body)
	}
	for i := range list {
		e := &list[i]
		sum := sha256.Sum256(body[e.start:e.end])
		copy(e.hash[:], sum[:])
	}
	return list, ok
}

// editionOf notes which entries a document has.
func editionOf(hash string, list []entry) edition {
	e := edition{hash, make(map[[16]byte]bool, len(list))}
	for i := range list {
		e.entries[list[i].hash] = true
	}
	return e
}

// without returns the document with only those entries that the edition lacks,
// and how many these are.
func without(ending string, body []byte, list []entry, had edition) (out []byte, news int) {
	if len(list) == 0 {
		return body, 0
	}
	out = make([]byte, 0, len(body)/4)
	out = append(out, body[:list[0].start]...)
	for i, e := range list {
		if !had.entries[e.hash] {
			if news > 0 && ending == ".json" {
				out = append(out, ',')
			}
			news++
			out = append(out, body[e.start:e.end]...)
		}
		if ending != ".json" && i+1 < len(list) { // other elements may stand between
			out = append(out, body[e.end:list[i+1].start]...)
		}
	}
	return append(out, body[list[len(list)-1].end:]...), news
}

// xmlEntries finds the elements of a name at a depth of a well-formed document.
// It looks at tags only and steps over what may hold a "<" that begins none.
func xmlEntries(body []byte, name string, depth int) (list []entry, ok bool) {
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
				list = append(list, entry{start: start, end: at})
				start = -1
			}
		default:
			empty := tag[len(tag)-2] == '/'
			if level == depth && tagName(tag) == name {
				if start = at - skip; empty {
					list = append(list, entry{start: start, end: at})
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

// jsonEntries finds the elements of the array "items" at the top of an object.
func jsonEntries(body []byte) (list []entry, ok bool) {
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
				list = append(list, entry{start: start, end: at + 1})
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
