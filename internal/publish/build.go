package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"syndicate/internal/store"
)

// Build brings public/ up to date. When nothing changed since the last build and
// its files stand, it does nothing. Feeds that would lose most of what they have
// are held, see hold.go.
func (b *Builder) Build(ctx context.Context) (Report, error) { return b.build(ctx, false) }

// Accept is Build that holds nothing.
func (b *Builder) Accept(ctx context.Context) (Report, error) { return b.build(ctx, true) }

func (b *Builder) build(ctx context.Context, accept bool) (Report, error) {
	r := Report{Dir: b.o.Dir}
	if r.Dir == "" {
		return r, nil
	}
	b.building.Lock()
	defer b.building.Unlock()
	if st, err := os.Stat(r.Dir); err == nil && !st.IsDir() {
		return r, fmt.Errorf("%s is a file, not a folder; feeds.dir in config.yaml names the folder", r.Dir)
	}
	old := b.last.load(r.Dir)
	settings, err := b.settingsPrint()
	if err != nil {
		return r, err
	}
	made, err := b.samplesPrint(ctx)
	if err != nil {
		return r, err
	}
	// The version is read before the articles: what changes in between is built
	// again next time, never missed.
	version, err := b.o.Store.ArticlesVersion(ctx)
	if err != nil {
		return r, err
	}
	letters, issues, err := b.sentIssues(ctx)
	if err != nil {
		return r, err
	}
	p := &plan{
		old: old, letters: letters, touched: map[int64]bool{}, forced: map[int64]bool{}, damaged: damagedFiles(r.Dir, old.Files),
		// A version of earlier than the last build's: the database was restored.
		trusted: old.Revision == revision && old.Site == b.o.Store.SiteID() && old.Settings == settings && old.Samples == made && old.Version <= version,
	}
	p.broken = placesOf(p.damaged)
	p.lists = b.listingDue(old.Listed)
	listed := old.Listed.Version == version && old.Listed.Issues == issues
	idle := old.Version == version && old.Issues == issues && len(p.damaged) == 0 && (listed || !p.lists)
	if p.trusted && idle && !(accept && old.holds()) {
		b.catalogue.CompareAndSwap(nil, b.served(old))
		r.count(old)
		return r, nil
	}
	if p.trusted {
		if p.trusted, err = b.follow(ctx, p); err != nil {
			return r, err
		}
	}
	if !p.trusted {
		p.feeds, p.kept = nil, nil
		if err := b.walk(ctx, p); err != nil {
			return r, err
		}
	}
	if !accept {
		if err := b.hold(ctx, p, settings); err != nil {
			return r, err
		}
	}
	next := &state{Revision: revision, Site: b.o.Store.SiteID(), Settings: settings, Samples: made, Version: version, Issues: issues, Listed: old.Listed, Moved: b.o.Moved}
	p.lists = p.lists || !p.trusted || damagedSitemap(p.damaged)
	if err := b.settle(ctx, p); err != nil {
		return r, err
	}
	if err := b.make(ctx, p, next, &r); err != nil {
		return r, err
	}
	b.catalogue.Store(b.served(next))
	r.count(next)
	return r, nil
}

// count says what there is.
func (r *Report) count(s *state) {
	r.Feeds = len(s.Feeds)
	for i := range s.Feeds {
		f := &s.Feeds[i]
		if f.Kind == Site {
			r.Items = f.Items
		}
		if f.Held != "" {
			r.Held = append(r.Held, Hold{f.File(RSS), f.Held})
		}
	}
}

// Held returns the feeds that the last build held.
func (b *Builder) Held() []Hold {
	if b.o.Dir == "" {
		return nil
	}
	var r Report
	r.count(b.last.load(b.o.Dir))
	return r.Held
}

// Standing reports whether the site's own feeds are as they were left, which
// costs little: somebody may have emptied the folder.
func (b *Builder) Standing() bool {
	if b.o.Dir == "" {
		return true
	}
	s := b.last.load(b.o.Dir)
	for _, format := range Formats {
		name := (&Feed{}).File(format)
		if f, ok := s.Files[name]; !ok || !f.stands(b.o.Dir, name) {
			return false
		}
	}
	return true
}

// settle gives the feeds their places, closes pages of archives, and finds the
// documents to be made.
func (b *Builder) settle(ctx context.Context, p *plan) error {
	if err := b.places(ctx, p); err != nil {
		return err
	}
	known := map[key]*feedState{}
	for i := range p.old.Feeds {
		f := &p.old.Feeds[i]
		known[key{f.Kind, fold(f.Label)}] = f
	}
	slices.SortFunc(p.feeds, func(x, y *feed) int { return x.compare(y.spec) })
	for _, f := range p.feeds {
		f.old = known[f.key]
		var err error
		if f.head, err = printOf(f.row.ID, f.info(), f.full); err != nil {
			return err
		}
		if err := b.fill(ctx, f); err != nil {
			return err
		}
		f.state = feedState{Feed: f.info(), Head: f.head, Print: listPrint(f.head+strconv.Itoa(len(f.row.Pages)), false, f.list)}
		f.state.Items = len(f.list)
		for _, x := range f.list {
			f.state.Seqs = append(f.state.Seqs, x.Seq)
		}
		if f.old == nil || f.old.Print != f.state.Print || p.forces(f, 0, f.list) {
			p.docs = append(p.docs, &document{feed: f, stamps: f.list})
		} else {
			f.state.Updated = f.old.Updated
		}
	}
	for _, f := range p.feeds { // behind all others: their articles are mostly in none of those
		if err := b.archived(p, f); err != nil {
			return err
		}
	}
	return nil
}

// legacyKey is where versions before this one kept the id of the site's feed.
const legacyKey = "published feeds"

