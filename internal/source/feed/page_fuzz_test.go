package feed_test

import (
	"net/http"
	"net/url"
	"testing"

	"syndicate/internal/fetch"
	"syndicate/internal/source/feed"
)

// FuzzPage: the feed that a page names has an address that can be asked, or there is
// none.
func FuzzPage(f *testing.F) {
	f.Add("https://a.example/b/", `<!doctype html><link rel="alternate" type="application/atom+xml" href="feed.atom">`)
	f.Add("https://a.example", `<html><base href="//b.example/c/"><link rel=alternate type=application/rss+xml href="?x">`)
	f.Add("http://a.example/%zz", `<html><base href="javascript:x"><link rel=alternate type="application/rss+xml" href="data:,x">`)
	f.Fuzz(func(t *testing.T, at, body string) {
		address, err := feed.FindFeed(&fetch.Response{URL: at, Body: []byte(body), Header: http.Header{"Content-Type": {"text/html"}}})
		if err != nil {
			return
		}
		if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" {
			t.Errorf("%q", address)
		}
	})
}
