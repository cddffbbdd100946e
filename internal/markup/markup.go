// Package markup turns article bodies into safe HTML, plain text and excerpts.
package markup

// Kind says what a reference in a body points to.
type Kind int

// The kinds of references.
const (
	Link  Kind = iota // a page: a[href], blockquote[cite]
	Media             // a file shown in place: images, audio, video
)

// Render turns a body into safe HTML. f is a newsletter.Format: "md", "html" or "txt".
func Render[F ~string](f F, body string, resolve func(ref string, kind Kind) string) (string, error) {
	return "", nil
}

// Clean drops what no feed, page or mail can carry.
func Clean(s string) string { return s }

// CleanLine is Clean on one line.
func CleanLine(s string) string { return s }

// Excerpt returns the first sentences of a body as plain text.
func Excerpt[F ~string](f F, body string, maxRunes int) string { return "" }

// Text returns the plain text of an HTML fragment.
func Text(html string) string { return "" }
