package web

import (
	"io"
	"net/http"

	"syndicate/internal/publish"
)

// robots keeps crawlers off what is one person's, and off what is none of a
// reader's, and tells them where all else is listed.
func (s *server) robots(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=3600")
	text := "User-agent: *\n"
	for _, p := range []string{"/confirm/", "/unsubscribe/", "/preferences/", "/access/", "/change/", "/personal/", "/read/", "/r/", "/console/", "/api/", "/metrics"} {
		text += "Disallow: " + s.base + p + "\n"
	}
	text += "\nSitemap: " + s.site.URL + "/" + publish.SitemapFile + "\n"
	_, err := io.WriteString(w, text)
	return err
}
