package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// Check looks at all documents in public/ as readers would: whether they are
// there, as they were built, and keep the rules of their formats. Then it looks at
// what the next build would make of the articles as they are now, and changes
// nothing. It returns how many documents there are.
func (b *Builder) Check(ctx context.Context) (documents int, found []Finding, err error) {
	s, err := readState(b.o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, fmt.Errorf("no feeds were built into %s yet: %w", b.o.Dir, err)
	}
	if err != nil {
		return 0, nil, err
	}
	c := s.catalogue()
	standing := map[string][]outlineEntry{} // in subscription documents, by folder
	for i := range c.Feeds {
		f := &c.Feeds[i]
		for page := range f.Pages + 1 {
			if err := ctx.Err(); err != nil {
				return documents, found, err
			}
			entries, more := b.checkPage(s, f, page)
			documents += len(Formats)
			found = append(found, more...)
			if page == 0 {
				standing[f.Path] = entries
			}
		}
	}
	more, err := b.contrast(ctx, c, standing)
	return documents, append(found, more...), err
}

// checkPage checks a page of a feed in all formats and returns what is in it.
func (b *Builder) checkPage(s *state, f *Feed, page int) (entries []outlineEntry, found []Finding) {
	for n, format := range Formats {
		d := Document{Feed: f, Format: format, Page: page}
		o, these := b.checkFile(s, d)
		if n == 0 {
			entries = o.entries
		} else if len(these) == 0 && !slices.EqualFunc(entries, o.entries, func(x, y outlineEntry) bool { return x.id == y.id }) {
			these = append(these, broken(RuleSame, "it holds other articles than %s", Document{Feed: f, Format: Formats[0], Page: page}.File()))
		}
		for _, x := range these {
			x.File = d.File()
			found = append(found, x)
		}
	}
	return entries, found
}

// checkFile checks a document where it stands.
func (b *Builder) checkFile(s *state, d Document) (outline, []Finding) {
	name := d.File()
	data, err := os.ReadFile(filepath.Join(b.o.Dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return outline{}, []Finding{broken(RulePresent, "it is missing")}
	}
	if err != nil {
		f := broken(RulePresent, "%v", err)
		f.Hint = ""
		return outline{}, []Finding{f}
	}
	o, found := readAndCheck(d.Format, data, d.URL(b.o.Site.URL), b.o.Now())
	if Hash(data) != s.Files[name].Hash {
		found = append([]Finding{broken(RuleUnchanged, "somebody changed it since it was built")}, found...)
	}
	return o, found
}

// contrast compares what stands with what the next build would put there.
func (b *Builder) contrast(ctx context.Context, c *Catalogue, standing map[string][]outlineEntry) (found []Finding, err error) {
	letters, _, err := b.sentIssues(ctx)
	if err != nil {
		return nil, err
	}
	p := &plan{letters: letters}
	if err := b.walk(ctx, p); err != nil {
		return nil, err
	}
	next := map[key]*feed{}
	for _, f := range p.feeds {
		next[f.key] = f
	}
	coming, found, err := b.coming(ctx, p)
	if err != nil {
		return found, err
	}
	told := map[string]bool{} // of an article once, whatever the number of feeds
	for i := range c.Feeds {
		f := &c.Feeds[i]
		doc, before := f.File(RSS), standing[f.Path]
		var list []store.Stamp
		if n := next[key{f.Kind, fold(f.Label)}]; n != nil {
			list = n.list
		}
		switch {
		case len(list) == 0 && len(before) > 0:
			found = append(found, change(doc, "", RuleKept, "the next build leaves nothing of it: it has %d", len(before)))
		case most(len(before)-len(list), len(before)):
			found = append(found, change(doc, "", RuleKept, "the next build leaves %d of %d in it", len(list), len(before)))
		}
		if f.Kind == Newsletter {
			continue
		}
		ids := map[string]string{} // by address
		for _, e := range before {
			ids[e.link] = e.id
		}
		for _, x := range list {
			e := coming[x.Seq]
			if was := ids[e.link]; e.link != "" && was != "" && was != e.id && !told[e.link] {
				told[e.link] = true
				other := change(doc, was, RuleLasting, "the next build gives the article at %s another id, and readers see it as new", e.link)
				other.Hint = "was its file renamed, or the database made anew?"
				found = append(found, other)
			}
		}
	}
	return found, nil
}

func change(file, item string, rule Rule, text string, args ...any) Finding {
	f := doubtful(rule, text, args...)
	f.File, f.Item = file, item
	return f
}

// coming encodes the articles of the plan's feeds as a build would, and checks
// them; it returns their outlines by seq.
func (b *Builder) coming(ctx context.Context, p *plan) (map[int64]outlineEntry, []Finding, error) {
	wanted := map[int64]bool{} // whether whole
	for _, f := range p.feeds {
		if f.kind == Newsletter {
			continue
		}
		for _, x := range f.list {
			wanted[x.Seq] = wanted[x.Seq] || f.full
		}
	}
	seqs := make([]int64, 0, len(wanted))
	for seq := range wanted {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	out := make(map[int64]outlineEntry, len(seqs))
	var found []Finding
	for batch := range slices.Chunk(seqs, entryBatch) {
		list, err := b.o.Store.ArticlesBySeq(ctx, batch, true)
		if err != nil {
			return nil, found, err
		}
		for i := range list {
			if err := ctx.Err(); err != nil {
				return nil, found, err
			}
			var these []Finding
			if out[list[i].Seq], these = b.checkArticle(ctx, &list[i], wanted[list[i].Seq]); len(these) > 0 {
				found = append(found, these...)
			}
		}
	}
	return out, found, nil
}

// checkArticle checks an article as it would go out.
func (b *Builder) checkArticle(ctx context.Context, a *newsletter.Article, full bool) (outlineEntry, []Finding) {
	var found []Finding
	it, _, err := b.o.Item(ctx, a, full)
	if err != nil {
		found = append(found, doubtful(RuleBody, "it goes out without its body: %v", err))
	}
	entry, err := encodeSound(it)
	if err != nil {
		found = append(found, broken(RuleForm, "it cannot go out as it is: %v", err))
	}
	o := outlineOf(&entry)
	for i := range found {
		found[i].File, found[i].Item = nameOfItem(a), o.id
	}
	return o, found
}
