package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
)

// Most Markdown has no HTML in it. What goldmark writes of such a document is in
// order: to parse it would give a tree that says what goldmark's own says already. So
// what tidy does, references and ids, is done in goldmark's tree, and the HTML goes to
// the policy at once, which reads and writes it as it does the other. What is not that
// simple goes the long way; the results are the same.

// mostNested is how deep what is nested may be here. Where there is more, the parser
// of HTML has its own opinion.
const mostNested = 100

// settler puts a Markdown document in order.
type settler struct {
	source []byte
	ids    map[string]bool // of headings
	wanted map[string]bool // that links point to
	change []ast.Node      // headings, links, pictures, in their order
}

// survey looks through a document; false: it is not simple.
func survey(doc ast.Node, source []byte) (*settler, bool) {
	s := &settler{source: source, ids: map[string]bool{}, wanted: map[string]bool{}}
	ok := s.children(doc, 0, false)
	for id := range s.wanted {
		if !s.ids[id] {
			delete(s.wanted, id)
		}
	}
	return s, ok
}

func (s *settler) children(parent ast.Node, depth int, inLink bool) bool {
	if depth > mostNested {
		return false
	}
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		within := inLink
		switch n := n.(type) {
		case *ast.Paragraph, *ast.TextBlock, *ast.Blockquote, *ast.List, *ast.ListItem, *ast.CodeBlock, *ast.FencedCodeBlock, *ast.ThematicBreak, *ast.LinkReferenceDefinition,
			*ast.Text, *ast.String, *ast.Emphasis, *ast.CodeSpan, *east.Strikethrough, *east.Table, *east.TableHeader, *east.TableRow, *east.TableCell:
			// As they are. Not so HTML, footnotes, boxes to tick, nor what goldmark may think of yet.
		case *ast.Heading:
			id, ok := headingID(n)
			if !ok {
				return false
			}
			s.ids[id] = true
			s.change = append(s.change, n)
		case *ast.Link:
			if ref := escapedURL(n.Destination); strings.HasPrefix(ref, "#") {
				s.wanted[fragment(ref)] = true
			}
			s.change = append(s.change, n)
			if within {
				return false
			}
			within = true
		case *ast.AutoLink:
			s.change = append(s.change, n)
			if within {
				return false
			}
		case *ast.Image: // what is in it becomes its alternative text
			s.change = append(s.change, n)
			continue
		default:
			return false
		}
		if !s.children(n, depth+1, within) {
			return false
		}
	}
	return true
}

// headingID returns the id of a heading; false: it has other attributes too.
func headingID(n *ast.Heading) (string, bool) {
	all := n.Attributes()
	if len(all) != 1 || string(all[0].Name) != "id" {
		return "", false
	}
	id, ok := all[0].Value.([]byte)
	return string(id), ok
}

// escapedURL is how goldmark writes the destination of a link.
func escapedURL(destination []byte) string { return string(util.URLEscape(destination, true)) }

// settle resolves the references and gives the ids their prefix. False: goldmark would
// write something else than what they became; the document is half changed then.
func (s *settler) settle(body string, resolve func(string, Kind) string) bool {
	t := &tidier{resolve: resolve, wanted: s.wanted}
	if len(s.wanted) > 0 {
		t.prefix = idPrefix(body)
	}
	for _, n := range s.change {
		switch n := n.(type) {
		case *ast.Heading:
			id, _ := headingID(n)
			n.RemoveAttributes()
			if s.wanted[id] {
				n.SetAttributeString("id", []byte(t.prefix+strings.ReplaceAll(id, " ", "-")))
			}
		case *ast.Link:
			if !t.redirect(&n.Destination, Link) {
				return false
			}
		case *ast.Image:
			if !t.redirect(&n.Destination, Media) {
				return false
			}
		case *ast.AutoLink:
			ref := string(util.URLEscape(n.URL(s.source), false))
			if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(strings.ToLower(ref), "mailto:") {
				ref = "mailto:" + ref
			}
			if t.reference(ref, Link) != ref {
				return false
			}
		}
	}
	return true
}

// redirect makes a destination what its reference becomes.
func (t *tidier) redirect(destination *[]byte, kind Kind) bool {
	ref := t.reference(escapedURL(*destination), kind)
	if ref == "" || escapedURL([]byte(ref)) != ref {
		return false
	}
	*destination = []byte(ref)
	return true
}
