package web

import (
	"crypto/sha256"

	"syndicate/internal/feeds"
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
	spans, ok := feeds.Spans(ending, body)
	list := make([]entry, len(spans))
	for i, x := range spans {
		e := &list[i]
		e.start, e.end = x.Start, x.End
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
