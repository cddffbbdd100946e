package markup

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// leadingText returns the text of the first paragraphs of an HTML fragment,
// somewhat more than maxRunes characters if there is as much. Without
// paragraphs it returns whatever text there is.
func leadingText(source string, maxRunes int) string {
	if text := scanText(source, maxRunes, false); text != "" {
		return text
	}
	return scanText(source, maxRunes, true)
}

// scanText reads tokens until it has enough. With all, headings, lists, tables
// and code count as text too.
func scanText(source string, maxRunes int, all bool) string {
	z := html.NewTokenizer(strings.NewReader(source))
	var b, part strings.Builder
	runes, skip := 0, 0
	var skipping atom.Atom
	flush := func() {
		text := strings.Join(asciiFields(Clean(part.String())), " ")
		part.Reset()
		join(&b, text)
		runes += utf8.RuneCountInString(text)
	}
	for runes+part.Len()/4 <= maxRunes {
		switch z.Next() {
		case html.ErrorToken:
			flush()
			return b.String()
		case html.TextToken:
			if skip == 0 {
				part.Write(z.Text())
			}
		case html.StartTagToken:
			tag, hasAttr := z.TagName()
			a := atom.Lookup(tag)
			switch {
			case skip > 0:
				if a == skipping {
					skip++
				}
			case alwaysSkipped(a) || !all && skippedAtFirst(a) || hasAttr && isFootnote(z, a):
				skip, skipping = 1, a
				if !all && isHeading(a) && runes > maxRunes/2 {
					flush()
					return b.String()
				}
			case a == atom.Br:
				part.WriteByte(' ')
			case isBlock(a):
				flush()
			}
		case html.EndTagToken:
			tag, _ := z.TagName()
			a := atom.Lookup(tag)
			switch {
			case skip > 0:
				if a == skipping {
					skip--
				}
			case isBlock(a):
				flush()
			}
		case html.SelfClosingTagToken:
			if tag, _ := z.TagName(); atom.Lookup(tag) == atom.Br {
				part.WriteByte(' ')
			}
		}
	}
	flush()
	return b.String()
}

// isFootnote reports whether the tag begins goldmark's list of footnotes or is
// the mark that refers to one.
func isFootnote(z *html.Tokenizer, a atom.Atom) bool {
	if a != atom.Div && a != atom.Sup {
		return false
	}
	for {
		key, val, more := z.TagAttr()
		if string(key) == "class" && string(val) == "footnotes" || string(key) == "id" && strings.HasPrefix(string(val), "fnref") {
			return true
		}
		if !more {
			return false
		}
	}
}

func alwaysSkipped(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Template, atom.Head, atom.Title, atom.Svg, atom.Math, atom.Object, atom.Iframe,
		atom.Audio, atom.Video, atom.Nav, atom.Form, atom.Select, atom.Textarea, atom.Button, atom.Figcaption:
		return true
	}
	return false
}

func skippedAtFirst(a atom.Atom) bool {
	switch a {
	case atom.Pre, atom.Table, atom.Ul, atom.Ol, atom.Dl, atom.Figure, atom.Header, atom.Footer, atom.Aside:
		return true
	}
	return isHeading(a)
}

func isHeading(a atom.Atom) bool {
	switch a {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return true
	}
	return false
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Blockquote, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd, atom.Section, atom.Article,
		atom.Main, atom.Aside, atom.Header, atom.Footer, atom.Table, atom.Tr, atom.Td, atom.Th, atom.Caption, atom.Pre, atom.Hr,
		atom.Figure, atom.Details, atom.Summary, atom.Address, atom.Body, atom.Html:
		return true
	}
	return isHeading(a)
}
