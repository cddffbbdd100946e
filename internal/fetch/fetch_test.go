package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"syndicate/internal/fetch"
)

// local returns a client that may ask the servers of these tests.
func local(o fetch.Options) *fetch.Client {
	o.Private = append(o.Private, "127.0.0.1")
	return fetch.New(o)
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestConditionalRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "Syndicate/1 (+https://news.example.org)" {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Mon, 23 Nov 2026 08:00:00 GMT")
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") == "Mon, 23 Nov 2026 08:00:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "first")
	})
	c := local(fetch.Options{Agent: "Syndicate/1 (+https://news.example.org)"})
	first, err := c.Get(t.Context(), s.URL, fetch.Validators{})
	if err != nil || string(first.Body) != "first" || first.NotModified {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := c.Get(t.Context(), s.URL, first.Validators)
	if err != nil || !again.NotModified || again.Body != nil || again.Validators != first.Validators {
		t.Fatalf("asked again: got %+v, %v", again, err)
	}
}

func TestNotModifiedUnasked(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	var status *fetch.StatusError
	if _, err := local(fetch.Options{}).Get(t.Context(), s.URL, fetch.Validators{}); !errors.As(err, &status) || status.Code != http.StatusNotModified {
		t.Fatalf("a 304 that nobody asked for gave %v", err)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("a feed ", 1000))
	tests := []struct {
		name, coding string
		body         []byte
		want         []byte
		err          error
	}{
		{"plain", "", text, text, nil},
		{"gzip", "gzip", zipped(t, text), text, nil},
		{"twice", "gzip, gzip", zipped(t, zipped(t, text)), text, nil},
		{"says gzip, is not", "gzip", text, text, nil},
		{"empty gzip", "gzip", nil, []byte{}, nil},
		{"a bomb", "gzip", zipped(t, make([]byte, 4<<20)), nil, fetch.ErrTooLong},
		{"a bomb in a bomb", "gzip, gzip", zipped(t, zipped(t, make([]byte, 4<<20))), nil, fetch.ErrTooLong},
		{"too long", "", make([]byte, 1<<20+1), nil, fetch.ErrTooLong},
		{"cut off", "gzip", zipped(t, text)[:20], nil, io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", test.coding)
				w.Header().Set("Content-Type", "application/xml")
				w.Write(test.body)
			})
			resp, err := local(fetch.Options{Limit: 1 << 20}).Get(t.Context(), s.URL, fetch.Validators{})
			switch {
			case !errors.Is(err, test.err) || test.err == nil && err != nil:
				t.Fatalf("got error %v, want %v", err, test.err)
			case err == nil && !bytes.Equal(resp.Body, test.want):
				t.Fatalf("got %d bytes, want %d", len(resp.Body), len(test.want))
			}
		})
	}
}

