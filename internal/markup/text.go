package markup

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Text returns the plain text of an HTML fragment, as a person would write it in
// a mail: paragraphs between blank lines, "- " and "1. " before items, "> "
// before quotations, code indented, the address of a link in angle brackets
// after it, a picture by its alternative text. Lines are not wrapped.
func Text(fragment string) string {
	root, err := parseFragment(fragment)
	if err != nil { // nested beyond all reason
		return scanText(fragment, len(fragment), true)
	}
	var t textWriter
	t.blocks(root)
	return strings.Join(t.out, "\n\n")
}

// lineBreak stands for a br element until its block ends; Clean lets no other
// vertical tab through.
const lineBreak = "\v"

// textWriter gathers blocks; inline text waits in line until a block ends.
type textWriter struct {
	out  []string
	line strings.Builder
}

func (t *textWriter) flush() {
	lines := strings.Split(t.line.String(), lineBreak)
	t.line.Reset()
	for i, l := range lines {
		lines[i] = strings.Join(asciiFields(l), " ")
	}
	if s := strings.Trim(strings.Join(lines, "\n"), "\n"); s != "" {
		t.out = append(t.out, s)
	}
}

func (t *textWriter) blocks(parent *html.Node) {
	for n := range parent.ChildNodes() {
		if n.Type == html.TextNode {
			t.inline(n)
			continue
		}
		if n.Type != html.ElementNode || alwaysSkipped(n.DataAtom) && n.DataAtom != atom.Figcaption {
			continue
		}
		switch {
		case n.DataAtom == atom.Ul || n.DataAtom == atom.Ol:
			t.flush()
			t.list(n)
		case n.DataAtom == atom.Blockquote:
			t.flush()
			t.nested(n, "> ", "> ")
		case n.DataAtom == atom.Dd:
			t.flush()
			t.nested(n, "  ", "  ")
		case n.DataAtom == atom.Pre:
			t.flush()
			t.code(n)
		case n.DataAtom == atom.Hr:
			t.flush()
			t.out = append(t.out, "* * *")
		case n.DataAtom == atom.Tr:
			t.flush()
			t.row(n)
		case isBlock(n.DataAtom) || n.DataAtom == atom.Figcaption || n.DataAtom == atom.Tbody || n.DataAtom == atom.Thead || n.DataAtom == atom.Tfoot:
			t.flush()
			t.blocks(n)
			t.flush()
		default:
			t.inline(n)
		}
	}
	t.flush()
}

// nested writes the blocks of n with a prefix before the first and the other
// lines.
func (t *textWriter) nested(n *html.Node, first, other string) {
	var inner textWriter
	inner.blocks(n)
	if len(inner.out) == 0 {
		return
	}
	lines := strings.Split(strings.Join(inner.out, "\n\n"), "\n")
	for i, l := range lines {
		prefix := other
		if i == 0 {
			prefix = first
		}
		lines[i] = strings.TrimRight(prefix+l, " ")
	}
	t.out = append(t.out, strings.Join(lines, "\n"))
}

func (t *textWriter) list(n *html.Node) {
	var items textWriter
	number := 1
	if start, err := strconv.Atoi(attr(n, "start")); err == nil {
		number = start
	}
	for li := range n.ChildNodes() {
		if li.Type != html.ElementNode {
			continue
		}
		mark := "- "
		if n.DataAtom == atom.Ol {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		items.nested(li, mark, strings.Repeat(" ", len(mark)))
	}
	if len(items.out) > 0 {
		t.out = append(t.out, strings.Join(items.out, "\n"))
	}
}

func (t *textWriter) code(n *html.Node) {
	var b strings.Builder
	rawText(&b, n)
	if code := strings.Trim(Clean(b.String()), "\n"); code != "" {
		t.out = append(t.out, "    "+strings.ReplaceAll(code, "\n", "\n    "))
	}
}

// row writes a line of a table; rows follow each other without blank lines.
func (t *textWriter) row(n *html.Node) {
	var cells []string
	for c := range n.ChildNodes() {
		if c.Type != html.ElementNode {
			continue
		}
		var cell textWriter
		cell.blocks(c)
		cells = append(cells, strings.Join(asciiFields(strings.Join(cell.out, " ")), " "))
	}
	line := strings.TrimRight(strings.Join(cells, " | "), " ")
	if follows(n) && len(t.out) > 0 {
		t.out[len(t.out)-1] += "\n" + line
		return
	}
	t.out = append(t.out, line)
}

// follows reports whether a row has one before it in its table.
func follows(row *html.Node) bool {
	for n := row; n != nil && n.DataAtom != atom.Table; n = n.Parent {
		for p := n.PrevSibling; p != nil; p = p.PrevSibling {
			if p.DataAtom == atom.Tr || p.FirstChild != nil && p.DataAtom != atom.Caption && p.DataAtom != atom.Colgroup {
				return true
			}
		}
	}
	return false
}

func (t *textWriter) inline(n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		t.line.WriteString(Clean(n.Data))
		return
	case n.Type != html.ElementNode || alwaysSkipped(n.DataAtom):
		return
	}
	switch n.DataAtom {
	case atom.Br:
		t.line.WriteString(lineBreak)
		return
	case atom.Img:
		t.line.WriteString(Clean(attr(n, "alt")))
		return
	}
	if isBlock(n.DataAtom) { // a paragraph in a link
		t.line.WriteByte(' ')
		defer t.line.WriteByte(' ')
	}
	before := t.line.Len()
	for c := range n.ChildNodes() {
		t.inline(c)
	}
	switch role := attr(n, "role"); {
	case n.DataAtom != atom.A:
		return
	case role == "doc-noteref" || role == "doc-backlink": // [1] for the mark of a footnote, nothing for the way back
		mark := strings.TrimFunc(t.line.String()[before:], isASCIISpace)
		text := strings.TrimRight(t.line.String()[:before], "\u00a0")
		t.line.Reset()
		t.line.WriteString(text)
		if role == "doc-noteref" {
			t.line.WriteString("[" + mark + "]")
		}
		return
	}
	label := strings.TrimFunc(t.line.String()[before:], isASCIISpace)
	ref := Clean(attr(n, "href"))
	s, rest, _ := strings.Cut(ref, "://")
	if (s == "http" || s == "https") && ref != label && rest != label && label != "" {
		t.line.WriteString(" <" + ref + ">")
	}
}

func rawText(b *strings.Builder, n *html.Node) {
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		} else if c.DataAtom == atom.Br {
			b.WriteByte('\n')
		}
	}
}
