package source_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// One text, in every encoding and with every line end, gives one article.
func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "# Élise, l’œuvre\n\nCela coûte 35 € : « c’est tout »…\nSuite.\n"
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	latin := func(s string) string {
		out, err := charmap.Windows1252.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	wide := func(s string, order func(uint16) []byte) string {
		var b []byte
		for _, u := range utf16.Encode([]rune("\uFEFF" + s)) {
			b = append(b, order(u)...)
		}
		return string(b)
	}
	little := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }
	big := func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	for name, content := range map[string]string{
		"UTF-8":                text,
		"UTF-8, BOM":           "\uFEFF" + text,
		"UTF-8, CRLF":          crlf,
		"UTF-8, CR":            strings.ReplaceAll(text, "\n", "\r"),
		"UTF-8, BOM, CRLF":     "\uFEFF" + crlf,
		"UTF-8, stray BOM":     strings.Replace(text, "Suite", "\uFEFFSuite", 1),
		"Windows-1252":         latin(text),
		"Windows-1252, CRLF":   latin(crlf),
		"UTF-16, little":       wide(text, little),
		"UTF-16, big, CRLF":    wide(crlf, big),
		"UTF-8, no last line":  strings.TrimSuffix(text, "\n"),
		"UTF-8, no line ahead": "\n\n" + text,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, problems, ok := testDir(t).ParseFile("a.md", []byte(content))
			if !ok || len(problems) > 0 {
				t.Fatalf("taken %t, problems %v", ok, problems)
			}
			if a.Title != "Élise, l’œuvre" || a.Body != "Cela coûte 35 € : « c’est tout »…\nSuite." {
				t.Errorf("title %q, body %q", a.Title, a.Body)
			}
		})
	}
}

func TestHTMLFiles(t *testing.T) {
	t.Parallel()
	full := `<!DOCTYPE html><html lang="fr"><head>
<title>Les filets | La lettre</title>
<meta name="description" content="Un résumé &amp; demi">
<meta name="author" content="Ines Falk"><meta name="author" content="Hal Venn">
<meta property="article:author" content="https://social.example/ines">
<meta property="article:published_time" content="2026-10-28T08:00:00+01:00">
<meta property="article:modified_time" content="2026-10-29T08:00:00+01:00">
<meta property="article:section" content="mer">
<meta property="article:tag" content="corde">
<meta name="keywords" content="mer, filets">
<meta property="og:image" content="net.png"><meta property="og:image:alt" content="Un filet">
<link rel="canonical" href="/2026/filets">
<script>1</script><style>p{}</style></head>
<body><header>Le site</header><nav>Menu</nav>
<main><!-- note --><article><h1>Les <em>filets</em></h1><p>Un &lt; deux.</p><script>2</script></article></main>
<footer>Pied</footer></body></html>`
	want := newsletter.Article{
		Key: "mer/filets.html", File: "mer/filets.html", Format: newsletter.HTML, Slug: "filets", Permalink: "/2026/filets",
		Title: "Les filets", Summary: "Un résumé & demi", Language: "fr", Section: "mer", Tags: []string{"mer", "filets"},
		Authors: []newsletter.Author{{Name: "Ines Falk"}, {Name: "Hal Venn"}},
		Image:   &newsletter.Image{URL: "net.png", Alt: "Un filet", Type: "image/png"},
		Body:    "<p>Un &lt; deux.</p>",
	}
	want.Tags = []string{"corde", "mer", "filets"}
	a, problems, ok := testDir(t).ParseFile("mer/filets.html", []byte(full))
	if !ok || len(problems) > 0 {
		t.Fatalf("taken %t, problems %v", ok, problems)
	}
	if got := a.Published.UTC().Format(time.RFC3339) + " " + a.Updated.UTC().Format(time.RFC3339); got != "2026-10-28T07:00:00Z 2026-10-29T07:00:00Z" {
		t.Errorf("published and updated %s", got)
	}
	a.Published, a.Updated = time.Time{}, time.Time{}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	for _, c := range []struct{ name, content, title, body string }{
		{"no main: the only article", "<title>T</title><body><p>x</p><article><p>y</p></article>", "T", "<p>y</p>"},
		{"two articles: the body", "<title>T</title><body><article>x</article><article>y</article>", "T", "<article>x</article><article>y</article>"},
		{"only a body", "<title>T</title><body><p>x</p></body>", "T", "<p>x</p>"},
		{"a fragment", "<h1>T</h1>\n<p>x</p>", "T", "<p>x</p>"},
		{"no h1", "<p>x</p>", "A", "<p>x</p>"},
		{"another h1", "<title>T</title><h1>U</h1>x", "T", "<h1>U</h1>x"},
		{"og:title", "<meta property='og:title' content='T'><p>x", "T", "<p>x</p>"},
		{"front matter wins", "---\ntitle: F\n---\n<title>T</title><p>x", "F", "<p>x</p>"},
		{"title of a drawing", "<svg><title>S</title></svg><h1>T</h1>", "T", "<svg><title>S</title></svg>"},
		{"frames", "<title>T</title><frameset></frameset>", "T", ""},
		{"unclosed", "<title>T</title><main><p>x<b>y", "T", "<p>x<b>y</b></p>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, problems, ok := testDir(t).ParseFile("a.html", []byte(c.content))
			if !ok || a.Title != c.title || a.Body != c.body {
				t.Errorf("taken %t: title %q, body %q, problems %v", ok, a.Title, a.Body, problems)
			}
		})
	}
}

