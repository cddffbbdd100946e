package web

import (
	"log/slog"
	"net/http"
	"time"
)

// Timeouts bound what one connection may take. Zero values get defaults.
type Timeouts struct {
	ReadHeader time.Duration // for a request's head to arrive; 0: 5 s, at most Read
	Read       time.Duration // for the whole request; 0: 15 s
	Write      time.Duration // for the answer to leave; 0: 60 s. Large files get longer, by their size
	Idle       time.Duration // how long an unused connection is kept; 0: 2 min
}

// maxHeader bounds the head of a request, in bytes.
const maxHeader = 32 << 10

// NewServer returns a server for the handler in which no client can hold a
// connection for longer than the time-outs allow. The caller sets Addr or
// brings a listener, and shuts it down.
func NewServer(h http.Handler, t Timeouts, log *slog.Logger) *http.Server {
	set := func(p *time.Duration, d time.Duration) {
		if *p <= 0 {
			*p = d
		}
	}
	set(&t.Read, 15*time.Second)
	set(&t.ReadHeader, min(5*time.Second, t.Read))
	set(&t.Write, time.Minute)
	set(&t.Idle, 2*time.Minute)
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: t.ReadHeader,
		ReadTimeout:       t.Read,
		WriteTimeout:      t.Write,
		IdleTimeout:       t.Idle,
		MaxHeaderBytes:    maxHeader,
	}
	if log != nil { // what clients do wrong on the wire is noise, and names their addresses
		srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	}
	return srv
}
