package roster

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"
)

// runLength is how many addresses are sorted in memory at a time.
const runLength = 1 << 17

// Doubles finds addresses that are on a list twice, in memory that does not grow
// with the list: hashes are sorted in runs, which wait in a temporary file until
// they are merged.
type Doubles struct {
	length int
	seed   maphash.Seed
	run    []mark
	file   *os.File
	runs   []int // how many marks each run in the file has
}

// mark is an address on a line.
type mark struct {
	hash uint64
	line int64
	tag  int64
}

const markSize = 24

// NewDoubles makes a Doubles; Close it.
func NewDoubles() *Doubles { return &Doubles{length: runLength, seed: maphash.MakeSeed()} }

// Add tells of a line; tag comes back with it.
func (d *Doubles) Add(address string, line, tag int) error {
	d.run = append(d.run, mark{maphash.String(d.seed, strings.ToLower(address)), int64(line), int64(tag)})
	if len(d.run) < d.length {
		return nil
	}
	return d.spill()
}

func (d *Doubles) sort() {
	slices.SortFunc(d.run, func(a, b mark) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.line, b.line)) })
}

// spill writes the run in memory to the file.
func (d *Doubles) spill() error {
	if d.file == nil {
		f, err := os.CreateTemp("", "syndicate-list-*")
		if err != nil {
			return fmt.Errorf("sorting the list: %w", err)
		}
		os.Remove(f.Name()) // it lives as long as it is open
		d.file = f
	}
	d.sort()
	w := bufio.NewWriterSize(d.file, readAhead)
	for _, m := range d.run {
		var b [markSize]byte
		binary.LittleEndian.PutUint64(b[:], m.hash)
		binary.LittleEndian.PutUint64(b[8:], uint64(m.line))
		binary.LittleEndian.PutUint64(b[16:], uint64(m.tag))
		if _, err := w.Write(b[:]); err != nil {
			return fmt.Errorf("sorting the list: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sorting the list: %w", err)
	}
	d.runs, d.run = append(d.runs, len(d.run)), d.run[:0]
	return nil
}

// Each calls found for each line whose address is on an earlier line, first: in no
// order that means anything. Nothing may be added any more.
func (d *Doubles) Each(found func(line, first, tag int)) error {
	d.sort()
	m := merge{&cursor{rest: d.run}}
	at := int64(0)
	for _, n := range d.runs {
		size := int64(n) * markSize
		m = append(m, &cursor{r: bufio.NewReaderSize(io.NewSectionReader(d.file, at, size), 16<<10)})
		at += size
	}
	for i := len(m) - 1; i >= 0; i-- {
		if err := m[i].next(); errors.Is(err, io.EOF) {
			m = slices.Delete(m, i, i+1)
		} else if err != nil {
			return fmt.Errorf("sorting the list: %w", err)
		}
	}
	heap.Init(&m)
	var last mark
	for begun := false; len(m) > 0; begun = true {
		switch now := m[0].mark; {
		case begun && now.hash == last.hash:
			found(int(now.line), int(last.line), int(now.tag))
		default:
			last = now
		}
		if err := m[0].next(); errors.Is(err, io.EOF) {
			heap.Pop(&m)
		} else if err != nil {
			return fmt.Errorf("sorting the list: %w", err)
		} else {
			heap.Fix(&m, 0)
		}
	}
	return nil
}

// Close frees the temporary file.
func (d *Doubles) Close() error {
	if d.file == nil {
		return nil
	}
	return d.file.Close()
}

// cursor is a place in a run, in memory or in the file.
type cursor struct {
	mark mark
	rest []mark
	r    io.Reader
}

func (c *cursor) next() error {
	if c.r != nil {
		var b [markSize]byte
		if _, err := io.ReadFull(c.r, b[:]); err != nil {
			return err
		}
		c.mark = mark{binary.LittleEndian.Uint64(b[:]), int64(binary.LittleEndian.Uint64(b[8:])), int64(binary.LittleEndian.Uint64(b[16:]))}
		return nil
	}
	if len(c.rest) == 0 {
		return io.EOF
	}
	c.mark, c.rest = c.rest[0], c.rest[1:]
	return nil
}

// merge is a heap of cursors by what they stand at.
type merge []*cursor

// Len implements heap.Interface.
func (m merge) Len() int { return len(m) }

// Less implements heap.Interface.
func (m merge) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(m[i].mark.hash, m[j].mark.hash), cmp.Compare(m[i].mark.line, m[j].mark.line)) < 0
}

// Swap implements heap.Interface.
func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }

// Push implements heap.Interface.
func (m *merge) Push(x any) { *m = append(*m, x.(*cursor)) } //nolint:errcheck // only cursors are put in

// Pop implements heap.Interface.
func (m *merge) Pop() any {
	old := *m
	x := old[len(old)-1]
	*m = old[:len(old)-1]
	return x
}