// The path says what the front matter does not.
func TestNames(t *testing.T) {
	t.Parallel()
	type says struct{ Slug, Date, Section, Language, Title string }
	for path, want := range map[string]says{
		"nets.md":                             {Slug: "nets", Language: "en", Title: "Nets"},
		"the_old-nets.markdown":               {Slug: "the_old-nets", Language: "en", Title: "The old nets"},
		"Été à l’île.md":                      {Slug: "ete-a-l-ile", Language: "fr", Title: "Été à l’île"},
		"漢字.md":                               {Slug: "article-b6a7f922", Language: "en", Title: "漢字"},
		"nets.fr.md":                          {Slug: "nets", Language: "fr", Title: "Nets"},
		"nets.pt-br.md":                       {Slug: "nets", Language: "pt-BR", Title: "Nets"},
		"v1.2.md":                             {Slug: "v1-2", Language: "en", Title: "V1.2"},
		"socket.io.md":                        {Slug: "socket-io", Language: "en", Title: "Socket.io"},
		"sea/2026-09-18-nets.txt":             {Slug: "nets", Date: "2026-09-18", Section: "sea", Language: "en", Title: "Nets"},
		"_posts/2026-10-28-nets.md":           {Slug: "nets", Date: "2026-10-28", Language: "en", Title: "Nets"},
		"sea/_posts/boats/2026-10-28-nets.md": {Slug: "nets", Date: "2026-10-28", Section: "sea/boats", Language: "en", Title: "Nets"},
		"2026-10-28.md":                       {Slug: "2026-10-28", Date: "2026-10-28", Language: "en", Title: "2026 10 28"},
		"2026-02-30-nets.md":                  {Slug: "2026-02-30-nets", Language: "en", Title: "2026 02 30 nets"},
		"sea/nets/index.md":                   {Slug: "nets", Section: "sea", Language: "en", Title: "Nets"},
		"sea/2026-10-28-nets/index.fr.md":     {Slug: "nets", Date: "2026-10-28", Section: "sea", Language: "fr", Title: "Nets"},
		"index.md":                            {Slug: "index", Language: "en", Title: "Index"},
		"2026/10/28/nets.md":                  {Slug: "nets", Language: "en", Title: "Nets"},
		"sea/2026/10/boats/nets.md":           {Slug: "nets", Section: "sea/boats", Language: "en", Title: "Nets"},
		"sea/10/nets.md":                      {Slug: "nets", Section: "sea/10", Language: "en", Title: "Nets"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a, _, ok := testDir(t).ParseFile(path, []byte(strings.Repeat("1, 2. ", 50))) // no title, no language
			if !ok {
				t.Fatal("not taken")
			}
			got := says{Slug: a.Slug, Section: a.Section, Language: a.Language, Title: a.Title}
			if !a.Published.IsZero() {
				got.Date = a.Published.Format(time.DateOnly)
				if want := "00:00:00 CET"; a.Published.Format("15:04:05 MST") != want && a.Published.Month() > 10 {
					t.Errorf("published at %s, want midnight in Paris", a.Published)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if a, _, _ := testDir(t).ParseFile("_drafts/nets.md", []byte("# Nets\n")); !a.Draft {
		t.Error("a file in _drafts is no draft")
	}
}

// A heading that opens a Markdown body and is the title leaves it.
func TestMarkdownTitles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, text, title, body string }{
		{"", "# Nets\n\nText.", "Nets", "Text."},
		{"", "\n  # Nets #\n\nText.", "Nets", "Text."},
		{"", "# *Old* nets &amp; `ropes` [here](x) {#nets}\nText.", "Old nets & ropes here", "Text."},
		{"", "Nets\n====\n\nText.", "Nets", "Text."},
		{"", "Text.\n\n# Nets\n\nMore.", "Nets", "Text.\n\n# Nets\n\nMore."},
		{"", "```\n# not this\n```\n\n# Nets", "Nets", "```\n# not this\n```\n\n# Nets"},
		{"", "    # code\n\n# Nets", "Nets", "    # code\n\n# Nets"},
		{"", "## Second\n\nText.", "A", "## Second\n\nText."},
		{"", "#hashtag\n", "A", "#hashtag"},
		{"Nets", "# Nets\n\nText.", "Nets", "Text."},
		{"Nets", "NETS\n====\n\nText.", "Nets", "Text."},
		{"Nets", "# Other\n\nText.", "Nets", "# Other\n\nText."},
		{"Nets", "Text.\n\n# Nets", "Nets", "Text.\n\n# Nets"},
		{"Nets", "Two\nlines\n\n# Nets", "Nets", "Two\nlines\n\n# Nets"},
	} {
		t.Run(c.given+"/"+c.text, func(t *testing.T) {
			t.Parallel()
			content := c.text
			if c.given != "" {
				content = "---\ntitle: " + c.given + "\n---\n" + c.text
			}
			a, _, _ := testDir(t).ParseFile("a.md", []byte(content))
			if a.Title != c.title || a.Body != c.body {
				t.Errorf("title %q, body %q", a.Title, a.Body)
			}
		})
	}
}

func TestTextTitles(t *testing.T) {
	t.Parallel()
	a, problems, _ := testDir(t).ParseFile("a.txt", []byte("\n  Ce  que disent « les goélands »  \n\nIls sont là.\n"))
	if a.Title != "Ce que disent « les goélands »" || a.Body != "Ils sont là." || a.Summary != "Ils sont là." {
		t.Errorf("title %q, body %q, summary %q", a.Title, a.Body, a.Summary)
	}
	if len(problems) > 0 {
		t.Error(problems)
	}
	long := strings.Repeat("A paragraph is no title. ", 20)
	if a, _, _ := testDir(t).ParseFile("nets.txt", []byte(long)); a.Title != "Nets" || a.Body != strings.TrimSpace(long) {
		t.Errorf("title %q, body %q", a.Title, a.Body)
	}
}

func TestDetection(t *testing.T) {
	t.Parallel()
	french := "# La soupe\n\nLe vendredi, vers onze heures, il ne reste sur les étals de la criée que ce que les restaurants n’ont pas pris.\n"
	english := "# The soup\n\nOn Fridays, towards eleven, the fish hall has only what the restaurants did not want, and that is the time to come.\n"
	for _, c := range []struct {
		candidates []string
		content    string
		want       string
	}{
		{[]string{"en", "fr"}, french, "fr"},
		{[]string{"en", "fr"}, english, "en"},
		{[]string{"fr", "en-GB"}, english, "en-GB"},
		{[]string{"de"}, french, "de-AT"},              // one candidate: no detection
		{nil, french, "de-AT"},                         // none
		{[]string{"en", "fr"}, "# 12\n", "de-AT"},      // nothing to tell by
		{[]string{"en", "fr"}, "# Welcome\n", "de-AT"}, // too little to tell by, sure as the detector is
		{[]string{"en", "fr"}, "# Ferry\n\nFerry times: see the pier.\n", "de-AT"},
		{[]string{"en", "ja"}, "# 港\n\n" + strings.Repeat("金曜日の朝、港の市場には、レストランが買わなかった魚だけが残っている。", 2), "ja"},
		{[]string{"en", "fr"}, "---\nlang: it\n---\n" + french, "it"},
	} {
		d := source.NewDir(source.DirOptions{Root: "/", Language: "de-at", Languages: c.candidates})
		if a, _, _ := d.ParseFile("a.md", []byte(c.content)); a.Language != c.want {
			t.Errorf("%v %q: language %q, want %q", c.candidates, c.content, a.Language, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	loc := paris(t)
	for s, want := range map[string]string{
		"2026-10-28T08:00:00.5+01:00":     "2026-10-28T07:00:00Z",
		"2026-10-28 08:00:00+01":          "2026-10-28T07:00:00Z",
		"2026-10-28 08:00:00 -05":         "2026-10-28T13:00:00Z",
		"2026-10-28 08:00:00 UTC":         "2026-10-28T08:00:00Z",
		"2026-10-28 08:00:00 CET":         "2026-10-28T07:00:00Z",
		"2026-10-28T08:00":                "2026-10-28T07:00:00Z",
		"2026/10/28":                      "2026-10-27T23:00:00Z",
		"20261028":                        "2026-10-27T23:00:00Z",
		"28.10.2026":                      "2026-10-27T23:00:00Z",
		"2026-1-2":                        "2026-01-01T23:00:00Z",
		"Wed, 28 Oct 2026 08:00:00 +0100": "2026-10-28T07:00:00Z",
		"Wed, 28 Oct 2026 08:00:00 GMT":   "2026-10-28T08:00:00Z",
		"Wed Oct 28 08:00:00 2026":        "2026-10-28T07:00:00Z",
		"28 October 2026":                 "2026-10-27T23:00:00Z",
		"Oct 28, 2026":                    "2026-10-27T23:00:00Z",
		" 2026-10-28 ":                    "2026-10-27T23:00:00Z",
		"2026-10-28 08:00:00 XYZ":         "",
		"0001-01-01":                      "",
		"9999-12-31T23:59:59-14:00":       "", // in no year that JSON has
		"10/28/2026":                      "",
		"":                                "",
		strings.Repeat("2", 100):          "",
	} {
		got, err := source.ParseDate(s, loc)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is taken as %s", s, got)
		case want != "" && (err != nil || got.UTC().Truncate(time.Second).Format(time.RFC3339) != want):
			t.Errorf("%q is %s (%v), want %s", s, got.UTC(), err, want)
		}
	}
}
