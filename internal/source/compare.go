package source

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// freshness is how long after a change a file's times may still be the same after
// another one: clocks of file systems tick coarsely, on FAT every two seconds.
const freshness = 2 * time.Second

// item is an article file of a listing with what the next state is to know of it.
type item struct {
	entry
	folder string
	file   file
	known  bool   // by the old state
	read   bool   // to be parsed
	gone   bool   // not seen, but not to be concluded from: the listing is incomplete
	was    string // the key in the old state, of a suspect
}

func (it *item) path() string { return path.Join(it.folder, it.name) }

// articleKey is the key of the item's article.
func (it *item) articleKey() string {
	if it.key != "" {
		return it.key
	}
	return it.path()
}

// listing is the work behind a Listing.
type listing struct {
	dir      *Dir
	root     string // real path
	tree     *tree
	before   []byte
	old      *state
	first    bool  // nothing was known
	fresh    int64 // files changed after this are fresh; Unix nanoseconds
	items    []item
	suspects []int    // items to be read before it is known whether they changed
	lost     []string // keys that may have vanished
	vanished []string
	problems []Problem // of the listing itself
	dirty    bool      // the next state differs
	done     bool      // Read finished
}

// List implements Source.
func (d *Dir) List(ctx context.Context, ask Ask) (*Listing, error) {
	data := ask.State
	now := d.o.Now()
	t, root, err := d.walk(ctx)
	if err != nil {
		return nil, err
	}
	l := &listing{dir: d, root: root, tree: t, before: data, fresh: now.Add(-freshness).UnixNano(), problems: t.problems}
	l.old, err = decodeState(data)
	if err != nil {
		l.old, l.first, l.dirty = &state{}, true, true
		if len(data) > 0 {
			l.problems = append(l.problems, Problem{File: d.display(""), Message: err.Error() + "; all articles are read again", Warning: true})
		}
	}
	known := l.compare()
	if err := l.check(ctx); err != nil {
		return nil, err
	}
	if len(l.suspects) > 0 || len(l.lost) > 0 {
		l.settle()
	}
	changed, total := 0, 0
	for i := range l.items {
		if l.items[i].read {
			changed++
		}
		if !l.items[i].gone {
			total++
		}
	}
	return &Listing{
		Total: total, Known: known, Vanished: l.vanished, Changed: changed,
		Read: l.read, State: l.state, Problems: l.allProblems,
		Assets: t.list(), Open: l.open,
	}, nil
}

// compare pairs the files with the entries of the old state, both in order, and
// returns how many articles were known.
func (l *listing) compare() (known int) {
	known = len(l.old.held)
	l.lost = slices.Clone(l.old.held)
	again := l.old.fingerprint != l.dir.fingerprint()
	l.dirty = l.dirty || again
	l.items = make([]item, 0, l.tree.files)
	folders, olds := l.tree.folders, l.old.folders
	for len(folders) > 0 || len(olds) > 0 {
		switch {
		case len(olds) == 0 || len(folders) > 0 && folders[0].path < olds[0].path:
			known += l.pair(folders[0].path, folders[0].files, nil, again)
			folders = folders[1:]
		case len(folders) == 0 || olds[0].path < folders[0].path:
			known += l.pair(olds[0].path, nil, olds[0].entries, again)
			olds = olds[1:]
		default:
			known += l.pair(folders[0].path, folders[0].files, olds[0].entries, again)
			folders, olds = folders[1:], olds[1:]
		}
	}
	return known
}

func (l *listing) pair(folder string, files []file, entries []entry, again bool) (known int) {
	for len(files) > 0 || len(entries) > 0 {
		it := item{folder: folder}
		switch {
		case len(entries) == 0 || len(files) > 0 && files[0].name < entries[0].name: // new
			it.file, files = files[0], files[1:]
			it.name, it.flags, it.read = it.file.name, hasNone, true
			l.dirty = true
			if !l.first {
				l.suspects = append(l.suspects, len(l.items))
			}
		case len(files) == 0 || entries[0].name < files[0].name: // missing
			it.entry, entries = entries[0], entries[1:]
			it.known = true
			if l.tree.complete {
				l.dirty = true
				if it.owns() {
					known++
					l.lost = append(l.lost, it.articleKey())
				}
				continue
			}
			it.gone = true
		default:
			it.file, it.entry, it.known = files[0], entries[0], true
			files, entries = files[1:], entries[1:]
			if again || it.has(isFresh) || it.stamp != l.stampOf(it.file, it.deps) {
				it.read = again
				l.suspects = append(l.suspects, len(l.items))
			}
		}
		if it.known && it.owns() {
			known++
		}
		l.items = append(l.items, it)
	}
	return known
}

