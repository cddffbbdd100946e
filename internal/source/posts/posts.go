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
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/source"
	"syndicate/internal/source/remote"
)

// Options configures a Reader.
type Options struct {
	URL    string // of the site
	Key    string // of Ghost's Content API
	Client *fetch.Client
	Now    func() time.Time // nil: time.Now
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

// api is one kind of site.
type api interface {
	page(ctx context.Context, m *memory, q query) (*page, error)
}

// query is what a page is asked for by. Pages are in the order of publication, newest
// first, but for those of changes, which are in the order of these.
type query struct {
	number int       // from 1
	size   int       // posts on the page
	since  time.Time // changed then or later; zero: all
	ids    []string  // only those; nil: all
	idOnly bool
	byID   bool // in the order of ids, which no two posts share, where the site can
	have   fetch.Validators
}

// page is what came.
type page struct {
	posts       []post
	total       int // posts of the site that fit the query
	last        bool
	notModified bool
	validators  fetch.Validators
	fresh       time.Duration
}

// post is one of a site's.
type post struct {
	item    remote.Item // nothing but its ID, if only that was asked for
	changed time.Time
	hidden  bool // nobody may read it who has no password
}

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

// reading is one Read.
type reading struct {
	*Reader
	m      *memory
	now    time.Time
	posts  []post
	text   int // bytes of them
	ids    map[string]bool
	hidden map[string]bool
	fresh  time.Duration
	cut    bool // there are more posts than are taken
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

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[s] = true
	}
	return set
}

// everything reads all posts.
func (x *reading) everything(ctx context.Context) (*remote.Answer, error) {
	x.ids, x.hidden = map[string]bool{}, map[string]bool{}
	total, moved := 0, false
	for number := 1; ; number++ {
		p, err := x.api.page(ctx, x.m, query{number: number, size: pageSize})
		if moved = moved || errors.Is(err, errMoved); err != nil && !moved {
			return nil, err
		} else if err != nil {
			break
		}
		x.take(p.posts)
		moved = moved || number > 1 && p.total != total
		x.fresh, total = max(x.fresh, p.fresh), p.total
		if p.last {
			break
		}
		if len(x.posts) >= MaxPosts || x.text >= maxText {
			x.cut = true
			break
		}
	}
	x.m.Changes, x.m.Newest = fetch.Validators{}, fetch.Validators{}
	x.m.Total = total
	if x.cut || moved || len(x.ids) != total { // some came or went meanwhile
		read := x.ids
		if err := x.listAll(ctx); err != nil {
			return nil, err
		}
		if !x.cut {
			if err := x.strange(ctx, read); err != nil {
				return nil, err
			}
		}
	}
	x.m.Listed, x.m.Off = x.now, x.m.Total-len(x.ids)
	return x.answer(false, true), nil
}

// changes reads the posts that are new or changed.
func (x *reading) changes(ctx context.Context) (*remote.Answer, error) {
	since := x.m.Mark.Add(-overlap).UTC().Truncate(time.Second)
	before, total := x.m.Mark, 0
	for number := 1; ; number++ {
		q := query{number: number, size: pageSize, since: since}
		if number == 1 {
			q.have = x.m.Changes
		}
		p, err := x.api.page(ctx, x.m, q)
		if err != nil {
			return nil, err
		}
		if number == 1 {
			x.m.Changes, x.fresh = p.validators, p.fresh
		} else if p.total < total { // one may have moved to a page that was read before
			return nil, errMoved
		}
		total = p.total
		i := slices.IndexFunc(p.posts, func(p post) bool { return p.changed.Before(since) })
		if i >= 0 { // it does not know the parameter, or rounds
			p.posts = p.posts[:i]
		}
		x.take(p.posts)
		if i >= 0 || p.last || p.notModified || len(x.posts) >= MaxPosts || x.text >= maxText {
			break
		}
	}
	if !x.m.Mark.Equal(before) {
		x.m.Changes = fetch.Validators{} // another request next time
	}
	listed, err := x.newest(ctx)
	if err != nil {
		return nil, err
	}
	return x.answer(true, listed), nil
}

// newest looks at the newest posts and at how many there are. It reports whether all
// ids were listed then.
func (x *reading) newest(ctx context.Context) (listed bool, err error) {
	p, err := x.api.page(ctx, x.m, query{number: 1, size: idsSize, idOnly: true, have: x.m.Newest})
	if err != nil {
		return false, err
	}
	x.m.Newest = p.validators
	if !p.notModified {
		x.m.Total = p.total
		if err := x.unknown(ctx, idsOf(p.posts)); err != nil {
			return false, err
		}
	}
	if x.m.Total == len(x.ids)+x.m.Off && x.now.Sub(x.m.Listed) < listing {
		return false, nil
	}
	known := maps.Clone(x.ids)
	if err := x.listAll(ctx); err != nil {
		return false, err
	}
	x.m.Listed, x.m.Off = x.now, x.m.Total-len(x.ids)
	return true, x.strange(ctx, known)
}

// strange reads the posts on the list that are not among those known.
func (x *reading) strange(ctx context.Context, known map[string]bool) error {
	return x.read(ctx, slices.DeleteFunc(slices.Sorted(maps.Keys(x.ids)), func(id string) bool { return known[id] }))
}

