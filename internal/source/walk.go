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
)

// file is what a walk notes of an article file.
type file struct {
	name  string
	size  int64
	mtime int64 // Unix nanoseconds
	ctime int64 // when the inode last changed; mtime where the system does not tell
}

// folder holds the article files of a folder, sorted by name.
type folder struct {
	path  string // slash-separated, empty for the root
	files []file
}

// tree is what a walk found.
type tree struct {
	folders  []folder // sorted by path
	assets   map[string]asset
	problems []Problem
	complete bool // every folder could be read
	files    int
}

// asset is an Asset with what tells its changes.
type asset struct {
	size, mtime, ctime int64
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
		return nil, "", fmt.Errorf("reading the folder of articles: %w", err)
	}
	if info, err := os.Stat(root); err != nil {
		return nil, "", fmt.Errorf("reading the folder of articles: %w", err)
	} else if !info.IsDir() {
		return nil, "", fmt.Errorf("reading the folder of articles: %s is not a folder", d.o.Root)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, "", fmt.Errorf("reading the folder of articles: %w", err)
	}
	w := &walker{root: root, ignore: d.o.Ignore, label: d.display, group: &errgroup.Group{}}
	w.t.complete = true
	w.t.assets = map[string]asset{}
	w.group.SetLimit(runtime.GOMAXPROCS(0))
	w.entries(ctx, "", entries)
	if err := w.group.Wait(); err != nil {
		return nil, "", err
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

// run does work on another goroutine if one is free, else here.
func (w *walker) run(work func()) {
	if !w.group.TryGo(func() error { work(); return nil }) {
		work()
	}
}

func (w *walker) folder(ctx context.Context, rel string) {
	if ctx.Err() != nil {
		return
	}
	entries, err := os.ReadDir(filepath.Join(w.root, filepath.FromSlash(rel)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.unreadable(rel, err)
		return
	}
	w.entries(ctx, rel, entries)
}

// entries sorts the names of a folder, as os.ReadDir returns them, into folders,
// article files and assets.
func (w *walker) entries(ctx context.Context, rel string, entries []fs.DirEntry) {
	const share = 1024 // names looked at by one goroutine
	var parts sync.WaitGroup
	found := make([][]file, (len(entries)+share-1)/share)
	for i := range found {
		chunk := entries[i*share : min(len(entries), (i+1)*share)]
		if i == len(found)-1 { // the rest, by whoever is here
			found[i] = w.look(ctx, rel, chunk)
			break
		}
		parts.Add(1)
		w.run(func() {
			defer parts.Done()
			found[i] = w.look(ctx, rel, chunk)
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

func (w *walker) look(ctx context.Context, rel string, entries []fs.DirEntry) []file {
	files := make([]file, 0, len(entries))
	for _, e := range entries {
		name := e.Name()
		p := path.Join(rel, name)
		if ctx.Err() != nil || hiddenName(name) || w.ignored(p, name) {
			continue
		}
		if e.IsDir() {
			w.run(func() { w.folder(ctx, p) })
			continue
		}
		article := formatOf(name) != ""
		if !article && mediaType(name) == "" {
			if e.Type()&fs.ModeSymlink != 0 {
				w.linkedFolder(p)
			}
			continue
		}
		info, err := w.stat(p, e)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				w.unreadable(p, err)
			}
			continue
		}
		if info == nil { // left out, with a warning
			continue
		}
		if article {
			files = append(files, file{name: name, size: info.Size(), mtime: info.ModTime().UnixNano(), ctime: changeTime(info)})
			continue
		}
		w.mu.Lock()
		w.t.assets[p] = asset{size: info.Size(), mtime: info.ModTime().UnixNano(), ctime: changeTime(info)}
		w.mu.Unlock()
	}
	return files
}

func (w *walker) linkedFolder(p string) {
	if info, err := os.Stat(filepath.Join(w.root, filepath.FromSlash(p))); err == nil && info.IsDir() {
		w.leftOut(p, "is a link to a folder; such links are not followed", "make the other folder a source of its own")
	}
}

// stat returns what the file p is, nil if it is to be left out.
func (w *walker) stat(p string, e fs.DirEntry) (fs.FileInfo, error) {
	full := filepath.Join(w.root, filepath.FromSlash(p))
	switch {
	case e.Type().IsRegular():
		return os.Lstat(full)
	case e.Type()&fs.ModeSymlink == 0:
		w.leftOut(p, "is not a regular file and is left out", "")
		return nil, nil //nolint:nilnil // nothing to see, nothing wrong
	}
	target, err := filepath.EvalSymlinks(full)
	if errors.Is(err, fs.ErrNotExist) {
		w.leftOut(p, "is a link to a file that does not exist and is left out", "")
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, err
	}
	if inside, err := filepath.Rel(w.root, target); err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		w.leftOut(p, "is a link that leads out of the folder and is left out", "put the file itself there")
		return nil, nil //nolint:nilnil // as above
	}
	info, err := os.Stat(target)
	if err == nil && !info.Mode().IsRegular() {
		w.leftOut(p, "is a link to something other than a file and is left out", "")
		return nil, nil //nolint:nilnil // as above
	}
	return info, err
}

func (w *walker) ignored(p, name string) bool {
	return slices.ContainsFunc(w.ignore, func(pattern string) bool {
		pattern = strings.TrimSuffix(pattern, "/")
		if ok, err := path.Match(pattern, name); err == nil && ok {
			return true
		}
		ok, err := path.Match(pattern, p)
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
