package source_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
)

// Every name that Hugo, Jekyll and their themes have for a thing gives that thing.
func TestFrontMatterNames(t *testing.T) {
	t.Parallel()
	title := func(a newsletter.Article) any { return a.Title }
	published := func(a newsletter.Article) any { return a.Published.UTC().Format(time.RFC3339) }
	updated := func(a newsletter.Article) any { return a.Updated.UTC().Format(time.RFC3339) }
	draft := func(a newsletter.Article) any { return a.Draft }
	tags := func(a newsletter.Article) any { return a.Tags }
	authors := func(a newsletter.Article) any { return a.Authors }
	summary := func(a newsletter.Article) any { return a.Summary }
	slug := func(a newsletter.Article) any { return a.Slug }
	permalink := func(a newsletter.Article) any { return a.Permalink }
	aliases := func(a newsletter.Article) any { return a.Aliases }
	language := func(a newsletter.Article) any { return a.Language }
	section := func(a newsletter.Article) any { return a.Section }
	key := func(a newsletter.Article) any { return a.Key }
	img := func(a newsletter.Article) any { return a.Image }
	enclosures := func(a newsletter.Article) any { return a.Enclosures }
	people := func(names ...string) (out []newsletter.Author) {
		for _, n := range names {
			out = append(out, newsletter.Author{Name: n})
		}
		return out
	}
	const noDate = "0001-01-01T00:00:00Z"
	for _, c := range []struct {
		matter string
		of     func(newsletter.Article) any
		want   any
	}{
		{"title: Nets", title, "Nets"},
		{"Title: Nets", title, "Nets"},
		{"title: 1984", title, "1984"},
		{"title: 0x1F", title, "0x1F"},
		{"title: no", title, "no"},
		{"title: 2026-01-01", title, "2026-01-01"},
		{"title: '  « Là  là » '", title, "« Là là »"},
		{"title: >-\n  Two\n  lines", title, "Two lines"},
		{"title: |\n  Two\n  lines", title, "Two lines"},
		{"title: Nets # a comment", title, "Nets"},
		{"title: \"Nets\\u00a0!\"", title, "Nets\u00a0!"},
		{"title: ~", title, "Heading"},
		{"title:", title, "Heading"},
		{"anchor: &t Nets\ntitle: *t", title, "Nets"},
		{"base: &b {title: Nets}\n<<: *b", title, "Nets"},

		{"date: 2026-10-28", published, "2026-10-27T23:00:00Z"}, // Paris, winter
		{"date: 2026-07-01", published, "2026-06-30T22:00:00Z"}, // and summer
		{"date: 2026-10-28T08:00:00+02:00", published, "2026-10-28T06:00:00Z"},
		{"date: 2026-10-28T08:00:00Z", published, "2026-10-28T08:00:00Z"},
		{"date: 2026-10-28T08:00:00", published, "2026-10-28T07:00:00Z"},
		{"date: 2026-10-28 08:00:00 +0100", published, "2026-10-28T07:00:00Z"},
		{"date: 2026-10-28 08:00:00 +01:00", published, "2026-10-28T07:00:00Z"},
		{"date: 2026-10-28 08:00:00.5 -5", published, noDate}, // broken: see TestDates for what is taken
		{"date: 2026-10-28 08:00", published, "2026-10-28T07:00:00Z"},
		{"date: \"2026-10-28\"", published, "2026-10-27T23:00:00Z"},
		{"date: October 28, 2026", published, "2026-10-27T23:00:00Z"},
		{"publishDate: 2026-10-28T08:00:00Z\ndate: 2020-01-01", published, "2026-10-28T08:00:00Z"},
		{"publish_date: 2026-10-28T08:00:00Z", published, "2026-10-28T08:00:00Z"},
		{"pubDate: 2026-10-28T08:00:00Z", published, "2026-10-28T08:00:00Z"},
		{"published: 2026-10-28T08:00:00Z", published, "2026-10-28T08:00:00Z"},
		{"published_at: 2026-10-28T08:00:00Z", published, "2026-10-28T08:00:00Z"},
		{"published: true\ndate: 2026-10-28T08:00:00Z", published, "2026-10-28T08:00:00Z"},
		{"title: x", published, noDate},

		{"lastmod: 2026-10-28T08:00:00Z", updated, "2026-10-28T08:00:00Z"},
		{"updated: 2026-10-28T08:00:00Z", updated, "2026-10-28T08:00:00Z"},
		{"modified: 2026-10-28T08:00:00Z", updated, "2026-10-28T08:00:00Z"},
		{"last_modified_at: 2026-10-28T08:00:00Z", updated, "2026-10-28T08:00:00Z"},
		{"date: 2026-10-29T08:00:00Z\nlastmod: 2026-10-28T08:00:00Z", updated, "2026-10-29T08:00:00Z"},
		{"title: x", updated, noDate},

		{"draft: true", draft, true},
		{"draft: yes", draft, true},
		{"draft: 'true'", draft, true},
		{"draft: false", draft, false},
		{"draft:", draft, false},
		{"published: false", draft, true},
		{"published: true", draft, false},

		{"tags: [sea, craft]", tags, []string{"sea", "craft"}},
		{"tags:\n- sea\n- craft", tags, []string{"sea", "craft"}},
		{"tags: sea craft", tags, []string{"sea", "craft"}},
		{"tags: sea, small boats", tags, []string{"sea", "small boats"}},
		{"tags: 'pommes\u00a0de\u00a0terre soupe'", tags, []string{"pommes\u00a0de\u00a0terre", "soupe"}},
		{"tag: small boats", tags, []string{"small boats"}},
		{"category: small boats", tags, []string{"small boats"}},
		{"tags: [Sea, craft, sea, '', ' craft ']", tags, []string{"Sea", "craft"}},
		{"tags: [sea]\ncategories: [Sea, food]", tags, []string{"sea", "food"}},
		{"tags: [2026]", tags, []string{"2026"}},
		{"params: {tags: [sea]}", tags, []string{"sea"}},
		{"taxonomies: {tags: [sea], categories: [food]}", tags, []string{"sea", "food"}},

		{"author: Ines Falk", authors, people("Ines Falk")},
		{"author: 'Falk, Ines'", authors, people("Falk, Ines")},
		{"authors: Ines Falk, Hal Venn", authors, people("Ines Falk", "Hal Venn")},
		{"authors: [Ines Falk, Hal Venn, ines falk]", authors, people("Ines Falk", "Hal Venn")},
		{"author: [Ines Falk, Hal Venn]", authors, people("Ines Falk", "Hal Venn")},
		{"author: Ines Falk <ines@example.org>", authors, []newsletter.Author{{Name: "Ines Falk", Email: "ines@example.org"}}},
		{`author: '"Falk, Ines" <ines@example.org>'`, authors, []newsletter.Author{{Name: "Falk, Ines", Email: "ines@example.org"}}},
		{`author: 'Ines "Net" <ines@example.org>'`, authors, []newsletter.Author{{Name: `Ines "Net"`, Email: "ines@example.org"}}},
		{"author: {name: Ines Falk, email: ines@example.org, url: https://example.org/ines}", authors, []newsletter.Author{{Name: "Ines Falk", Email: "ines@example.org", URL: "https://example.org/ines"}}},
		{"authors:\n- name: Ines Falk\n  link: 'javascript:alert(1)'\n- Hal Venn", authors, people("Ines Falk", "Hal Venn")},

		{"summary: S\ndescription: D", summary, "S"},
		{"description: D", summary, "D"},
		{"excerpt: E", summary, "E"},
		{"params: {description: D}", summary, "D"},
		{"title: x", summary, "The first sentence. The second one."},

		{"slug: a-net", slug, "a-net"},
		{"slug: Été à l’Île d’Yeu", slug, "ete-a-l-ile-d-yeu"},
		{"title: x", slug, "the-file"},
		{"url: /2026/nets.html", permalink, "/2026/nets.html"},
		{"url: 2026/nets/", permalink, "/2026/nets/"},
		{"permalink: https://example.org/nets", permalink, "https://example.org/nets"},
		{"url: /été et hiver/", permalink, "/%C3%A9t%C3%A9%20et%20hiver/"},
		{"url: /a/../../b", permalink, "/b"},
		{"url: /articles/nets", permalink, ""},
		{"url: /articles/nets/", slug, "nets"},
		{"permalink: pretty", permalink, ""},
		{"aliases: [/old/nets, older.html, 'https://old.example.org/x/']", aliases, []string{"/old/nets", "/older.html", "/x/"}},
		{"alias: /old", aliases, []string{"/old"}},
		{"redirect_from: [/old, /old, /]", aliases, []string{"/old"}},

		{"language: fr", language, "fr"},
		{"lang: fr_ca", language, "fr-CA"},
		{"locale: pt-BR", language, "pt-BR"},
		{"section: sea/boats/", section, "sea/boats"},
		{"title: x", section, "news"},
		{"id: 17", key, "17"},
		{"title: x", key, "news/2026/the-file.md"},

		{"image: a.png", img, &newsletter.Image{URL: "a.png", Type: "image/png"}},
		{"image: {path: a.jpg, alt: A, caption: C, width: 640, height: 480px}", img, &newsletter.Image{URL: "a.jpg", Type: "image/jpeg", Alt: "A", Caption: "C", Width: 640, Height: 480}},
		{"cover: {image: a.webp, alt: A}", img, &newsletter.Image{URL: "a.webp", Type: "image/webp", Alt: "A"}},
		{"cover: {image: a.webp, hidden: true}", img, (*newsletter.Image)(nil)},
		{"images: [a.gif, b.gif]", img, &newsletter.Image{URL: "a.gif", Type: "image/gif"}},
		{"images: [{src: a.gif, alt: A}]", img, &newsletter.Image{URL: "a.gif", Type: "image/gif", Alt: "A"}},
		{"images: []", img, (*newsletter.Image)(nil)},
		{"featured_image: /img/a.svg", img, &newsletter.Image{URL: "/img/a.svg", Type: "image/svg+xml"}},
		{"featuredImage: https://example.org/a?x=1", img, &newsletter.Image{URL: "https://example.org/a?x=1"}},
		{"featured: true", img, (*newsletter.Image)(nil)},
		{"image: a.png\nimage_alt: A\nimage_caption: C", img, &newsletter.Image{URL: "a.png", Type: "image/png", Alt: "A", Caption: "C"}},

		{"audio: https://example.org/a.mp3", enclosures, []newsletter.Enclosure{{URL: "https://example.org/a.mp3", Type: "audio/mpeg"}}},
		{"podcast: {mp3: /a.mp3, length: 1234, duration: '1:02:03'}", enclosures, []newsletter.Enclosure{{URL: "/a.mp3", Type: "audio/mpeg", Size: 1234, Duration: time.Hour + 2*time.Minute + 3*time.Second}}},
		{"enclosure: {url: /a, type: audio/ogg, size: -5, duration: 90}", enclosures, []newsletter.Enclosure{{URL: "/a", Type: "audio/ogg", Duration: 90 * time.Second}}},
		{"enclosures: [/a.pdf, {url: /b.unknown}]", enclosures, []newsletter.Enclosure{{URL: "/a.pdf", Type: "application/pdf"}, {URL: "/b.unknown", Type: "application/octet-stream"}}},
	} {
		t.Run(c.matter, func(t *testing.T) {
			t.Parallel()
			content := "---\n" + c.matter + "\n---\n# Heading\n\nThe first sentence. The second one.\n"
			a, problems, _ := testDir(t).ParseFile("news/2026/the-file.md", []byte(content))
			if diff := cmp.Diff(c.want, c.of(a)); diff != "" {
				t.Errorf("(-want +got)\n%s%v", diff, problems)
			}
		})
	}
}