// listAll lists the ids of all posts. A list that may lack some is not believed: they
// would be unpublished.
func (x *reading) listAll(ctx context.Context) error {
	var before map[string]bool
	for range maxLists {
		ids, total, err := x.list(ctx)
		switch {
		case errors.Is(err, errMoved):
			continue
		case err != nil:
			return err
		case len(ids) == total || before != nil && maps.Equal(ids, before):
			x.ids, x.m.Total = ids, total
			return nil
		}
		before = ids
	}
	return errMoved
}

// list lists the ids of all posts once.
func (x *reading) list(ctx context.Context) (ids map[string]bool, total int, err error) {
	ids = map[string]bool{}
	for number := 1; ; number++ {
		p, err := x.api.page(ctx, x.m, query{number: number, size: idsSize, idOnly: true, byID: true})
		if err != nil {
			return nil, 0, err
		}
		if number > 1 && p.total != total {
			return nil, 0, errMoved
		}
		total = p.total
		for _, id := range idsOf(p.posts) {
			ids[id] = true
		}
		if p.last {
			return ids, total, nil
		}
		if number == maxPages {
			return nil, 0, fmt.Errorf("it has more than %d posts", maxPages*idsSize)
		}
	}
}

func idsOf(list []post) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].item.ID
	}
	return ids
}

// unknown reads those of some posts that nobody knows.
func (x *reading) unknown(ctx context.Context, ids []string) error {
	return x.read(ctx, slices.DeleteFunc(ids, func(id string) bool { return x.ids[id] }))
}

// read reads posts by their ids.
func (x *reading) read(ctx context.Context, ids []string) error {
	if x.cut = x.cut || len(ids) > MaxPosts; x.cut {
		ids = ids[:min(len(ids), MaxPosts)]
	}
	for some := range slices.Chunk(ids, pageSize) {
		p, err := x.api.page(ctx, x.m, query{number: 1, size: pageSize, ids: some})
		if err != nil {
			return err
		}
		x.take(p.posts)
	}
	return nil
}

// take notes posts that came.
func (x *reading) take(list []post) {
	for _, p := range list {
		id := p.item.ID
		x.ids[id] = true
		delete(x.hidden, id)
		if p.hidden {
			x.hidden[id] = true
		}
		// A date far ahead of all others would hide every change until then.
		if p.changed.After(x.m.Mark) && p.changed.Before(x.now.Add(ahead)) {
			x.m.Mark = p.changed
		}
		x.text += len(p.item.Article.Body)
		x.posts = append(x.posts, p)
	}
}

// answer puts together what was read. What came twice, because pages moved meanwhile,
// is taken as it came last.
func (x *reading) answer(partial, listed bool) *remote.Answer {
	a := &remote.Answer{Partial: partial, Fresh: x.fresh}
	at := map[string]int{}
	for _, p := range x.posts {
		id := p.item.ID
		switch i, twice := at[id]; {
		case p.hidden:
			a.Deleted = append(a.Deleted, id)
		case twice:
			a.Items[i] = p.item
		default:
			at[id] = len(a.Items)
			a.Items = append(a.Items, p.item)
		}
	}
	maps.DeleteFunc(x.hidden, func(id string, _ bool) bool { return !x.ids[id] })
	if listed {
		a.All = []string{}
		for _, id := range slices.Sorted(maps.Keys(x.ids)) {
			if !x.hidden[id] {
				a.All = append(a.All, id)
			}
		}
	}
	if x.cut {
		a.Problems = append(a.Problems, source.Problem{
			Message: fmt.Sprintf("it has %d posts; the newest %d are taken", x.m.Total, len(a.Items)), Warning: true,
		})
	}
	a.Unchanged = partial && !listed && len(a.Items)+len(a.Deleted) == 0
	x.m.IDs, x.m.Hidden = slices.Sorted(maps.Keys(x.ids)), slices.Sorted(maps.Keys(x.hidden))
	if x.m.Mark.IsZero() {
		x.m.Mark = x.now.UTC() // there is nothing yet
	}
	var err error
	if a.Memory, err = json.Marshal(x.m); err != nil { // there is nothing in it that cannot be
		a.Memory = nil
	}
	return a
}

// errMoved means that posts came or went while pages were read.
var errMoved = errors.New("its posts came and went while they were listed")

// errNoJSON means that something else answered than the API.
var errNoJSON = errors.New("the answer is not what the API of such a site answers")

// get asks for a page, and reads it into v. Where nothing changed, v stays as it is.
func (o *Options) get(ctx context.Context, r fetch.Request, v any) (*page, http.Header, error) {
	resp, err := o.Client.Do(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if !resp.NotModified {
		if err := json.Unmarshal(resp.Body, v); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errNoJSON, err)
		}
	}
	return &page{notModified: resp.NotModified, validators: resp.Validators, fresh: fetch.Fresh(resp.Header, o.now())}, resp.Header, nil
}

func (o *Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// status returns the code of an answer that is no success, 0: it is none.
func status(err error) int {
	if s, ok := errors.AsType[*fetch.StatusError](err); ok {
		return s.Code
	}
	return 0
}
