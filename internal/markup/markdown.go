package markup

import (
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// Converters are safe for concurrent use and never change once made.
var (
	converter            = sync.OnceValue(func() goldmark.Markdown { return newConverter() })
	typographicConverter = sync.OnceValue(func() goldmark.Markdown { return newConverter(extension.Typographer) })
)

func newConverter(more ...goldmark.Extender) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(
			extension.Linkify, extension.Strikethrough, extension.TaskList, extension.Footnote,
			// Readers and mailers strip style attributes; align survives.
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		),
		goldmark.WithExtensions(more...),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithHeadingAttribute()),
		goldmark.WithRendererOptions(
			html.WithUnsafe(), // the tree and the policy see to it
			html.WithXHTML(),  // <br />, which both of them write so
		),
	)
}

// markdown is a Markdown body that was read.
type markdown struct {
	converter goldmark.Markdown
	source    []byte
	doc       ast.Node
}

func readMarkdown(body string, typographic bool) *markdown {
	m := &markdown{converter: converter(), source: []byte(body)}
	if typographic {
		m.converter = typographicConverter()
	}
	m.read()
	return m
}

func (m *markdown) read() {
	ids := &headingIDs{seen: map[string]bool{}}
	m.doc = m.converter.Parser().Parse(text.NewReader(m.source), parser.WithContext(parser.NewContext(parser.WithIDs(ids))))
}

// html converts without any sanitising.
func (m *markdown) html() (string, error) {
	var b strings.Builder
	b.Grow(len(m.source) + len(m.source)/4)
	err := m.converter.Renderer().Render(&b, m.source, m.doc)
	return b.String(), err
}

// settled puts the document in order as tidy would; false: that is left to do.
func (m *markdown) settled(body string, resolve func(string, Kind) string) bool {
	if Clean(body) != body || strings.Contains(body, "&#") { // what tidy would drop in the midst of something
		return false
	}
	s, ok := survey(m.doc, m.source)
	if !ok {
		return false
	}
	if ok = s.settle(body, resolve); !ok {
		m.read()
	}
	return ok
}

// wantsTypographer reports whether goldmark's typographer, whose rules are
// those of English, may touch the text: not if its writer already set quotes,
// dashes or ellipses, nor if it would get an opening quote wrong.
func wantsTypographer(language, body string) bool {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	return base == "en" && !hasTypography(body) && !misquoted(body)
}

// hasTypography looks for ‘’“”„‚‹›–—…, which all begin with the bytes E2 80, and
// «». Most texts are plain, and found to be so at the speed of memory.
func hasTypography(body string) bool {
	return strings.Contains(body, "\u00ab") || strings.Contains(body, "\u00bb") ||
		strings.Contains(body, "\xe2\x80") && strings.ContainsAny(body, "‘’“”„‚‹›–—…")
}

// misquoted finds single quotes that the typographer would take for the
// apostrophes of 'tis, 'em and 'n', as it does before any word in t, e, n or l.
func misquoted(body string) bool {
	for i := 0; ; i++ {
		n := strings.IndexByte(body[i:], '\'')
		if n < 0 {
			return false
		}
		i += n
		opens := i == 0 || strings.IndexByte(" \t\n\r\f([", body[i-1]) >= 0
		if opens && i+1 < len(body) && strings.IndexByte("tenl", body[i+1]) >= 0 {
			return true
		}
	}
}

// headingIDs names headings as GitHub does, so that links that authors wrote to
// them work: letters and digits in lower case, hyphens for spaces.
type headingIDs struct{ seen map[string]bool }

// Generate implements parser.IDs.
func (h *headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case unicode.IsSpace(r):
			return '-'
		}
		return -1
	}, strings.TrimSpace(string(value)))
	if id == "" {
		id = "heading"
	}
	base := id
	for n := 1; h.seen[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	h.seen[id] = true
	return []byte(id)
}

// Put implements parser.IDs: an id that the author gave.
func (h *headingIDs) Put(value []byte) { h.seen[string(value)] = true }
