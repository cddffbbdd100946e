package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// meta is what tells changes of a file without reading it.
type meta struct {
	size  int64
	mtime int64 // when the content last changed; Unix nanoseconds
	// When the inode last changed; mtime where the system does not tell. It cannot
	// be set, so it betrays files that were replaced by others of the same size and
	// time, as archives and image builders do.
	ctime int64
}

// file is an article file that a walk found.
type file struct {
	name string
	meta
}

// folder holds the article files of a folder, sorted by name.
type folder struct {
	path  string // slash-separated, empty for the root
	files []file
}

// tree is what a walk found.
type tree struct {
	folders  []folder // sorted by path
	assets   map[string]meta
	problems []Problem
	complete bool // every folder could be read
	files    int
}

type walker struct {
	root   string // real path
	ignore []string
	label  func(string) string
	group  *errgroup.Group

	mu sync.Mutex
	t  tree
}

// walk lists the folder on all cores; stat calls are what takes the time.
func (d *Dir) walk(ctx context.Context) (*tree, string, error) {
	root, err := filepath.EvalSymlinks(d.o.Root)
	if err != nil {
		return nil, "", fmt.Errorf("reading the folder of articles: %w", plainPath(err))
	}
	w := &walker{root: root, ignore: d.o.Ignore, label: d.display, group: &errgroup.Group{}}
	w.t.complete = true
	w.t.assets = map[string]meta{}
	w.group.SetLimit(runtime.GOMAXPROCS(0))
	err = w.folder(ctx, "")
	_ = w.group.Wait() // what fails inside is a problem, not an error
	if err != nil {
		return nil, "", fmt.Errorf("reading the folder of articles: %w", plainPath(err))
	}
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	slices.SortFunc(w.t.folders, func(a, b folder) int { return strings.Compare(a.path, b.path) })
	for _, f := range w.t.folders {
		w.t.files += len(f.files)
	}
	return &w.t, root, nil
}

// plainError is the system's error without the name of its call.
type plainError struct{ *fs.PathError }

func (e plainError) Error() string { return e.Path + ": " + e.Err.Error() }

// plainPath leaves the system's call out of an error about a file: "lstat" tells
// nobody anything.
func plainPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return plainError{p}
	}
	return err
}

// run does work on another goroutine if one is free, else here.
func (w *walker) run(work func()) {
	if !w.group.TryGo(func() error { work(); return nil }) {
		work()
	}
}

// folder notes what is in a folder and then goes into those inside.
func (w *walker) folder(ctx context.Context, rel string) error {
	dir, entries, err := readFolder(filepath.Join(w.root, filepath.FromSlash(rel)))
	if err != nil {
		return err
	}
	w.entries(ctx, rel, dir, entries)
	dir.Close() // before others are opened: there may be more of them than may be open
	for _, e := range entries {
		if !e.IsDir() || ctx.Err() != nil || hiddenName(e.Name()) || w.ignored(rel, e.Name()) || !w.named(rel, e.Name()) {
			continue
		}
		p := path.Join(rel, e.Name())
		w.run(func() {
			if err := w.folder(ctx, p); err != nil && !errors.Is(err, fs.ErrNotExist) {
				w.unreadable(p, err)
			}
		})
	}
	return nil
}

// readFolder opens a folder and reads its names, sorted.
func readFolder(name string) (*os.File, []fs.DirEntry, error) {
	dir, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	entries, err := dir.ReadDir(-1)
	if err != nil {
		dir.Close()
		return nil, nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return dir, entries, nil
}

// entries notes the article files and assets among the names of a folder.
func (w *walker) entries(ctx context.Context, rel string, dir *os.File, entries []fs.DirEntry) {
	const share = 1024 // names looked at by one goroutine
	var parts sync.WaitGroup
	found := make([][]file, (len(entries)+share-1)/share)
	for i := range found {
		chunk := entries[i*share : min(len(entries), (i+1)*share)]
		if i == len(found)-1 { // the rest, by whoever is here
			found[i] = w.look(ctx, rel, dir, chunk)
			break
		}
		parts.Add(1)
		w.run(func() {
			defer parts.Done()
			found[i] = w.look(ctx, rel, dir, chunk)
		})
	}
	parts.Wait()
	files := slices.Concat(found...)
	if len(files) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.folders = append(w.t.folders, folder{path: rel, files: files})
}

func (w *walker) look(ctx context.Context, rel string, dir *os.File, entries []fs.DirEntry) []file {
	files := make([]file, 0, len(entries))
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || ctx.Err() != nil || hiddenName(name) || w.ignored(rel, name) {
			continue
		}
		article := formatOf(name) != ""
		if !article && newsletter.MediaType(name) == "" {
			if e.Type()&fs.ModeSymlink != 0 {
				w.linkedFolder(path.Join(rel, name))
			}
			continue
		}
		if !w.named(rel, name) {
			continue
		}
		if n := len(rel) + 1 + len(name); n > maxIndexed {
			w.leftOut(path.Join(rel, name), fmt.Sprintf("has a path of %d bytes, %d are allowed, and is left out", n, maxIndexed), "")
			continue
		}
		m, ok := w.stat(rel, dir, e)
		switch {
		case !ok:
		case article:
			files = append(files, file{name: name, meta: m})
		default:
			w.mu.Lock()
			w.t.assets[path.Join(rel, name)] = m
			w.mu.Unlock()
		}
	}
	return files
}

