package web

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// document is a finished answer: a body, its validators, and what was made of it
// in each content coding. The headers are made once, as the slices that go into
// header maps; they are shared and never written to.
type document struct {
	hash         string // of the body
	modified     time.Time
	contentType  []string
	lastModified []string          // nil: unknown
	tags         [codings][]string // entity tags
	small        bool              // not worth compressing
	dated        atomic.Bool       // a feed's: modified tells it apart from all later ones

	mu    sync.Mutex // held while a coding is made: each is made once
	forms [codings]atomic.Pointer[encoded]
	keep  *shelf                 // bounds what all documents hold; nil: it is kept for good
	read  func() ([]byte, error) // the body again, after it was given up; nil: it is never
	over  bool                   // a newer one has its place: what it holds counts no more

	ending  string    // of a feed's file
	entries []entry   // of a feed
	parted  bool      // they are known
	before  []edition // that readers may have, the newest first
}

// encoded is a document's body in one content coding.
type encoded struct {
	body   []byte
	coding []string // Content-Encoding, nil: none
	length []string // Content-Length
	used   atomic.Int64
}

// errChanged is for a body that is no longer the one that was hashed.
var errChanged = errors.New("the file has changed meanwhile")

// newDocument hashes a body. Its codings are made when they are asked for first.
func newDocument(contentType string, body []byte, modified time.Time) *document {
	d := &document{hash: hashOf(body), modified: modified, contentType: []string{contentType}, small: len(body) < smallest}
	if !modified.IsZero() {
		d.lastModified = []string{modified.UTC().Format(http.TimeFormat)}
	}
	for c := range codings {
		d.tags[c] = []string{`"` + d.hash + c.suffix() + `"`}
	}
	d.forms[identity].Store(newEncoded(identity, body))
	return d
}

// since is what the date of a client is compared with: when the document changed
// last, or zero where that is unknown or not to be told.
func (d *document) since() time.Time {
	if !d.dated.Load() {
		return time.Time{}
	}
	return d.modified
}

func newEncoded(c coding, body []byte) *encoded {
	f := &encoded{body: body, length: []string{strconv.Itoa(len(body))}}
	if c != identity {
		f.coding = []string{c.name()}
	}
	return f
}

// hashOf names a content: 128 bits of SHA-256 in base64url.
func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// pick returns the coding in which the document goes to a client.
func (d *document) pick(r *http.Request) coding {
	if d.small {
		return identity
	}
	return accepted(r.Header["Accept-Encoding"])
}

// in returns the body in a coding, made now if it is not there.
func (d *document) in(c coding) (*encoded, error) {
	f := d.forms[c].Load()
	if f == nil {
		var err error
		if f, err = d.make(c); err != nil {
			return nil, err
		}
		if d.keep != nil {
			d.keep.trim()
		}
	}
	if d.keep != nil {
		d.keep.use(f)
	}
	return f, nil
}

func (d *document) make(c coding) (*encoded, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.forms[c].Load(); f != nil {
		return f, nil
	}
	plain := d.forms[identity].Load()
	if plain == nil {
		body, err := d.read()
		if err != nil {
			return nil, err
		}
		if hashOf(body) != d.hash {
			return nil, errChanged
		}
		plain = newEncoded(identity, body)
	}
	f := plain
	if c != identity {
		body, err := d.encode(c, plain.body)
		if err != nil {
			return nil, err
		}
		f = newEncoded(c, body)
	}
	d.forms[c].Store(f)
	if d.keep != nil && !d.over {
		d.keep.add(f)
	}
	return f, nil
}

// remember notes what readers of the document before have.
func (d *document) remember(old *document) {
	if !old.parted || old.hash == d.hash {
		d.before = old.before
		return
	}
	d.before = append([]edition{editionOf(old.hash, old.entries)}, old.before[:min(len(old.before), maxEditions-1)]...)
}

// encode waits for its turn: compressing takes memory of its own.
func (d *document) encode(c coding, body []byte) ([]byte, error) {
	if d.keep != nil {
		d.keep.working <- struct{}{}
		defer func() { <-d.keep.working }()
	}
	return c.encode(body)
}

// serve answers with the document or with 304. Headers that hold for both
// answers are set by the caller.
func (d *document) serve(w http.ResponseWriter, r *http.Request) error {
	c := d.pick(r)
	h := w.Header()
	if !d.small {
		addVary(h, "Accept-Encoding")
	}
	h["Etag"] = d.tags[c]
	if d.lastModified != nil {
		h["Last-Modified"] = d.lastModified
	}
	if broken(r, d.tags[c][0], d.modified) {
		return status(http.StatusPreconditionFailed)
	}
	if notModified(r, d.tags[c][0], d.modified) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	f, err := d.in(c)
	if err != nil {
		return err
	}
	if f.coding != nil {
		h["Content-Encoding"] = f.coding
	}
	h["Content-Type"] = d.contentType
	h["Content-Length"] = f.length
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(f.body)
	}
	return nil
}

// servePublic answers with a page that was made for this request, or with 304. Its
// tag is weak: one for both codings, and for all bodies that are as good as one another,
// which same is the same of.
func servePublic(w http.ResponseWriter, r *http.Request, body, same []byte) {
	tag := `W/"` + hashOf(same) + `"`
	h := w.Header()
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "public, no-cache") // kept, but asked for each time
	}
	h.Set("Etag", tag)
	addVary(h, "Accept-Encoding")
	if notModified(r, tag, time.Time{}) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, r, squeezed(w, r, body))
}

// serveTagged is servePublic for what is not compressed: a page with a secret in it, or
// what is compressed already. Cache-Control is the caller's.
func serveTagged(w http.ResponseWriter, r *http.Request, body []byte) {
	tag := `"` + hashOf(body) + `"`
	w.Header().Set("Etag", tag)
	if notModified(r, tag, time.Time{}) {
		w.Header().Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, r, body)
}

// send answers with a whole body.
func send(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// squeezed returns the body of a public page compressed by gzip, which takes the
// least time, for a client that takes it, and says so in the headers; Vary is set already. Pages with a secret in them are
// sent as they are: from the length of what is compressed, others could learn it.
func squeezed(w http.ResponseWriter, r *http.Request, body []byte) []byte {
	if weights(r.Header["Accept-Encoding"])[gzipCoding] == 0 {
		return body
	}
	b, err := gzipCoding.encode(body)
	if err != nil {
		return body
	}
	w.Header().Set("Content-Encoding", gzipCoding.name())
	return b
}

// addVary adds a header's name to Vary once.
func addVary(h http.Header, name string) {
	for _, v := range h.Values("Vary") {
		if strings.EqualFold(v, name) {
			return
		}
	}
	h.Add("Vary", name)
}
