package fetch

import (
	"fmt"
	"net/http"
	"net/url"
)

// way is how redirects led from the address that was asked to another.
type way struct {
	first, at *url.URL
	seen      map[string]bool
	permanent bool     // only permanent redirects so far
	settled   *url.URL // where those led
	strange   bool     // it left the host that was asked, or https
}

func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// follow takes the step that a redirect asks for.
func (w *way) follow(resp *http.Response, limit int) error {
	to, err := w.at.Parse(resp.Header.Get("Location"))
	if err == nil {
		to, err = parse(to.String())
	}
	if err != nil {
		return fmt.Errorf("it redirects to what is no address: %w", ErrAddress)
	}
	if to.Host == w.at.Host && to.Scheme == w.at.Scheme {
		if to.User == nil {
			to.User = w.at.User
		}
	} else {
		w.strange = true
	}
	if w.seen[to.String()] {
		return fmt.Errorf("%w: they lead back to where they were (%s)", ErrRedirects, to.Host)
	}
	if len(w.seen) > limit {
		return fmt.Errorf("%w: after %d of them they still go on (%s)", ErrRedirects, limit, to.Host)
	}
	w.seen[to.String()] = true
	w.permanent = w.permanent && (resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusPermanentRedirect)
	if w.permanent {
		w.settled = to
	}
	w.at = to
	return nil
}

// moved returns where the address that was asked is now.
func (w *way) moved() string {
	if w.settled == nil || w.first.Scheme == "https" && w.settled.Scheme != "https" {
		return ""
	}
	return w.settled.String()
}
