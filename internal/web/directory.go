package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/publish"
)

// archiveAge is for how long a page of an archive may be kept: it changes only
// where one of its articles is corrected.
const archiveAge = time.Hour

// directory is a catalogue as requests for feeds need it: by path, with the
// headers made. It does not change.
type directory struct {
	catalogue *publish.Catalogue
	documents map[string]*feedDocument // by path: what people subscribe to
}

// feedDocument is a document of a feed, and the headers that do not change with
// its content.
type feedDocument struct {
	publish.Document
	path  string // below the site's address, not escaped
	url   string // absolute
	slot  *slot
	link  []string
	cache []string // Cache-Control
	delta []string // Cache-Control of what only one reader has use for
}

// directory returns the feeds as they are now. While a new one is made, others get
// that of before.
func (s *server) directory() *directory {
	c := s.o.Service.Catalogue()
	old := s.feeds.Load()
	if old != nil {
		if old.catalogue == c || !s.listing.TryLock() {
			return old
		}
	} else {
		s.listing.Lock()
	}
	defer s.listing.Unlock()
	if old = s.feeds.Load(); old != nil && old.catalogue == c {
		return old
	}
	d := &directory{c, make(map[string]*feedDocument, 3*len(c.Feeds))}
	for doc := range c.Documents() {
		f := s.feedDocument(doc)
		d.documents[f.path] = f
	}
	s.feeds.Store(d)
	s.shelf.retain(func(name string) bool {
		_, ok := c.Find("/" + name)
		return ok
	})
	if old != nil {
		go s.shelf.freshen()
	}
	return d
}

func (s *server) feedDocument(doc publish.Document) *feedDocument {
	file := doc.File()
	f := &feedDocument{
		Document: doc, path: "/" + file, url: doc.URL(s.site.URL),
		slot: s.shelf.slot(file, doc.Format.MediaType()+"; charset=utf-8"),
	}
	f.link = append(f.link, "<"+f.url+`>; rel="self"`)
	for _, hub := range doc.Hubs {
		f.link = append(f.link, "<"+hub+`>; rel="hub"`)
	}
	if doc.Home != "" {
		f.link = append(f.link, "<"+doc.Home+`>; rel="alternate"; type="text/html"`)
	}
	age := cmp.Or(doc.MaxAge, 5*time.Minute)
	if doc.Page > 0 {
		age = archiveAge
	}
	seconds := strconv.Itoa(int(age / time.Second))
	f.cache = []string{"public, max-age=" + seconds}
	// RFC 3229, 10.8.3: what a cache that knows nothing of it must not keep.
	f.delta = []string{"no-store, im, max-age=" + seconds}
	return f
}

// find returns the document at a path below the site's address.
func (s *server) find(path string) *feedDocument {
	d := s.directory()
	if f := d.documents[path]; f != nil {
		return f
	}
	if !strings.Contains(path, "/archive/") {
		return nil
	}
	if doc, ok := d.catalogue.Find(path); ok {
		return s.feedDocument(doc)
	}
	return nil
}

// feedAt returns the document that a request is for, nil: it is for something
// else. A proxy may have taken the path of the site away already.
func (s *server) feedAt(r *http.Request) *feedDocument {
	if s.root != "" {
		if rest, ok := strings.CutPrefix(r.URL.Path, s.root); ok {
			if f := s.find(rest); f != nil {
				return f
			}
		}
	}
	return s.find(r.URL.Path)
}
