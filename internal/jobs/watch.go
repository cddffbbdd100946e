package jobs

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	settleDown  = 300 * time.Millisecond // editors and copies change files several times
	settleLimit = 5 * time.Second        // of changes without a pause
	maxFolders  = 50_000                 // that are watched; beyond, the relisting finds changes
)

// watcher tells Serve when something below the watched folders changes. The folder
// above each is watched as well, without what else is in it: that alone tells when
// a folder comes, goes, or is replaced by another.
type watcher struct {
	s     *Service
	files *fsnotify.Watcher
}

// watchFiles watches until ctx ends. Folders that come later are watched as well.
// What cannot be watched is found by the periodic relisting.
func (s *Service) watchFiles(ctx context.Context) {
	if len(s.o.Watch) == 0 {
		return
	}
	files, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("files are not watched", "error", err, "looked_at_every", relistEvery)
		return
	}
	defer func() { _ = files.Close() }()
	w := &watcher{s: s, files: files}
	for _, root := range s.o.Watch {
		// If the folder above is missing too, relisting finds this one.
		_ = files.Add(filepath.Dir(root))
		w.add(root)
	}
	w.run(ctx)
}

func (w *watcher) run(ctx context.Context) {
	var settled <-chan time.Time
	var since time.Time
	stir := func() {
		if settled == nil {
			since = time.Now()
		}
		if settled == nil || time.Since(since) < settleLimit {
			settled = time.After(settleDown)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.files.Events:
			if e.Op == fsnotify.Chmod || !w.concerns(e.Name) {
				continue
			}
			if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				w.forget(e.Name)
			}
			if e.Has(fsnotify.Create) {
				w.add(e.Name)
			}
			stir()
		case err := <-w.files.Errors:
			w.s.log.Warn("changes of files may have been missed", "error", err)
			stir()
		case <-settled:
			settled = nil
			w.s.Changed()
		}
	}
}

// concerns reports whether a path is a watched folder or lies below one.
func (w *watcher) concerns(path string) bool {
	for _, root := range w.s.o.Watch {
		rel, err := filepath.Rel(root, path)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return rel == "." || !hidden(path)
		}
	}
	return false
}

// add watches a folder and those below it, if it is there.
func (w *watcher) add(root string) {
	folders := len(w.files.WatchList())
	// The separator makes a link to a folder that folder.
	err := filepath.WalkDir(root+string(filepath.Separator), func(path string, e fs.DirEntry, err error) error {
		path = filepath.Clean(path)
		switch {
		case err != nil:
			if path == root {
				return err
			}
			return nil // one folder that cannot be read does not hide the others
		case !e.IsDir():
			return nil
		case path != root && hidden(path):
			return filepath.SkipDir
		case folders >= maxFolders:
			return filepath.SkipAll
		}
		folders++
		return w.files.Add(path)
	})
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // or a file
	default:
		w.s.log.Warn("folder not watched", "folder", root, "error", err, "looked_at_every", relistEvery)
	}
}

// forget stops watching a folder that was moved away or deleted, and those below
// it: what happens to them elsewhere does not concern this site, and another may
// come under the same name.
func (w *watcher) forget(path string) {
	for _, have := range w.files.WatchList() {
		if have == path || strings.HasPrefix(have, path+string(filepath.Separator)) {
			_ = w.files.Remove(have) // the system may have been quicker
		}
	}
}

// hidden reports whether a file is an editor's or a tool's own.
func hidden(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~")
}
