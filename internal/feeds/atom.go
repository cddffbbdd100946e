package feeds

import (
	"cmp"
	"encoding/xml"
	"strconv"

	"github.com/gorilla/feeds"
)

type (
	atomFeed struct {
		XMLName xml.Name `xml:"feed"`
		feeds.AtomFeed
		Lang      string         `xml:"xml:lang,attr,omitempty"`
		Generator *atomGenerator `xml:"generator"`
		Links     []feeds.AtomLink
		Authors   []*atomAuthor `xml:"author"`
		Entries   []*atomEntry  `xml:"entry"`
	}
	atomEntry struct {
		XMLName xml.Name `xml:"entry"`
		Lang    string   `xml:"xml:lang,attr,omitempty"`
		feeds.AtomEntry
		Links      []feeds.AtomLink
		Authors    []*atomAuthor  `xml:"author"`
		Categories []atomCategory `xml:"category"`
	}
	// atomAuthor: feeds.AtomAuthor is one per entry only.
	atomAuthor struct {
		feeds.AtomPerson
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
	atomGenerator struct {
		Name string `xml:",chardata"`
	}
)

// FeedXml makes atomFeed a feeds.XmlFeed.
func (f *atomFeed) FeedXml() any { return f } //nolint:staticcheck // the name is gorilla/feeds'

// Atom renders the feed as Atom 1.0 (RFC 4287). An empty feed is dated by the
// epoch, since atom:updated is required and the present must not go in.
func Atom(f Feed) ([]byte, error) {
	f = f.clean()
	updated := f.updated()
	if updated.IsZero() {
		updated = updated.AddDate(1969, 0, 0)
	}
	x := &atomFeed{
		AtomFeed: feeds.AtomFeed{
			Xmlns:    "http://www.w3.org/2005/Atom",
			Title:    f.Title,
			Id:       f.ID,
			Updated:  stamp(updated),
			Icon:     f.Icon,
			Logo:     f.Logo,
			Rights:   f.Copyright,
			Subtitle: f.Description,
		},
		Lang:      f.Language,
		Generator: &atomGenerator{"Syndicate"},
		// RFC 4287 4.1.1: a feed has an author unless every entry does.
		Authors: []*atomAuthor{{feeds.AtomPerson{Name: cmp.Or(f.Author, f.Title)}}},
		Links: []feeds.AtomLink{
			{Href: f.SelfAtom, Rel: "self", Type: TypeAtom},
			{Href: f.HomeURL, Rel: "alternate", Type: "text/html"},
		},
	}
	for _, h := range f.Hubs {
		x.Links = append(x.Links, feeds.AtomLink{Href: h, Rel: "hub"})
	}
	for i := range f.Items {
		x.Entries = append(x.Entries, newAtomEntry(&f.Items[i], f.Language))
	}
	return writeXML(x)
}

func newAtomEntry(it *Item, feedLanguage string) *atomEntry {
	x := &atomEntry{
		AtomEntry: feeds.AtomEntry{
			Title:   it.Title,
			Id:      ItemID(&it.Article),
			Updated: stamp(it.changed()),
		},
		Links: []feeds.AtomLink{{Href: it.URL, Rel: "alternate", Type: "text/html"}},
	}
	if it.Language != feedLanguage {
		x.Lang = it.Language
	}
	if !it.Published.IsZero() {
		x.Published = stamp(it.Published)
	}
	if it.Summary != "" {
		x.Summary = &feeds.AtomSummary{Content: it.Summary, Type: "text"}
	}
	if it.HTML != "" {
		x.Content = &feeds.AtomContent{Content: it.HTML, Type: "html"}
	} else if it.Summary == "" { // RFC 4287 4.1.1.1 wants some text
		x.Summary = &feeds.AtomSummary{Content: it.Title, Type: "text"}
	}
	for _, a := range it.Authors {
		x.Authors = append(x.Authors, &atomAuthor{feeds.AtomPerson{Name: a.Name, Uri: a.URL, Email: a.Email}})
	}
	for _, t := range it.Tags {
		x.Categories = append(x.Categories, atomCategory{t})
	}
	if img := it.Image; img != nil && img.URL != "" {
		x.Links = append(x.Links, enclosureLink(img.URL, img.Type, img.Size))
	}
	for _, e := range it.Enclosures {
		x.Links = append(x.Links, enclosureLink(e.URL, e.Type, e.Size))
	}
	return x
}

func enclosureLink(url, mediaType string, size int64) feeds.AtomLink {
	l := feeds.AtomLink{Href: url, Rel: "enclosure", Type: mediaType}
	if size > 0 {
		l.Length = strconv.FormatInt(size, 10)
	}
	return l
}
