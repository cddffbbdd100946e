package markup_test

import (
	"strings"
	"testing"

	"syndicate/internal/markup"
)

// article is some 6 KB of Markdown, as articles are.
var article = strings.Repeat("Il y a d’abord **le grand cri**, celui que [tout le monde](https://example.org/cri?a=1&b=2) imite mal : la tête plongée vers "+
	"les pattes, puis `f(a, b)` en arrière ; &amp; la longue série d’appels qui s’accélère.\n\n> « Ici, c’est chez moi. »\n\n- un\n- deux\n\n", 25)

func BenchmarkRenderMarkdown(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := markup.Render("md", article, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExcerptMarkdown(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		markup.Excerpt("md", article, 280)
	}
}

func BenchmarkExcerptHTML(b *testing.B) {
	h, err := markup.Render("md", article, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		markup.Excerpt("html", h, 280)
	}
}

func BenchmarkExcerptText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		markup.Excerpt("txt", article, 280)
	}
}

func BenchmarkClean(b *testing.B) {
	b.SetBytes(int64(len(article)))
	b.ReportAllocs()
	for b.Loop() {
		markup.Clean(article)
	}
}
