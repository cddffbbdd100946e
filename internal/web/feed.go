package web

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"syndicate/internal/publish"
)

// Headers of feeds that are always the same. The slices are shared by all answers.
// For net/http a header costs as much as all the rest of an answer from memory, so
// those that only browsers look at go to browsers only.
var (
	feedVary     = []string{"Accept, Accept-Encoding, A-IM, Origin"}
	feedPolicy   = []string{"default-src 'none'; frame-ancestors 'none'"}
	anyOrigin    = []string{"*"}
	feedExposed  = []string{"ETag, IM, Link, Retry-After"}
	noSniff      = []string{"nosniff"}
	deny         = []string{"DENY"}
	secureAYear  = []string{"max-age=31536000"}
	feedInstance = []string{"feed"}
)

// feedCounters count what became of requests for feeds.
type feedCounters struct{ whole, unchanged, delta, page, refused atomic.Int64 }

// ServeHTTP answers a request. Feeds are asked for far more often than anything
// else, mostly in vain, so what is in memory takes a short way; everything else
// passes the guard.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if f := s.feedAt(r); f != nil && s.quick(w, r, f) {
			return
		}
	}
	s.guarded.ServeHTTP(w, r)
}

// quick answers with a whole feed or 304, if nothing else is to be thought of.
func (s *server) quick(w http.ResponseWriter, r *http.Request, f *feedDocument) bool {
	if wantsPage(r) || hasDemands(r) {
		return false
	}
	d, err := f.slot.document()
	if err != nil {
		return false
	}
	c := d.pick(r)
	code, size := http.StatusNotModified, 0
	if notModified(r, d.tags[c][0], d.since()) {
		s.feedHead(w.Header(), r, f, d, c)
		w.WriteHeader(code)
		s.fed.unchanged.Add(1)
	} else {
		if len(r.Header["A-Im"]) > 0 {
			return false
		}
		if _, ok := s.unhammered(r, f.slot); !ok {
			return false
		}
		body, err := d.in(c)
		if err != nil {
			return false
		}
		code, size = http.StatusOK, len(body.body)
		s.whole(w, r, f, d, c, body)
	}
	s.count.add(code)
	if s.log.Enabled(r.Context(), slog.LevelDebug) {
		s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method),
			slog.String("route", "feed"), slog.Int("status", code), slog.Int("bytes", size))
	}
	return true
}

// feedHead sets the headers that all answers with a feed have in common, 304 too.
func (s *server) feedHead(h http.Header, r *http.Request, f *feedDocument, d *document, c coding) {
	h["Etag"] = d.tags[c]
	if d.dated.Load() {
		h["Last-Modified"] = d.lastModified
	}
	h["Cache-Control"] = f.cache
	h["Vary"] = feedVary
	if f.Format == publish.JSON || len(r.Header["Origin"]) > 0 {
		allowAll(h)
	}
	if s.isHTTPS(r) {
		h["Strict-Transport-Security"] = secureAYear
	}
}

// allowAll lets the scripts of any website read an answer (CORS).
func allowAll(h http.Header) {
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Expose-Headers"] = feedExposed
}

// feedBody adds the headers of an answer with a body. Who may show it as a page
// names text/html in Accept: then nothing in it can act, whatever it is.
func feedBody(h http.Header, r *http.Request, f *feedDocument, d *document) {
	h["Content-Type"] = d.contentType
	h["Link"] = f.link
	h["X-Content-Type-Options"] = noSniff
	if accept := r.Header["Accept"]; len(accept) > 0 && namesHTML(accept) {
		h["X-Frame-Options"] = deny
		h["Content-Security-Policy"] = feedPolicy
	}
}

// whole answers with the whole document.
func (s *server) whole(w http.ResponseWriter, r *http.Request, f *feedDocument, d *document, c coding, body *encoded) {
	h := w.Header()
	s.feedHead(h, r, f, d, c)
	feedBody(h, r, f, d)
	if body.coding != nil {
		h["Content-Encoding"] = body.coding
	}
	h["Content-Length"] = body.length
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body.body)
	}
	s.fed.whole.Add(1)
}

// feed answers a request for a feed in every case, behind the guard.
func (s *server) feed(f *feedDocument) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodOptions:
			return feedOptions(w)
		default:
			w.Header().Set("Allow", feedMethods)
			return status(http.StatusMethodNotAllowed)
		}
		allowAll(w.Header())
		err := s.sendFeed(w, r, f)
		if errors.Is(err, errChanged) { // in this moment
			f.slot.stale()
			err = s.sendFeed(w, r, f)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return notBuilt(w)
		}
		return err
	}
}

