package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// maxBody bounds the body of a request, in bytes. The largest one that is of
// any use, a one-click unsubscription, has thirty.
const maxBody = 64 << 10

// pagePolicy lets a page show pictures and play media from anywhere, use the
// site's own style sheet, send forms home, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src * data:; media-src *; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard is what every request passes: counters and log, recovery, headers, the
// body limit, and the removal of the path under which the site lives.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now() // a duration, not a date: the machine's own clock
		rec := &recorder{ResponseWriter: w}
		inner := s.inside(r)
		s.noteProxy(r)
		defer func() {
			if v := recover(); v != nil {
				s.recovered(rec, inner, v)
			}
			s.count.add(rec.status())
			s.log.LogAttrs(r.Context(), slog.LevelDebug, "request",
				slog.String("method", r.Method),
				slog.String("route", routeOf(inner)), // never the path: it may hold a token
				slog.Int("status", rec.status()),
				slog.Int64("bytes", rec.written),
				slog.Duration("took", time.Since(start)))
		}()
		h := rec.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if s.isHTTPS(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		limit := int64(maxBody)
		if strings.HasPrefix(inner.URL.Path, pushPath) {
			limit = maxPush
		}
		if strings.HasPrefix(inner.URL.Path, hookPath) {
			limit = maxHook
		}
		inner.Body = http.MaxBytesReader(w, inner.Body, limit)
		next.ServeHTTP(rec, inner)
	})
}

// inside returns the request as seen from the site's own root. A proxy may have
// taken the path of web.url away already, so both forms are fine.
func (s *server) inside(r *http.Request) *http.Request {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), s.base)
	if s.base == "" || !ok || rest != "" && rest[0] != '/' {
		return r
	}
	if rest == "" {
		rest = "/"
	}
	if tidy := path.Clean(rest); tidy != rest && tidy+"/" != rest {
		return r // the mux tidies the whole path and redirects
	}
	plain, err := url.PathUnescape(rest)
	if err != nil {
		return r
	}
	inner := new(http.Request)
	*inner = *r
	inner.URL = new(url.URL)
	*inner.URL = *r.URL
	inner.URL.Path, inner.URL.RawPath = plain, rest
	return inner
}

// recovered logs a panic and answers, if nothing was sent yet. The value is
// logged only if the runtime made it: others may hold an address.
func (s *server) recovered(w *recorder, r *http.Request, v any) {
	if v == any(http.ErrAbortHandler) {
		panic(v)
	}
	what := "a value that is not logged"
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("route", routeOf(r)), slog.String("error", what), slog.String("stack", string(debug.Stack())))
	if w.code == 0 {
		s.fail(w, r, http.StatusInternalServerError)
		return
	}
	panic(http.ErrAbortHandler) // the answer is half out: cut it off, so that nobody takes it for whole
}

// routeOf names what answers a request.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	code    int
	written int64
}

// WriteHeader notes the status.
func (w *recorder) WriteHeader(code int) {
	if w.code == 0 && code >= 200 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.written += int64(n)
	return n, err
}

// ReadFrom lets the kernel copy files.
func (w *recorder) ReadFrom(src io.Reader) (int64, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	n, err := io.Copy(w.ResponseWriter, src)
	w.written += n
	return n, err
}

// Unwrap serves http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}
