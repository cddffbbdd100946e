package web

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	feedMaxSize = 64 << 20    // bytes, of one document
	feedRecheck = time.Second // how often a file is looked at
	shelfSize   = 96 << 20    // bytes that all documents may hold, in all codings, if nobody says otherwise
)

// shelf keeps the documents of feeds in memory: those that are asked for, in the
// codings in which they are. What was not asked for longest gives way. Reading
// takes no lock.
type shelf struct {
	dir     string // empty: there are no files
	size    int64  // bytes that may be held
	now     func() time.Time
	working chan struct{} // as many compress at once
	held    atomic.Int64  // bytes
	turn    atomic.Int64  // counts what was put in, the clock of what was used last

	mu    sync.Mutex
	slots map[string]*slot
}

// slot is the place of one document.
type slot struct {
	shelf       *shelf
	name        string // of the file, below dir
	contentType string

	current atomic.Pointer[document] // nil: nobody asked yet, or there is no file
	checked atomic.Int64             // when the file was looked at, in nanoseconds

	mu     sync.Mutex // held by the one who looks
	info   fs.FileInfo
	closed bool // the feed is no more
}

func newShelf(dir string, size int64, now func() time.Time) *shelf {
	return &shelf{dir: dir, size: size, now: now, working: make(chan struct{}, runtime.GOMAXPROCS(0)), slots: map[string]*slot{}}
}

// slot returns the place of a document.
func (s *shelf) slot(name, contentType string) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.slots[name]
	if p == nil {
		p = &slot{shelf: s, name: name, contentType: contentType}
		s.slots[name] = p
	}
	return p
}

// retain forgets the documents that are not known any more.
func (s *shelf) retain(known func(name string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, p := range s.slots {
		if !known(name) {
			p.mu.Lock() // somebody may be looking
			p.closed = true
			p.replace(nil)
			p.mu.Unlock()
			delete(s.slots, name)
		}
	}
}

// freshen makes the documents that are in memory ready as they are now, before
// somebody asks.
func (s *shelf) freshen() {
	for _, p := range s.loaded() {
		p.stale()
		_, _ = p.document() // who asks for it hears of the error
	}
}

func (s *shelf) loaded() []*slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*slot
	for _, p := range s.slots {
		if p.current.Load() != nil {
			list = append(list, p)
		}
	}
	return list
}

// document returns what the file holds, as it was a second ago at most. One who
// finds that it changed reads it and makes it ready; meanwhile all others get what
// was there before. The error is fs.ErrNotExist before the first build.
func (p *slot) document() (*document, error) {
	d := p.current.Load()
	now := p.shelf.now().UnixNano()
	if d != nil {
		if age := now - p.checked.Load(); age >= 0 && age < int64(feedRecheck) || !p.mu.TryLock() {
			return d, nil
		}
	} else {
		p.mu.Lock()
	}
	defer p.mu.Unlock()
	if d = p.current.Load(); d != nil && p.checked.Load() == now {
		return d, nil
	}
	d, err := p.look()
	p.checked.Store(now)
	p.shelf.trim()
	return d, err
}

// look reads the file if it changed. The caller holds mu. A document is dated once
// the second in which it changed is over: until then it may change again, and whoever
// had the date would be told ever after that nothing did (RFC 9110, 8.8.2.2).
func (p *slot) look() (*document, error) {
	old, now := p.current.Load(), p.shelf.now()
	if p.shelf.dir == "" || p.closed {
		return nil, fs.ErrNotExist
	}
	info, err := os.Stat(p.file())
	if err != nil {
		p.replace(nil)
		return nil, err
	}
	if old != nil && os.SameFile(p.info, info) && p.info.ModTime().Equal(info.ModTime()) && p.info.Size() == info.Size() {
		old.dated.Store(now.Unix() > info.ModTime().Unix())
		return old, nil
	}
	body, info, err := p.open()
	if err != nil {
		return nil, err
	}
	d := newDocument(p.contentType, body, info.ModTime())
	d.dated.Store(now.Unix() > info.ModTime().Unix())
	d.keep, d.read = p.shelf, func() ([]byte, error) {
		body, _, err := p.open()
		return body, err
	}
	p.shelf.add(d.forms[identity].Load())
	d.ending = path.Ext(p.name)
	d.entries, d.parted = findEntries(d.ending, body)
	if old != nil {
		d.remember(old)
		for c := range codings { // in which it was asked for, so that nobody waits for them
			if old.forms[c].Load() != nil {
				_, _ = d.in(c) // who asks for it hears of the error
			}
		}
	}
	p.info = info
	p.replace(d)
	return d, nil
}

func (p *slot) file() string { return filepath.Join(p.shelf.dir, filepath.FromSlash(p.name)) }

// open reads the file and says which one it was: the name may have a newer one by
// now.
func (p *slot) open() ([]byte, fs.FileInfo, error) {
	f, err := os.Open(p.file())
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() > feedMaxSize {
		return nil, nil, errors.New(p.name + " is larger than 64 MB: lower feeds.items")
	}
	body := make([]byte, info.Size())
	_, err = io.ReadFull(f, body)
	return body, info, err
}

// replace puts a document in the place of the one before, which counts no more.
func (p *slot) replace(d *document) {
	old := p.current.Swap(d)
	if old == nil || old == d {
		return
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	old.over = true
	for c := range codings {
		if f := old.forms[c].Load(); f != nil {
			p.shelf.held.Add(-int64(len(f.body)))
		}
	}
}

// stale makes the next one look at the file.
func (p *slot) stale() { p.checked.Store(0) }

func (s *shelf) add(f *encoded) {
	f.used.Store(s.turn.Add(1))
	s.held.Add(int64(len(f.body)))
}

// use notes that a body is wanted.
func (s *shelf) use(f *encoded) {
	if t := s.turn.Load(); f.used.Load() != t {
		f.used.Store(t)
	}
}

// trim gives up what was not used longest, down to seven eighths of what may be
// held, when it is more than may be. Documents that are being worked on stay.
func (s *shelf) trim() {
	if s.held.Load() <= s.size || !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	type place struct {
		d    *document
		c    coding
		used int64
	}
	var all []place
	for _, p := range s.slots {
		if d := p.current.Load(); d != nil {
			for c := range codings {
				if f := d.forms[c].Load(); f != nil {
					all = append(all, place{d, c, f.used.Load()})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.used, b.used) })
	for _, x := range all {
		if s.held.Load() <= s.size/8*7 {
			return
		}
		if !x.d.mu.TryLock() {
			continue
		}
		if f := x.d.forms[x.c].Load(); f != nil && !x.d.over {
			x.d.forms[x.c].Store(nil)
			s.held.Add(-int64(len(f.body)))
		}
		x.d.mu.Unlock()
	}
}
