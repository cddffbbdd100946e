package templating

import (
	"html"
	"html/template"
	"strings"
)

// Together makes the function of templates that writes a text in which one part, an
// address, is not broken at the end of a line where it fits on the next: browsers
// break after the "…" of a masked one. What follows it without a space stays with it.
// attribute is how the part is marked.
func Together(attribute string) func(text, part string) template.HTML {
	return func(text, part string) template.HTML {
		text, part = html.EscapeString(text), html.EscapeString(part)
		if before, after, ok := strings.Cut(text, part); ok && part != "" {
			end := strings.IndexAny(after, " \n\t")
			if end < 0 {
				end = len(after)
			}
			text = before + "<span " + attribute + ">" + part + after[:end] + "</span>" + after[end:]
		}
		return template.HTML(text) //nolint:gosec // escaped above
	}
}
