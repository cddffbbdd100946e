// Package feeds turns articles into the bytes of RSS 2.0, Atom 1.0 and JSON Feed
// 1.1 documents.
//
// The procedure: an Item is cleaned (every string of every field, so that one
// control byte in one article cannot break a document for all readers) and put
// into gorilla/feeds' format structs, which are extended by embedding and
// shadowing; these are encoded once a format (Encode). Nothing in an entry
// depends on the feed, so any number of feeds can hold it: RSS, Atom and JSON
// encode the head of a document and put the entries' bytes behind it, which gives
// the same bytes as encoding everything at once. Nothing of the moment goes in:
// equal feeds give equal bytes.
package feeds

import (
	"time"

	"syndicate/internal/newsletter"
)

// Media types of the three formats, as they are served and linked.
const (
	TypeRSS  = "application/rss+xml"
	TypeAtom = "application/atom+xml"
	TypeJSON = "application/feed+json"
)

// Format is one of the three.
type Format struct {
	Ext    string // of file names and addresses: ".rss"
	Type   string // media type
	Render func(Feed, []Entry) ([]byte, error)
}

// Formats returns the three formats.
func Formats() []Format {
	return []Format{{".rss", TypeRSS, RSS}, {".atom", TypeAtom, Atom}, {".json", TypeJSON, JSON}}
}

// Feed is the head of a document: what it says of itself, whatever entries follow.
type Feed struct {
	ID          string // URI that never changes, such as urn:uuid:…; the same in all pages of a feed
	Title       string // plain text
	Description string // plain text
	Language    string // BCP 47
	HomeURL     string // the page that the feed is about, absolute
	Author      string // of the feed as a whole, empty: the title stands in where a format demands one
	Copyright   string // plain text
	License     string // absolute URL, empty: none
	Icon, Logo  string // absolute URLs, empty: none
	Self        string // absolute URL of the document without its ending: .rss, .atom or .json is put behind it
	Pages       Pages
	Hubs        []string            // WebSub hubs, absolute
	Podcast     *newsletter.Podcast // nil: the feed is none; Image is absolute
}

// Pages places a document among those of its feed (RFC 5005). The addresses are
// without their endings, as Self is; empty: there is no such document.
type Pages struct {
	Archive     bool   // this is an archive page, no longer the one to subscribe to
	Complete    bool   // this one holds all there is, and what leaves it is gone
	Current     string // the one to subscribe to; in archive pages
	PrevArchive string // the archive page with the next older entries
	NextArchive string // the archive page with the next newer entries
}

// Item is an article as feeds carry it.
type Item struct {
	newsletter.Article        // image, enclosures and the files of its episode have absolute addresses
	URL                string // absolute permalink
	HTML               string // sanitised body with absolute references; empty: the item carries its summary only
	Podcast            bool   // the site is a podcast: what programs that play it ask for is wanted
}

// WithFiles returns the article with absolute addresses of its files, which
// resolve makes of references.
func WithFiles(a newsletter.Article, resolve func(ref string) string) newsletter.Article {
	if a.Image != nil {
		img := *a.Image
		img.URL = resolve(img.URL)
		a.Image = &img
	}
	enclosures := make([]newsletter.Enclosure, len(a.Enclosures))
	for i, e := range a.Enclosures {
		e.URL = resolve(e.URL)
		enclosures[i] = e
	}
	a.Enclosures = enclosures
	if a.Episode != nil {
		e := *a.Episode
		for _, ref := range []*string{&e.ChaptersURL, &e.Transcript} {
			if *ref != "" {
				*ref = resolve(*ref)
			}
		}
		a.Episode = &e
	}
	return a
}

// Entry is an item encoded once, to be put into any number of feeds.
type Entry struct {
	RSS, Atom, JSON []byte
	Updated         time.Time // of the last change, as feeds show it
	Signed          bool      // it names authors of its own

	ID, URL, Language string // as they are in it
	Enclosures        []newsletter.Enclosure
}

// ItemID is the identifier of an article in every feed: it is minted with the
// article and does not change with its address.
func ItemID(a *newsletter.Article) string { return "urn:uuid:" + a.ID }

// Encode encodes an item in each format. Without its HTML it becomes an entry
// for feeds of summaries.
func Encode(it Item) (Entry, error) {
	it = it.clean()
	e := it.outline()
	size := len(it.HTML) + len(it.HTML)/4 + 2048
	var err error
	if e.RSS, err = xmlPiece(newRSSItem(&it), "    ", size); err != nil {
		return e, err
	}
	if e.Atom, err = xmlPiece(newAtomEntry(&it), "  ", size); err != nil {
		return e, err
	}
	e.JSON, err = jsonPiece(newJSONItem(&it), size)
	return e, err
}

// Outline is Encode without the bytes: what feeds have to know of an entry that
// they have already.
func Outline(it Item) Entry {
	it.HTML = ""
	it = it.clean()
	return it.outline()
}

func (it *Item) outline() Entry {
	return Entry{
		Updated: it.updated(), Signed: len(it.Authors) > 0,
		ID: ItemID(&it.Article), URL: it.URL, Language: it.Language, Enclosures: it.Enclosures,
	}
}

// lastUpdated is the time of the last real change in a feed: zero without entries.
func lastUpdated(entries []Entry) (t time.Time) {
	for i := range entries {
		if u := entries[i].Updated; u.After(t) {
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

// updated is changed, told apart from that of others: articles that came in
// together share a time to the second, and readers that sort by it, or take equal
// times for equal entries, go wrong. The fraction of the second is the article's
// own then, whatever feed it is in, and changes with nothing. Three digits: more
// of them are misread by some.
func (it *Item) updated() time.Time {
	t := it.changed().UTC().Truncate(time.Second)
	return t.Add(time.Duration(it.Seq%1000) * time.Millisecond)
}

// stamp formats a time for JSON and Atom's published (RFC 3339, whole seconds, UTC).
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// stampMilli is stamp with the fraction of the second.
func stampMilli(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
