package feeds_test

import (
	"encoding/xml"
	"html"
	"strings"
	"testing"

	"syndicate/internal/feeds"
)

// Titles are plain text. Whoever reads them as that sees it, and so does whoever
// takes them for HTML.
func TestTitlesAreTextToEverybody(t *testing.T) {
	t.Parallel()
	for _, title := range []string{
		"Salt & bread", "AT&T", "a < b", "1 &lt; 2", "The </b> tag", "<script>alert(1)</script>", "&copy 2026", "R&D2; done", "&#65;", "x<y",
		"<!-- c -->", "]]>", "«\u00a0oui\u00a0»",
	} {
		d := sample()
		d.Items = d.Items[:1]
		d.Items[0].Title = title
		for _, f := range feeds.Formats()[:2] {
			kind, text := entryTitle(t, d.render(t, f))
			asHTML := strings.ReplaceAll(html.UnescapeString(text), "\u2060", "")
			if asHTML != title || kind != "html" && strings.ContainsAny(text, "<") && tagged(text) {
				t.Errorf("%s: %q is %q to readers of HTML (type %q)", f.Ext, title, text, kind)
			}
			if plain := strings.ReplaceAll(text, "\u2060", ""); kind != "html" && plain != title {
				t.Errorf("%s: %q is %q to readers of text", f.Ext, title, plain)
			}
		}
	}
}

// tagged reports whether a reader of HTML would find a tag.
func tagged(s string) bool {
	for i := range len(s) - 1 {
		if c := s[i+1] | 0x20; s[i] == '<' && (c >= 'a' && c <= 'z' || s[i+1] == '/' || s[i+1] == '!') {
			return true
		}
	}
	return false
}

func entryTitle(t *testing.T, document []byte) (kind, text string) {
	t.Helper()
	type title struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
	var x struct {
		RSS  title `xml:"channel>item>title"`
		Atom title `xml:"entry>title"`
	}
	if err := xml.Unmarshal(document, &x); err != nil {
		t.Fatal(err)
	}
	if x.RSS.Text != "" {
		return "", x.RSS.Text
	}
	return x.Atom.Type, x.Atom.Text
}
