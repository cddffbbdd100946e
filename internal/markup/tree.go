package markup

import (
	"encoding/hex"
	"hash/fnv"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// parseFragment parses body content as a browser with scripting off does. The
// result is a body element whose children are the fragment.
func parseFragment(source string) (*html.Node, error) {
	root := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragmentWithOptions(strings.NewReader(source), root, html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root, nil
}

// writeChildren writes a fragment out; size is about how long it will be.
func writeChildren(root *html.Node, size int) (string, error) {
	var b strings.Builder
	b.Grow(size + size/8)
	for c := root.FirstChild; c != nil; c = c.NextSibling {
		if err := html.Render(&b, c); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// idPrefix is the same for the same body, and in practice differs between the
// articles of a page.
func idPrefix(body string) string {
	h := fnv.New32a()
	h.Write([]byte(body)) // never fails
	return "a" + hex.EncodeToString(h.Sum(nil)) + "-"
}

// tidier puts a tree in order; see the package comment, step 2.
type tidier struct {
	prefix  string
	resolve func(string, Kind) string
	wanted  map[string]bool // ids that links of the body point to
}

func tidy(root *html.Node, prefix string, resolve func(string, Kind) string) {
	t := &tidier{prefix: prefix, resolve: resolve, wanted: map[string]bool{}}
	ids := map[string]bool{}
	collectIDs(root, ids, t.wanted)
	for id := range t.wanted { // a link to somewhere else is for the resolver
		if !ids[id] {
			delete(t.wanted, id)
		}
	}
	t.children(root)
}

func collectIDs(n *html.Node, ids, wanted map[string]bool) {
	for c := range n.Descendants() {
		if c.Type != html.ElementNode {
			continue
		}
		for _, a := range c.Attr {
			switch {
			case a.Key == "id", a.Key == "name" && c.DataAtom == atom.A:
				ids[a.Val] = true
			case a.Key == "href" && c.DataAtom == atom.A && strings.HasPrefix(a.Val, "#"):
				wanted[fragment(a.Val)] = true
			}
		}
	}
}

// fragment returns what a reference that starts with # points to.
func fragment(ref string) string {
	id := ref[1:]
	if plain, err := url.PathUnescape(id); err == nil {
		return plain
	}
	return id
}

func (t *tidier) children(parent *html.Node) {
	for c := parent.FirstChild; c != nil; {
		next := c.NextSibling
		switch c.Type {
		case html.TextNode:
			c.Data = Clean(c.Data)
		case html.ElementNode:
			t.element(parent, c)
		default: // comments
			parent.RemoveChild(c)
		}
		c = next
	}
}

func (t *tidier) element(parent, n *html.Node) {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template, atom.Head, atom.Title, atom.Object, atom.Embed, atom.Applet,
		atom.Svg, atom.Math, atom.Select, atom.Textarea, atom.Button, atom.Datalist, atom.Canvas, atom.Map,
		atom.Frameset, atom.Noframes, atom.Dialog, atom.Link, atom.Meta, atom.Base, atom.Plaintext, atom.Xmp:
		parent.RemoveChild(n)
		return
	case atom.Input: // GFM's task lists
		box := ""
		if attr(n, "type") == "checkbox" {
			box = "☐"
			if hasAttr(n, "checked") {
				box = "☑"
			}
		}
		replaceByText(parent, n, box)
		return
	case atom.Iframe:
		t.frame(parent, n)
		return
	}
	t.attributes(n)
	switch n.DataAtom {
	case atom.Img:
		if attr(n, "src") == "" && attr(n, "srcset") == "" {
			replaceByText(parent, n, attr(n, "alt"))
			return
		}
		if !hasAttr(n, "alt") { // a picture without words, for readers that speak
			n.Attr = append(n.Attr, html.Attribute{Key: "alt"})
		}
	case atom.Audio, atom.Video:
		if !hasAttr(n, "controls") {
			n.Attr = append(n.Attr, html.Attribute{Key: "controls"})
		}
	}
	t.children(n)
}

// frame replaces an iframe by a link to what it would have shown.
func (t *tidier) frame(parent, n *html.Node) {
	ref := t.reference(attr(n, "src"), Link)
	if ref == "" {
		parent.RemoveChild(n)
		return
	}
	label := CleanLine(attr(n, "title"))
	if label == "" {
		label = ref
	}
	a := &html.Node{Type: html.ElementNode, Data: "a", DataAtom: atom.A, Attr: []html.Attribute{{Key: "href", Val: ref}}}
	a.AppendChild(&html.Node{Type: html.TextNode, Data: label})
	parent.InsertBefore(a, n)
	parent.RemoveChild(n)
}

func (t *tidier) attributes(n *html.Node) {
	kept := n.Attr[:0]
	hasID := false
	for _, a := range n.Attr {
		switch a.Key {
		case "id", "name":
			if a.Key == "name" && n.DataAtom != atom.A || hasID || !t.wanted[a.Val] {
				continue
			}
			hasID = true
			a.Key, a.Val = "id", t.prefix+strings.ReplaceAll(a.Val, " ", "-")
		case "href", "cite":
			a.Val = t.reference(a.Val, Link)
		case "src", "poster":
			a.Val = t.reference(a.Val, Media)
		case "srcset":
			a.Val = t.sourceSet(a.Val)
		default:
			a.Val = Clean(a.Val)
			kept = append(kept, a)
			continue
		}
		if a.Val != "" {
			kept = append(kept, a)
		}
	}
	n.Attr = kept
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

func replaceByText(parent, n *html.Node, text string) {
	if text != "" {
		parent.InsertBefore(&html.Node{Type: html.TextNode, Data: Clean(text)}, n)
	}
	parent.RemoveChild(n)
}
