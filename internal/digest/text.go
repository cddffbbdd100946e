package digest

import (
	"strings"
	"unicode/utf8"
)

// excerpt returns at most n runes of a text on one line, cut between words, with … where it was cut.
func excerpt(n int, s string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	cut := max(n-1, 0)
	for i := cut; i > cut/2; i-- { // scripts without spaces are cut where they are
		if runes[i] == ' ' || runes[i] == '\n' {
			cut = i
			break
		}
	}
	return strings.TrimRight(string(runes[:cut]), " \n,;:.…–—-\u00a0\u202f«“(") + "…"
}

// layout tidies the output of a text template: lines are wrapped at spaces (never
// at a no-break one), what is too long for a line, such as a URL, keeps its own,
// trailing spaces go, and there is at most one empty line at a time.
func layout(s string, width int) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	var out strings.Builder
	empty := 0
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" {
			empty++
			if empty == 1 {
				out.WriteByte('\n')
			}
			continue
		}
		empty = 0
		wrap(&out, line, width)
	}
	return out.String()
}

// wrap writes a line as one or more lines. Those that follow are indented as the
// first one is, past a list's dash or a quotation's mark.
func wrap(out *strings.Builder, line string, width int) {
	if utf8.RuneCountInString(line) <= width {
		out.WriteString(line + "\n")
		return
	}
	text := strings.TrimLeft(line, " >")
	lead := line[:len(line)-len(text)]
	next := lead
	if strings.HasPrefix(text, "- ") || strings.HasPrefix(text, "* ") {
		next += "  "
	}
	out.WriteString(lead)
	column := len(lead)
	for i, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' }) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			out.WriteString("\n" + next)
			column = len(next)
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += n
	}
	out.WriteByte('\n')
}
