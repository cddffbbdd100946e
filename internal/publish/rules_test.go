package publish_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
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

// TestCheckNext: what the next build would do to readers is told before it does.
func TestCheckNext(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) { o.Items = 20 })
	var all []newsletter.Article
	for n := range 10 {
		all = append(all, article(n, tagged("sea")))
	}
	s.put(all...)
	s.build()
	rules := func(x *site) (out []publish.Rule) {
		t.Helper()
		_, found, err := publish.New(x.options).Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if !f.Warning {
				t.Errorf("%+v is no warning", f)
			}
			out = append(out, f.Rule)
		}
		return out
	}
	if got := rules(s); len(got) > 0 {
		t.Errorf("nothing changed: %v", got)
	}
	// An article more, and three less: what happens every day.
	s.put(article(11, tagged("sea")))
	s.remove("0.md", "1.md", "2.md")
	if got := rules(s); len(got) > 0 {
		t.Errorf("a few left: %v", got)
	}
	s.remove("3.md", "4.md", "5.md", "6.md")
	want := []publish.Rule{publish.RuleKept, publish.RuleKept, publish.RuleKept} // the site, the tag, the language
	if got := rules(s); !slices.Equal(got, want) {
		t.Errorf("most left: %v", got)
	}
	before := files(t, s.options.Dir)
	s.remove("7.md", "8.md", "9.md", "11.md")
	if got := rules(s); !slices.Equal(got, want) {
		t.Errorf("all left: %v", got)
	}
	if d := cmp.Diff(before, files(t, s.options.Dir)); d != "" {
		t.Errorf("looking changed the folder: %s", d)
	}

	// The same address from another database, under another key.
	other := newSite(t, func(o *publish.Options) { o.Items, o.Dir = 20, s.options.Dir })
	for i := range all {
		if i == 3 {
			all[i].Key, all[i].File = "other.md", "other.md"
		}
	}
	other.put(all...)
	if got := rules(other); !slices.Equal(got, []publish.Rule{publish.RuleLasting}) {
		t.Errorf("another id: %v", got)
	}
}

// TestKeptBack: what breaks a rule does not take the place of what is good.
func TestKeptBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(article(1))
	s.build()
	before := files(t, s.options.Dir)
	s.put(article(2))
	s.options.Item = func(_ context.Context, a *newsletter.Article, _ bool) (feeds.Item, []publish.Ref, error) {
		it := feeds.Item{Article: *a, URL: a.URL("https://news.example.org")}
		it.ID = "the same"
		return it, nil, nil
	}
	r, err := publish.New(s.options).Build(t.Context())
	if err != nil || len(r.Problems) != 6 || !strings.Contains(r.Problems[0], "is not published, the one of before stays: two articles have the id urn:uuid:the same") {
		t.Fatalf("%v, %q", err, r.Problems)
	}
	after := files(t, s.options.Dir)
	for _, name := range []string{"feed.rss", "feed.atom", "feed.json", "languages/en/feed.rss"} {
		if after[name] != before[name] {
			t.Errorf("%s was replaced", name)
		}
	}
}

