package digest

import (
	"crypto/rand"
	"fmt"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"syndicate/internal/newsletter"
)

// placeholderStart is what the placeholders of newsletter begin with.
const placeholderStart = "SYNDICATEx"

// A placeholder may stand only where the template put it. One in an article or a
// title would send each reader's own links to whoever wrote it: as part of a
// picture's address, for example. So while templates run, the values begin with a
// mark that nobody can know in advance, and whatever begins like a placeholder by
// then is text.

// newMark returns a mark: as long as what it stands for, so that no line or limit
// changes, and of letters and digits only, so that no escaper does.
func newMark() string { return rand.Text()[:len(placeholderStart)] }

// marked returns a placeholder under its mark.
func marked(mark, placeholder string) string {
	return mark + strings.TrimPrefix(placeholder, placeholderStart)
}

// personal makes placeholders of the marked values in what a template printed,
// and spoils all others.
func (v *view) personal(out string) string {
	return strings.NewReplacer(v.mark, placeholderStart, placeholderStart, strings.ToUpper(placeholderStart)).Replace(out)
}

// checkNames wants the subscriber's name to stand in text only: html/template, which
// makes values safe where they stand, does not see it.
func checkNames(path, out string) error {
	if !strings.Contains(out, newsletter.PlaceholderName) {
		return nil
	}
	z := html.NewTokenizer(strings.NewReader(out))
	raw := false // in a style sheet or the like
	for {
		kind := z.Next()
		if kind == html.ErrorToken { // the end
			return nil
		}
		text := string(z.Raw())
		if strings.Contains(text, newsletter.PlaceholderName) && (kind != html.TextToken || raw) {
			return fmt.Errorf(`%s: {{name …}} can stand in text only, not in a tag, a comment or a style sheet: %.60q`, path,
				strings.NewReplacer(newsletter.PlaceholderName, "{{name ", newsletter.PlaceholderNameEnd, "}}").Replace(text))
		}
		if kind == html.StartTagToken {
			name, _ := z.TagName()
			switch atom.Lookup(name) {
			case atom.Style, atom.Script, atom.Xmp, atom.Iframe, atom.Noembed, atom.Noframes, atom.Noscript, atom.Plaintext:
				raw = true
				continue
			}
		}
		if kind == html.EndTagToken {
			raw = false
		}
	}
}
