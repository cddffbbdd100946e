package source_test

import (
	"strings"
	"testing"
)

// What an article shows and links to is looked for beside it, and looked for again
// when it comes or goes, though the article does not change.
func TestReferences(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{
		"sea/a.md": strings.Join([]string{
			"---", "title: A", "---",
			"A [tide](../tides.md), a [table][t], the [site](/about.html), the [web](https://example.org/x.png), [above](#a), [a path](x/y).",
			"", "    ![not this](code.png)", "",
			"![Pier](pier.png) and again ![pier](pier.png)",
			"", "A [recording](horn.mp3), a [sheet](sheet.xlsx), <img src=\"gull.png\" alt=\"\">, ![far](../../far.png).",
			"", "[t]: <my table.pdf>",
		}, "\n"),
		"tides.md": "# Tides\n", "sea/horn.mp3": "x",
		"b.html": "<title>B</title><main>\n<p>Text.</p>\n<p><img src='gone.jpg'></p></main>",
		"c.txt":  "C\n\n![no](markup.png) in plain text.\n",
	})
	// The places of the first references; "my table.pdf" is written otherwise than it is meant.
	const missing = `articles/b.html:3: there is no file articles/gone.jpg
articles/sea/a.md:8: there is no file articles/sea/pier.png
articles/sea/a.md:10: the link to sheet.xlsx leads nowhere: files of that kind are not published
articles/sea/a.md:10: there is no file articles/sea/gull.png
articles/sea/a.md:10: ../../far.png lies outside of the folder of articles`
	const table = `articles/sea/a.md: the link to my%20table.pdf leads nowhere: there is no file articles/sea/my table.pdf`
	if got := s.ingest().Problems; got != strings.Replace(missing, "articles/sea/a.md:8", table+"\narticles/sea/a.md:8", 1) {
		t.Errorf("problems:\n%s", got)
	}
	s.write("sea/my table.pdf", "x")
	if got := s.ingest().Problems; got != missing {
		t.Errorf("once the table is there:\n%s", got)
	}
	s.remove("tides.md")
	if got := s.ingest().Problems; !strings.Contains(got, "articles/sea/a.md:4: the link to ../tides.md leads nowhere: there is no file articles/tides.md\n") {
		t.Errorf("once the other article is gone:\n%s", got)
	}
}
