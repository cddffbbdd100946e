package publish

import (
	"context"
	"maps"
	"slices"

	"syndicate/internal/store"
)

// mostChanges is how many changed articles are followed one by one; after more of
// them everything is looked at.
const mostChanges = 2000

// feed is a feed that may look different now.
type feed struct {
	*spec
	row   store.Feed    // its place, its id and the pages of its archive
	list  []store.Stamp // what the subscription documents hold, newest first
	old   *feedState    // nil: it is new
	state feedState     // what will be remembered
	head  string        // fingerprint of what the documents say of the feed itself

	letters []issue // of a newsletter's feed: all there are, newest first

	// members returns the articles of the feed with seqs above after and up to
	// through (0: open), newest first.
	members func(after, through int64) ([]store.Stamp, error)
}

// plan is what a build has to do.
type plan struct {
	old     *state
	trusted bool               // old holds for all feeds that are not looked at
	feeds   []*feed            // to be looked at
	kept    []*feedState       // that stay as they are
	touched map[int64]bool     // articles that changed
	forced  map[int64]bool     // articles whose entries may differ though they did not change
	damaged map[string]bool    // files that are not as they were left
	broken  map[place]bool     // the documents that they are
	letters map[string][]issue // the issues that are out, newest first, by newsletter
	gone    []string           // folders of feeds that are no more
	docs    []*document        // to be made anew
	lists   bool               // the sitemap is to be made anew
}

// holds reports whether one of the articles may look different.
func (p *plan) holds(seqs []int64) bool {
	return slices.ContainsFunc(seqs, func(seq int64) bool { return p.touched[seq] || p.forced[seq] })
}

// follow finds the feeds that may look different from what changed since the last
// build. False: too much did.
func (b *Builder) follow(ctx context.Context, p *plan) (bool, error) {
	changed, err := b.o.Store.ChangedArticles(ctx, p.old.Version, mostChanges+1)
	if err != nil || len(changed) > mostChanges {
		return false, err
	}
	names := map[key]string{} // of the feeds to look at
	for i := range changed {
		c := &changed[i]
		p.touched[c.Seq] = true
		for _, seq := range p.old.Links[fileKey(&c.Article)] {
			p.forced[seq] = true
		}
		if c.Public {
			eachLabel(&c.Article, func(kind Kind, name string) { names[key{kind, fold(name)}] = name })
		}
	}
	fixed := map[key]*spec{}
	for _, s := range b.fixed() {
		fixed[s.key] = s
		if s.kind == Newsletter || slices.ContainsFunc(changed, func(c store.Changed) bool { return c.Public && s.sel.Matches(&c.Article) }) {
			names[s.key] = s.name
		}
	}
	damaged := map[string]bool{}
	for at := range p.broken {
		damaged[at.folder] = true
	}
	for i := range p.old.Feeds {
		f := &p.old.Feeds[i]
		k := key{f.Kind, fold(f.Label)}
		// What left an archive is not in f.Seqs: archives are always looked at.
		if f.Kind != Newsletter && p.holds(f.Seqs) || f.Pages > 0 && len(p.touched)+len(p.forced) > 0 || damaged[f.Path] || f.Held != "" {
			names[k] = f.Label
		} else if _, ok := names[k]; !ok {
			p.kept = append(p.kept, f)
		}
	}
	for k, name := range names {
		s := fixed[k]
		if s == nil {
			if name, err = b.nameOf(ctx, k, name); err != nil {
				return false, err
			}
			if name == "" {
				continue // no article has that label any more
			}
			s = b.labelSpec(k.kind, name)
		}
		f, err := b.asked(ctx, s, p)
		if err != nil {
			return false, err
		}
		if len(f.list) > 0 || fixed[k] != nil {
			p.feeds = append(p.feeds, f)
		}
	}
	return true, nil
}

