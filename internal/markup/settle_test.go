package markup_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"syndicate/internal/markup"
)

// simple are pieces of Markdown that need no parser of HTML, by way of what is odd in them.
var simple = []string{
	"# Heading\n\n", "## Heading\n\n", "Heading\n===\n\n", "### Été à la mer {#sea}\n\n", "# \n\n", "[up](#heading) [down](#heading-1) [sea](#sea) [none](#nowhere) [été](#%C3%A9t%C3%A9-%C3%A0-la-mer)\n\n",
	"*a* **b** ***c*** _d_ ~~e~~ `f` ``g ` h``\n\n", "*a **b *c **d *e** f* g** h*\n\n", "[a *b* `c`](https://example.org/?a=1&b=2 \"T & \\\"q\\\" <x>\") ", "[rel](other.md?x=1#y) ",
	"[spaces](<a b.md>) ", "[empty]() ", "[bad](javascript:x) ", "[mail](mailto:a@example.org) ", "[odd](a%zz) ", "[é](https://bücher.example/é?é=ü#ö) ", "[ref][r] ", "\n\n[r]: https://example.org/r 'title'\n\n",
	"<https://example.org/auto?a=1&b=%20> ", "<a@example.org> ", "https://example.org/found. ", "www.example.org/a_(b) ", "HTTPS://EXAMPLE.ORG ", "someone@example.org ", "<mailto:A@example.org> ",
	"![alt *text* with [link](x)](pic.png \"title\") ", "![](pic.png)\n\n", "[![in a link](pic.png)](page.md)\n\n", "![data](data:image/png;base64,iVBORw0KGgo=) ", "![none]() ", "![line\\\nbreak](x.png) ",
	"> quote\n> > nested\n\n", "- a\n- b\n  - c\n\n    para\n\n", "7. seven\n8. eight\n\n", "* loose\n\n* list\n\n", "---\n\n", "hard  \nbreak\\\nagain\nsoft\n\n",
	"```go\nif a < b && c > \"d\" { }\n```\n\n", "``` x\"y <z>\n\n\n\ncode\n```\n\n", "    indented\n\n    code\n\n", "| a | b | c |\n|:--|:-:|--:|\n| *1* | `2` | [3](t.md) |\n| short |\n\n", "| head |\n|---|\n\n",
	"&amp; &copy; &nbsp; &lt;b&gt; &notanentity; & < > \" '\n\n", "\\* \\< \\& \\[x\\](y)\n\n", "\"quoted\" it's -- and --- so...\n\n", "« été », ‘x’, 35 °C, 海, مرحبا, 😀\n\n", "a &Tab; b &NewLine; c\n\n",
	"Term\n: no definition\n\n", "[x]: y\n\n", "[^x]\n\n", "- [x done\n\n", "a | b\n\n", "\t\ttabs\n\n", "[a](b \"c\nd\")\n\n", "[x](<y&amp;z>) [x](y&copy=1) [x](y\\)z) ",
}

// notSimple are pieces for the parser.
var notSimple = []string{
	"<b>x</b> ", "<div>\n\n*x*\n\n</div>\n\n", "note[^1]\n\n[^1]: Text.\n\n", "- [x] done\n- [ ] to do\n\n", "## H {#id .class data-x=1}\n\n", "[a <https://example.org/b> c](d) ", "&#1; &#150; ", "\u0085\ufffd ",
	strings.Repeat("> ", 120) + "deep\n\n", "[x][y] <a href=\"#heading\">up</a> ", "## A\x01 \n\n", "a\r\nb\n\n",
}

// TestSettled: what goes the short way gives the same bytes as the long way would.
func TestSettled(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	short, all := 0, 800
	for i := range all {
		var b strings.Builder
		for range 1 + r.IntN(12) {
			if r.IntN(60) == 0 {
				b.WriteString(notSimple[r.IntN(len(notSimple))])
			} else {
				b.WriteString(simple[r.IntN(len(simple))])
			}
		}
		body, language := b.String(), []string{"en", "fr"}[i%2]
		checkSettled(t, body, language)
		if markup.IsSimple(body, resolve, language) {
			short++
		}
	}
	if short < all/10 || short > all*9/10 {
		t.Errorf("%d of %d went the short way", short, all)
	}
	// What most articles are made of goes the short way.
	plain := strings.Join([]string{simple[0], simple[5], simple[6], "[ref][r] [a](b.md) <https://example.org> ![b](c.png)\n\n> q\n\n1. one\n\n- two\n\n```go\nx\n```\n\n    y\n\n| a |\n|---|\n| b |\n\n---\n\n[r]: x\n"}, "")
	if !markup.IsSimple(plain, resolve, "en") {
		t.Errorf("not simple: %q", plain)
	}
	for _, body := range notSimple {
		checkSettled(t, body, "en")
		if markup.IsSimple("# Heading\n\n"+body, resolve, "en") {
			t.Errorf("%q is thought to be simple", body)
		}
	}
}

func checkSettled(t *testing.T, body, language string) {
	t.Helper()
	for name, resolve := range map[string]func(string, markup.Kind) string{"resolved": resolve, "as it is": nil} {
		got, err := markup.Render("md", body, resolve, language)
		want, wantErr := markup.RenderParsed(body, resolve, language)
		if got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("%s: %q\nis    %q (%v)\nwant  %q (%v)", name, body, got, err, want, wantErr)
		}
	}
}

// FuzzSettled: nor does any other Markdown differ.
func FuzzSettled(f *testing.F) {
	for _, s := range [][]string{simple, notSimple, seeds} {
		for _, body := range s {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) { checkSettled(t, body, "en") })
}
