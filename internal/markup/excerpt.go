package markup

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Excerpt returns the first sentences of a body as plain text of at most
// maxRunes characters: entities decoded, no-break spaces kept, headings, code,
// tables, lists and pictures left out as long as there are paragraphs. Where no
// sentence ends in time it is cut after a word and ends in "…". An author's
// <!--more--> ends it earlier. As in Render, quotation marks, dashes and ellipses
// become typographic ones where the language asks for it.
//
// Only as much of the body is parsed as is needed.
func Excerpt[F ~string](f F, body string, maxRunes int, language ...string) string {
	if maxRunes <= 0 {
		return ""
	}
	whole := body
	body, _, _ = strings.Cut(body, "<!--more-->")
	var text string
	switch string(f) {
	case "html":
		text = leadingText(body, maxRunes)
	case "md":
		text = markdownLead(body, maxRunes, false)
		if len(language) > 0 && improvable(text) && wantsTypographer(language[0], whole) {
			text = markdownLead(body, maxRunes, true)
		}
	default:
		text = plainLead(body, maxRunes)
	}
	return shorten(text, maxRunes)
}

// improvable reports whether there is something for the typographer in the text.
func improvable(text string) bool {
	return strings.ContainsAny(text, `"'`) || strings.Contains(text, "--") || strings.Contains(text, "...")
}

// markdownLead converts a growing part of the body until it yields enough text.
func markdownLead(body string, maxRunes int, typographic bool) string {
	definitions := ""
	for size := max(1024, 3*maxRunes); ; size *= 4 {
		part := body
		if size < len(body) {
			part = body[:paragraphEnd(body, size)]
		}
		whole := len(part) == len(body)
		if !whole && definitions == "" {
			definitions = "\n\n" + linkDefinitions(body[len(part):])
		}
		source := part
		if !whole {
			source += definitions
		}
		h, err := readMarkdown(source, typographic).html()
		if err != nil { // a writer to memory does not fail
			return ""
		}
		if whole {
			return leadingText(h, maxRunes)
		}
		if text := scanText(h, maxRunes, false); utf8.RuneCountInString(text) > maxRunes/2 {
			return text
		}
	}
}

// paragraphEnd returns the first end of a paragraph after size, or of a line, if
// paragraphs are endless.
func paragraphEnd(body string, size int) int {
	if i := strings.Index(body[size:min(len(body), size+4096)], "\n\n"); i >= 0 {
		return size + i + 2
	}
	if i := strings.IndexByte(body[size:], '\n'); i >= 0 {
		return size + i + 1
	}
	return len(body)
}

// linkDefinitions returns the lines that define reference links and footnotes,
// which usually stand at the end.
func linkDefinitions(body string) string {
	var b strings.Builder
	for rest := body; b.Len() < 64<<10; {
		i := strings.Index(rest, "\n[")
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		line, _, _ := strings.Cut(rest, "\n")
		if strings.Contains(line, "]:") {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func plainLead(body string, maxRunes int) string {
	if limit := 16*maxRunes + 4096; len(body) > limit {
		body = body[:paragraphEnd(body, limit)]
	}
	var b, all strings.Builder
	for _, p := range plainBlocks(body) {
		text := strings.Join(p.lines, " ")
		if !p.heading {
			join(&b, text)
		}
		join(&all, text)
		if b.Len() > 4*maxRunes {
			break
		}
	}
	if b.Len() == 0 {
		return all.String()
	}
	return b.String()
}

// shorten cuts text to at most maxRunes characters, after a sentence if one ends
// in the second half, else after a word.
func shorten(text string, maxRunes int) string {
	runes := []rune(text[:min(len(text), 4*(maxRunes+2))]) // what is beyond is cut in any case
	if len(runes) <= maxRunes {
		return text
	}
	if end := lastSentenceEnd(runes, maxRunes); end > maxRunes/2 {
		return string(runes[:end])
	}
	end := maxRunes - 1 // room for the ellipsis
	if cut := lastBreak(runes[:end+1]); cut > 0 {
		end = cut
	}
	kept := strings.TrimRightFunc(string(runes[:end]), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:.-–—…([{«“‘„‹¿¡/&", r)
	})
	return kept + "…"
}

// lastBreak returns the index of the last space at which a line may break, or -1.
func lastBreak(runes []rune) int {
	for i := len(runes) - 1; i > 0; i-- {
		if isASCIISpace(runes[i]) {
			return i
		}
	}
	return -1
}

// lastSentenceEnd returns the end of the last sentence within limit, 0 if there
// is none: a full stop or its like, perhaps quotation marks, a space, and
// something that begins a sentence.
func lastSentenceEnd(runes []rune, limit int) int {
	for end := min(limit, len(runes)-1); end > 1; end-- {
		if !isASCIISpace(runes[end]) || !beginsSentence(runes[end+1:]) {
			continue
		}
		i := end - 1
		for i > 0 && (strings.ContainsRune("”\"’'»›)]", runes[i]) || isSpace(runes[i]) && i < end-1) {
			i--
		}
		if strings.ContainsRune("!?…", runes[i]) || runes[i] == '.' && !endsAbbreviation(runes[:i]) {
			return end
		}
	}
	return 0
}

func beginsSentence(runes []rune) bool {
	for i, r := range runes {
		switch {
		case strings.ContainsRune("»›", r) && i+1 < len(runes) && isSpace(runes[i+1]):
			return false // the end of a quotation, set as in French
		case !strings.ContainsRune("“\"‘'«‹„»›([—–-¿¡", r) && !isSpace(r):
			return !unicode.IsLower(r)
		}
	}
	return true
}

// endsAbbreviation reports whether the full stop after runes belongs to a word
// such as "Mr", "p", "e.g" or to an initial.
func endsAbbreviation(runes []rune) bool {
	i := len(runes)
	for i > 0 && (unicode.IsLetter(runes[i-1]) || runes[i-1] == '.') {
		i--
	}
	word := string(runes[i:])
	return strings.Contains(strings.TrimLeft(word, "."), ".") || // e.g., U.S.
		len(runes)-i == 1 || // an initial, "M.", "p."
		slices.Contains([]string{"Mr", "Mrs", "Ms", "Dr", "St", "Prof", "Jr", "Sr", "No", "vs", "etc", "cf", "Mme", "Mlle", "MM", "pp", "vol", "fig", "av", "env"}, word)
}

func isSpace(r rune) bool { return unicode.IsSpace(r) || r == 0x2060 } // no-break spaces are spaces to unicode too

// join adds a piece of text after a space.
func join(b *strings.Builder, text string) {
	text = strings.TrimFunc(text, isASCIISpace)
	if text == "" {
		return
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(text)
}