// sendFeed answers with the page of a feed, with what is new in it, with all of it,
// or with 304. Nothing was sent when it fails.
func (s *server) sendFeed(w http.ResponseWriter, r *http.Request, f *feedDocument) error {
	d, err := f.slot.document()
	if err != nil {
		return err
	}
	if wantsPage(r) {
		s.fed.page.Add(1)
		return s.feedPage(w, r, f)
	}
	c := d.pick(r)
	if broken(r, d.tags[c][0], d.since()) {
		return plainText(w, http.StatusPreconditionFailed, "This feed is not the one that the request wants (If-Match, If-Unmodified-Since).\n")
	}
	if notModified(r, d.tags[c][0], d.since()) {
		s.feedHead(w.Header(), r, f, d, c)
		w.WriteHeader(http.StatusNotModified)
		s.fed.unchanged.Add(1)
		return nil
	}
	if wait, ok := s.unhammered(r, f.slot); !ok {
		s.fed.refused.Add(1)
		return tooOften(w, min(max(wait, f.MaxAge), time.Hour))
	}
	if had, base, ok := d.base(r); ok {
		plain, err := d.in(identity)
		if err != nil {
			return err
		}
		if body, news := without(d.ending, plain.body, d.entries, had); news < len(d.entries) {
			s.feedHead(w.Header(), r, f, d, c)
			feedBody(w.Header(), r, f, d)
			s.fed.delta.Add(1)
			sendDelta(w, r, f, body, base)
			return nil
		}
	}
	body, err := d.in(c)
	if err != nil {
		return err
	}
	s.whole(w, r, f, d, c, body)
	return nil
}

// base returns the edition that a client has, and its tag, if it wants only the
// entries that this one lacks (RFC 3229 with the instance manipulation "feed").
func (d *document) base(r *http.Request) (had edition, tag string, ok bool) {
	if !d.parted || !wantsDelta(r.Header["A-Im"]) {
		return edition{}, "", false
	}
	for tag := range entityTags(r.Header["If-None-Match"]) {
		for _, had := range d.before {
			if strings.HasPrefix(tag, `"`+had.hash) { // any coding of it
				return had, tag, true
			}
		}
	}
	return edition{}, "", false
}

// wantsDelta reports whether A-IM names the instance manipulation of feeds.
func wantsDelta(values []string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if name, q := weighed(part); strings.EqualFold(name, "feed") && q > 0 {
				return true
			}
		}
	}
	return false
}

// sendDelta answers 226. No cache may keep it: it is right for those only who have
// what this client has. The tag is that of the whole document.
func sendDelta(w http.ResponseWriter, r *http.Request, f *feedDocument, body []byte, base string) {
	h := w.Header()
	h["Im"] = feedInstance
	h["Delta-Base"] = []string{base}
	h["Cache-Control"] = f.delta
	if len(body) >= smallest {
		body = squeezed(w, r, body)
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(http.StatusIMUsed)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// tooOften answers somebody who takes the whole feed again and again. The text is
// for whoever looks after that program.
func tooOften(w http.ResponseWriter, wait time.Duration) error {
	h := w.Header()
	h["Retry-After"] = []string{strconv.Itoa(int(math.Ceil(wait.Seconds())))}
	return plainText(w, http.StatusTooManyRequests, "This feed is fetched from your address again and again, whole each time.\n"+
		"hint: send the ETag of the last answer as If-None-Match (or Last-Modified as If-Modified-Since), and ask when Retry-After is over.\n")
}

// moved leads to where a feed is now: a path below the site's address, or an
// address elsewhere.
func (s *server) moved(to string) func(http.ResponseWriter, *http.Request) error {
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
		to = s.base + (&url.URL{Path: to}).EscapedPath()
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		allowAll(h)
		h.Set("Cache-Control", "public, max-age=3600") // readers write it down; caches shall not for ever
		http.Redirect(w, r, to, http.StatusMovedPermanently)
		return nil
	}
}

// gone answers for a feed that is no more: readers stop asking at 410.
func (s *server) gone(w http.ResponseWriter, _ *http.Request) error {
	allowAll(w.Header())
	return status(http.StatusGone)
}

func notBuilt(w http.ResponseWriter) error {
	return plainText(w, http.StatusNotFound, "This feed has not been built yet.\nhint: syndicate build (or run, or serve) builds the feeds.\n")
}

func plainText(w http.ResponseWriter, code int, text string) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, err := io.WriteString(w, text)
	return err
}

const feedMethods = "GET, HEAD, OPTIONS"

// feedOptions answers the browsers of other sites that ask before they send a
// conditional request (CORS).
func feedOptions(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Allow", feedMethods)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", feedMethods)
	h.Set("Access-Control-Allow-Headers", "A-IM, Cache-Control, If-Modified-Since, If-None-Match")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
