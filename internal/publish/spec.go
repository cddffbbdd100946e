package publish

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"syndicate/internal/newsletter"
)

// How long an answer with a feed may be kept. Readers that behave poll by it.
const (
	maxAge     = 5 * time.Minute // articles come when they come
	leastIssue = 5 * time.Minute // of a newsletter's issues, whose rhythm is known
	mostIssue  = 6 * time.Hour
	byHand     = time.Hour
)

// key tells feeds apart.
type key struct {
	kind  Kind
	label string // lower case
}

// spec says what a feed is to be.
type spec struct {
	key
	name        string // the label as it is written
	want        string // the path it would like
	path        string // the path it has
	title       string
	description string
	language    string
	home        string // path of the page that it is about; empty: below its own path
	sel         newsletter.Selection
	items       int
	full        bool
	archive     bool
	maxAge      time.Duration
	hubs        []string
	siteURL     string
}

// info is the feed's entry in the catalogue, as far as it is known beforehand.
func (s *spec) info() Feed {
	home := s.siteURL + s.home
	if s.home == "" {
		home = address(s.siteURL, s.path+"/")
	}
	return Feed{
		Path: s.path, Kind: s.kind, Label: s.name, Title: s.title, Description: s.description, Language: s.language,
		Home: home, Hubs: s.hubs, MaxAge: s.maxAge,
	}
}

// base is what all feeds have in common.
func (b *Builder) base(kind Kind, name string) *spec {
	return &spec{
		key: key{kind, fold(name)}, name: name,
		language: b.o.Site.Language, items: b.o.Items, full: b.o.Full, archive: b.o.Archives == ArchivesAll,
		maxAge: maxAge, hubs: b.o.Hubs, siteURL: b.o.Site.URL,
	}
}

func (b *Builder) siteSpec() *spec {
	s := b.base(Site, "")
	s.title, s.description, s.home = b.o.Site.Title, b.o.Site.Description, "/"
	s.archive = b.o.Archives != ArchivesNone
	return s
}

func (b *Builder) newsletterSpec(n *newsletter.Newsletter) *spec {
	s := b.base(Newsletter, n.Name)
	s.title, s.description, s.language = n.Title, n.Description, cmp.Or(n.Language, s.language)
	s.want = newslettersFolder + "/" + n.Name
	s.home = "/" + s.want
	s.archive = b.o.Archives != ArchivesNone
	s.maxAge = byHand
	if r := b.o.Rhythm[n.Name]; r > 0 {
		s.maxAge = min(max(r/48, leastIssue), mostIssue)
	}
	return s
}

func (b *Builder) namedSpec(x *Selection) *spec {
	s := b.base(Named, x.Path) // another path is another feed: the one of before is gone
	s.title, s.description, s.language = x.Title, x.Description, cmp.Or(x.Language, s.language)
	s.want, s.home = x.Path, "/"
	s.sel, s.full = x.Select, x.Full
	s.items = cmp.Or(x.Items, s.items)
	return s
}

// labelSpec is the feed of a tag, author, section or language.
func (b *Builder) labelSpec(kind Kind, name string) *spec {
	s := b.base(kind, name)
	shown := name
	switch kind {
	case Tag:
		s.want, s.sel.Tags = "tags/"+slug(name), []string{name}
	case Author:
		s.want, s.sel.Authors = "authors/"+slug(name), []string{name}
	case Section:
		s.want, s.sel.Sections = "sections/"+slugPath(name), []string{name}
	case Language:
		s.want, s.sel.Languages, s.language = "languages/"+slug(name), []string{name}, name
		if tag, err := language.Parse(name); err == nil {
			shown = cmp.Or(display.Self.Name(tag), name)
		}
	}
	s.title = b.o.Site.Title + ": " + shown
	s.description = b.o.Site.Description
	return s
}

// fixed are the feeds that there are whatever articles there are.
func (b *Builder) fixed() []*spec {
	list := []*spec{b.siteSpec()}
	for i := range b.o.Newsletters {
		list = append(list, b.newsletterSpec(&b.o.Newsletters[i]))
	}
	for i := range b.o.Named {
		list = append(list, b.namedSpec(&b.o.Named[i]))
	}
	return list
}

// eachLabel calls visit for each feed of labels that an article belongs to.
func eachLabel(a *newsletter.Article, visit func(kind Kind, name string)) {
	for _, t := range a.Tags {
		visit(Tag, t)
	}
	for _, x := range a.Authors {
		if x.Name != "" {
			visit(Author, x.Name)
		}
	}
	for end := len(a.Section); end > 0; end = strings.LastIndexByte(a.Section[:end], '/') {
		visit(Section, a.Section[:end])
	}
	for end := len(a.Language); end > 0; end = strings.LastIndexAny(a.Language[:end], "-_") {
		visit(Language, a.Language[:end])
	}
}

// compare orders feeds as the catalogue lists them.
func (s *spec) compare(t *spec) int {
	kinds := []Kind{Site, Newsletter, Named, Section, Tag, Author, Language}
	return cmp.Or(cmp.Compare(slices.Index(kinds, s.kind), slices.Index(kinds, t.kind)), cmp.Compare(s.path, t.path))
}
