package digest

import (
	"crypto/rand"
	"strings"
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
