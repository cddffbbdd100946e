// Package fetch asks servers that Syndicate does not know for what it takes from
// them or tells them: feeds, articles, the callbacks of a hub.
//
// Such a server may be slow, broken or hostile, and the address may have been
// chosen by a stranger. So a request has a time to connect, to answer and to end;
// an answer has a size, counted after it was decompressed; redirects are followed
// so many times, never twice to one address, and only where something is asked
// for (GET, HEAD); and nothing is dialled that is not on the public internet,
// judged by the address that is really connected to (guard.go). Proxies of the
// environment are not used: they would connect in our stead, unjudged.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options configures a Client. The zero value of each has a default.
type Options struct {
	// Agent is the User-Agent: "Syndicate/1.0 (+https://news.example.org)".
	Agent string
	// Private are hosts (names or addresses, without a port) that may be at private
	// addresses. Connections are kept for all who use a client, so whoever trusts
	// such a host has a client of his own.
	Private []string

	Connect   time.Duration // for DNS, TCP and TLS together with each address tried; 10 s
	Answer    time.Duration // from the request to the end of the head; 20 s
	Total     time.Duration // for everything, redirects included; 60 s
	Limit     int64         // bytes of a decompressed body; 16 MB
	Redirects int           // followed; 8, below 0: none, and the answer is that of the redirect
	Idle      int           // connections kept open to each host; 2

	Now func() time.Time // nil: time.Now
}

// Client makes requests. It is safe for concurrent use.
type Client struct {
	o    Options
	http *http.Client
}

// New returns a client; nothing is dialled yet.
func New(o Options) *Client {
	o.Connect = defaultTo(o.Connect, 10*time.Second)
	o.Answer = defaultTo(o.Answer, 20*time.Second)
	o.Total = defaultTo(o.Total, time.Minute)
	o.Limit = defaultTo(o.Limit, 16<<20)
	if o.Redirects == 0 {
		o.Redirects = 8
	}
	o.Idle = defaultTo(o.Idle, 2)
	if o.Agent == "" {
		o.Agent = "Syndicate"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	transport := &http.Transport{
		DialContext:            newGuard(o).dial,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // body.go asks for gzip and counts what comes out of it
		TLSHandshakeTimeout:    o.Connect,
		ResponseHeaderTimeout:  o.Answer,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    o.Idle,
		IdleConnTimeout:        30 * time.Second,
	}
	return &Client{o: o, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func defaultTo[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Validators are what a server named a version of a document by (RFC 9110,
// section 8.8), to ask later whether there is another.
type Validators struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // Last-Modified, as it was sent
}

// Request is what is asked. Only URL is needed.
type Request struct {
	URL    string // http or https
	Method string // default GET, POST with a body
	Header http.Header
	Body   []byte
	Have   Validators // of the version that is known
	Limit  int64      // bytes of the body, where the client's is not right
}

// Response is an answer of success (2xx), or that nothing changed.
type Response struct {
	Status      int
	NotModified bool   // 304: the version that was named is the newest; there is no body
	URL         string // where it came from in the end
	// Moved is where permanent redirects (301, 308), and no others before them, led
	// from the address that was asked: to be asked there next time. Empty: it did
	// not move, or from https to http.
	Moved      string
	Header     http.Header
	Body       []byte
	Validators Validators
}

// Get asks for a document.
func (c *Client) Get(ctx context.Context, address string, have Validators) (*Response, error) {
	return c.Do(ctx, Request{URL: address, Have: have})
}

// Do makes a request. An answer that is no success is a *StatusError; an address
// that is not for us ErrPrivate or ErrAddress; a body that is too long ErrTooLong;
// redirects that do not end ErrRedirects. Errors never hold the address, which may
// be a secret, but for the host.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Total)
	defer cancel()
	if r.Method == "" {
		r.Method = http.MethodGet
		if r.Body != nil {
			r.Method = http.MethodPost
		}
	}
	u, err := parse(r.URL)
	if err != nil {
		return nil, err
	}
	w := &way{first: u, at: u, seen: map[string]bool{u.String(): true}, permanent: true}
	for {
		resp, err := c.once(ctx, r, w)
		if err != nil {
			return nil, c.explain(ctx, err)
		}
		if !isRedirect(resp) || c.o.Redirects < 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
			return c.answer(ctx, r, w, resp)
		}
		resp.Body.Close()
		if err := w.follow(resp, c.o.Redirects); err != nil {
			return nil, err
		}
	}
}

// parse reads an address that may be asked.
func parse(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: it cannot be read", ErrAddress) // the cause repeats it
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: it begins with neither http:// nor https://", ErrAddress)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: it names no host", ErrAddress)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// once makes one request of the way, without following its redirect.
func (c *Client) once(ctx context.Context, r Request, w *way) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, w.at.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", ErrAddress)
	}
	for name, values := range r.Header {
		if w.strange && isPersonal(name) {
			continue
		}
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("User-Agent", c.o.Agent)
	req.Header.Set("Accept-Encoding", "gzip")
	if r.Have.ETag != "" {
		req.Header.Set("If-None-Match", r.Have.ETag)
	}
	if r.Have.Modified != "" {
		req.Header.Set("If-Modified-Since", r.Have.Modified)
	}
	return c.http.Do(req)
}

// isPersonal reports whether a header is for the server that was asked, and for
// none that it names.
func isPersonal(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Cookie", "Proxy-Authorization":
		return true
	}
	return false
}

// answer makes the response of what came at the way's end.
func (c *Client) answer(ctx context.Context, r Request, w *way, resp *http.Response) (*Response, error) {
	defer resp.Body.Close()
	out := &Response{
		Status: resp.StatusCode, URL: w.at.String(), Moved: w.moved(), Header: resp.Header,
		Validators: Validators{ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified")},
	}
	if resp.StatusCode == http.StatusNotModified && r.Have != (Validators{}) {
		out.NotModified = true
		if out.Validators.ETag == "" {
			out.Validators.ETag = r.Have.ETag
		}
		if out.Validators.Modified == "" {
			out.Validators.Modified = r.Have.Modified
		}
		return out, nil
	}
	if resp.StatusCode/100 != 2 {
		return nil, &StatusError{Code: resp.StatusCode, RetryAfter: RetryAfter(resp.Header, c.o.Now()), Moved: out.Moved}
	}
	var err error
	if out.Body, err = readBody(resp, defaultTo(r.Limit, c.o.Limit)); err != nil {
		return nil, c.explain(ctx, err)
	}
	return out, nil
}

// StatusError is an answer that is no success.
type StatusError struct {
	Code       int
	RetryAfter time.Duration // as the server asks; 0: it does not
	Moved      string        // as in Response
}

func (e *StatusError) Error() string {
	text := http.StatusText(e.Code)
	if text == "" {
		text = "which is no known status"
	}
	return fmt.Sprintf("it answers %d %s", e.Code, text)
}

// The errors that callers tell apart.
var (
	ErrAddress   = errors.New("this is no address that can be asked")
	ErrPrivate   = errors.New("it is not on the public internet")
	ErrTooLong   = errors.New("the answer is too long")
	ErrRedirects = errors.New("its redirects do not end")
)
