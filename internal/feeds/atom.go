package feeds

import (
	"cmp"
	"encoding/xml"
	"strconv"
	"time"

	"github.com/gorilla/feeds"
)

type (
	atomFeed struct {
		XMLName xml.Name `xml:"feed"`
		feeds.AtomFeed
		Lang      string         `xml:"xml:lang,attr,omitempty"`
		Title     text           `xml:"title"`
		Subtitle  *text          `xml:"subtitle"`
		Rights    *text          `xml:"rights"`
		Media     string         `xml:"xmlns:media,attr"`
		History   string         `xml:"xmlns:fh,attr"`
		Generator *atomGenerator `xml:"generator"`
		Links     []feeds.AtomLink
		Authors   []*atomAuthor `xml:"author"`
		Archive   *struct{}     `xml:"fh:archive"`
		Complete  *struct{}     `xml:"fh:complete"`
	}
	atomEntry struct {
		XMLName xml.Name `xml:"entry"`
		Lang    string   `xml:"xml:lang,attr,omitempty"`
		feeds.AtomEntry
		Title      text  `xml:"title"`
		Summary    *text `xml:"summary"`
		Content    *text `xml:"content"`
		Rights     *text `xml:"rights"`
		Links      []feeds.AtomLink
		Authors    []*atomAuthor  `xml:"author"`
		Categories []atomCategory `xml:"category"`
		Source     *atomSource    `xml:"source"`
		Media      []mediaContent
		Thumbnail  *mediaThumbnail
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
	// atomSource is the feed that an entry comes from (RFC 4287 4.2.11).
	atomSource struct {
		ID      string `xml:"id"`
		Title   text   `xml:"title"`
		Updated string `xml:"updated"`
		Links   []feeds.AtomLink
	}
)

// firstDay is when Atom came out. Validators do not believe in 1970.
var firstDay = time.Date(2005, 12, 1, 0, 0, 0, 0, time.UTC)

// FeedXml makes atomFeed a feeds.XmlFeed.
func (f *atomFeed) FeedXml() any { return f } //nolint:staticcheck // the name is gorilla/feeds'

// Atom writes an Atom 1.0 document (RFC 4287). One without entries is dated by
// firstDay, since atom:updated is required and the present must not go in.
func Atom(f Feed, entries []Entry) ([]byte, error) {
	head, err := writeXML(newAtomFeed(f.clean(), entries))
	if err != nil {
		return nil, err
	}
	const end = "\n</feed>\n"
	return splice(head, end, entries, func(e *Entry) []byte { return e.Atom }, "\n", "\n", end)
}

func newAtomFeed(f Feed, entries []Entry) *atomFeed {
	updated := lastUpdated(entries)
	if updated.IsZero() {
		updated = firstDay
	}
	x := &atomFeed{
		AtomFeed: feeds.AtomFeed{
			Xmlns:   "http://www.w3.org/2005/Atom",
			Id:      f.ID,
			Updated: stampMilli(updated),
			Icon:    f.Icon,
			Logo:    f.Logo,
		},
		Title:     atomText(f.Title),
		Subtitle:  optional(f.Description),
		Rights:    optional(f.Copyright),
		Lang:      f.Language,
		Media:     nsMedia,
		History:   nsHistory,
		Generator: &atomGenerator{"Syndicate"},
		// RFC 4287 4.1.1: a feed has an author unless every entry does.
		Authors: []*atomAuthor{{feeds.AtomPerson{Name: unmistakable(cmp.Or(f.Author, f.Title))}}},
		Links:   []feeds.AtomLink{{Href: f.HomeURL, Rel: "alternate", Type: "text/html"}},
	}
	x.Links = append(x.Links, f.links(".atom", TypeAtom)...)
	if f.License != "" { // RFC 4946
		x.Links = append(x.Links, feeds.AtomLink{Href: f.License, Rel: "license"})
	}
	if f.Pages.Archive {
		x.Archive = &struct{}{}
	}
	if f.Pages.Complete {
		x.Complete = &struct{}{}
	}
	return x
}

func newAtomEntry(it *Item) *atomEntry {
	x := &atomEntry{
		AtomEntry: feeds.AtomEntry{
			Id:      ItemID(&it.Article),
			Updated: stampMilli(it.updated()),
		},
		Lang:    it.Language,
		Title:   atomText(it.Title),
		Summary: optional(it.Summary),
		Rights:  optional(it.Copyright),
	}
	if it.URL != "" {
		x.Links = append(x.Links, feeds.AtomLink{Href: it.URL, Rel: "alternate", Type: "text/html"})
	}
	if !it.Published.IsZero() {
		x.Published = stamp(it.Published)
	}
	if it.HTML != "" {
		x.Content = &text{"html", escape(it.HTML)}
	} else if it.Summary == "" { // RFC 4287 4.1.1.1 wants some text
		x.Summary = optional(it.Title)
	}
	for _, a := range it.Authors {
		x.Authors = append(x.Authors, &atomAuthor{feeds.AtomPerson{Name: unmistakable(a.Name), Uri: a.URL, Email: a.Email}})
	}
	for _, t := range it.Tags {
		x.Categories = append(x.Categories, atomCategory{t})
	}
	for _, e := range it.Enclosures {
		l := feeds.AtomLink{Href: e.URL, Rel: "enclosure", Type: e.Type}
		if e.Size > 0 {
			l.Length = strconv.FormatInt(e.Size, 10)
		}
		x.Links = append(x.Links, l)
	}
	if it.License != "" { // RFC 4946
		x.Links = append(x.Links, feeds.AtomLink{Href: it.License, Rel: "license"})
	}
	x.addOrigin(it)
	x.Media, x.Thumbnail = newPicture(it.Image)
	return x
}

// optional is atomText, nil if it is empty.
func optional(s string) *text {
	if s == "" {
		return nil
	}
	t := atomText(s)
	return &t
}

// addOrigin says where a syndicated entry was first.
func (x *atomEntry) addOrigin(it *Item) {
	o := it.Origin
	if o == nil {
		return
	}
	if o.URL != "" {
		x.Links = append(x.Links, feeds.AtomLink{Href: o.URL, Rel: "via", Type: "text/html"})
	}
	if id := cmp.Or(o.ID, o.Feed); id != "" {
		x.Source = &atomSource{ID: id, Title: atomText(cmp.Or(o.Title, id)), Updated: stampMilli(it.updated())}
		if o.Feed != "" {
			x.Source.Links = []feeds.AtomLink{{Href: o.Feed, Rel: "self"}}
		}
	}
}
