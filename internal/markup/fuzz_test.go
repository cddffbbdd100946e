package markup_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"syndicate/internal/markup"
)

var seeds = []string{
	"*a* <b onclick=x>b</b> [c](javascript:x) ![d](d.png)[^1]\n\n[^1]: x", "<script>alert(1)</script>", "<a href='java&#115;cript:x' id=y>", "<svg><a xlink:href='javascript:x'>",
	"<img src=x onerror=alert(1) srcset='javascript:x 1x, b 2x'>", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
	"<iframe srcdoc='<script>x</script>' src=data:text/html,x>", "&#0;&#x8;&#xFFFE;\x00\xff", "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
	"<table><td><b>x</table>", "| a |\n|---|\n| [x](#a) |\n# a", "Title\n\nWhy?\n\nhttp://x.example/(a). Text", "<p id='a b'><a href='#a%20b'>", "<![CDATA[x]]><?php ?><!-- --!>", "<plaintext>", "<textarea><script>",
}

func FuzzRender(f *testing.F) {
	for i, s := range seeds {
		f.Add(byte(i), s)
	}
	f.Fuzz(func(t *testing.T, format byte, body string) {
		name := []string{"md", "html", "txt"}[format%3]
		out, err := markup.Render(name, body, resolve, "en")
		if err != nil {
			return // nested too deeply
		}
		if again, _ := markup.Render(name, body, resolve, "en"); again != out {
			t.Errorf("twice not the same: %q, %q", out, again)
		}
		if !utf8.ValidString(out) || markup.Clean(out) != out {
			t.Errorf("%q is not clean", out)
		}
		checkSafe(t, out)
		checkWellFormed(t, out)
		markup.Text(out)
	})
}

// checkSafe reads the HTML as a browser does and looks for what could run.
func checkSafe(t *testing.T, out string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(out))
	if err != nil {
		t.Errorf("%q does not parse: %v", out, err)
		return
	}
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("a comment in %q", out)
		}
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "style", "iframe", "object", "embed", "form", "input", "button", "svg", "math", "meta", "link", "base", "template":
			t.Errorf("%s in %q", n.Data, out)
		}
		for _, a := range n.Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "vbscript:") ||
				strings.HasPrefix(value, "data:") && (a.Key != "src" || !strings.HasPrefix(value, "data:image/")) && a.Key != "alt" && a.Key != "title" {
				t.Errorf("%s=%q in %q", a.Key, a.Val, out)
			}
		}
	}
}

// checkWellFormed reads the HTML as XML, as it stands in XHTML.
func checkWellFormed(t *testing.T, out string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<div>" + out + "</div>"))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%q is not well-formed: %v", out, err)
			return
		}
	}
}

func FuzzExcerpt(f *testing.F) {
	for i, s := range seeds {
		f.Add(byte(i), s, 40)
	}
	f.Fuzz(func(t *testing.T, format byte, body string, maxRunes int) {
		out := markup.Excerpt([]string{"md", "html", "txt"}[format%3], markup.Clean(body), maxRunes%1000)
		if !utf8.ValidString(out) || markup.Clean(out) != out || utf8.RuneCountInString(out) > max(maxRunes%1000, 0) {
			t.Errorf("%q", out)
		}
	})
}
