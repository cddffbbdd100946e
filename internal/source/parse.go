package source

import (
	"fmt"
	"strings"
	"time"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// summaryLength is how many characters a summary has that is made of the body.
const summaryLength = 280

// parsed is what became of an article file.
type parsed struct {
	article  newsletter.Article
	id       string    // given in the front matter, else empty
	deps     []string  // paths of local files that the article tells about, there or not
	problems []Problem // without File
	broken   bool      // there is no article; the only problem says why
}

// builder makes an article of one file.
type builder struct {
	dir    *Dir
	local  *listing // for files beside the article; nil: none
	name   nameInfo
	fields value
	// The file has no title; one is made of its name.
	untitled bool
	parsed
}

// parse makes an article of the file at the slash-separated path rel.
func (d *Dir) parse(rel string, data []byte, local *listing) parsed {
	return d.parseNamed(rel, d.readName(rel), data, local)
}

func (d *Dir) parseNamed(rel string, name nameInfo, data []byte, local *listing) parsed {
	b := &builder{dir: d, local: local, name: name}
	b.article.File = rel
	text, warning, broken := decodeText(data)
	if warning != nil {
		b.problems = append(b.problems, *warning)
	}
	if broken == nil {
		broken = b.build(text)
	}
	if broken != nil {
		b.problems = []Problem{*broken} // the rest is no matter then
		b.article, b.broken = newsletter.Article{}, true
	}
	return b.parsed
}

func (b *builder) build(text string) *Problem {
	m, broken := splitMatter(b.name.format, text)
	if broken != nil {
		return broken
	}
	if b.fields, broken = m.parse(); broken != nil {
		return broken
	}
	return b.assemble(m)
}

// assemble makes the article of its fields and body.
func (b *builder) assemble(m matter) (broken *Problem) {
	a := &b.article
	a.Format = b.name.format
	if b.id, broken = readID(&b.fields); broken != nil {
		return broken
	}
	if a.Key = b.id; a.Key == "" {
		a.Key = a.File
	}
	if broken = b.body(m.body); broken != nil {
		return broken
	}
	for _, read := range []func() *Problem{b.dates, b.draft, b.address} {
		if broken = read(); broken != nil {
			return broken
		}
	}
	if b.untitled && a.Body == "" { // an editor has just made the file, perhaps
		return &Problem{Message: "is empty", Hint: "give it a title or a text"}
	}
	b.references(m)
	b.labels()
	a.Authors = b.authors()
	a.Image = b.image()
	a.Enclosures = b.enclosures()
	a.Episode = b.episode()
	b.rights()
	a.Origin = b.origin()
	b.language()
	for _, name := range []string{"summary", "description", "excerpt"} {
		if v := b.fields.find(name); v != nil && v.kind == isText && a.Summary == "" {
			a.Summary = markup.CleanLine(v.text)
		}
	}
	if a.Summary == "" {
		a.Summary = markup.Excerpt(a.Format, a.Body, summaryLength, a.Language)
	}
	return nil
}

// body sets the title and the body, which depend on each other: a title that is
// the first heading leaves the body.
func (b *builder) body(text string) *Problem {
	a := &b.article
	if b.name.format == newsletter.HTML {
		fields, body, err := readHTML(text)
		if err != nil {
			return &Problem{Message: "is HTML that cannot be parsed: " + err.Error()}
		}
		b.fields.fields = append(b.fields.fields, fields...) // front matter wins
		text = body
	}
	if v := b.fields.get("title"); v != nil {
		if v.kind != isText {
			return b.problem(v, "the title is no text", "put it in quotes")
		}
		a.Title = markup.CleanLine(v.text)
	}
	switch b.name.format {
	case newsletter.Markdown:
		a.Title, text = markdownTitle(a.Title, text)
	case newsletter.PlainText:
		if a.Title == "" {
			a.Title, text = textTitle(text)
		}
	}
	if a.Title == "" {
		b.untitled = true
		a.Title = titleFromName(b.name.words)
	}
	if b.untitled && b.name.words != "" {
		b.warn(nil, fmt.Sprintf("has no title; %q is made of its name", a.Title), "begin it with a heading, or give a title in the front matter")
	}
	a.Body = strings.TrimRight(strings.TrimLeft(text, "\n"), " \t\n")
	return nil
}

// readID returns the id that the front matter gives.
func readID(v *value) (string, *Problem) {
	f := v.get("id")
	if f == nil {
		return "", nil
	}
	id := markup.CleanLine(f.text)
	if f.kind != isText || id == "" || len(id) > 255 {
		return "", &Problem{Line: f.line, Column: f.column, Message: "the id is no text of at most 255 bytes"}
	}
	return id, nil
}

func (b *builder) dates() *Problem {
	a := &b.article
	a.Published = b.name.date
	for _, name := range []string{"publishdate", "date", "published", "publishedat", "pubdate", "created"} {
		v := b.fields.get(name)
		if v == nil {
			continue
		}
		if _, isTruth := truth(v.text); name == "published" && isTruth {
			continue // Jekyll's: whether, not when
		}
		t, broken := b.date(name, v)
		if broken != nil {
			return broken
		}
		a.Published = t
		break
	}
	if v := b.fields.get("lastmod", "updated", "modified", "lastmodified", "lastmodifiedat", "updatedat"); v != nil {
		t, broken := b.date("updated", v)
		if broken != nil {
			return broken
		}
		if a.Updated = t; t.Before(a.Published) {
			a.Updated = a.Published
		}
	}
	if v := b.fields.get("expirydate", "unpublishdate"); v != nil {
		b.warn(v, "expiry dates are not kept to", "remove the file, or set draft: true, when the time comes")
	}
	return nil
}

func (b *builder) date(name string, v *value) (time.Time, *Problem) {
	t, err := parseDate(v.text, b.dir.o.Location)
	if v.kind != isText || err != nil {
		return t, b.problem(v, fmt.Sprintf("%s: %q is no date", name, v.text), "write 2026-10-28, or 2026-10-28T08:00:00+02:00")
	}
	return t, nil
}

func (b *builder) draft() *Problem {
	b.article.Draft = b.name.draft
	if v := b.fields.get("draft"); v != nil {
		yes, ok := truth(v.text)
		if v.kind != isText || !ok { // better not published than published by mistake
			return b.problem(v, fmt.Sprintf("draft: %q is neither true nor false", v.text), "")
		}
		b.article.Draft = b.article.Draft || yes
	}
	if v := b.fields.get("published"); v != nil {
		if yes, ok := truth(v.text); ok && !yes {
			b.article.Draft = true
		}
	}
	return nil
}

func (b *builder) language() {
	a := &b.article
	if v := b.fields.find("language", "lang", "locale"); v != nil {
		if a.Language = canonicalLanguage(strings.TrimSpace(v.text)); a.Language != "" {
			return
		}
		a.Language = b.guessLanguage()
		b.warn(v, fmt.Sprintf("language: %q is no language tag; taken as %s", v.text, a.Language), "write en, fr, pt-BR …")
		return
	}
	a.Language = b.guessLanguage()
}

// guessLanguage is that of an article which does not say it.
func (b *builder) guessLanguage() string {
	a := &b.article
	switch {
	case b.name.language != "":
		return b.name.language
	case len(b.dir.languages.detectable) < 2:
		return b.dir.languages.fallback
	}
	return b.dir.languages.detect(a.Title + "\n" + markup.Excerpt(a.Format, a.Body, 600))
}

// problem is something wrong at a value.
func (b *builder) problem(v *value, message, hint string) *Problem {
	p := &Problem{Message: message, Hint: hint}
	if v != nil {
		p.Line, p.Column = v.line, v.column
	}
	return p
}

func (b *builder) warn(v *value, message, hint string) {
	p := b.problem(v, message, hint)
	p.Warning = true
	b.problems = append(b.problems, *p)
}
