package markup

import (
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain text has no marks that say what is what, so its lines are read as a
// person would:
//
//   - In a text whose lines are long, each line is a paragraph.
//   - In a text wrapped at some column, blank lines separate paragraphs, and a
//     line break inside is only kept where the next word would still have
//     fitted; lines that begin with a dash or a bullet stand for themselves.
//   - A group of short lines is verse or an address: its breaks are kept.
//   - A short line without closing punctuation, or with a question mark, is a
//     heading if a paragraph follows.
const (
	maxWrapped = 120 // a longer line was not wrapped by its writer
	minWrapped = 55  // nobody wraps prose more narrowly
	maxHeading = 80  // in characters
)

// block is a paragraph, usually of one line, or a heading.
type block struct {
	lines   []string // where the writer broke them on purpose
	heading bool
}

func plainHTML(body string) string {
	var b strings.Builder
	b.Grow(len(body) + len(body)/8)
	for _, p := range plainBlocks(body) {
		tag := "p"
		if p.heading {
			tag = "h2"
		}
		b.WriteString("<" + tag + ">")
		for i, line := range p.lines {
			if i > 0 {
				b.WriteString("<br/>\n")
			}
			writeLinked(&b, line)
		}
		b.WriteString("</" + tag + ">\n")
	}
	return b.String()
}

func plainBlocks(body string) []block {
	groups, width := lineGroups(body)
	wrapped := width <= maxWrapped && (len(groups) > 1 || len(groups) == 1 && allForced(groups[0], width))
	var blocks []block
	for _, g := range groups {
		lines := g
		if wrapped && width >= minWrapped {
			lines = unwrap(g, width)
		}
		if len(lines) > 1 && len(groups) > 1 && isVerse(lines) {
			blocks = append(blocks, block{lines: lines})
			continue
		}
		for _, l := range lines {
			blocks = append(blocks, block{lines: []string{l}})
		}
	}
	for i := 0; i+1 < len(blocks); i++ {
		b, next := blocks[i], blocks[i+1]
		blocks[i].heading = looksLikeHeading(b) && !looksLikeHeading(next)
	}
	return blocks
}

// lineGroups returns the lines between blank lines, and the length of the
// longest line in characters.
func lineGroups(body string) (groups [][]string, width int) {
	var g []string
	for line := range strings.Lines(body) {
		line = strings.TrimFunc(line, isASCIISpace)
		if line == "" {
			if len(g) > 0 {
				groups, g = append(groups, g), nil
			}
			continue
		}
		g = append(g, line)
		width = max(width, utf8.RuneCountInString(line))
	}
	if len(g) > 0 {
		groups = append(groups, g)
	}
	return groups, width
}

// forced reports whether an editor that wraps at width had to break the line
// before next.
func forced(line, next string, width int) bool {
	word, _, _ := strings.Cut(next, " ")
	return utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width
}

// allForced reports whether a text without blank lines is one wrapped paragraph.
func allForced(lines []string, width int) bool {
	if len(lines) < 3 || width < minWrapped {
		return false
	}
	for i, l := range lines[:len(lines)-1] {
		if !forced(l, lines[i+1], width) {
			return false
		}
	}
	return true
}

func unwrap(lines []string, width int) []string {
	out := []string{lines[0]}
	for i, l := range lines[1:] {
		last := &out[len(out)-1]
		if startsItem(l) || !forced(lines[i], l, width) {
			out = append(out, l)
			continue
		}
		*last += " " + l
	}
	return out
}

func isVerse(lines []string) bool {
	return !slices.ContainsFunc(lines, func(l string) bool { return startsItem(l) || utf8.RuneCountInString(l) > minWrapped })
}

// startsItem reports whether the line begins with a bullet or the dash of a
// speaker.
func startsItem(line string) bool {
	r, n := utf8.DecodeRuneInString(line)
	if !strings.ContainsRune("-*–—―•‣·", r) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(line[n:])
	return unicode.IsSpace(next) // no-break spaces too
}

const (
	openingQuotes = "\"'“„«‹‘‚”’»›「『《"
	closingMarks  = "\"'”“»›’‘«‹」』》)]}"
)

func looksLikeHeading(b block) bool {
	if len(b.lines) != 1 {
		return false
	}
	line := b.lines[0]
	if utf8.RuneCountInString(line) > maxHeading || startsItem(line) {
		return false
	}
	first, _ := utf8.DecodeRuneInString(line)
	inner := strings.TrimRightFunc(line, func(r rune) bool { return strings.ContainsRune(closingMarks, r) || unicode.IsSpace(r) })
	last, _ := utf8.DecodeLastRuneInString(inner)
	if strings.ContainsRune(openingQuotes, first) && inner != line && !strings.ContainsAny(line[len(inner):], ")]}") {
		return false // somebody speaks
	}
	return last == '?' || last == '？' || unicode.IsLetter(last) || unicode.IsNumber(last) || unicode.IsMark(last)
}

// writeLinked writes the text with its http(s) addresses as links.
func writeLinked(b *strings.Builder, text string) {
	for {
		i := strings.Index(text, "http")
		for i >= 0 && !strings.HasPrefix(text[i:], "http://") && !strings.HasPrefix(text[i:], "https://") {
			if n := strings.Index(text[i+4:], "http"); n >= 0 {
				i += 4 + n
			} else {
				i = -1
			}
		}
		if i < 0 {
			b.WriteString(html.EscapeString(text))
			return
		}
		end := strings.IndexFunc(text[i:], func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>\"“”«»", r) })
		ref := text[i:]
		if end >= 0 {
			ref = text[i : i+end]
		}
		ref = strings.TrimRight(ref, ".,;:!?'’…")
		if strings.HasSuffix(ref, ")") && !strings.Contains(ref, "(") {
			ref = strings.TrimRight(ref, ").,;:!?'’…")
		}
		b.WriteString(html.EscapeString(text[:i]))
		b.WriteString(`<a href="` + html.EscapeString(ref) + `">` + html.EscapeString(ref) + `</a>`)
		text = text[i+len(ref):]
	}
}
