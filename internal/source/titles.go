package source

import (
	"strings"
	"unicode/utf8"

	"syndicate/internal/markup"
)

// markdownTitle returns the title, which is the first level-one heading if none
// was given, and the body without a heading that opens it and says the same.
func markdownTitle(title, text string) (string, string) {
	fence := ""
	opening := true // nothing but blank lines so far
	offset, before, beforeAt := 0, "", 0
	for line := range strings.Lines(text) {
		start := offset
		offset += len(line)
		trimmed := strings.TrimRight(line, " \t\n")
		bare := strings.TrimLeft(trimmed, " ")
		switch {
		case fence != "":
			if strings.HasPrefix(bare, fence) {
				fence = ""
			}
		case strings.HasPrefix(bare, "```"), strings.HasPrefix(bare, "~~~"):
			fence = bare[:3]
			opening = false
		case len(trimmed)-len(bare) > 3: // code
		case strings.HasPrefix(bare, "# "), strings.HasPrefix(bare, "#\t"):
			return headingTitle(title, text, bare[2:], opening, start, offset)
		case before != "" && bare != "" && strings.Trim(bare, "=") == "" && !strings.HasPrefix(before, ">"):
			return headingTitle(title, text, before, strings.TrimSpace(text[:beforeAt]) == "", beforeAt, offset)
		}
		if title != "" && trimmed != "" && !opening {
			return title, text // only an opening heading could repeat it
		}
		opening = opening && trimmed == ""
		before, beforeAt = bare, start
	}
	return title, text
}

func headingTitle(title, text, heading string, opening bool, start, end int) (string, string) {
	if i := strings.LastIndex(heading, " {#"); i > 0 && strings.HasSuffix(heading, "}") { // Hugo's id
		heading = heading[:i]
	}
	said := markup.Excerpt("md", strings.TrimRight(heading, "# \t"), 300)
	if title == "" {
		title = said
	}
	if opening && strings.EqualFold(title, said) {
		text = text[:start] + text[end:]
	}
	return title, text
}

// textTitle cuts the first line off plain text. A first line that is a whole
// paragraph is no title.
func textTitle(text string) (title, rest string) {
	text = strings.TrimLeft(text, " \t\n")
	line, rest, _ := strings.Cut(text, "\n")
	if utf8.RuneCountInString(line) > 200 {
		return "", text
	}
	return markup.CleanLine(line), rest
}
