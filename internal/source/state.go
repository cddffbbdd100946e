package source

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// state is what a listing remembers for the next one. Its encoding:
//
//	"sdir" version fingerprint(8) held-keys folders crc32(4)
//	folder: path entries
//	entry:  name stamp(8) hash(8) flags [key] [deps] [problems]
//
// with counts and lengths as uvarints and numbers little-endian. It is not
// compressed: stamps and hashes, the most of it, are noise.
type state struct {
	fingerprint uint64
	held        []string // vanished keys that nobody accepted yet
	folders     []knownFolder
}

type knownFolder struct {
	path    string
	entries []entry // sorted by name
}

// entry is what is known of one article file.
type entry struct {
	name     string
	key      string   // of the article, empty: the file's path
	stamp    uint64   // of size and times; see stampOf
	hash     uint64   // of the content
	deps     []string // paths of local files whose size or dimensions the article tells
	problems []Problem
	flags
}

type flags byte

const (
	isFresh  flags = 1 << iota // changed so recently that the stamp proves nothing
	isBroken                   // cannot be understood
	isLoser                    // another file has the same id and comes first
	hasNone                    // never gave an article
	hasKey
	hasDeps
	hasProblems
)

func (f flags) has(x flags) bool { return f&x != 0 }

const (
	stateMagic   = "sdir"
	stateVersion = 1
)

// errState means that bytes are not a state of this version.
var errState = errors.New("the remembered state cannot be understood")

func (s *state) encode() []byte {
	size := 64
	for _, f := range s.folders {
		size += len(f.path) + 8
		for _, e := range f.entries {
			size += len(e.name) + len(e.key) + 20
		}
	}
	b := make([]byte, 0, size)
	b = append(b, stateMagic...)
	b = append(b, stateVersion)
	b = binary.LittleEndian.AppendUint64(b, s.fingerprint)
	b = appendStrings(b, s.held)
	b = binary.AppendUvarint(b, uint64(len(s.folders)))
	for _, f := range s.folders {
		b = appendString(b, f.path)
		b = binary.AppendUvarint(b, uint64(len(f.entries)))
		for i := range f.entries {
			b = f.entries[i].append(b)
		}
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func (e *entry) append(b []byte) []byte {
	fl := e.flags &^ (hasKey | hasDeps | hasProblems)
	if e.key != "" {
		fl |= hasKey
	}
	if len(e.deps) > 0 {
		fl |= hasDeps
	}
	if len(e.problems) > 0 {
		fl |= hasProblems
	}
	b = appendString(b, e.name)
	b = binary.LittleEndian.AppendUint64(b, e.stamp)
	b = binary.LittleEndian.AppendUint64(b, e.hash)
	b = append(b, byte(fl))
	if fl.has(hasKey) {
		b = appendString(b, e.key)
	}
	if fl.has(hasDeps) {
		b = appendStrings(b, e.deps)
	}
	if fl.has(hasProblems) {
		b = binary.AppendUvarint(b, uint64(len(e.problems)))
		for _, p := range e.problems {
			b = binary.AppendUvarint(b, uint64(p.Line))
			b = binary.AppendUvarint(b, uint64(p.Column))
			b = appendString(b, p.Message)
			b = appendString(b, p.Hint)
			warning := byte(0)
			if p.Warning {
				warning = 1
			}
			b = append(b, warning)
		}
	}
	return b
}

func decodeState(data []byte) (*state, error) {
	if len(data) < len(stateMagic)+1+8+4 || string(data[:len(stateMagic)]) != stateMagic || data[len(stateMagic)] != stateVersion {
		return nil, errState
	}
	body := data[:len(data)-4]
	if binary.LittleEndian.Uint32(data[len(body):]) != crc32.ChecksumIEEE(body) {
		return nil, errState
	}
	r := stateReader{s: string(body[len(stateMagic)+1:])}
	s := &state{fingerprint: r.number64(), held: r.strings()}
	s.folders = make([]knownFolder, r.count(2))
	for i := range s.folders {
		f := &s.folders[i]
		f.path = r.text()
		f.entries = make([]entry, r.count(18))
		for j := range f.entries {
			r.entry(&f.entries[j])
		}
	}
	if r.bad || r.s != "" {
		return nil, errState
	}
	return s, nil
}

// stateReader cuts values off s. The strings it returns share s.
type stateReader struct {
	s   string
	bad bool
}

func (r *stateReader) entry(e *entry) {
	e.name = r.text()
	e.stamp = r.number64()
	e.hash = r.number64()
	e.flags = flags(r.one())
	if e.has(hasKey) {
		e.key = r.text()
	}
	if e.has(hasDeps) {
		e.deps = r.strings()
	}
	if !e.has(hasProblems) {
		return
	}
	e.problems = make([]Problem, r.count(5))
	for i := range e.problems {
		e.problems[i] = Problem{Line: r.small(), Column: r.small(), Message: r.text(), Hint: r.text(), Warning: r.one() == 1}
	}
}

func (r *stateReader) fail() {
	r.bad, r.s = true, ""
}

func (r *stateReader) uvarint() uint64 {
	var x uint64
	for i := range min(len(r.s), binary.MaxVarintLen64) {
		c := r.s[i]
		x |= uint64(c&0x7F) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return x
		}
	}
	r.fail()
	return 0
}

func (r *stateReader) small() int {
	x := r.uvarint()
	if x > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int(x)
}

// count reads a number of things of at least size bytes each, so that no damaged
// state makes it allocate more than it holds.
func (r *stateReader) count(size int) int {
	n := r.small()
	if n > len(r.s)/size {
		r.fail()
		return 0
	}
	return n
}

func (r *stateReader) text() string {
	n := r.count(1)
	t := r.s[:n]
	r.s = r.s[n:]
	return t
}

func (r *stateReader) strings() []string {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.text()
	}
	return list
}

func (r *stateReader) number64() uint64 {
	if len(r.s) < 8 {
		r.fail()
		return 0
	}
	var x uint64
	for i := range 8 {
		x |= uint64(r.s[i]) << (8 * i)
	}
	r.s = r.s[8:]
	return x
}

func (r *stateReader) one() byte {
	if r.s == "" {
		r.fail()
		return 0
	}
	c := r.s[0]
	r.s = r.s[1:]
	return c
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}
