package publish_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/feeds"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
)

// everything is an article with most of what articles may have in them.
const everything = "## A heading\n\nWords -- *some* of them **bold**, ~~gone~~, \"quoted\", `code`.[^1]\n\n[^1]: A note.\n\n> Said.\n\n1. one\n2. two\n\n- [x] done\n\n" +
	"| a | b |\n|:--|--:|\n| 1 | 2 |\n\n```go\nx\n```\n\n![A boat](https://example.org/boat.jpg)\n\nhttps://example.org/found\n\n" +
	"<details><summary>More</summary><p lang=\"fr\">En <mark>effet</mark></p></details>\n" +
	"<video src=\"https://example.org/a.mp4\"></video><iframe src=\"https://example.org/film\"></iframe>\n"

// TestOtherRules: where articles become something else though neither they nor the
// settings changed, as after an update of a library, no document stays as it was.
func TestOtherRules(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) { o.Archives = publish.ArchivesMain })
	var from, to string
	s.options.Item = func(_ context.Context, a *newsletter.Article, full bool) (it feeds.Item, refs []publish.Ref, err error) {
		it = feeds.Item{Article: *a, URL: a.URL(s.options.Site.URL)}
		if full {
			it.HTML, err = markup.Render(a.Format, a.Body, nil, a.Language)
			if from != "" {
				it.HTML = strings.ReplaceAll(it.HTML, from, to)
			}
		}
		return it, nil, err
	}
	s.put(article(1, saying(everything)), article(2, saying(everything)), article(3), article(4))
	for _, rule := range [][2]string{
		{"<mark>", "<b>"},
		{"</del>", "</s>"},
		{"<h2>", "<h2 id=\"x\">"},
		{`role="doc-noteref"`, ""},
		{"☑", "x"},
		{" controls=", " data="},
		{"“", `"`},
		{"–", "--"},
		{`align="right"`, ""},
		{`class="language-go"`, ""},
		{` lang="fr"`, ""},
		{"<li>", "<li><p>"},
		{"<blockquote>", "<q>"},
		{"https://example.org/found</a>", "there</a>"},
		{"<summary>", "<b>"},
		{"<img ", "<img loading=\"lazy\" "},
		{"<em>", "<i>"},
		{"<p>", "<p >"},
	} {
		from = ""
		s.build()
		from, to = rule[0], rule[1]
		r, _ := s.build()
		if len(r.Written) < 9 || r.Written[0] != "archive/1.atom" { // the archive, the site's, that of a language
			t.Errorf("with %s in place of %s only %v were written", to, from, r.Written)
		}
	}
	fresh := t.TempDir()
	s.build(func(o *publish.Options) { o.Dir = fresh })
	if d := cmp.Diff(files(t, fresh), files(t, s.options.Dir)); d != "" {
		t.Errorf("(-from nothing +after the changes):\n%s", d)
	}
	if r, _ := s.build(); len(r.Written) > 0 {
		t.Errorf("nothing changed, and %v were written", r.Written)
	}
}
