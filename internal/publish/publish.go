// Package publish knows which feeds a site has, what each of them holds, and
// brings them into public/.
//
// The procedure of a build: what an earlier build left in public/ is read
// (state.go) and the store is asked what changed since (plan.go). From the labels
// of the changed articles and from the lists of before it follows which feeds may
// look different now; only their lists are asked for again. Each list has a
// fingerprint, and only where that differs are documents made: their articles are
// rendered and encoded, each once, on all cores (entries.go), and spliced into
// every document that holds them (documents.go). Entries wait in a file between
// the two steps, so memory stays small however many feeds there are. A document
// is checked (check.go) and then moved to its place, if its bytes are new
// (write.go). Entries of articles that did not change are taken from documents that
// stand already (standing.go); a feed that would suddenly lose most of what it has
// stays as it is (hold.go). A first build, and one after a change of settings or of what
// articles become (samples.go), walks through all articles instead and trusts nothing.
//
// Archives (archive.go) are pages of a fixed number of articles in the order of
// their seq, the oldest first: where a page ends is written down in the store when
// it is full, so that no later article moves another one to another page.
//
// What is in public/ without our having written it is left alone.
package publish

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// Archives says which feeds have an archive.
type Archives string

// The choices.
const (
	ArchivesMain Archives = "main" // the site's and the newsletters'
	ArchivesAll  Archives = "all"
	ArchivesNone Archives = "none"
)

// Options is what a Builder works with.
type Options struct {
	Store       *store.Store
	Site        newsletter.Site // with a URL that has no slash at the end
	Newsletters []newsletter.Newsletter
	Dir         string // absolute; the folder is made when there is something to put in it

	Items      int      // the newest articles in a feed
	Full       bool     // whole articles, not only summaries
	Hubs       []string // absolute URLs of WebSub hubs
	Archives   Archives // empty: main
	Compressed bool     // a gzip and a brotli twin beside each document
	Named      []Selection
	Moved      map[string]string        // former paths of documents → where they are now
	Rhythm     map[string]time.Duration // between two issues, by newsletter; none: nobody knows

	// Item makes an article ready for feeds: its addresses absolute, its body
	// rendered if that is wanted. refs are the files of its source ("source",
	// "path") that it links to: if an article of such a file changes, its address
	// may. An error leaves the item without its body.
	Item func(ctx context.Context, a *newsletter.Article, full bool) (it feeds.Item, refs []Ref, err error)

	// Announce is told what the documents hold that people subscribe to, by the
	// hashes of the files, before the build counts as done: what a crash keeps from
	// being announced is announced by the next build. nil: nobody wants to know.
	Announce func(ctx context.Context, c *Catalogue, hashes map[string]string) error

	Log        *slog.Logger
	Now        func() time.Time
	OnProgress func(done, total int) // articles; nil: nobody wants to know
}

// Ref is a file of a source.
type Ref struct{ Source, File string }

// Selection is a feed of config.yaml.
type Selection struct {
	Path                         string // its folder below the site's address
	Title, Description, Language string
	Select                       newsletter.Selection
	Items                        int
	Full                         bool
}

// Report says what was built.
type Report struct {
	Dir      string   `json:"dir"`
	Feeds    int      `json:"feeds"`              // that there are
	Items    int      `json:"items"`              // articles in the site's feed
	Written  []string `json:"written"`            // files whose bytes changed
	Removed  []string `json:"removed,omitempty"`  // files of feeds that are no more
	Held     []Hold   `json:"held,omitempty"`     // feeds that stay as they are until they are accepted
	Problems []string `json:"problems,omitempty"` // articles that went out without their body, documents that were kept back
	Error    string   `json:"error,omitempty"`    // they could not be built; those of before stay
}

// Hold is a feed that would lose most of what it has, or give its articles other ids.
type Hold struct {
	File   string `json:"file"`   // its RSS document
	Reason string `json:"reason"` // what would happen
}

// Builder builds the feeds of a site. Its methods may be called concurrently.
type Builder struct {
	o         Options
	private   map[string]bool // the newsletters that no file names
	pages     []string        // all others: they have pages for everybody
	most      int             // pages in one file of a sitemap
	atOnce    int             // pages that each build lists anew
	building  sync.Mutex
	last      memory
	catalogue atomic.Pointer[Catalogue]
}

// New returns a builder. Nothing is read or written yet.
func New(o Options) *Builder {
	if o.Archives == "" {
		o.Archives = ArchivesMain
	}
	b := &Builder{private: map[string]bool{}, most: SitemapPages, atOnce: pagesAtOnce}
	for _, n := range o.Newsletters {
		if n.Archive == newsletter.ArchivePrivate {
			b.private[n.Name] = true
		} else {
			b.pages = append(b.pages, n.Name)
		}
	}
	// Issues that not everybody may read are in no feed.
	o.Newsletters = slices.DeleteFunc(slices.Clone(o.Newsletters), func(n newsletter.Newsletter) bool { return n.Archive != newsletter.ArchivePublic })
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b.o = o
	return b
}

// newslettersFolder is where the feeds of newsletters are.
const newslettersFolder = "newsletters"

// NewCatalogue makes a catalogue of the feeds.
func NewCatalogue(list []Feed, moved map[string]string, gone []string) *Catalogue {
	return (&Catalogue{Feeds: list, Moved: moved, Gone: gone}).index()
}

// served is the catalogue of what a build left. The feeds of private newsletters are gone
// for who asks for them, but stand in no list.
func (b *Builder) served(s *state) *Catalogue {
	c := s.catalogue()
	if len(b.private) == 0 {
		return c
	}
	gone := slices.Clone(c.Gone)
	for name := range b.private {
		gone = append(gone, newslettersFolder+"/"+name)
	}
	slices.Sort(gone)
	return NewCatalogue(c.Feeds, c.Moved, slices.Compact(gone))
}

// Catalogue returns the feeds as they were built last, by this process or one
// before; only the site's, if there was no build yet.
func (b *Builder) Catalogue() *Catalogue {
	if c := b.catalogue.Load(); c != nil {
		return c
	}
	var c *Catalogue
	if s, err := readState(b.o.Dir); err == nil && s.Revision == revision {
		c = b.served(s)
	} else {
		c = NewCatalogue([]Feed{b.siteSpec().info()}, b.o.Moved, nil)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			b.o.Log.Debug("the state of the feeds could not be read", "error", err)
		}
	}
	b.catalogue.CompareAndSwap(nil, c)
	return b.catalogue.Load()
}
