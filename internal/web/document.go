package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// document is a finished answer that is kept in memory.
type document struct {
	contentType string
	body        []byte
	gzip        []byte // empty: not worth it
	hash        string // of body
	modified    time.Time
}

// newDocument hashes and compresses a body once.
func newDocument(contentType string, body []byte, modified time.Time) *document {
	d := &document{contentType: contentType, body: body, hash: hashOf(body), modified: modified}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err == nil && z.Close() == nil && b.Len() < len(body)*9/10 {
		d.gzip = b.Bytes()
	}
	return d
}

// hashOf names a content: 128 bits of SHA-256 in base64url.
func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// serve answers with the document or with 304. The tags of the two codings
// differ, as strong tags have to (RFC 9110 8.8.3.3). Headers that hold for both
// answers are set by the caller.
func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	body, tag := d.body, `"`+d.hash+`"`
	h := w.Header()
	if len(d.gzip) > 0 {
		addVary(h, "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			body, tag = d.gzip, `"`+d.hash+`-gz"`
		}
	}
	h.Set("Etag", tag)
	if !d.modified.IsZero() {
		h.Set("Last-Modified", d.modified.UTC().Format(http.TimeFormat))
	}
	if notModified(r, tag, d.modified) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if len(d.gzip) > 0 && &body[0] == &d.gzip[0] {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", d.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// servePublic answers with a page that was made for this request, or with 304. Its
// tag is weak: one for both codings.
func servePublic(w http.ResponseWriter, r *http.Request, body []byte) {
	tag := `W/"` + hashOf(body) + `"`
	h := w.Header()
	h.Set("Cache-Control", "public, no-cache") // kept, but asked for each time
	h.Set("Etag", tag)
	addVary(h, "Accept-Encoding")
	if notModified(r, tag, time.Time{}) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body = squeezed(w, r, body)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// squeezed returns the body of a public page in the coding that the client takes,
// and says so in the headers; Vary is set already. Pages with a secret in them are
// sent as they are: from the length of what is compressed, others could learn it.
func squeezed(w http.ResponseWriter, r *http.Request, body []byte) []byte {
	if !acceptsGzip(r.Header.Values("Accept-Encoding")) {
		return body
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil || z.Close() != nil {
		return body
	}
	w.Header().Set("Content-Encoding", "gzip")
	return b.Bytes()
}

// notModified reports whether the client has the current document (RFC 9110
// 13.2.2): If-None-Match decides by weak comparison if it is there, else
// If-Modified-Since by whole seconds.
func notModified(r *http.Request, tag string, modified time.Time) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if tags := r.Header.Values("If-None-Match"); len(tags) > 0 {
		return tagMatches(strings.Join(tags, ","), tag)
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !modified.IsZero() && !modified.Truncate(time.Second).After(since)
}

// tagMatches reports whether a list of entity tags has tag in it. A tag may
// contain commas, so it is read tag by tag.
func tagMatches(list, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for {
		list = strings.TrimLeft(list, " \t,")
		if list == "" {
			return false
		}
		if list[0] == '*' {
			return true
		}
		list = strings.TrimPrefix(list, "W/")
		if list == "" || list[0] != '"' {
			return false
		}
		end := strings.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		if list[:end+2] == tag {
			return true
		}
		list = list[end+2:]
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3): gzip or * named with a
// quality other than 0; what is named itself goes before *.
func acceptsGzip(values []string) bool {
	named, any := -1, -1 // -1: not there
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		accepted := 1
		if q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			if f, err := strconv.ParseFloat(q, 64); err != nil || f <= 0 {
				accepted = 0
			}
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			named = accepted
		case "*":
			any = accepted
		}
	}
	return named == 1 || named == -1 && any == 1
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