// nameOf returns how a label is written: as the first of its spellings; empty: no
// public article has it.
func (b *Builder) nameOf(ctx context.Context, k key, name string) (string, error) {
	switch k.kind {
	case Tag, Author, Section:
		l, err := b.o.Store.LabelOf(ctx, string(k.kind), k.label)
		return l.Name, err
	}
	return name, nil // languages have one spelling
}

// asked returns a feed with the list that the store gives.
func (b *Builder) asked(ctx context.Context, s *spec, p *plan) (*feed, error) {
	if s.kind == Newsletter {
		return lettersFeed(s, p.letters[s.name]), nil
	}
	q := store.ArticleQuery{Select: s.sel, Limit: s.items}
	list, err := b.o.Store.Stamps(ctx, q)
	return &feed{spec: s, list: list, members: func(after, through int64) ([]store.Stamp, error) {
		return b.o.Store.Stamps(ctx, store.ArticleQuery{Select: s.sel, After: after, Through: through})
	}}, err
}

// walk finds all feeds and their lists by looking at every article.
func (b *Builder) walk(ctx context.Context, p *plan) error {
	all := map[key]*feed{}
	whole := map[*feed]*[]store.Stamp{} // of the feeds with archives
	add := func(s *spec) *feed {
		f := &feed{spec: s}
		if all[s.key] = f; s.archive {
			whole[f] = new([]store.Stamp)
		}
		return f
	}
	var fixed []*feed
	for _, s := range b.fixed() {
		if s.kind == Newsletter {
			all[s.key] = lettersFeed(s, p.letters[s.name])
			continue
		}
		fixed = append(fixed, add(s))
	}
	put := func(f *feed, x store.Stamp) {
		if n := len(f.list); n > 0 && f.list[n-1].Seq == x.Seq {
			return // two spellings of one label
		}
		if len(f.list) < f.items {
			f.list = append(f.list, x)
		}
		if list := whole[f]; list != nil && (len(*list) == 0 || (*list)[len(*list)-1].Seq != x.Seq) {
			*list = append(*list, x)
		}
	}
	err := b.o.Store.WalkArticles(ctx, func(x *store.Labelled) bool {
		for _, f := range fixed {
			if f.sel.Matches(&x.Article) {
				put(f, x.Stamp)
			}
		}
		eachLabel(&x.Article, func(kind Kind, name string) {
			k := key{kind, fold(name)}
			f := all[k]
			if f == nil {
				f = add(b.labelSpec(kind, name))
			} else if name < f.name && kind != Language {
				f.spec = b.labelSpec(kind, name)
			}
			put(f, x.Stamp)
		})
		return ctx.Err() == nil
	})
	if err = firstError(err, ctx.Err()); err != nil {
		return err
	}
	for f, list := range whole {
		f.members = membersOf(*list)
	}
	p.feeds = slices.Collect(maps.Values(all))
	return nil
}

func firstError(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// membersOf answers for a list that is in memory, in the list's order.
func membersOf(list []store.Stamp) func(after, through int64) ([]store.Stamp, error) {
	bySeq := slices.Clone(list)
	slices.SortFunc(bySeq, compareSeq)
	return func(after, through int64) ([]store.Stamp, error) {
		from, _ := slices.BinarySearchFunc(bySeq, after+1, func(x store.Stamp, seq int64) int { return compareInt(x.Seq, seq) })
		to := len(bySeq)
		if through > 0 {
			to, _ = slices.BinarySearchFunc(bySeq, through+1, func(x store.Stamp, seq int64) int { return compareInt(x.Seq, seq) })
		}
		if to <= from {
			return nil, nil
		}
		wanted := bySeq[from:to]
		if through > 0 { // a page: its order is its reader's
			return slices.Clone(wanted), nil
		}
		in := make(map[int64]bool, len(wanted))
		for _, x := range wanted {
			in[x.Seq] = true
		}
		out := make([]store.Stamp, 0, len(wanted))
		for _, x := range list {
			if in[x.Seq] {
				out = append(out, x)
			}
		}
		return out, nil
	}
}

func compareSeq(a, b store.Stamp) int { return compareInt(a.Seq, b.Seq) }

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
