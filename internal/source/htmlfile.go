package source

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"syndicate/internal/markup"
)

// readHTML reads an HTML page, or a fragment of one: what its head says, as the
// fields that front matter would have, and its content: the main element, else
// the only article element, else the body.
func readHTML(text string) (fields []field, body string, err error) {
	doc, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, "", err
	}
	p := page{tags: value{kind: isList}, authors: value{kind: isList}}
	p.scan(doc)
	content := p.content()
	title := markup.CleanLine(p.title)
	if h := p.heading(content); h != nil {
		said := markup.CleanLine(textOf(h))
		if title == "" || isSiteTitle(title, said) {
			title = said
		}
		if strings.EqualFold(said, title) {
			h.Parent.RemoveChild(h)
		}
	}
	prune(content)
	var b strings.Builder
	for c := content.FirstChild; c != nil; c = c.NextSibling {
		if err := html.Render(&b, c); err != nil {
			return nil, "", err
		}
	}
	add := func(name, text string) {
		if text != "" {
			fields = append(fields, field{name: name, value: value{kind: isText, text: text}})
		}
	}
	add("title", title)
	for _, name := range []string{"description", "date", "lastmod", "section", "language", "url"} {
		add(name, p.meta[name])
	}
	fields = append(fields, field{name: "tags", value: p.tags}, field{name: "authors", value: p.authors})
	if src := p.meta["image"]; src != "" {
		fields = append(fields, field{name: "image", value: value{kind: isTable, fields: []field{
			{name: "url", value: value{kind: isText, text: src}}, {name: "alt", value: value{kind: isText, text: p.meta["alt"]}},
		}}})
	}
	return fields, strings.TrimSpace(markup.Clean(b.String())), nil // an entity may be a control character
}

// page is what a walk over an HTML document finds.
type page struct {
	title    string
	meta     map[string]string // by field name; the first wins
	tags     value
	authors  value
	main     *html.Node
	articles []*html.Node
	body     *html.Node
}

func (p *page) scan(doc *html.Node) {
	p.meta = map[string]string{}
	for n := range doc.Descendants() {
		switch n.DataAtom {
		case atom.Html:
			p.set("language", attribute(n, "lang"))
		case atom.Title:
			if p.title == "" && n.Namespace == "" {
				p.title = textOf(n)
			}
		case atom.Meta:
			name := attribute(n, "name")
			if name == "" {
				name = attribute(n, "property")
			}
			p.metaTag(strings.ToLower(name), strings.TrimSpace(attribute(n, "content")))
		case atom.Link:
			if strings.EqualFold(attribute(n, "rel"), "canonical") {
				p.set("url", attribute(n, "href"))
			}
		case atom.Main:
			if p.main == nil {
				p.main = n
			}
		case atom.Article:
			p.articles = append(p.articles, n)
		case atom.Body:
			p.body = n
		}
	}
}

func (p *page) metaTag(name, content string) {
	switch name {
	case "description", "og:description", "dc.description", "twitter:description":
		p.set("description", content)
	case "author", "article:author", "dc.creator":
		if !strings.HasPrefix(content, "http") { // Facebook wants a profile's address
			p.authors.list = append(p.authors.list, value{kind: isText, text: content})
		}
	case "date", "article:published_time", "pubdate", "publish-date", "dc.date", "dcterms.created", "dcterms.date":
		p.set("date", content)
	case "article:modified_time", "og:updated_time", "last-modified", "dcterms.modified":
		p.set("lastmod", content)
	case "keywords":
		for _, w := range strings.Split(content, ",") {
			p.tags.list = append(p.tags.list, value{kind: isText, text: w})
		}
	case "article:tag":
		p.tags.list = append(p.tags.list, value{kind: isText, text: content})
	case "article:section":
		p.set("section", content)
	case "og:image", "twitter:image":
		p.set("image", content)
	case "og:image:alt", "twitter:image:alt":
		p.set("alt", content)
	case "og:title":
		if p.title == "" {
			p.title = content
		}
	}
}

func (p *page) set(name, content string) {
	if p.meta[name] == "" {
		p.meta[name] = content
	}
}

// content returns the element that holds the article.
func (p *page) content() *html.Node {
	n := p.body
	switch {
	case p.main != nil:
		n = p.main
	case len(p.articles) == 1:
		n = p.articles[0]
	case n == nil: // a page of frames
		return &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	}
	for { // <main><article>…</article></main>
		only := onlyChild(n)
		if only == nil || only.DataAtom != atom.Article {
			return n
		}
		n = only
	}
}

// onlyChild returns the only child that is not white space or a comment.
func onlyChild(n *html.Node) *html.Node {
	var only *html.Node
	for c := range n.ChildNodes() {
		switch {
		case c.Type == html.CommentNode, c.Type == html.TextNode && strings.TrimSpace(c.Data) == "":
		case c.Type != html.ElementNode || only != nil:
			return nil
		default:
			only = c
		}
	}
	return only
}

// heading returns the first h1 of the content.
func (p *page) heading(content *html.Node) *html.Node {
	for n := range content.Descendants() {
		if n.DataAtom == atom.H1 {
			return n
		}
	}
	return nil
}

// isSiteTitle reports whether title is heading with the site's name beside it.
func isSiteTitle(title, heading string) bool {
	rest, ok := strings.CutPrefix(title, heading)
	if !ok {
		if rest, ok = strings.CutSuffix(title, heading); !ok {
			return false
		}
	}
	return heading != "" && strings.ContainsAny(rest, "|–—-·:»«•/")
}

// prune removes what is no content; the rest is the renderer's to judge.
func prune(root *html.Node) {
	for n := root.FirstChild; n != nil; {
		next := n.NextSibling
		switch {
		case n.Type == html.CommentNode && !strings.HasPrefix(strings.TrimSpace(n.Data), "more"),
			n.DataAtom == atom.Script, n.DataAtom == atom.Style, n.DataAtom == atom.Nav, n.DataAtom == atom.Template:
			root.RemoveChild(n)
		default:
			prune(n)
		}
		n = next
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
