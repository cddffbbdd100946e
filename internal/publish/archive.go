package publish

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sort"
	"time"

	"syndicate/internal/store"
)

// document is a document that is to be made anew, in all formats.
type document struct {
	feed   *feed
	page   int           // of the archive; 0: what people subscribe to
	stamps []store.Stamp // what is in it, in order

	updated time.Time // when it changed last
	back    bool      // it was kept back: the next build tries again
}

// last is the highest seq of the archive.
func (f *feed) last() int64 {
	if n := len(f.row.Pages); n > 0 {
		return f.row.Pages[n-1]
	}
	return 0
}

// fill closes the pages of the feed's archive that are full by now, and adds to
// the feed's list what is in no page yet: nothing may be in neither. An article
// of long ago that came in today is such a one.
func (b *Builder) fill(ctx context.Context, f *feed) error {
	if !f.archive {
		return nil
	}
	rest, err := f.members(f.last(), 0)
	if err != nil {
		return err
	}
	if len(rest) >= f.items {
		bySeq := slices.Clone(rest)
		slices.SortFunc(bySeq, compareSeq)
		var ends []int64
		for n := f.items; n <= len(bySeq); n += f.items {
			ends = append(ends, bySeq[n-1].Seq)
		}
		if f.row.Pages, err = b.o.Store.AddFeedPages(ctx, f.path, len(f.row.Pages), ends); err != nil {
			return err
		}
		last := f.last()
		rest = slices.DeleteFunc(slices.Clone(rest), func(x store.Stamp) bool { return x.Seq <= last })
	}
	in := make(map[int64]bool, len(f.list))
	for _, x := range f.list {
		in[x.Seq] = true
	}
	for _, x := range rest {
		if !in[x.Seq] {
			f.list = append(f.list, x)
		}
	}
	return nil
}

// archived compares the pages of the feed's archive with those of before and adds
// those that differ to the documents to be made.
func (b *Builder) archived(p *plan, f *feed) error {
	pages := f.row.Pages
	if !f.archive {
		pages = nil
	}
	f.state.Pages = len(pages)
	var old []string
	if f.old != nil && p.trusted {
		old = f.old.Archived
	}
	f.state.Archived = slices.Clone(old[:min(len(old), len(pages))])
	for len(f.state.Archived) < len(pages) {
		f.state.Archived = append(f.state.Archived, "")
	}
	look := b.pagesToLookAt(p, f, old)
	for n := range pages {
		if !look[n] {
			continue
		}
		var after int64
		if n > 0 {
			after = pages[n-1]
		}
		stamps, err := f.members(after, pages[n])
		if err != nil {
			return err
		}
		slices.SortFunc(stamps, func(x, y store.Stamp) int { return compareSeq(y, x) })
		print := listPrint(f.head, n+1 < len(pages), stamps)
		if print == f.state.Archived[n] && !p.forces(f, n+1, stamps) {
			continue
		}
		f.state.Archived[n] = print
		p.docs = append(p.docs, &document{feed: f, page: n + 1, stamps: stamps})
	}
	return nil
}

// pagesToLookAt says which pages may differ, counted from 0: all, where nothing is
// known of them.
func (b *Builder) pagesToLookAt(p *plan, f *feed, old []string) map[int]bool {
	pages := f.row.Pages
	look := map[int]bool{}
	for n := max(0, len(old)-1); n < len(pages); n++ { // the last one may have got a successor
		look[n] = true
	}
	if f.old == nil || !p.trusted || f.kind == Newsletter || f.head != f.old.Head || f.old.Held != "" {
		for n := range pages {
			look[n] = true
		}
	}
	at := func(seq int64) {
		if n := sort.Search(len(pages), func(i int) bool { return pages[i] >= seq }); n < len(pages) {
			look[n] = true
		}
	}
	for seq := range p.touched {
		at(seq)
	}
	for seq := range p.forced {
		at(seq)
	}
	for n := range pages {
		if p.broken[place{f.path, n + 1}] {
			look[n] = true
		}
	}
	return look
}

// forces reports whether a document is to be made though its list is the same.
func (p *plan) forces(f *feed, page int, stamps []store.Stamp) bool {
	return !p.trusted || p.broken[place{f.path, page}] || slices.ContainsFunc(stamps, func(x store.Stamp) bool { return p.forced[x.Seq] })
}

// listPrint is the fingerprint of a document: of the head and of what is in it.
func listPrint(head string, more bool, stamps []store.Stamp) string {
	h := sha256.New()
	h.Write([]byte(head))
	buf := []byte{0}
	if more {
		buf[0] = 1
	}
	h.Write(buf)
	for _, x := range stamps {
		buf = binary.LittleEndian.AppendUint64(buf[:0], uint64(x.Seq))
		buf = binary.LittleEndian.AppendUint64(buf, uint64(x.Changed))
		h.Write(buf)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