func (w *walker) linkedFolder(p string) {
	if info, err := os.Stat(filepath.Join(w.root, filepath.FromSlash(p))); err == nil && info.IsDir() {
		w.leftOut(p, "is a link to a folder; such links are not followed", "make the other folder a source of its own")
	}
}

// stat tells of a file; ok is false if it is left out.
func (w *walker) stat(rel string, dir *os.File, e fs.DirEntry) (m meta, ok bool) {
	if e.Type()&fs.ModeSymlink != 0 {
		return w.linked(path.Join(rel, e.Name()))
	}
	m, regular, err := statIn(dir, e.Name())
	switch {
	case errors.Is(err, fs.ErrNotExist): // gone meanwhile
		return m, false
	case err != nil:
		w.unreadable(path.Join(rel, e.Name()), err)
		return m, false
	case !regular:
		w.leftOut(path.Join(rel, e.Name()), "is not a regular file and is left out", "")
	}
	return m, regular
}

// linked tells of the file that a link leads to, if it lies in the folder.
func (w *walker) linked(p string) (m meta, ok bool) {
	target, err := filepath.EvalSymlinks(filepath.Join(w.root, filepath.FromSlash(p)))
	switch {
	case errors.Is(err, fs.ErrPermission):
		w.unreadable(p, err)
		return m, false
	case err != nil:
		w.leftOut(p, "is a link that leads nowhere and is left out", "")
		return m, false
	}
	inside, err := filepath.Rel(w.root, target)
	if err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		w.leftOut(p, "is a link that leads out of the folder and is left out", "put the file itself there")
		return m, false
	}
	if info, err := os.Stat(target); err == nil && info.Mode().IsRegular() {
		return metaOf(info), true
	}
	w.leftOut(p, "is a link to something other than a file and is left out", "")
	return m, false
}

// named reports whether a name can be stored and shown. On Linux it may be any
// bytes, and those of old archives often are.
func (w *walker) named(rel, name string) bool {
	ok := markup.Clean(name) == name && !strings.ContainsAny(name, "\t\n")
	if !ok {
		w.leftOut(path.Join(rel, name), "has a name that is not UTF-8, or with a control character in it, and is left out", "rename it")
	}
	return ok
}

func (w *walker) ignored(rel, name string) bool {
	return slices.ContainsFunc(w.ignore, func(pattern string) bool {
		pattern = strings.TrimSuffix(pattern, "/")
		if ok, err := path.Match(pattern, name); err == nil && ok {
			return true
		}
		ok, err := path.Match(pattern, path.Join(rel, name))
		return err == nil && ok
	})
}

func (w *walker) leftOut(p, message, hint string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.problems = append(w.t.problems, Problem{File: w.label(p), Message: message, Hint: hint, Warning: true})
}

func (w *walker) unreadable(p string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.complete = false
	w.t.problems = append(w.t.problems, Problem{
		File: w.label(p), Message: "cannot be read: " + cause(err),
		Hint: "until it can, no missing article is unpublished",
	})
}

// cause is the reason of a file error without the path, which is said already.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// list returns the assets, sorted by path.
func (t *tree) list() []Asset {
	out := make([]Asset, 0, len(t.assets))
	for p, a := range t.assets {
		out = append(out, Asset{Path: p, Size: a.size, ModTime: time.Unix(0, a.mtime)})
	}
	slices.SortFunc(out, func(a, b Asset) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// hiddenName reports whether a file or folder is not content: dot files, and what
// Hugo and Jekyll begin with an underscore (_index.md, _layouts), but for Jekyll's
// folders of articles.
func hiddenName(name string) bool {
	return name[0] == '.' || name[0] == '_' && name != postsFolder && name != draftsFolder
}
