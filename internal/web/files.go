package web

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"syndicate/internal/newsletter"
)

// filePolicy makes a file that is opened by itself inert: an SVG runs no script
// and loads nothing. Chromium shows no PDF inside a sandbox, and a PDF cannot
// act on this site.
const (
	filePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
	pdfPolicy  = "default-src 'none'; object-src 'self'; plugin-types application/pdf; frame-ancestors 'none'"
)

// slowest is the speed, in bytes a second, at which a reader may take a large
// file before the answer is cut off.
const slowest = 16 << 10

// file serves what goes with an article from files/ of the feeds' folder, and
// nothing that is of none of those types, whatever lies there.
// os.Root keeps every path and link inside.
func (s *server) file(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	contentType := newsletter.MediaType(name)
	if contentType == "" || !fs.ValidPath(name) || hidden(name) || s.o.FeedsDir == "" {
		return status(http.StatusNotFound)
	}
	root, err := os.OpenRoot(filepath.Join(s.o.FeedsDir, "files"))
	if err != nil {
		return fileError(err)
	}
	defer func() { _ = root.Close() }() // nothing was written
	// Looked at before it is opened: opening a pipe would wait for its writer.
	info, err := root.Stat(name)
	if err != nil {
		return fileError(err)
	}
	if !info.Mode().IsRegular() {
		return status(http.StatusNotFound)
	}
	f, err := root.Open(name)
	if err != nil {
		return fileError(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return fileError(err)
	}

	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", filePolicy)
	if contentType == "application/pdf" {
		h.Set("Content-Security-Policy", pdfPolicy)
	}
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // readers on the web show them
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Etag", `"`+strconv.FormatInt(info.ModTime().UnixNano(), 36)+"-"+strconv.FormatInt(info.Size(), 36)+`"`)
	limit := time.Now().Add(time.Minute + time.Duration(info.Size()/slowest)*time.Second)
	if err := http.NewResponseController(w).SetWriteDeadline(limit); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("extending the deadline: %w", err)
	}
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

// hidden reports whether a part of the path begins with a dot.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// fileError leaves what is the machine's fault; everything else (no such file,
// a path or link that leads outside, a name that is too long) is 404.
func fileError(err error) error {
	for _, fault := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EIO, syscall.ENOMEM} {
		if errors.Is(err, fault) {
			return err
		}
	}
	return status(http.StatusNotFound)
}