// owns reports whether the store may have an article of this entry.
func (e *entry) owns() bool { return !e.has(hasNone) && !e.has(isLoser) }

// stampOf condenses the size and times of a file and of the local files that its
// article tells about.
func (l *listing) stampOf(f file, deps []string) uint64 {
	b := make([]byte, 0, 64)
	b = binary.LittleEndian.AppendUint64(b, uint64(f.size))
	b = binary.LittleEndian.AppendUint64(b, uint64(f.mtime))
	b = binary.LittleEndian.AppendUint64(b, uint64(f.ctime))
	for _, p := range deps {
		a := l.tree.stateOf(p)
		b = binary.LittleEndian.AppendUint64(b, uint64(a.size))
		b = binary.LittleEndian.AppendUint64(b, uint64(a.mtime))
		b = binary.LittleEndian.AppendUint64(b, uint64(a.ctime))
	}
	return fnv64(b)
}

func (l *listing) isFresh(f file, deps []string) bool {
	if f.ctime >= l.fresh {
		return true
	}
	return slices.ContainsFunc(deps, func(p string) bool { return l.tree.stateOf(p).ctime >= l.fresh })
}

// hashOf condenses the content of an article file and the sizes and times of the
// local files that its article tells about.
func (l *listing) hashOf(content []byte, deps []string) uint64 {
	sum := sha256.Sum256(content)
	h := binary.LittleEndian.Uint64(sum[:])
	for _, p := range deps {
		a := l.tree.stateOf(p)
		h ^= fnv64(fmt.Appendf(nil, "%s %d %d", p, a.size, a.mtime))
	}
	return h
}

// fnv64 is FNV-1a, without an allocation.
func fnv64(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// note sets what tells at the next listing whether the file changed.
func (l *listing) note(it *item, hash uint64, deps []string) {
	it.deps, it.hash, it.stamp = deps, hash, l.stampOf(it.file, deps)
	it.flags &^= isFresh
	if l.isFresh(it.file, deps) {
		it.flags |= isFresh
	}
}

// check reads the suspects to see which really changed, and their keys: which
// articles vanished must be known before anything is emitted.
func (l *listing) check(ctx context.Context) error {
	l.dirty = l.dirty || len(l.suspects) > 0
	return parallel(ctx, len(l.suspects), func(buf *[]byte, i int) {
		it := &l.items[l.suspects[i]]
		it.was = it.articleKey()
		content, problem := l.content(it, buf)
		if problem != nil {
			it.read = true // which says so
			return
		}
		same := it.known && it.hash == l.hashOf(content, it.deps)
		if same && !it.read {
			l.note(it, it.hash, it.deps)
			return
		}
		it.read = true
		if same {
			return
		}
		l.note(it, l.hashOf(content, nil), nil)
		key, ok := l.dir.peekKey(it.name, content)
		if ok && it.known && it.owns() && key != it.key { // the old article goes only if the new one is sound
			ok = !l.dir.parse(it.path(), content, l).broken
		}
		if !ok {
			it.flags |= isBroken
			return
		}
		it.key = key
		it.flags &^= isBroken
	})
}

func (l *listing) open(p string) (io.ReadCloser, error) {
	if _, ok := l.tree.assets[p]; !ok {
		return nil, fmt.Errorf("open %s: %w", l.dir.display(p), os.ErrNotExist)
	}
	return os.Open(filepath.Join(l.root, filepath.FromSlash(p)))
}

func (l *listing) allProblems() []Problem {
	out := slices.Clone(l.problems)
	for i := range l.items {
		it := &l.items[i]
		for _, p := range it.problems {
			p.File = l.dir.display(it.path())
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return out
}

// state returns the next state; see Listing.State.
func (l *listing) state(keep []string) ([]byte, bool) {
	if !l.done {
		return l.before, false
	}
	next := state{fingerprint: l.dir.fingerprint(), held: slices.Clone(keep)}
	if !l.tree.complete { // nothing vanished, so nothing was let go
		next.held = append(next.held, l.old.held...)
	}
	slices.Sort(next.held)
	next.held = slices.Compact(next.held)
	if !l.dirty && slices.Equal(next.held, l.old.held) {
		return l.before, false
	}
	for i := range l.items {
		it := &l.items[i]
		if n := len(next.folders); n == 0 || next.folders[n-1].path != it.folder {
			next.folders = append(next.folders, knownFolder{path: it.folder})
		}
		f := &next.folders[len(next.folders)-1]
		f.entries = append(f.entries, it.entry)
	}
	return next.encode(), true
}