// places looks up where feeds stand, and gives new ones their places.
func (b *Builder) places(ctx context.Context, p *plan) error {
	rows, err := b.o.Store.Feeds(ctx)
	if err != nil {
		return err
	}
	standing := map[key]bool{}
	for _, f := range p.kept {
		standing[key{f.Kind, fold(f.Label)}] = true
	}
	for _, f := range p.feeds {
		standing[f.key] = true
	}
	known := map[key]bool{}
	var fresh []store.NewFeed
	var back, gone []string
	for _, row := range rows {
		k := key{Kind(row.Kind), row.Label}
		known[k] = true
		switch {
		case standing[k] && row.Gone:
			back = append(back, row.Path)
		case !standing[k] && !row.Gone:
			gone = append(gone, row.Path)
		}
	}
	// In one order, whatever the order in which they were found: it decides who gets which place.
	slices.SortFunc(p.feeds, func(x, y *feed) int { return strings.Compare(x.want+"\x00"+x.label, y.want+"\x00"+y.label) })
	for _, f := range p.feeds {
		if known[f.key] {
			continue
		}
		id, err := b.newID(ctx, f.spec)
		if err != nil {
			return err
		}
		fresh = append(fresh, store.NewFeed{Kind: string(f.kind), Label: f.label, Path: f.want, ID: id})
	}
	if len(fresh)+len(back)+len(gone) > 0 {
		if rows, err = b.o.Store.KeepFeeds(ctx, fresh, back, gone, b.o.Now()); err != nil {
			return err
		}
	}
	byKey := make(map[key]store.Feed, len(rows))
	for _, row := range rows {
		byKey[key{Kind(row.Kind), row.Label}] = row
		if row.Gone && !(Kind(row.Kind) == Newsletter && b.private[row.Label]) {
			p.gone = append(p.gone, row.Path)
		}
	}
	slices.Sort(p.gone)
	for _, f := range p.feeds {
		f.row = byKey[f.key]
		f.path = f.row.Path
	}
	return nil
}

// newID mints the id of a feed, the same for a store that is made anew. The site's
// may be known already.
func (b *Builder) newID(ctx context.Context, s *spec) (string, error) {
	name := b.o.Site.URL + "\x00feed"
	if s.kind != Site {
		name += "\x00" + string(s.kind) + "\x00" + s.label
	}
	id := "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
	if s.kind != Site {
		return id, nil
	}
	value, err := b.o.Store.Value(ctx, legacyKey)
	if errors.Is(err, store.ErrNotFound) || err == nil && value == nil {
		return id, nil
	}
	if err != nil {
		return "", err
	}
	var legacy struct {
		FeedID string `json:"feed_id"`
	}
	if err := json.Unmarshal(value, &legacy); err != nil || legacy.FeedID == "" {
		return id, nil //nolint:nilerr // what cannot be read is not worth a failure: the id is minted as it was
	}
	return legacy.FeedID, nil
}

// make makes the documents, takes away what is no more, and remembers it all.
func (b *Builder) make(ctx context.Context, p *plan, next *state, r *Report) error {
	w := newWriter(b.o.Dir, p, b.o.Compressed)
	if err := w.restore(p.kept); err != nil {
		return err
	}
	if err := b.documents(ctx, p, next, w, r); err != nil {
		return err
	}
	next.Gone = p.gone
	for _, f := range p.kept {
		next.Feeds = append(next.Feeds, *f)
	}
	for _, f := range p.feeds {
		next.Feeds = append(next.Feeds, f.state)
	}
	slices.SortFunc(next.Feeds, func(x, y feedState) int {
		return (&spec{key: key{kind: x.Kind}, path: x.Path}).compare(&spec{key: key{kind: y.Kind}, path: y.Path})
	})
	if err := b.static(ctx, p, next, w, r); err != nil {
		return err
	}
	if err := w.sweep(next); err != nil {
		return err
	}
	next.Files = w.files
	r.Written, r.Removed = w.written, w.removed
	if err := b.announce(ctx, next); err != nil {
		return err
	}
	return b.last.save(b.o.Dir, next)
}

// announce tells what the documents hold.
func (b *Builder) announce(ctx context.Context, next *state) error {
	if b.o.Announce == nil {
		return nil
	}
	c := next.catalogue()
	hashes := make(map[string]string, len(Formats)*len(c.Feeds))
	for d := range c.Documents() {
		hashes[d.File()] = next.Files[d.File()].Hash
	}
	if err := b.o.Announce(ctx, c, hashes); err != nil {
		return fmt.Errorf("announcing the feeds: %w", err)
	}
	return nil
}

// place is where a document stands: in the folder of its feed, as a page of the
// archive, or as what people subscribe to (0).
type place struct {
	folder string
	page   int
}

// placesOf returns the documents that some files are, twins included.
func placesOf(names map[string]bool) map[place]bool {
	out := make(map[place]bool, len(names))
	for name := range names {
		if at, ok := placeOf(plainName(name)); ok {
			out[at] = true
		}
	}
	return out
}

// plainName is the document of which a file may be a compressed twin.
func plainName(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".br")
}

// placeOf returns the document that a file is; false: it is none.
func placeOf(name string) (place, bool) {
	folder, file := path.Split(name)
	folder = strings.TrimSuffix(folder, "/")
	stem, _, _ := strings.Cut(file, ".")
	if stem == "feed" {
		return place{folder, 0}, true
	}
	if n, err := strconv.Atoi(stem); err == nil && path.Base(folder) == archiveFolder {
		return place{strings.TrimSuffix(strings.TrimSuffix(folder, archiveFolder), "/"), n}, true
	}
	return place{}, false
}
