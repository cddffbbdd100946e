package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/andybalholm/brotli"
)

// writer writes files into public/ and knows which are there. Documents may be put
// concurrently.
type writer struct {
	dir        string
	compressed bool
	damaged    map[string]bool
	made       bool
	static     map[string]bool // the files beside the feeds that there are

	mu      sync.Mutex
	old     map[string]file
	files   map[string]file // ours, as they stand now
	written []string
	removed []string
}

func newWriter(dir string, p *plan, compressed bool) *writer {
	files := maps.Clone(p.old.Files)
	if files == nil {
		files = map[string]file{}
	}
	return &writer{dir: dir, compressed: compressed, damaged: p.damaged, old: p.old.Files, files: files, static: map[string]bool{}}
}

// folder makes the folder, once.
func (w *writer) folder() error {
	if w.made {
		return nil
	}
	w.made = true
	return os.MkdirAll(w.dir, 0o755)
}

// put writes a document and its compressed twins, as far as they changed.
func (w *writer) put(name string, data []byte) error {
	hash := Hash(data)
	if err := w.write(name, hash, func() ([]byte, error) { return data, nil }); err != nil {
		return err
	}
	if !w.compressed {
		return nil
	}
	if err := w.write(name+".gz", hash, func() ([]byte, error) { return gzipped(data) }); err != nil {
		return err
	}
	return w.write(name+".br", hash, func() ([]byte, error) { return brotlied(data) })
}

// write writes a file made from something with a hash, unless that is what stands
// there.
func (w *writer) write(name, hash string, content func() ([]byte, error)) error {
	w.mu.Lock()
	old, known := w.old[name]
	w.mu.Unlock()
	if known && old.Hash == hash && !w.damaged[name] {
		return nil
	}
	data, err := content()
	if err != nil {
		return err
	}
	full := filepath.Join(w.dir, filepath.FromSlash(name))
	same, err := equalFile(full, data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", full, err)
	}
	var f file
	if same {
		f, err = look(full)
	} else {
		// A file that takes another one's place is on the disk before it does; a new
		// one that a power cut leaves incomplete is found by its size, and made again.
		f, err = replace(w.dir, name, data, known)
	}
	if err != nil {
		return err
	}
	f.Hash = hash
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[name] = f
	if !same {
		w.written = append(w.written, name)
	}
	return nil
}

// claim reports whether a file is ours to write: it is, or there is none.
func (w *writer) claim(name string) bool {
	if _, ours := w.old[name]; ours {
		return true
	}
	_, err := os.Lstat(filepath.Join(w.dir, filepath.FromSlash(name)))
	return errors.Is(err, fs.ErrNotExist)
}

// sweep takes away the files that were ours and belong to nothing any more, with
// the folders that are empty then.
func (w *writer) sweep(next *state) error {
	c := next.catalogue()
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		plain := plainName(name)
		_, isDocument := c.Find("/" + plain)
		twin := plain != name
		if w.static[name] || isDocument && (!twin || w.compressed) {
			continue
		}
		if err := os.Remove(filepath.Join(w.dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			if os.Remove(filepath.Join(w.dir, filepath.FromSlash(folder))) != nil {
				break // not empty
			}
		}
		delete(w.files, name)
		w.removed = append(w.removed, name)
	}
	slices.Sort(w.written)
	return nil
}

// replace puts data at name (slash-separated) under dir so that a reader sees the
// old file or the new one, never a part: a temporary file beside it is written and
// renamed.
func replace(dir, name string, data []byte, sync bool) (f file, err error) {
	full := filepath.Join(dir, filepath.FromSlash(name))
	folder := filepath.Dir(full)
	tmp, err := os.CreateTemp(folder, ".syndicate-*")
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(folder, 0o755); err == nil {
			tmp, err = os.CreateTemp(folder, ".syndicate-*")
		}
	}
	if err != nil {
		return f, err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if _, err = tmp.Write(data); err != nil {
		return f, err
	}
	if err = tmp.Chmod(0o644); err != nil {
		return f, err
	}
	if sync {
		if err = tmp.Sync(); err != nil {
			return f, err
		}
	}
	st, err := tmp.Stat()
	if err != nil {
		return f, err
	}
	if err = tmp.Close(); err != nil {
		return f, err
	}
	if err = os.Rename(tmp.Name(), full); err != nil {
		return f, err
	}
	return file{Size: st.Size(), ModTime: st.ModTime().UnixNano()}, nil
}

// look returns what a file is known by.
func look(full string) (file, error) {
	st, err := os.Stat(full)
	if err != nil {
		return file{}, err
	}
	return file{Size: st.Size(), ModTime: st.ModTime().UnixNano()}, nil
}

// stands reports whether a file is as it was left.
func (f file) stands(dir, name string) bool {
	now, err := look(filepath.Join(dir, filepath.FromSlash(name)))
	return err == nil && now.Size == f.Size && now.ModTime == f.ModTime
}

// damagedFiles returns the files that are not as they were left.
func damagedFiles(dir string, files map[string]file) map[string]bool {
	bad := map[string]bool{}
	for name, f := range files {
		if !f.stands(dir, name) {
			bad[name] = true
		}
	}
	return bad
}

// equalFile reports whether the file holds exactly data; a missing one does not.
func equalFile(name string, data []byte) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() != int64(len(data)) {
		return false, err
	}
	old, err := io.ReadAll(f)
	return err == nil && bytes.Equal(old, data), err
}

// The levels cost about as much time as the building; better ones cost many times
// that for a twentieth less.
const (
	gzipLevel   = 6
	brotliLevel = 5
)

func gzipped(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzipLevel)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func brotlied(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w := brotli.NewWriterLevel(&out, brotliLevel)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
