package source

import (
	"time"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// ParserOptions configures a Parser, as DirOptions a Dir.
type ParserOptions struct {
	SiteURL   string
	Language  string
	Languages []string
	Location  *time.Location // nil: UTC
}

// Parser makes articles of what comes singly: a file that is handed over, a row of a
// table. They are written as those in folders are, but have no files beside them. It
// is safe for concurrent use.
type Parser struct{ dir *Dir }

// NewParser returns a Parser.
func NewParser(o ParserOptions) *Parser {
	return &Parser{NewDir(DirOptions{SiteURL: o.SiteURL, Language: o.Language, Languages: o.Languages, Location: o.Location})}
}

// FormatOf returns the format of a file by the ending of its name; empty: it is no
// article's.
func FormatOf(name string) newsletter.Format { return formatOf(name) }

// File makes an article of the bytes of a file. Its name, without folders, says what
// the names of files say; empty: it has none. The article's key is the id in the front
// matter, empty: there is none. A problem that is no warning means that there is no
// article.
func (p *Parser) File(name string, format newsletter.Format, data []byte) (newsletter.Article, []Problem) {
	if len(data) > maxFileSize {
		return newsletter.Article{}, []Problem{{File: name, Message: "is larger than " + megabytes(maxFileSize)}}
	}
	info := nameInfo{}
	if name != "" {
		info = p.dir.readName(name)
	}
	info.format = format
	r := p.dir.parseNamed(name, info, data, nil)
	a := r.article
	if !r.broken && a.Format != newsletter.PlainText && mayBeLocal(a.Body) {
		r.problems = append(r.problems, Problem{
			Message: "refers to files beside it, which are not taken along", Hint: "give pictures and links whole addresses", Warning: true,
		})
	}
	for i := range r.problems {
		r.problems[i].File = name
	}
	a.Key, a.File = r.id, ""
	if a.Slug == "" {
		a.Slug = slugify(a.Title)
	}
	return a, r.problems
}

// Fields makes an article of fields, which have the names and values of those of front
// matter, and of a body. Its key is the field id. A problem that is no warning means
// that there is no article.
func (p *Parser) Fields(format newsletter.Format, fields map[string]any, body string) (newsletter.Article, []Problem) {
	b := &builder{dir: p.dir, name: nameInfo{format: format}}
	var broken *Problem
	if b.fields, broken = fromAny(fields, 0); broken == nil {
		broken = b.assemble(matter{body: markup.Clean(body)})
	}
	if broken != nil {
		return newsletter.Article{}, []Problem{*broken}
	}
	return b.article, b.problems
}
