package web

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

// The files that pages need, from web/ of the site's templates or the built-in ones.
const (
	stylesheet = "site.css"
	icon       = "favicon.svg"
)

var assetTypes = map[string]string{
	stylesheet: "text/css; charset=utf-8",
	icon:       "image/svg+xml",
}

// readAssets reads them once.
func readAssets(site, builtin fs.FS) (map[string]*document, error) {
	assets := map[string]*document{}
	for name, contentType := range assetTypes {
		b, err := readEither(site, builtin, name)
		if err != nil {
			return nil, err
		}
		assets[name] = newDocument(contentType, []byte(b), time.Time{})
	}
	return assets, nil
}

func readEither(site, builtin fs.FS, name string) (string, error) {
	if site != nil {
		b, err := readFile(site, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	b, err := readFile(builtin, name)
	if err != nil {
		return "", fmt.Errorf("built-in %w", err)
	}
	return b, nil
}

// asset serves the style sheet. Pages ask for it with its hash, under which it
// never changes.
func (s *server) asset(w http.ResponseWriter, r *http.Request) error {
	d, ok := s.assets[r.PathValue("name")]
	if !ok {
		return status(http.StatusNotFound)
	}
	return s.serveAsset(w, r, d)
}

// favicon serves the built-in mark, or leads to the site's own.
func (s *server) favicon(w http.ResponseWriter, r *http.Request) error {
	if to := s.siteFile(s.site.Icon); to != "" && to != r.URL.Path {
		http.Redirect(w, r, to, http.StatusFound)
		return nil
	}
	if r.URL.Path == "/favicon.ico" { // browsers draw SVG by any name
		http.Redirect(w, r, s.base+"/favicon.svg", http.StatusFound)
		return nil
	}
	w.Header().Set("Content-Security-Policy", filePolicy)
	return s.serveAsset(w, r, s.assets[icon])
}

func (s *server) serveAsset(w http.ResponseWriter, r *http.Request, d *document) error {
	cache := "public, max-age=3600"
	if r.URL.Query().Get("v") == d.hash {
		cache = "public, max-age=31536000, immutable"
	}
	w.Header().Set("Cache-Control", cache)
	return d.serve(w, r)
}