// The three syntaxes say the same things.
func TestFrontMatterSyntaxes(t *testing.T) {
	t.Parallel()
	want := newsletter.Article{
		Key: "a.md", File: "a.md", Format: newsletter.Markdown, Slug: "nets", Title: "Nets: a study", Summary: "S", Language: "en",
		Tags: []string{"sea", "craft"}, Authors: []newsletter.Author{{Name: "Ines Falk", Email: "ines@example.org"}},
		Image: &newsletter.Image{URL: "a.png", Alt: "A", Type: "image/png"}, Published: time.Date(2026, 10, 28, 7, 0, 0, 0, time.UTC), Draft: true,
		Body: "Text: with *marks*.",
	}
	for name, content := range map[string]string{
		"YAML":       "---\ntitle: 'Nets: a study'\nslug: nets\nsummary: S\nlanguage: en\ntags: [sea, craft]\nauthor: {name: Ines Falk, email: ines@example.org}\ncover: {image: a.png, alt: A}\ndate: 2026-10-28T08:00:00\ndraft: true\n---\n\nText: with *marks*.\n",
		"YAML, dots": "---  \n# comment\ntitle: 'Nets: a study'\nslug: nets\nsummary: S\nlanguage: en\ntags: [sea, craft]\nauthor: {name: Ines Falk, email: ines@example.org}\ncover: {image: a.png, alt: A}\ndate: 2026-10-28 08:00:00\ndraft: true\n...\nText: with *marks*.\n",
		"TOML":       "+++\ntitle = 'Nets: a study'\nslug = 'nets'\nsummary = 'S'\nlanguage = 'en'\ntags = ['sea', 'craft']\ndate = 2026-10-28T08:00:00\ndraft = true\n[author]\nname = 'Ines Falk'\nemail = 'ines@example.org'\n[cover]\nimage = 'a.png'\nalt = 'A'\n+++\nText: with *marks*.\n",
		"TOML, zone": "+++\ntitle = 'Nets: a study'\nslug = 'nets'\nsummary = 'S'\nlanguage = 'en'\ntags = ['sea', 'craft']\ndate = 2026-10-28T07:00:00Z\ndraft = true\n[author]\nname = 'Ines Falk'\nemail = 'ines@example.org'\n[cover]\nimage = 'a.png'\nalt = 'A'\n+++\nText: with *marks*.\n",
		"JSON":       "{\n\"title\": \"Nets: a study\", \"slug\": \"nets\", \"summary\": \"S\", \"language\": \"en\", \"tags\": [\"sea\", \"craft\"],\n\"author\": {\"name\": \"Ines Falk\", \"email\": \"ines@example.org\"}, \"cover\": {\"image\": \"a.png\", \"alt\": \"A\"},\n\"date\": \"2026-10-28T08:00:00+01:00\", \"draft\": true\n}\n\nText: with *marks*.\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, problems, ok := testDir(t).ParseFile("a.md", []byte(content))
			if !ok || len(problems) > 0 {
				t.Fatalf("taken %t, problems %v", ok, problems)
			}
			a.Published = a.Published.UTC()
			if diff := cmp.Diff(want, a); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	t.Run("TOML date", func(t *testing.T) {
		t.Parallel()
		a, _, _ := testDir(t).ParseFile("a.md", []byte("+++\ndate = 2026-10-28\n+++\nText\n"))
		if got := a.Published.UTC().Format(time.RFC3339); got != "2026-10-27T23:00:00Z" {
			t.Errorf("midnight in Paris is %s", got)
		}
	})
}

// What merely looks like front matter is text.
func TestNoFrontMatter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, content, title, body string }{
		{"a.md", "# Nets\n\nText.\n", "Nets", "Text."},
		{"a.md", "{{ include }}\n\n# Nets\n\nText.\n", "Nets", "{{ include }}\n\n# Nets\n\nText."},
		{"a.txt", "---\nNets\n", "---", "Nets"},
		{"a.txt", "{\"title\": 1}\nNets\n", "{\"title\": 1}", "Nets"},
		{"a.txt", "---\ntitle: Nets\n---\nText.\n", "Nets", "Text."},
		{"a.md", "---\n---\n# Nets\n\nText.\n", "Nets", "Text."},
		{"a.md", "---\n# only a comment\n---\n# Nets\n\nText.\n", "Nets", "Text."},
		{"a.md", "{}\n# Nets\n\nText.\n", "Nets", "Text."},
	} {
		t.Run(c.content, func(t *testing.T) {
			t.Parallel()
			a, problems, ok := testDir(t).ParseFile(c.file, []byte(c.content))
			if !ok || a.Title != c.title || a.Body != c.body {
				t.Errorf("title %q, body %q, problems %v", a.Title, a.Body, problems)
			}
		})
	}
}
