package publish

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"syndicate/internal/feeds"
)

// documents makes the documents of the plan and writes them. It notes who links to
// which files, and whose entries are not as they ought to be.
func (b *Builder) documents(ctx context.Context, p *plan, next *state, w *writer, r *Report) error {
	e := &encoder{b: b, plan: p, rendered: map[int64]bool{}, links: map[string][]int64{}, flawed: map[int64]bool{}}
	for _, d := range p.docs {
		e.total += len(d.stamps)
	}
	for docs := p.docs; len(docs) > 0; {
		var now []*document
		now, docs = wave(docs)
		if err := b.wave(ctx, e, w, now); err != nil {
			return err
		}
	}
	slices.Sort(e.problems)
	r.Problems = append(r.Problems, e.problems...)
	var links map[string][]int64
	var flawed []int64
	if p.trusted {
		links, flawed = p.old.Links, p.old.Flawed
	}
	next.Links = mergeLinks(links, e.rendered, e.links)
	next.Flawed = mergeFlawed(flawed, e.rendered, e.flawed)
	return nil
}

// wave encodes and writes some documents.
func (b *Builder) wave(ctx context.Context, e *encoder, w *writer, docs []*document) error {
	if err := w.folder(); err != nil {
		return err
	}
	e.spool = &spool{dir: b.o.Dir}
	defer e.spool.close()
	e.entries = map[entryKey]spooled{}
	if err := e.encode(ctx, docs); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, d := range docs {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return b.write(e, w, d)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, d := range docs {
		switch f := &d.feed.state; {
		case d.page > 0:
			if d.back {
				f.Archived[d.page-1] = ""
			}
		default:
			f.Updated = d.updated
			if d.back {
				f.Print = ""
			}
		}
	}
	return nil
}

// write writes a document in all formats. One that breaks the rules is kept back:
// readers keep the good one that is there.
func (b *Builder) write(e *encoder, w *writer, d *document) (err error) {
	var in []spooled
	var ids []string
	for _, k := range d.keysOf() {
		x, ok := e.entries[k]
		if !ok {
			continue // taken away meanwhile, or left out
		}
		in = append(in, x)
		ids = append(ids, x.id)
		if x.updated.After(d.updated) {
			d.updated = x.updated
		}
	}
	head := b.head(d)
	entries := make([]feeds.Entry, len(in))
	for n, format := range feeds.Formats() {
		size := 0
		for i := range in {
			size += in[i].size[n]
		}
		buf := make([]byte, 0, size)
		for i := range in {
			from := len(buf)
			if buf, err = e.piece(buf, &in[i], n); err != nil {
				return err
			}
			piece := buf[from:]
			x := feeds.Entry{Updated: in[i].updated, Signed: in[i].signed}
			switch Formats[n] {
			case RSS:
				x.RSS = piece
			case Atom:
				x.Atom = piece
			case JSON:
				x.JSON = piece
			}
			entries[i] = x
		}
		doc := Document{Feed: &d.feed.state.Feed, Format: Formats[n], Page: d.page}
		name := doc.File()
		data, err := format.Render(head, entries)
		if err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
		if err := b.sound(doc, format, head, ids, data); err != nil {
			e.problem(fmt.Sprintf("%s is not published, the one of before stays: %v", name, err))
			d.back = true
			continue
		}
		if err := w.put(name, data); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}

// head is what a document says of itself.
func (b *Builder) head(d *document) feeds.Feed {
	f := d.feed
	info := f.state.Feed
	at := func(page int) string { // without its ending
		doc := Document{Feed: &info, Format: RSS, Page: page}.URL(b.o.Site.URL)
		return doc[:len(doc)-len(".rss")]
	}
	h := feeds.Feed{
		ID: f.row.ID, Title: info.Title, Description: info.Description, Language: info.Language, HomeURL: info.Home,
		Author: b.o.Site.Author, Copyright: b.o.Site.Copyright, Icon: b.siteFile(b.o.Site.Icon), Logo: b.siteFile(b.o.Site.Logo),
		License: b.o.Site.License, Self: at(d.page), Hubs: f.hubs,
	}
	if p := b.o.Site.Podcast; p != nil && f.kind != Newsletter {
		podcast := *p
		podcast.Image = b.siteFile(podcast.Image)
		h.Podcast = &podcast
	}
	switch {
	case d.page == 0 && info.Pages > 0:
		h.Pages.PrevArchive = at(info.Pages)
	case d.page > 0:
		h.Hubs = nil // archives do not change: there is nothing to be told of
		// RFC 5005 marks archives for readers that come from elsewhere. A page that is
		// the only one has no neighbours to lead them to, and validators call it incomplete
		// with the mark; it gets one with its neighbour. What it is its link says.
		h.Pages.Archive, h.Pages.Current = info.Pages > 1, at(0)
		if d.page > 1 {
			h.Pages.PrevArchive = at(d.page - 1)
		}
		if d.page < info.Pages {
			h.Pages.NextArchive = at(d.page + 1)
		}
	}
	return h
}

// siteFile makes a path of the site absolute; empty stays empty.
func (b *Builder) siteFile(ref string) string {
	if ref != "" && ref[0] == '/' {
		return b.o.Site.URL + ref
	}
	return ref
}
