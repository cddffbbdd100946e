package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// frontsKey is where a script keeps its proxies, by name.
type frontsKey struct{}

// frontCommand starts a proxy with TLS, as a site has one before serve: front NAME.
// Its address is $NAME; programs trust it, by $SSL_CERT_FILE. It answers 502 until
// it is led somewhere: front NAME URL.
func frontCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "front NAME [URL]")
	fronts, ok := ts.Value(frontsKey{}).(map[string]*atomic.Pointer[url.URL])
	if !ok {
		ts.Fatalf("no place for fronts")
	}
	if len(args) > 1 {
		to, err := url.Parse(args[1])
		ts.Check(err)
		fronts[args[0]].Store(to)
		return
	}
	to := new(atomic.Pointer[url.URL])
	fronts[args[0]] = to
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := to.Load()
		if u == nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxy := httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(u)
			p.SetXForwarded()
		}}
		proxy.ServeHTTP(w, r)
	}))
	ts.Defer(server.Close)
	ca := ts.MkAbs(args[0] + ".pem")
	ts.Check(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644))
	ts.Setenv("SSL_CERT_FILE", ca)
	ts.Setenv(args[0], server.URL)
}
