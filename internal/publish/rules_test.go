package publish_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"syndicate/internal/publish"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) { o.Archives = publish.ArchivesMain })
	s.put(article(1, tagged("Mer & Pêche")), article(2), article(3), article(4))
	if _, _, err := publish.New(s.options).Check(t.Context()); err == nil {
		t.Error("nothing was built, and nothing is missed")
	}
	s.build()
	n, found, err := publish.New(s.options).Check(t.Context())
	if err != nil || len(found) > 0 || n != 12 {
		t.Fatalf("%d documents, %v, %v", n, found, err)
	}
	for name, change := range map[string]func(string) string{
		"feed.rss":              func(s string) string { return strings.Replace(s, "</guid>", "", 1) },
		"feed.atom":             func(s string) string { return strings.Replace(s, "T", "x", 1) },
		"archive/1.json":        func(string) string { return "{" },
		"languages/en/feed.rss": func(s string) string { return s + "x<" },
	} {
		full := filepath.Join(s.options.Dir, filepath.FromSlash(name))
		data, err := os.ReadFile(full)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(change(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, found, err = publish.New(s.options).Check(t.Context())
	var files []string
	for _, f := range found {
		if !slices.Contains(files, f.File) {
			files = append(files, f.File)
		}
	}
	slices.Sort(files)
	if err != nil || !slices.Contains(files, "feed.rss") || !slices.Contains(files, "archive/1.json") || !slices.Contains(files, "languages/en/feed.rss") || !slices.Contains(files, "feed.atom") {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestCheckDocument(t *testing.T) {
	t.Parallel()
	const self = "https://example.org/feed.rss"
	rss := func(items string) string {
		return `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>x</title><link>https://example.org/</link><atom:link rel="self" href="` + self + `"/>` + items + `</channel></rss>`
	}
	item := `<item><guid isPermaLink="false">urn:uuid:1</guid><link>https://example.org/1</link><pubDate>Mon, 04 May 2026 06:00:00 +0000</pubDate></item>`
	for _, c := range []struct{ data, want string }{
		{rss(item), ""},
		{rss(item + item), "two articles have the id urn:uuid:1"},
		{rss(strings.Replace(item, "urn:uuid:1", "", 1)), "an article has no id"},
		{rss(strings.Replace(item, "urn:uuid:1", "one", 1)), `the id "one" is no URI`},
		{rss(strings.Replace(item, "https://example.org/1", "/1", 1)), `the address "/1" of urn:uuid:1 is not absolute`},
		{rss(strings.Replace(item, "Mon, 04 May 2026 06:00:00 +0000", "yesterday", 1)), `the date "yesterday" of urn:uuid:1 is none`},
		{strings.Replace(rss(item), "feed.rss", "other.rss", 1), `it calls itself "https://example.org/other.rss", and stands at https://example.org/feed.rss`},
		{strings.Replace(rss(item), "</channel>", "", 1), "it is not well-formed"},
		{rss("<item><title>\x00</title></item>"), "it is not well-formed"},
	} {
		_, texts := publish.CheckDocument(publish.RSS, []byte(c.data), self)
		if c.want == "" && len(texts) > 0 || c.want != "" && (len(texts) == 0 || !strings.HasPrefix(texts[0], c.want)) {
			t.Errorf("%s\nfound %q, want %q", c.data, texts, c.want)
		}
	}
}
