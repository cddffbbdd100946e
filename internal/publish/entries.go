package publish

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
)

const (
	entryBatch = 64     // articles that are read and rendered in one go
	waveSize   = 20_000 // articles whose entries wait at once
)

// entryKey tells entries apart: an article's, or an issue's of a newsletter.
type entryKey struct {
	letters string // path of the newsletter's feed; empty: an article
	seq     int64
	full    bool
}

// spooled is an entry that waits in the spool.
type spooled struct {
	at      int64
	size    [len(Formats)]int
	updated time.Time
	signed  bool
	id      string
}

// bodies are the two ways in which an article is wanted: whole, and with its
// summary only.
var bodies = [2]bool{true, false}

// index is the place in bodies.
func index(full bool) int {
	if full {
		return 0
	}
	return 1
}

// keysOf returns the entries of a document, in order.
func (d *document) keysOf() []entryKey {
	k := entryKey{full: d.feed.full}
	if d.feed.kind == Newsletter {
		k.letters = d.feed.path
	}
	keys := make([]entryKey, len(d.stamps))
	for i, x := range d.stamps {
		keys[i] = k
		keys[i].seq = x.Seq
	}
	return keys
}

// wave takes documents off the front, as many as may wait at once.
func wave(docs []*document) (now, later []*document) {
	in := map[entryKey]bool{}
	for n, d := range docs {
		for _, k := range d.keysOf() {
			in[k] = true
		}
		if len(in) > waveSize && n > 0 {
			return docs[:n], docs[n:]
		}
	}
	return docs, nil
}

// encoder renders and encodes what documents need, each article once.
type encoder struct {
	b     *Builder
	plan  *plan
	spool *spool

	mu       sync.Mutex
	entries  map[entryKey]spooled
	rendered map[int64]bool     // articles whose bodies were
	links    map[string][]int64 // found in them
	flawed   map[int64]bool     // articles that are not in the feeds as they ought to be
	problems []string
	done     int
	total    int
}

// encode fills e.entries with what the documents need.
func (e *encoder) encode(ctx context.Context, docs []*document) error {
	wanted := map[int64][2]bool{} // see bodies
	letters := map[entryKey]*feed{}
	for _, d := range docs {
		for _, k := range d.keysOf() {
			if k.letters != "" {
				letters[k] = d.feed
				continue
			}
			w := wanted[k.seq]
			w[index(k.full)] = true
			wanted[k.seq] = w
		}
	}
	if err := e.takeOver(ctx, docs, wanted); err != nil {
		return err
	}
	seqs := make([]int64, 0, len(wanted))
	for seq := range wanted {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for batch := range slices.Chunk(seqs, entryBatch) {
		g.Go(func() error { return e.articles(ctx, batch, wanted) })
	}
	for k, f := range letters {
		g.Go(func() error { return e.letter(ctx, k, f) })
	}
	return g.Wait()
}

// articles encodes a batch.
func (e *encoder) articles(ctx context.Context, seqs []int64, wanted map[int64][2]bool) error {
	list, err := e.b.o.Store.ArticlesBySeq(ctx, seqs, true)
	if err != nil {
		return err
	}
	for i := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		a := &list[i]
		w := wanted[a.Seq]
		it, refs, err := e.b.o.Item(ctx, a, w[0])
		if err != nil {
			e.problem(err.Error())
		}
		e.mu.Lock()
		if w[0] {
			e.rendered[a.Seq] = true
		}
		if err != nil {
			e.flawed[a.Seq] = true
		}
		for _, r := range refs {
			e.links[linkKey(r)] = append(e.links[linkKey(r)], a.Seq)
		}
		e.mu.Unlock()
		for n, full := range bodies {
			if w[n] {
				if !full {
					it.HTML = ""
				}
				if err := e.keep(entryKey{seq: a.Seq, full: full}, it); err != nil {
					return err
				}
			}
		}
	}
	e.tell(len(list))
	return nil
}

// letter encodes an issue.
func (e *encoder) letter(ctx context.Context, k entryKey, f *feed) error {
	for _, x := range f.letters {
		if int64(x.number) != k.seq {
			continue
		}
		it, err := e.b.letterItem(ctx, f.spec, f.row.ID, x)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			e.problem(fmt.Sprintf("issue %d of %s: %v", x.number, f.name, err))
			if it.ID == "" {
				return nil
			}
		}
		return e.keep(k, it)
	}
	return nil
}

// keep encodes an item and puts it into the spool. What cannot stand in a document
// is tried without its body, and then left out: it must not break the others.
func (e *encoder) keep(k entryKey, it feeds.Item) error {
	entry, err := encodeSound(it)
	if err != nil && it.HTML != "" {
		e.flaw(k, fmt.Sprintf("%s is in the feeds without its body: %v", nameOfItem(&it.Article), err))
		it.HTML = ""
		entry, err = encodeSound(it)
	}
	if err != nil {
		e.flaw(k, fmt.Sprintf("%s is left out of the feeds: %v", nameOfItem(&it.Article), err))
		return nil
	}
	return e.spoolEntry(k, &entry)
}

// spoolEntry puts an entry into the spool.
func (e *encoder) spoolEntry(k entryKey, entry *feeds.Entry) error {
	at, err := e.spool.add(entry.RSS, entry.Atom, entry.JSON)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.entries[k] = spooled{
		at: at, size: [len(Formats)]int{len(entry.RSS), len(entry.Atom), len(entry.JSON)},
		updated: entry.Updated, signed: entry.Signed, id: entry.ID,
	}
	return nil
}

// encodeSound encodes an item and checks the pieces.
func encodeSound(it feeds.Item) (feeds.Entry, error) {
	entry, err := feeds.Encode(it)
	if err == nil {
		err = checkEntry(&entry)
	}
	return entry, err
}

// nameOfItem is what problems call an article.
func nameOfItem(a *newsletter.Article) string {
	if a.Key != "" {
		return a.Key
	}
	return a.Title
}

// flaw notes that an entry is not as it ought to be.
func (e *encoder) flaw(k entryKey, problem string) {
	e.problem(problem)
	if k.letters != "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flawed[k.seq] = true
}

func (e *encoder) problem(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Contains(e.problems, text) {
		e.problems = append(e.problems, text)
	}
}

func (e *encoder) tell(n int) {
	if e.b.o.OnProgress == nil {
		return
	}
	e.mu.Lock()
	e.done += n
	done, total := e.done, max(e.done, e.total)
	e.mu.Unlock()
	e.b.o.OnProgress(done, total)
}

// piece reads an entry in one format from the spool, at the end of buf.
func (e *encoder) piece(buf []byte, x *spooled, format int) ([]byte, error) {
	at := x.at
	for i := range format {
		at += int64(x.size[i])
	}
	return e.spool.read(buf, at, x.size[format])
}
