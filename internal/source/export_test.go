package source

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"syndicate/internal/newsletter"
)

// What follows lets tests and fuzzers reach one step of the procedure without a
// folder around it.

// ParseFile parses one file's bytes.
func (d *Dir) ParseFile(rel string, data []byte) (newsletter.Article, []Problem, bool) {
	p := d.parse(rel, data, nil)
	for i := range p.problems {
		p.problems[i].File = d.display(rel)
	}
	return p.article, p.problems, !p.broken
}

// RecodeState decodes a state and encodes it again.
func RecodeState(data []byte) ([]byte, error) {
	s, err := decodeState(data)
	if err != nil {
		return nil, err
	}
	return s.encode(), nil
}

// ImageSize reads the size of a picture.
var ImageSize = imageSize

// ParseDate reads a date.
var ParseDate = parseDate

// Slugify makes a slug.
var Slugify = slugify

// Checksummed appends what tells a state from a damaged one.
func Checksummed(data []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(data), crc32.ChecksumIEEE(data))
}
