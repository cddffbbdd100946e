package source

import (
	"strings"

	"syndicate/internal/newsletter"
)

// matter is an article file cut in two.
type matter struct {
	syntax   syntax
	text     string // front matter without its delimiters; with them for JSON
	line     int    // of its first line in the file
	body     string
	bodyLine int
}

type syntax byte

const (
	noMatter syntax = iota
	inYAML
	inTOML
	inJSON
)

const maxMatter = 64 << 10 // bytes of front matter

// splitMatter cuts the front matter off: YAML between lines of "---" (or ended by
// "..."), TOML between lines of "+++", or a JSON object. Plain text that merely
// begins with a rule has none.
func splitMatter(format newsletter.Format, text string) (matter, *Problem) {
	whole := matter{body: text, line: 1, bodyLine: 1}
	first, _, _ := strings.Cut(text, "\n")
	var m matter
	switch delimiter := strings.TrimRight(first, " \t"); {
	case delimiter == "---":
		m = cutMatter(text, inYAML, "---", "...")
	case delimiter == "+++":
		m = cutMatter(text, inTOML, "+++", "+++")
	case format != newsletter.PlainText && startsJSON(text):
		m = matter{syntax: inJSON, text: text, line: 1}
		return m, nil // its end is known when it is parsed
	default:
		return whole, nil
	}
	switch {
	case m.syntax == noMatter && format == newsletter.PlainText:
		return whole, nil
	case m.syntax == noMatter:
		delimiter := strings.TrimRight(first, " \t")
		return matter{}, &Problem{
			Line: 1, Message: "front matter begins with " + delimiter + " and never ends",
			Hint: "put a line with " + delimiter + " after it",
		}
	case len(m.text) > maxMatter:
		return matter{}, &Problem{Line: 1, Message: "front matter is longer than 64 KB"}
	}
	return m, nil
}

// cutMatter cuts at the next line that is a closing delimiter; without one the
// syntax is noMatter.
func cutMatter(text string, s syntax, closing ...string) matter {
	start := strings.IndexByte(text, '\n') + 1
	if start == 0 {
		return matter{}
	}
	line := 2
	for pos := start; pos < len(text); line++ {
		end, next := len(text), len(text)
		if i := strings.IndexByte(text[pos:], '\n'); i >= 0 {
			end, next = pos+i, pos+i+1
		}
		if c := text[pos]; c == closing[0][0] || c == closing[1][0] {
			if l := strings.TrimRight(text[pos:end], " \t"); l == closing[0] || l == closing[1] {
				return matter{syntax: s, text: text[start:pos], line: 2, body: text[next:], bodyLine: line + 1}
			}
		}
		pos = next
	}
	return matter{}
}

// startsJSON reports whether the text begins with a JSON object, not with a
// template's braces.
func startsJSON(text string) bool {
	if text == "" || text[0] != '{' {
		return false
	}
	rest := strings.TrimLeft(text[1:], " \t\n")
	return strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "}")
}

// parse reads the front matter. For JSON it also finds the body.
func (m *matter) parse() (value, *Problem) {
	switch m.syntax {
	case inYAML:
		return parseYAML(m.text, m.line)
	case inTOML:
		return parseTOML(m.text, m.line)
	case inJSON:
		v, end, problem := parseJSON(m.text)
		if problem != nil {
			return value{}, problem
		}
		m.text, m.body = m.text[:end], m.text[end:]
		m.bodyLine = 1 + strings.Count(m.text, "\n")
		if rest, ok := strings.CutPrefix(strings.TrimLeft(m.body, " \t"), "\n"); ok {
			m.body = rest
			m.bodyLine++
		}
		return v, nil
	}
	return value{kind: isTable}, nil
}

// peekKey returns the id in an article file's front matter, empty if there is
// none; ok is false if the file cannot be understood so far.
func (d *Dir) peekKey(name string, data []byte) (id string, ok bool) {
	text, _, broken := decodeText(data)
	if broken != nil {
		return "", false
	}
	m, broken := splitMatter(formatOf(name), text)
	if broken != nil {
		return "", false
	}
	if !strings.Contains(strings.ToLower(m.text), "id") { // most articles have none
		return "", true
	}
	v, broken := m.parse()
	if broken != nil {
		return "", false
	}
	id, broken = readID(&v)
	return id, broken == nil
}
