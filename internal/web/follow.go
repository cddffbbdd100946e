package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"syndicate/internal/newsletter"
)

// pixel is an image of which nothing is seen: a GIF of one transparent pixel.
const pixel = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// followLink leads on from a counted link in a mail, or answers with the image that
// tells of opens. Where a link leads is in the store, never in its address.
func (s *server) followLink(w http.ResponseWriter, r *http.Request) error {
	target, err := s.o.Service.Follow(r.Context(), tokenIn(r.PathValue("link")), visitOf(r), r.Method == http.MethodGet)
	if errors.Is(err, newsletter.ErrToken) {
		return s.byPath(w, r) // an article may stand there
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store") // each visit comes here
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	if target != "" {
		http.Redirect(w, r, target, http.StatusFound)
		return nil
	}
	h.Set("Content-Type", "image/gif")
	h.Set("Content-Length", strconv.Itoa(len(pixel)))
	_, err = w.Write([]byte(pixel))
	return err
}

// visitOf is what a request says of who makes it.
func visitOf(r *http.Request) newsletter.Visit {
	v := newsletter.Visit{Agent: r.UserAgent()}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		purpose := strings.ToLower(r.Header.Get(name))
		v.Ahead = v.Ahead || strings.Contains(purpose, "prefetch") || strings.Contains(purpose, "prerender") || strings.Contains(purpose, "preview")
	}
	return v
}
