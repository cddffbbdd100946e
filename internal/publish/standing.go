package publish

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"syndicate/internal/feeds"
)

// A document that is made again mostly holds articles that did not change, and
// rendering one of these costs a hundred times what reading it does. So their
// entries are taken out of the documents that stand: there they are, in the very
// bytes that encoding them gives. That needs no store of rendered articles, with
// rules of its own for when one of them is out of date, and trusts nothing that a
// build does not trust anyway: the entry of an article that did not change, in a
// document that the state says is of its last version, is what stays in public/
// when the document is not made again.
//
// What is no longer as it was written (its hash tells) is not looked at, nor what
// was kept back, nor the entries of articles that could not be rendered: those are
// tried again. Newsletters' issues are few, and always encoded.

// outlineBatch is how many articles are asked for at once, without their bodies.
const outlineBatch = 500

// known is what has to be known of an entry besides its bytes.
type known struct {
	seq     int64
	updated time.Time
	signed  bool
}

// takeOver puts entries that stand in public/ into the spool, as far as documents
// need them, and takes these off the list of those that are wanted.
func (e *encoder) takeOver(ctx context.Context, docs []*document, wanted map[int64][2]bool) error {
	docs = slices.DeleteFunc(slices.Clone(docs), func(d *document) bool { return !d.stands(e.plan) })
	if len(docs) == 0 {
		return nil
	}
	e.late(docs)
	unchanged, err := e.unchanged(ctx, wanted)
	if err != nil || len(unchanged) == 0 {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, d := range docs {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return e.takeFrom(d, unchanged, wanted)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	taken := 0
	for seq, w := range wanted {
		for n, full := range bodies {
			if _, ok := e.entries[entryKey{seq: seq, full: full}]; ok {
				w[n] = false
			}
		}
		if wanted[seq] = w; w == [2]bool{} {
			delete(wanted, seq)
			taken++
		}
	}
	e.tell(taken)
	return nil
}

// late counts articles as changed that became so after the plan asked which did:
// the lists of the documents, which were read later, tell. What stands of them must
// not be taken over under a fingerprint that is already the new one.
func (e *encoder) late(docs []*document) {
	for _, d := range docs {
		for _, x := range d.stamps {
			if x.Changed > e.plan.old.Version {
				e.plan.touched[x.Seq] = true
			}
		}
	}
}

// stands reports whether the last build left the document as it should be.
func (d *document) stands(p *plan) bool {
	f := d.feed.old
	switch {
	case f == nil || !p.trusted || d.feed.kind == Newsletter:
		return false
	case d.page == 0:
		return f.Print != ""
	}
	return d.page <= len(f.Archived) && f.Archived[d.page-1] != ""
}

// unchanged returns what is wanted of articles that are as they were, by id.
func (e *encoder) unchanged(ctx context.Context, wanted map[int64][2]bool) (map[string]known, error) {
	p := e.plan
	flawed := make(map[int64]bool, len(p.old.Flawed))
	for _, seq := range p.old.Flawed {
		flawed[seq] = true
	}
	var seqs []int64
	for seq := range wanted {
		if !p.touched[seq] && !p.forced[seq] && !flawed[seq] {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	out := make(map[string]known, len(seqs))
	for batch := range slices.Chunk(seqs, outlineBatch) {
		list, err := e.b.o.Store.ArticlesBySeq(ctx, batch, false)
		if err != nil {
			return nil, err
		}
		for i := range list {
			it, _, err := e.b.o.Item(ctx, &list[i], false)
			if err != nil {
				continue // encoding it says what is the matter
			}
			x := feeds.Outline(it)
			out[x.ID] = known{list[i].Seq, x.Updated, x.Signed}
		}
	}
	return out, nil
}

// takeFrom takes entries out of a document in its three formats.
func (e *encoder) takeFrom(d *document, unchanged map[string]known, wanted map[int64][2]bool) error {
	var in [len(Formats)][]byte
	for n, format := range Formats {
		name := Document{Feed: &d.feed.old.Feed, Format: format, Page: d.page}.File()
		data, err := os.ReadFile(filepath.Join(e.b.o.Dir, filepath.FromSlash(name)))
		if err != nil || Hash(data) != e.plan.old.Files[name].Hash {
			return nil //nolint:nilerr // gone or changed by somebody: its articles are encoded
		}
		in[n] = data
	}
	entries, ok := feeds.TakeApart(in[0], in[1], in[2])
	if !ok {
		return nil
	}
	full := d.feed.full
	for id, entry := range entries {
		x, ok := unchanged[id]
		k := entryKey{seq: x.seq, full: full}
		if !ok || !wanted[x.seq][index(full)] || !e.claim(k) {
			continue
		}
		entry.Updated, entry.Signed = x.updated, x.signed
		if err := e.spoolEntry(k, &entry); err != nil {
			return err
		}
	}
	return nil
}

// claim reports whether an entry is in no other hands yet.
func (e *encoder) claim(k entryKey) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, taken := e.entries[k]
	if !taken {
		e.entries[k] = spooled{}
	}
	return !taken
}
