package feed

import "strings"

// maxDepth is how deep elements may stand in each other. Parsers go down once a
// level, and nobody writes feeds of more than some tens.
const maxDepth = 500

// tooDeep reports whether a document's elements are nested beyond all reason. It
// reads XML as roughly as is safe: what it takes for an element that stays open is
// at most one too many.
func tooDeep(text string) bool {
	depth := 0
	for {
		i := strings.IndexByte(text, '<')
		if i < 0 {
			return false
		}
		text = text[i:]
		switch {
		case strings.HasPrefix(text, "<![CDATA["):
			text = after(text, "]]>")
		case strings.HasPrefix(text, "<!--"):
			text = after(text, "-->")
		case strings.HasPrefix(text, "<?"), strings.HasPrefix(text, "<!"):
			text = after(text, ">")
		case strings.HasPrefix(text, "</"):
			depth = max(0, depth-1)
			text = after(text, ">")
		default:
			rest := after(text, ">")
			if tag := text[:len(text)-len(rest)]; !strings.HasSuffix(tag, "/>") {
				depth++
			}
			text = rest
		}
		if depth > maxDepth {
			return true
		}
	}
}

// after returns what follows the first mark, nothing if there is none.
func after(text, mark string) string {
	_, rest, _ := strings.Cut(text, mark)
	return rest
}
