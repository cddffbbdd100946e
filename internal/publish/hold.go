package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"syndicate/internal/feeds"
	"syndicate/internal/store"
)

// A feed that loses most of what it has, or whose articles get other ids, mostly
// does so by mistake: a folder that was not mounted, a database made anew. Readers
// would drop the articles, or show all of them once more, and nothing brings that
// back. So the documents that stand are kept, with everything else of their feed,
// until the operator says that it is meant, or the articles are there again.

// fewItems is how many articles may leave a feed, or get another id, without a word.
const fewItems = 4

// most reports whether n of all is more than what happens every day.
func most(n, all int) bool { return n > fewItems && n > all/2 }

// hold leaves the feeds as they are to which such a thing would happen.
func (b *Builder) hold(ctx context.Context, p *plan, settings string) error {
	kept := map[key]bool{}
	for _, f := range p.kept {
		kept[key{f.Kind, fold(f.Label)}] = true
	}
	next := map[key]*feed{}
	for _, f := range p.feeds {
		next[f.key] = f
	}
	for i := range p.old.Feeds {
		old := &p.old.Feeds[i]
		k := key{old.Kind, fold(old.Label)}
		f := next[k]
		switch {
		case kept[k],
			b.spoiled(p, old), // there is nothing that could be kept
			f == nil && (old.Kind == Named || old.Kind == Newsletter),   // config.yaml has it no more
			f != nil && old.Kind == Named && p.old.Settings != settings: // and may want something else of it
			continue
		}
		reason, err := b.sudden(ctx, p, old, f)
		if err != nil {
			return err
		}
		if reason == "" {
			continue
		}
		held := *old
		held.Held = reason
		// What is in the documents is of another time than the rest of the state.
		held.Print, held.Archived = "", make([]string, len(old.Archived))
		p.kept = append(p.kept, &held)
		p.feeds = slices.DeleteFunc(p.feeds, func(x *feed) bool { return x == f })
	}
	return nil
}

// spoiled reports whether a document of the feed that people subscribe to is gone,
// or not what was written. Another time, as a copy of the folder has, or a twin that
// is missing are nothing of the kind.
func (b *Builder) spoiled(p *plan, old *feedState) bool {
	if !p.broken[place{old.Path, 0}] {
		return false
	}
	for _, format := range Formats {
		name := old.File(format)
		f, known := p.old.Files[name]
		if !known {
			continue
		}
		data, err := os.ReadFile(filepath.Join(b.o.Dir, filepath.FromSlash(name)))
		if err != nil || Hash(data) != f.Hash {
			return true
		}
	}
	return false
}

// restore brings the files of the feeds that are held in order as far as that can
// be, and what is known of them: the next build would start for their sake else.
// A page of an archive that is lost is made when its feed is no longer held.
func (w *writer) restore(held []*feedState) error {
	folders := make(map[string]bool, len(held))
	for _, f := range held {
		folders[f.Path] = f.Held != ""
	}
	for _, name := range slices.Sorted(maps.Keys(w.damaged)) {
		plain := plainName(name)
		at, ok := placeOf(plain)
		if !ok || !folders[at.folder] {
			continue
		}
		data, err := os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(plain)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reading %s: %w", plain, err)
		}
		if err != nil || Hash(data) != w.old[plain].Hash {
			delete(w.files, name)
			continue
		}
		if err := w.put(plain, data); err != nil {
			return fmt.Errorf("writing %s: %w", plain, err)
		}
	}
	return nil
}

// sudden says what would happen to the readers of a feed; empty: nothing that does
// not happen every day. f is nil where the feed would be no more.
func (b *Builder) sudden(ctx context.Context, p *plan, old *feedState, f *feed) (string, error) {
	have, list := len(old.Seqs), []store.Stamp(nil)
	if f != nil {
		have, list = min(have, f.items), f.list
	}
	switch {
	case !most(have-len(list), have):
	case len(list) == 0:
		return fmt.Sprintf("nothing would be left of the %d articles in it", have), nil
	default:
		return fmt.Sprintf("%d of the %d articles in it would be left", len(list), have), nil
	}
	if f == nil || f.kind == Newsletter {
		return "", nil
	}
	// An article keeps its id as long as it keeps its seq in this store.
	strange := list
	if p.old.Site == b.o.Store.SiteID() && old.Held == "" {
		before := make(map[int64]bool, len(old.Seqs))
		for _, seq := range old.Seqs {
			before[seq] = true
		}
		strange = slices.DeleteFunc(slices.Clone(list), func(x store.Stamp) bool { return before[x.Seq] })
	}
	if !most(len(strange), len(list)) {
		return "", nil
	}
	n, err := b.otherIDs(ctx, old, strange)
	if err != nil || !most(n, len(list)) {
		return "", err
	}
	return fmt.Sprintf("%d of its %d articles would get other ids, and readers see them as new", n, len(list)), nil
}

// otherIDs counts the articles that stand in a feed's document at the same address
// with another id.
func (b *Builder) otherIDs(ctx context.Context, old *feedState, list []store.Stamp) (n int, err error) {
	name := filepath.Join(b.o.Dir, filepath.FromSlash(old.File(JSON)))
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking at the feed that stands: %w", err)
	}
	o, err := readOutline(JSON, data)
	if err != nil {
		return 0, nil //nolint:nilerr // what cannot be read is not worth being kept
	}
	ids := make(map[string]string, len(o.entries)) // by address
	for _, e := range o.entries {
		ids[e.link] = e.id
	}
	seqs := make([]int64, len(list))
	for i, x := range list {
		seqs[i] = x.Seq
	}
	articles, err := b.o.Store.ArticlesBySeq(ctx, seqs, false)
	if err != nil {
		return 0, err
	}
	for i := range articles {
		it, _, err := b.o.Item(ctx, &articles[i], false)
		if err != nil {
			continue // encoding it says what is the matter
		}
		e := feeds.Outline(it)
		if was := ids[e.URL]; e.URL != "" && was != "" && was != e.ID {
			n++
		}
	}
	return n, nil
}
