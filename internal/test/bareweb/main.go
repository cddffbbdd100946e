// Command bareweb is the least that a Go program can do to serve one document, for
// benchmarks: net/http and nothing else. It hands out the bytes of a file, as they
// are, with an entity tag, and 304 to who has that tag.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("listen", "127.0.0.1:8081", "address and port")
	file := flag.String("file", "", "the document, compressed already")
	tag := flag.String("tag", `"x"`, "its entity tag")
	flag.Parse()
	body, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	length := strconv.Itoa(len(body))
	server := http.Server{
		Addr: *addr, ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Etag", *tag)
			if r.Header.Get("If-None-Match") == *tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			h.Set("Content-Type", "application/rss+xml; charset=utf-8")
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", length)
			w.Write(body)
		}),
	}
	return server.ListenAndServe()
}
