package remote

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

const (
	summaryLength = 280 // characters of a summary that is made of the body
	titleLength   = 80  // likewise of a title
	maxIndexed    = 1000
	aheadOfUs     = 10 * time.Minute // by which clocks elsewhere may be fast
)

// article makes the article of an entry.
func (s *Source) article(e *entry, k *known) newsletter.Article {
	a := e.Article
	a.Source, a.Key, a.Backlog = s.o.Name, k.Key, k.Old
	if len(a.Permalink) > maxIndexed {
		a.Permalink = ""
	}
	s.dates(&a, k)
	if a.Title == "" {
		a.Title = markup.Excerpt(a.Format, a.Body, titleLength)
	}
	if a.Title == "" {
		a.Title = a.Published.UTC().Format(time.DateOnly)
	}
	if a.Slug == "" {
		a.Slug = source.Slug(a.Title)
	}
	if a.Slug == "" {
		a.Slug = source.Slug(lastSegment(e.link))
	}
	a.Language = s.language(&a)
	if a.Summary == "" {
		a.Summary = markup.Excerpt(a.Format, a.Body, summaryLength, a.Language)
	}
	if len(a.Authors) == 0 && s.o.Author != "" {
		a.Authors = []newsletter.Author{{Name: s.o.Author}}
	}
	a.Tags = slices.Clone(a.Tags)
	for _, t := range s.o.Tags {
		if !slices.ContainsFunc(a.Tags, func(have string) bool { return strings.EqualFold(have, t) }) {
			a.Tags = append(a.Tags, t)
		}
	}
	return a
}

// dates sees to it that no article is dated after it was seen, nor by a date that
// is none.
func (s *Source) dates(a *newsletter.Article, k *known) {
	published, updated := a.Published, a.Updated
	if !plausible(published) || published.After(k.First.Add(aheadOfUs)) && !s.o.Planned {
		a.Published = k.First
	}
	if !plausible(updated) || updated.Before(a.Published) || updated.After(s.o.Now().Add(aheadOfUs)) {
		a.Updated = time.Time{}
	}
}

// plausible reports whether a date can be meant: there are years that JSON does not
// have, and the day on which the clocks of computers begin.
func plausible(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1000 && year <= 9999 && t.UTC().Format(time.DateOnly) != "1970-01-01"
}

func (s *Source) language(a *newsletter.Article) string {
	if s.o.Language != "" {
		return s.o.Language
	}
	if tag := source.CanonicalLanguage(strings.TrimSpace(a.Language)); tag != "" {
		return tag
	}
	if s.o.Detect == nil {
		return ""
	}
	return s.o.Detect(a.Title + "\n" + markup.Excerpt(a.Format, a.Body, 600))
}

func lastSegment(link string) string {
	link, _, _ = strings.Cut(link, "?")
	return link[strings.LastIndexByte(link, '/')+1:]
}

// hash tells whether an article is what it was. It does not tell what only counts
// when it is new.
func (s *Source) hash(a *newsletter.Article) uint64 {
	stand := *a
	stand.Backlog = false
	b, err := json.Marshal(&stand)
	if err != nil { // dates are plausible, the rest is text
		return hashOf(a.Key, a.Title, a.Body)
	}
	return hashOf(string(b), s.fingerprint())
}
