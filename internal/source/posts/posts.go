// Package posts reads sites that list their posts through an API, page by page:
// WordPress and Ghost. Their ids last, so what they have can be compared with what is
// known; what all sources elsewhere have in common, remote sees to.
//
// The procedure of a Read:
//
//   - At first, and when everything is wanted, all posts are read, the newest first.
//   - Later only those that changed since the newest change that is known, and a while
//     before it: posts that were saved in one moment, or a clock that was set back,
//     lose nothing then. The request is the same until something changes, so it is
//     made with the validators of the last answer.
//   - The newest ids, with the number of all posts, show what that does not: posts that
//     came out without being changed (they were scheduled), and that some are gone.
//   - If the number is not what it should be, and once a day, the ids of all posts are
//     listed: only that tells which ones are gone. Posts with ids that nobody knows are
//     asked for by these. As posts that come and go move the pages, a list is believed
//     if it has as many ids as there are posts, or is twice the same.
//
// What cannot be read to its end is an error, and changes nothing.
package posts

import (
	"context"
	"encoding/json"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/source/remote"
)

// Options configures a Reader.
type Options struct {
	URL    string // of the site
	Key    string // of Ghost's Content API
	Client *fetch.Client
	Now    func() time.Time // nil: time.Now
}

func (o *Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// MaxPosts is how many posts of a site are taken, the newest.
const MaxPosts = 10_000

// What bounds a Read.
const (
	pageSize = 50               // posts on a page
	idsSize  = 100              // ids on a page; Ghost gives no more
	maxPages = 1000             // of ids
	maxLists = 4                // of all ids, until one is believed
	maxText  = 256 << 20        // bytes of all posts
	readTime = 10 * time.Minute // for everything
	overlap  = 2 * time.Hour    // of what is asked for with what is known
	ahead    = 24 * time.Hour   // by which a change may seem to be in the future
	listing  = 24 * time.Hour   // between two listings of all ids
)

// Reader reads the posts of a site. It is safe for concurrent use.
type Reader struct {
	o   Options
	api api
}

// NewWordPress returns the Reader of a WordPress site.
func NewWordPress(o Options) *Reader { return newReader(o, &wordpress{o}) }

// NewGhost returns the Reader of a Ghost site.
func NewGhost(o Options) *Reader { return newReader(o, &ghost{o}) }

func newReader(o Options, a api) *Reader { return &Reader{o, a} }

// memory is what a Read leaves for the next one.
type memory struct {
	Asked  string    `json:"asked"`          // Options.URL
	Root   string    `json:"root,omitempty"` // of the API, where it was found
	Mark   time.Time `json:"mark,omitzero"`  // the newest change that is known
	Listed time.Time `json:"listed,omitzero"`
	IDs    []string  `json:"ids,omitempty"`    // of all posts, sorted
	Hidden []string  `json:"hidden,omitempty"` // those among them that nobody may read

	Changes fetch.Validators `json:"changes"` // of the first page of changes since Mark
	Newest  fetch.Validators `json:"newest"`  // of the page of the newest ids
	Total   int              `json:"total,omitempty"`
	Off     int              `json:"off,omitempty"` // by which Total was wrong when all were listed
}

// Read implements remote.Reader.
func (r *Reader) Read(ctx context.Context, last json.RawMessage, whole bool) (*remote.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	var m memory
	if json.Unmarshal(last, &m) != nil || m.Asked != r.o.URL {
		m = memory{Asked: r.o.URL}
	}
	x := &reading{Reader: r, m: &m, now: r.o.now(), ids: setOf(m.IDs), hidden: setOf(m.Hidden)}
	if whole || m.Mark.IsZero() {
		return x.everything(ctx)
	}
	return x.changes(ctx)
}
