package digest

import (
	"context"
	"fmt"
	"html"
	htmltemplate "html/template"
	"regexp"
	"slices"
	"strings"
)

// What is counted of an issue is the same for everybody who gets it: links to its
// articles that lead through the site, and an image. The text part has neither:
// whoever reads it sees where a link leads.

// swapped returns the view with the two addresses of each article exchanged, where
// there are two: once, and it is what the HTML part shows; twice, and it is as it was.
func (v *view) swapped() *view {
	if !slices.ContainsFunc(v.Articles, func(a article) bool { return a.Counted != "" }) {
		return v
	}
	s := *v
	s.Articles = slices.Clone(v.Articles)
	for i := range s.Articles {
		if a := &s.Articles[i]; a.Counted != "" {
			a.URL, a.Counted = a.Counted, a.URL
		}
	}
	s.arrange()
	return &s
}

// bodyEnd is where a page ends to be seen.
var bodyEnd = regexp.MustCompile(`(?i)</body\b`)

// page executes the HTML template and adds the image.
func (e *executor) page(ctx context.Context, v *view) (string, error) {
	out, err := e.execute(ctx, e.html, v)
	if err != nil || v.opensURL == "" {
		return out, err
	}
	at := len(out)
	if ends := bodyEnd.FindAllStringIndex(out, -1); len(ends) > 0 {
		at = ends[len(ends)-1][0]
	}
	return out[:at] + `<img src="` + html.EscapeString(v.opensURL) + `" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">` + out[at:], nil
}

// checkTold wants each part to say what is counted.
func (t *Templates) checkTold(path, out string, v *view) error {
	note := v.CountsNote
	if path == t.htmlPath {
		note = htmltemplate.HTMLEscapeString(note)
	}
	if note == "" || strings.Contains(out, note) {
		return nil
	}
	return fmt.Errorf("%s: subscribers are not told what is counted; print {{.CountsNote}} somewhere, or take newsletters.%s.counts out of the settings",
		path, v.Newsletter.Name)
}