func TestCheckDocument(t *testing.T) {
	t.Parallel()
	const at = "https://example.org/feed."
	rss := func(items string) string {
		return `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>x</title><link>https://example.org/</link><language>en</language><atom:link rel="self" href="` + at + `rss"/>` + items + `</channel></rss>`
	}
	item := `<item><guid isPermaLink="false">urn:uuid:1</guid><link>https://example.org/1</link><pubDate>Mon, 04 May 2026 06:00:00 +0000</pubDate><enclosure url="https://example.org/a.mp3" type="audio/mpeg" length="3221225472"/></item>`
	entry := `<entry><id>urn:uuid:1</id><updated>2026-05-04T06:00:00.001Z</updated><link rel="alternate" href="https://example.org/1"/></entry>`
	atom := func(entries string) string {
		return `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>x</title><updated>2026-05-04T06:00:00Z</updated><link rel="self" href="` + at + `atom"/><link rel="alternate" href="https://example.org/"/>` + entries + `</feed>`
	}
	json := `{"feed_url": "` + at + `json", "title": "x", "home_page_url": "https://example.org/", "items": [{"id": "urn:uuid:1", "date_published": "2026-05-04T06:00:00Z", "attachments": [{"url": "https://example.org/a", "mime_type": "audio/mpeg", "size_in_bytes": 1}]}]}`
	change := func(s, from, to string) string {
		t.Helper()
		if !strings.Contains(s, from) {
			t.Fatalf("%q is not in %s", from, s)
		}
		return strings.Replace(s, from, to, 1)
	}
	for _, c := range []struct {
		format publish.Format
		data   string
		want   publish.Rule // empty: all is well
		item   string
		mild   bool
	}{
		{"rss", rss(item), "", "", false},
		{"atom", atom(entry), "", "", false},
		{"json", json, "", "", false},
		{"rss", rss(item + item), publish.RuleUnique, "urn:uuid:1", false},
		{"atom", atom(entry + entry), publish.RuleUnique, "urn:uuid:1", false},
		{"rss", rss(change(item, "urn:uuid:1", "")), publish.RuleID, "", false},
		{"rss", rss(change(item, "urn:uuid:1", "one")), publish.RuleID, "one", false},
		{"json", change(json, "urn:uuid:1", "%"), publish.RuleID, "%", false},
		{"rss", rss(change(item, "https://example.org/1", "/1")), publish.RuleAddress, "urn:uuid:1", false},
		{"atom", atom(change(entry, "https://example.org/1", "1")), publish.RuleAddress, "urn:uuid:1", false},
		{"rss", change(rss(item), "<link>https://example.org/<", "<link>/<"), publish.RuleAddress, "", false},
		{"rss", rss(change(item, "Mon, 04 May 2026 06:00:00 +0000", "yesterday")), publish.RuleDate, "urn:uuid:1", false},
		{"rss", rss(change(item, "Mon, 04 May 2026", "Wed, 04 May 2033")), publish.RuleDate, "urn:uuid:1", true},
		{"atom", atom(change(entry, "2026-05-04T06:00:00.001Z", "")), publish.RuleDate, "urn:uuid:1", false},
		{"atom", change(atom(entry), "<updated>2026-05-04T06:00:00Z", "<updated>"), publish.RuleDate, "", false},
		{"json", change(json, "2026-05-04T06:00:00Z", "2026"), publish.RuleDate, "urn:uuid:1", false},
		{"rss", rss(change(item, "audio/mpeg", "audio")), publish.RuleEnclosure, "urn:uuid:1", false},
		{"rss", rss(change(item, "3221225472", "")), publish.RuleEnclosure, "urn:uuid:1", false},
		{"json", change(json, "https://example.org/a", "a"), publish.RuleEnclosure, "urn:uuid:1", false},
		{"rss", change(rss(item), "<language>en", "<language>english language"), publish.RuleLanguage, "", true},
		{"rss", change(rss(item), "<title>x", "<title> "), publish.RuleRequired, "", true},
		{"rss", change(rss(item), "feed.rss", "other.rss"), publish.RuleSelf, "", false},
		{"rss", change(rss(item), "</channel>", ""), publish.RuleForm, "", false},
		{"rss", rss("<item><title>\x00</title></item>"), publish.RuleForm, "", false},
		{"rss", atom(entry), publish.RuleForm, "", false},
		{"json", json + "}", publish.RuleForm, "", false},
	} {
		found := publish.CheckDocument(c.format, []byte(c.data), at+string(c.format), day)
		if c.want == "" {
			if len(found) > 0 {
				t.Errorf("%s\nfound %+v", c.data, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Rule != c.want || found[0].Item != c.item || found[0].Warning != c.mild {
			t.Errorf("%s\nfound %+v, want %s of %q", c.data, found, c.want, c.item)
		}
	}
}

// TestInternationalHost: a site whose address has letters beyond ASCII is shown with
// the ASCII one, and is the same.
func TestInternationalHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) { o.Site.URL = "https://exämple.org:8443" })
	s.put(article(1, tagged("Mer & Pêche")))
	s.build()
	if _, found, err := publish.New(s.options).Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("%v, %+v", err, found)
	}
}
