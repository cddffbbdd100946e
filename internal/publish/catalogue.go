package publish

import (
	"iter"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/feeds"
)

// Kind says what a feed is a selection of.
type Kind string

// The kinds of feeds, in the order in which they are listed.
const (
	Site       Kind = "site"
	Newsletter Kind = "newsletter" // its issues are the items
	Named      Kind = "named"      // a selection of config.yaml
	Section    Kind = "section"
	Tag        Kind = "tag"
	Author     Kind = "author"
	Language   Kind = "language"
)

// Format is one of the three formats of a feed; it is also the ending of its files.
type Format string

// The formats.
const (
	RSS  Format = "rss"
	Atom Format = "atom"
	JSON Format = "json"
)

// Formats are all of them.
var Formats = [...]Format{RSS, Atom, JSON}

// MediaType returns the format's media type, without parameters.
func (f Format) MediaType() string {
	switch f {
	case RSS:
		return feeds.TypeRSS
	case Atom:
		return feeds.TypeAtom
	}
	return feeds.TypeJSON
}

// Feed is what is known of a feed without opening it.
type Feed struct {
	Path        string        `json:"path"`  // its folder below the site's address and below public/, such as "tags/sea"; empty: the root; not escaped
	Kind        Kind          `json:"kind"`  //
	Label       string        `json:"label"` // the tag, author, section, language or newsletter as it is written, the path of a named one; empty: the site
	Title       string        `json:"title"`
	Description string        `json:"description,omitempty"`
	Language    string        `json:"language"`
	Home        string        `json:"home"`  // absolute address of the page that it is about
	Items       int           `json:"items"` // in the subscription documents
	Pages       int           `json:"pages"` // of the archive, 0: none
	Hubs        []string      `json:"hubs,omitempty"`
	MaxAge      time.Duration `json:"max_age"` // for how long an answer may be kept
	Updated     time.Time     `json:"updated"` // the last real change in it, zero: it is empty
}

// File returns the slash-separated name, below public/ and below the site's
// address, of the document that people subscribe to.
func (f *Feed) File(format Format) string { return path.Join(f.Path, "feed."+string(format)) }

// ArchiveFile returns the name of a page of the archive (RFC 5005, 4), from 1,
// which is the oldest.
func (f *Feed) ArchiveFile(format Format, page int) string {
	return path.Join(f.Path, archiveFolder, strconv.Itoa(page)+"."+string(format))
}

const archiveFolder = "archive"

// Document is one file of a feed.
type Document struct {
	*Feed
	Format Format
	Page   int // of the archive, from 1; 0: what people subscribe to
}

// File returns the document's name below public/.
func (d Document) File() string {
	if d.Page > 0 {
		return d.ArchiveFile(d.Format, d.Page)
	}
	return d.Feed.File(d.Format)
}

// URL returns the document's address on the site at siteURL.
func (d Document) URL(siteURL string) string { return address(siteURL, d.File()) }

// address joins the site's address and a file's name.
func address(siteURL, file string) string {
	return siteURL + (&url.URL{Path: "/" + file}).EscapedPath()
}

// Catalogue is the list of a site's feeds. It does not change once it is made.
type Catalogue struct {
	Feeds []Feed            `json:"feeds"` // the site's first, then by kind and path
	Moved map[string]string `json:"moved"` // former paths of documents and where they are now, such as /old.xml → /feed.rss
	Gone  []string          `json:"gone"`  // folders of feeds that are no more, sorted

	byPath  map[string]*Feed
	byLabel map[labelKey]*Feed
}

type labelKey struct {
	kind  Kind
	label string
}

// index makes the look-ups.
func (c *Catalogue) index() *Catalogue {
	c.byPath = make(map[string]*Feed, len(c.Feeds))
	c.byLabel = make(map[labelKey]*Feed, len(c.Feeds))
	for i := range c.Feeds {
		f := &c.Feeds[i]
		c.byPath[f.Path] = f
		c.byLabel[labelKey{f.Kind, fold(f.Label)}] = f
	}
	return c
}

