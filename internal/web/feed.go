package web

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"syndicate/internal/feeds"
)

const (
	feedMaxAge  = "public, max-age=300" // well-behaved readers poll by it
	feedMaxSize = 64 << 20              // bytes
	feedRecheck = time.Second           // how often a file is looked at
)

// feedTypes are the media types by extension, as they are served.
var feedTypes = map[string]string{
	".rss":  feeds.TypeRSS + "; charset=utf-8",
	".atom": feeds.TypeAtom + "; charset=utf-8",
	".json": feeds.TypeJSON + "; charset=utf-8",
}

// feed serves a built feed, exactly as it stands in the feeds' folder.
func (s *server) feed(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		d, err := s.feeds.get(name)
		if errors.Is(err, fs.ErrNotExist) {
			h.Set("Cache-Control", "no-store")
			h.Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusNotFound)
			_, err := io.WriteString(w, "This feed has not been built yet.\nhint: syndicate build (or run, or serve) builds the feeds.\n")
			return err
		}
		if err != nil {
			return err
		}
		h.Set("Access-Control-Expose-Headers", "ETag, Last-Modified, Link")
		h.Set("Cache-Control", feedMaxAge)
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Add("Link", "<"+s.site.URL+"/"+name+`>; rel="self"`)
		h.Add("Link", "<"+s.site.URL+`/>; rel="alternate"; type="text/html"`)
		d.serve(w, r)
		return nil
	}
}

// feedOptions answers the browsers of other sites that ask before they send a
// conditional request (CORS).
func (s *server) feedOptions(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Allow", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "If-None-Match, If-Modified-Since, Cache-Control")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// feedCache keeps the files of a folder in memory and notices when they change.
type feedCache struct {
	dir string
	now func() time.Time

	mu      sync.Mutex
	entries map[string]*feedEntry
}

type feedEntry struct {
	doc     *document
	info    fs.FileInfo
	checked time.Time
}

func newFeedCache(dir string, now func() time.Time) *feedCache {
	return &feedCache{dir: dir, now: now, entries: map[string]*feedEntry{}}
}

// get returns a file (slash-separated name, never from outside). The error is
// fs.ErrNotExist before the first build.
func (c *feedCache) get(name string) (*document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	e := c.entries[name]
	if e != nil && now.Sub(e.checked) < feedRecheck && !now.Before(e.checked) {
		return e.doc, nil
	}
	file := filepath.Join(c.dir, filepath.FromSlash(name))
	info, err := os.Stat(file)
	if err != nil {
		delete(c.entries, name)
		return nil, err
	}
	if e != nil && os.SameFile(e.info, info) && e.info.ModTime().Equal(info.ModTime()) && e.info.Size() == info.Size() {
		e.checked = now
		return e.doc, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil { // of what is read: the name may have a newer file by now
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(f, feedMaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(body) > feedMaxSize {
		return nil, errors.New(name + " is larger than 64 MB: lower feeds.items")
	}
	e = &feedEntry{newDocument(feedTypes[path.Ext(name)], body, info.ModTime()), info, now}
	c.entries[name] = e
	return e.doc, nil
}
