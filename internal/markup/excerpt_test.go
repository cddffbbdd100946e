package markup_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"syndicate/internal/markup"
)

func TestExcerpt(t *testing.T) {
	t.Parallel()
	filler := strings.Repeat("<div class=x>\n", 3) + "\n" + strings.Repeat("```\ncode code code\n```\n\n", 300)
	for _, c := range []struct {
		name, format, body string
		max                int
		want               string
	}{
		{"whole", "md", "One. *Two* [three](x).", 80, "One. Two three."},
		{"entities", "md", "Caf&eacute; &amp; th&#233; &lt;b&gt; \\*not\\*", 80, "Café & thé <b> *not*"},
		{"no-break spaces", "md", "«\u00a0Oui\u202f!\u00a0» dit-elle.", 80, "«\u00a0Oui\u202f!\u00a0» dit-elle."},
		{"entity spaces", "html", "<p>35&nbsp;&deg;C</p>", 80, "35\u00a0°C"},
		{"after a sentence", "md", "The first sentence is here. The second one is cut off.", 40, "The first sentence is here."},
		{"question", "md", "Is it the first sentence? The second one is cut off.", 40, "Is it the first sentence?"},
		{"closing quotes", "md", "« Est-ce la première phrase ? » Elle rit, et voilà tout.", 40, "« Est-ce la première phrase ? »"},
		{"after a word", "md", "There is no sentence that ends in time, alas.", 20, "There is no…"},
		{"not at a no-break space", "md", "La mer monte : 35\u00a0mètres\u00a0cubes d’eau", 24, "La mer monte…"},
		{"punctuation before …", "md", "One, two, three, four and five.", 18, "One, two, three…"},
		{"abbreviations", "md", "We met Mr. Smith and M. Dupont, e.g. On Monday, of course not on others.", 51, "We met Mr. Smith and M. Dupont, e.g. On Monday, of…"},
		{"one long word", "md", strings.Repeat("x", 50), 10, strings.Repeat("x", 9) + "…"},
		{"Chinese", "md", strings.Repeat("漢字", 50), 10, "漢字漢字漢字漢字漢…"},
		{"soft line breaks", "md", "One\ntwo  \nthree", 80, "One two three"},
		{"paragraphs", "md", "One.\n\nTwo.", 80, "One. Two."},
		{"skips", "md", "# Title\n\n![a picture](x.png)\n\n```\ncode\n```\n\n| a |\n|---|\n| b |\n\n- item\n\nText.", 80, "Text."},
		{"stops at a heading", "md", "The first part.\n\n## Second\n\nMore.", 20, "The first part."},
		{"only a list", "md", "- one\n- two", 80, "one two"},
		{"only a heading", "md", "# Title", 80, "Title"},
		{"only a picture", "md", "![a picture](x.png)", 80, ""},
		{"empty", "md", "", 80, ""},
		{"quotation", "md", "> Quoted.\n\nText.", 80, "Quoted. Text."},
		{"more", "md", "The start.\n\n<!--more-->\n\nThe rest.", 80, "The start."},
		{"footnotes", "md", "Text[^1] goes on.\n\n[^1]: Note.", 80, "Text goes on."},
		{"far link definitions", "md", "A [link][l] here.\n\n" + filler + "\n[l]: http://x", 80, "A link here."},
		{"text after much code", "md", strings.Repeat("```\ncode code code\n```\n\n", 300) + "Text.", 80, "Text."},
		{"HTML in Markdown", "md", "<div>\n<script>x</script><p>Text.</p></div>", 80, "Text."},
		{"HTML", "html", "<h1>T</h1><style>p{}</style><nav><p>Menu</p></nav><p>One<br>two <b>three</b></p><p>Four", 80, "One two three Four"},
		{"bare HTML", "html", "Just text", 80, "Just text"},
		{"text", "txt", "Heading\n\nText is here.\n\nWhy?\n\nBecause.", 80, "Text is here. Because."},
		{"only a line", "txt", "Heading", 80, "Heading"},
		{"no room", "md", "Text", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := markup.Excerpt(c.format, c.body, c.max)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if utf8.RuneCountInString(got) > c.max {
				t.Errorf("%d characters", utf8.RuneCountInString(got))
			}
		})
	}
}

// An excerpt has the typography of the text that it is taken from.
func TestExcerptTypography(t *testing.T) {
	t.Parallel()
	later := "\n\n" + strings.Repeat("More of it. ", 50) + "\n\n"
	for _, c := range []struct{ format, language, body, want string }{
		{"md", "en-GB", `It's "so" -- and...`, "It’s “so” – and…"},
		{"md", "en", "It's `--so`.", "It’s --so."},
		{"md", "fr", `C'est "ainsi".`, `C'est "ainsi".`},
		{"md", "en", `It's so.` + later + "“Set”", "It's so. More of it."},
		{"md", "en", `It's so.` + later + "'tis 'em", "It's so. More of it."},
		{"md", "en", `It's so.` + later, "It’s so. More of it."},
		{"html", "en", "<p>It's", "It's"},
		{"txt", "en", "It's", "It's"},
	} {
		if got := markup.Excerpt(c.format, c.body, 25, c.language); got != c.want {
			t.Errorf("%s %s %.40q: got %q, want %q", c.format, c.language, c.body, got, c.want)
		}
	}
}
