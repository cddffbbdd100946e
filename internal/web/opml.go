package web

import (
	"net/http"
	"time"

	"syndicate/internal/publish"
)

// opml lists the site's feeds for readers to import.
func (s *server) opml(w http.ResponseWriter, r *http.Request) error {
	b, err := publish.OPML(s.site.Title, s.site.URL, s.directory().catalogue)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Access-Control-Allow-Origin", "*")
	return newDocument("text/x-opml; charset=utf-8", b, time.Time{}).serve(w, r)
}
