package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"syndicate/internal/store"
)

// status is an error that is only an HTTP status: nothing went wrong but the request.
type status int

func (s status) Error() string { return fmt.Sprintf("status %d %s", int(s), http.StatusText(int(s))) }

// statusOf is the one table from errors to HTTP.
func statusOf(err error) int {
	var st status
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &st):
		return int(st)
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, store.ErrBusy), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// answer makes a handler of a function that may fail.
func (s *server) answer(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		if r.Context().Err() != nil { // the reader has gone
			return
		}
		code := statusOf(err)
		if code >= 500 {
			s.log.LogAttrs(r.Context(), slog.LevelError, "request failed",
				slog.String("route", routeOf(r)), slog.Int("status", code), slog.Any("error", err))
		}
		s.fail(w, r, code)
	})
}

// fail answers with the page of an error.
func (s *server) fail(w http.ResponseWriter, r *http.Request, code int) {
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "Content-Length", "Content-Range", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-store")
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "10")
		}
	}
	if err := s.notice(w, r, code); err != nil {
		s.log.LogAttrs(r.Context(), slog.LevelError, "error page failed", slog.Int("status", code), slog.Any("error", err))
		http.Error(w, strconv.Itoa(code)+" "+http.StatusText(code), code)
	}
}

// notHere answers with the page of an error where no route takes the method of a request;
// refuse is what the mux would answer.
func (s *server) notHere(w http.ResponseWriter, r *http.Request, refuse http.Handler) {
	said := &unsaid{header: http.Header{}}
	refuse.ServeHTTP(said, r)
	if said.code != http.StatusMethodNotAllowed { // it leads to a tidier path
		refuse.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Allow", said.header.Get("Allow"))
	s.fail(w, r, said.code)
}

// unsaid is an answer that nobody gets.
type unsaid struct {
	header http.Header
	code   int
}

// Header returns what would stand above it.
func (u *unsaid) Header() http.Header { return u.header }

// WriteHeader notes the status.
func (u *unsaid) WriteHeader(code int) { u.code = code }

func (u *unsaid) Write(b []byte) (int, error) { return len(b), nil }