// fold is how labels are compared, here and in the store.
func fold(label string) string { return strings.ToLower(label) }

// At returns the feed in a folder, such as "tags/sea".
func (c *Catalogue) At(folder string) (*Feed, bool) {
	f, ok := c.byPath[folder]
	return f, ok
}

// Of returns the feed of a tag, author, section, language or newsletter. Letter
// case does not matter.
func (c *Catalogue) Of(kind Kind, label string) (*Feed, bool) {
	f, ok := c.byLabel[labelKey{kind, fold(label)}]
	return f, ok
}

// Kind yields the feeds of a kind.
func (c *Catalogue) Kind(kind Kind) iter.Seq[*Feed] {
	return func(yield func(*Feed) bool) {
		for i := range c.Feeds {
			if c.Feeds[i].Kind == kind && !yield(&c.Feeds[i]) {
				return
			}
		}
	}
}

// Find returns the document at the path of a request, unescaped and below the
// site's address, such as "/tags/sea/feed.atom".
func (c *Catalogue) Find(requestPath string) (Document, bool) {
	folder, name, ok := split(requestPath)
	if !ok {
		return Document{}, false
	}
	stem, ending, _ := strings.Cut(name, ".")
	format := Format(ending)
	if !slices.Contains(Formats[:], format) {
		return Document{}, false
	}
	if stem == "feed" {
		f, ok := c.byPath[folder]
		return Document{Feed: f, Format: format}, ok
	}
	n, err := strconv.Atoi(stem)
	if err != nil || n < 1 || strconv.Itoa(n) != stem || path.Base(folder) != archiveFolder {
		return Document{}, false
	}
	folder = strings.TrimSuffix(strings.TrimSuffix(folder, archiveFolder), "/")
	f, ok := c.byPath[folder]
	if !ok || n > f.Pages {
		return Document{}, false
	}
	return Document{Feed: f, Format: format, Page: n}, true
}

// split parts a path at its last slash: "/a/b.rss" is "a" and "b.rss".
func split(requestPath string) (folder, name string, ok bool) {
	if !strings.HasPrefix(requestPath, "/") || strings.HasPrefix(requestPath, "//") {
		return "", "", false
	}
	folder, name = path.Split(requestPath[1:])
	return strings.TrimSuffix(folder, "/"), name, true
}

// MovedTo returns where a former path leads: a path below the site's address, or
// an address elsewhere.
func (c *Catalogue) MovedTo(requestPath string) (string, bool) {
	to, ok := c.Moved[requestPath]
	return to, ok
}

// IsGone reports whether a path is a document of a feed that is no more.
func (c *Catalogue) IsGone(requestPath string) bool {
	folder, name, ok := split(requestPath)
	if !ok {
		return false
	}
	stem, ending, _ := strings.Cut(name, ".")
	if !slices.Contains(Formats[:], Format(ending)) {
		return false
	}
	if stem != "feed" {
		if path.Base(folder) != archiveFolder {
			return false
		}
		folder = strings.TrimSuffix(strings.TrimSuffix(folder, archiveFolder), "/")
	}
	_, gone := slices.BinarySearch(c.Gone, folder)
	return gone
}

// WasHome reports whether a path, with or without a slash at the end, is that of
// the page beside a feed that is no more.
func (c *Catalogue) WasHome(requestPath string) bool {
	_, gone := slices.BinarySearch(c.Gone, strings.Trim(requestPath, "/"))
	return gone
}

// Documents yields the documents that people subscribe to, feed by feed.
func (c *Catalogue) Documents() iter.Seq[Document] {
	return func(yield func(Document) bool) {
		for i := range c.Feeds {
			for _, format := range Formats {
				if !yield(Document{Feed: &c.Feeds[i], Format: format}) {
					return
				}
			}
		}
	}
}
