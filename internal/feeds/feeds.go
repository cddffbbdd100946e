// Package feeds turns a selection of articles into the bytes of an RSS 2.0,
// Atom 1.0 or JSON Feed 1.1 document.
//
// The procedure: a Feed is cleaned (every string of every field, so that one
// control byte in one article cannot break the document for all readers), its
// fields are put into gorilla/feeds' format structs, which are extended by
// embedding and shadowing, and these are encoded. Nothing is post-processed as
// text, and nothing of the moment goes in: equal feeds give equal bytes.
package feeds

import (
	"bytes"
	"mime"
	"slices"
	"strings"
	"time"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// Media types of the three formats, as they are served and linked.
const (
	TypeRSS  = "application/rss+xml"
	TypeAtom = "application/atom+xml"
	TypeJSON = "application/feed+json"
)

// Feed is a titled selection of articles, newest first.
type Feed struct {
	ID          string // URI that never changes, such as urn:uuid:…
	Title       string // plain text
	Description string // plain text
	Language    string // BCP 47
	HomeURL     string // the page that the feed is about, absolute
	Author      string // of the feed as a whole, empty: the title stands in where a format demands one
	Copyright   string
	Icon, Logo  string // absolute URLs, empty: none
	SelfRSS     string // absolute URLs of the documents themselves
	SelfAtom    string
	SelfJSON    string
	Hubs        []string // WebSub hubs, absolute
	Items       []Item
}

// Item is an article as a feed carries it.
type Item struct {
	newsletter.Article
	URL  string // absolute permalink
	HTML string // sanitised body with absolute references; empty: the item carries its summary only
}

// ItemID is the identifier of an article in every feed: it is minted with the
// article and does not change with its address.
func ItemID(a *newsletter.Article) string { return "urn:uuid:" + a.ID }

// clean returns a copy in which no string can break a document.
func (f Feed) clean() Feed {
	line, block := markup.CleanLine, markup.Clean
	f.ID, f.Title, f.Description = line(f.ID), line(f.Title), line(f.Description)
	f.Language, f.Author, f.Copyright = line(f.Language), line(f.Author), line(f.Copyright)
	for _, u := range []*string{&f.HomeURL, &f.Icon, &f.Logo, &f.SelfRSS, &f.SelfAtom, &f.SelfJSON} {
		*u = line(*u)
	}
	hubs := make([]string, len(f.Hubs))
	for i, h := range f.Hubs {
		hubs[i] = line(h)
	}
	f.Hubs = hubs
	items := make([]Item, len(f.Items))
	for i, it := range f.Items {
		it.ID, it.URL, it.Title, it.Language = line(it.ID), line(it.URL), line(it.Title), line(it.Language)
		if it.Title == "" { // RSS and Atom want a title; an untitled note is called by its day
			it.Title = it.Published.UTC().Format(time.DateOnly)
		}
		it.Summary, it.HTML = block(it.Summary), block(it.HTML)
		it.Tags = cleanList(it.Tags)
		authors := make([]newsletter.Author, 0, len(it.Authors))
		for _, a := range it.Authors {
			a.Name, a.Email, a.URL = line(a.Name), line(a.Email), line(a.URL)
			if a.Name != "" {
				authors = append(authors, a)
			}
		}
		it.Authors = authors
		if it.Image != nil {
			img := *it.Image
			img.URL, img.Alt, img.Type = line(img.URL), line(img.Alt), line(img.Type)
			if img.Type == "" {
				img.Type = typeByName(img.URL)
			}
			it.Image = &img
		}
		enclosures := make([]newsletter.Enclosure, 0, len(it.Enclosures))
		for _, e := range it.Enclosures {
			e.URL, e.Type = line(e.URL), line(e.Type)
			if e.Type == "" {
				e.Type = typeByName(e.URL)
			}
			if e.URL != "" && e.Type != "" {
				enclosures = append(enclosures, e)
			}
		}
		it.Enclosures = enclosures
		items[i] = it
	}
	f.Items = items
	return f
}

func cleanList(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		if s = markup.CleanLine(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// typeByName guesses a media type from a URL's extension.
func typeByName(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return newsletter.MediaType(url)
}

// isType reports whether t is of the main type, such as "image".
func isType(t, main string) bool {
	base, _, err := mime.ParseMediaType(t)
	return err == nil && strings.HasPrefix(base, main+"/")
}

// updated is the time of the last real change in the feed: zero without items.
func (f *Feed) updated() (t time.Time) {
	for i := range f.Items {
		if u := f.Items[i].changed(); u.After(t) {
			t = u
		}
	}
	return t
}

// changed is when the item changed last; never before it was published.
func (it *Item) changed() time.Time {
	if it.Updated.Before(it.Published) {
		return it.Published
	}
	return it.Updated
}

// stamp formats a time for Atom and JSON (RFC 3339, whole seconds, UTC).
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// escapeText escapes s for element content with the character references that
// the RSS profile advises for plain text in title and description, so that no
// reader takes an escaped "<" for markup.
func escapeText(s string) string {
	if !strings.ContainsAny(s, "&<>") {
		return s
	}
	var b bytes.Buffer
	for _, r := range s {
		switch r {
		case '&':
			b.WriteString("&#x26;")
		case '<':
			b.WriteString("&#x3C;")
		case '>':
			b.WriteString("&#x3E;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