func TestUnknownCoding(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "compress")
		fmt.Fprint(w, "x")
	})
	if _, err := local(fetch.Options{}).Get(t.Context(), s.URL, fetch.Validators{}); err == nil || !strings.Contains(err.Error(), "nobody asked for") {
		t.Fatalf("got %v", err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	to := func(path, where string, code int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", where)
			w.WriteHeader(code)
		})
	}
	mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) })
	to("/moved", "/end", http.StatusMovedPermanently)
	to("/moved-twice", "/moved", http.StatusPermanentRedirect)
	to("/today", "/end", http.StatusFound)
	to("/moved-today", "/today", http.StatusMovedPermanently)
	to("/today-moved", "/moved", http.StatusTemporaryRedirect)
	to("/a", "/b", http.StatusFound)
	to("/b", "/a", http.StatusFound)
	to("/self", "/self", http.StatusMovedPermanently)
	to("/mail", "mailto:someone@example.org", http.StatusFound)
	mux.HandleFunc("/for-ever/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	s := serve(t, mux.ServeHTTP)
	tests := []struct {
		path, end, moved string
		err              error
	}{
		{"/end", "/end", "", nil},
		{"/moved", "/end", "/end", nil},
		{"/moved-twice", "/end", "/end", nil},
		{"/today", "/end", "", nil},
		{"/moved-today", "/end", "/today", nil},
		{"/today-moved", "/end", "", nil},
		{"/a", "", "", fetch.ErrRedirects},
		{"/self", "", "", fetch.ErrRedirects},
		{"/for-ever/", "", "", fetch.ErrRedirects},
		{"/mail", "", "", fetch.ErrAddress},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			resp, err := local(fetch.Options{}).Get(t.Context(), s.URL+test.path, fetch.Validators{})
			if test.err != nil {
				if !errors.Is(err, test.err) {
					t.Fatalf("got %v, want %v", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimPrefix(resp.URL, s.URL); got != test.end {
				t.Errorf("ended at %s, want %s", got, test.end)
			}
			if got := strings.TrimPrefix(resp.Moved, s.URL); got != test.moved {
				t.Errorf("moved to %q, want %q", got, test.moved)
			}
		})
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Authorization")+r.Header.Get("Cookie"))
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/here" {
			fmt.Fprint(w, r.Header.Get("Authorization"))
			return
		}
		target := "/here"
		if r.URL.Path == "/away" {
			target = other.URL
		}
		http.Redirect(w, r, target, http.StatusFound)
	})
	c := local(fetch.Options{})
	for path, want := range map[string]string{"/near": "Bearer x", "/away": ""} {
		resp, err := c.Do(t.Context(), fetch.Request{URL: s.URL + path, Header: http.Header{"Authorization": {"Bearer x"}}})
		if err != nil || string(resp.Body) != want {
			t.Errorf("%s: the end saw %q, %v; want %q", path, resp.Body, err, want)
		}
	}
	with := strings.Replace(s.URL, "http://", "http://ada:pass@", 1)
	if resp, err := c.Get(t.Context(), with+"/away", fetch.Validators{}); err != nil || len(resp.Body) > 0 {
		t.Errorf("another host saw the password of the address: %q, %v", resp.Body, err)
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprint(w, r.Method+" "+r.Header.Get("Content-Type")+" "+string(body))
	})
	c := local(fetch.Options{})
	r := fetch.Request{URL: s.URL, Body: []byte("news"), Header: http.Header{"Content-Type": {"text/plain"}}}
	resp, err := c.Do(t.Context(), r)
	if err != nil || string(resp.Body) != "POST text/plain news" {
		t.Fatalf("got %q, %v", resp.Body, err)
	}
	r.URL += "/moved"
	var status *fetch.StatusError
	if _, err = c.Do(t.Context(), r); !errors.As(err, &status) || status.Code != http.StatusTemporaryRedirect {
		t.Fatalf("a redirected POST gave %v", err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := local(fetch.Options{}).Get(t.Context(), s.URL, fetch.Validators{})
	var status *fetch.StatusError
	if !errors.As(err, &status) || status.Code != http.StatusTooManyRequests || status.RetryAfter != 2*time.Minute {
		t.Fatalf("got %v, %+v", err, status)
	}
	if err.Error() != "it answers 429 Too Many Requests" {
		t.Fatalf("it says %q", err)
	}
}

// Servers that never end: each limit ends them, and the one of the caller too.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	stalled := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "the beginning")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	})
	short := 20 * time.Millisecond
	for name, test := range map[string]struct {
		server *httptest.Server
		o      fetch.Options
	}{
		"no head": {silent, fetch.Options{Answer: short}},
		"no end":  {stalled, fetch.Options{Total: short}},
	} {
		if _, err := local(test.o).Get(t.Context(), test.server.URL, fetch.Validators{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := local(fetch.Options{}).Get(ctx, silent.URL, fetch.Validators{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestErrorsHoldNoAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	s.Close() // nothing listens there any more
	for _, address := range []string{s.URL + "/secret?token=secret", "http://ada:secret@127.0.0.1:1/secret", "ftp://example.org/secret", "http://[::1/secret"} {
		if _, err := local(fetch.Options{}).Get(t.Context(), address, fetch.Validators{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
