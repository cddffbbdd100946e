package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// gate passes requests on to a server and counts what became of them.
type gate struct {
	*httptest.Server

	to atomic.Pointer[url.URL]

	mu    sync.Mutex
	seen  visits
	wrong []string // requests whose conditions are not those that are due

	tag, date bool // the conditions that are due
}

// visits counts requests by their answers.
type visits struct{ whole, unchanged, partial, moved, other int }

// newGate starts one; it has to be led to a server.
func newGate(ts *testscript.TestScript) *gate {
	g := &gate{}
	g.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(g.to.Load()) },
		Transport:      &http.Transport{DisableCompression: true}, // what the reader asked for, and nothing else
		ModifyResponse: g.count,
	})
	ts.Defer(g.Close)
	return g
}

// lead leads it to a server.
func (g *gate) lead(ts *testscript.TestScript, server string) {
	to, err := url.Parse(server)
	ts.Check(err)
	g.to.Store(to)
}

func (g *gate) count(r *http.Response) error {
	tag, date := r.Request.Header.Get("If-None-Match") != "", r.Request.Header.Get("If-Modified-Since") != ""
	g.mu.Lock()
	defer g.mu.Unlock()
	if tag != g.tag || date != g.date {
		g.wrong = append(g.wrong, fmt.Sprintf("%s: asked by tag %t, by date %t", r.Request.URL.Path, tag, date))
	}
	switch r.StatusCode {
	case http.StatusOK:
		g.seen.whole++
	case http.StatusNotModified:
		g.seen.unchanged++
	case http.StatusIMUsed:
		g.seen.partial++
	case http.StatusMovedPermanently:
		g.seen.moved++
	default:
		g.seen.other++
	}
	return nil
}

// expect starts a round of requests with these conditions.
func (g *gate) expect(tag, date bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen, g.wrong, g.tag, g.date = visits{}, nil, tag, date
}

// result ends the round.
func (g *gate) result() (visits, []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen, g.wrong
}
