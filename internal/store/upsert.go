package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"syndicate/internal/newsletter"
)

// storedArticle is what an upsert needs to know of a row.
type storedArticle struct {
	ref, seq, published, updated, bodyHash                   int64
	revision                                                 int
	id, key, file, slug, state, permalink, section, language string
	meta                                                     string
	title, summary                                           string
	hash                                                     []byte
}

const storedColumns = `ref, seq, published, updated, body_hash, revision, id, source_key, file, slug, state, permalink, section, language, meta, title, summary, hash`

func scanStored(scan func(...any) error) (r storedArticle, err error) {
	err = scan(&r.ref, &r.seq, &r.published, &r.updated, &r.bodyHash, &r.revision, &r.id, &r.key, &r.file, &r.slug, &r.state, &r.permalink, &r.section, &r.language, &r.meta, &r.title, &r.summary, &r.hash)
	return r, err
}

// incoming is an article of a batch and what becomes of it.
type incoming struct {
	*newsletter.Article
	print    fingerprint
	state    string
	old      *storedArticle // nil: new
	ref, seq int64
	revision int
	id, slug string
	meta     string
	publish  time.Time
	update   time.Time
	version  int64 // of the articles, with this change
}

// UpsertArticles stores a batch of articles from a source in one transaction.
//
// A new article gets an id (UUIDv5 of site, source and key), a free slug and,
// where it has none, the publication time now. One whose permalink or body
// equals that of an article that vanished is that article, moved: it keeps id
// and seq. A changed one gets the next revision and, unless the source says,
// the update time now if people read something else than before. An article that becomes public for the first time (no
// draft, Published not after now) gets the next seq: in order of publication
// inside the batch, under a lock that makes commit order and seq order the same.
func (s *Store) UpsertArticles(ctx context.Context, b UpsertBatch, now time.Time) (Upserted, error) {
	in := make([]*incoming, 0, len(b.Articles))
	seen := make(map[string]bool, len(b.Articles))
	for i := range b.Articles {
		a := &b.Articles[i]
		if a.Key == "" {
			return Upserted{}, fmt.Errorf("store articles of %s: %q has no key", b.Source, a.File)
		}
		if !seen[a.Key] {
			seen[a.Key] = true
			in = append(in, &incoming{Article: a, print: fingerprintOf(a), state: stateOf(a, now)})
		}
	}
	var up Upserted
	err := s.write(ctx, "store articles of "+b.Source, func(x *tx) (err error) {
		up, err = x.upsert(b, in, now)
		return err
	})
	return up, err
}

// stateOf returns the state a source's article asks for.
func stateOf(a *newsletter.Article, now time.Time) string {
	switch {
	case a.Draft:
		return "draft"
	case a.Published.After(now):
		return "scheduled"
	}
	return "public"
}

func (x *tx) upsert(b UpsertBatch, in []*incoming, now time.Time) (up Upserted, err error) {
	if err := x.lockArticles(); err != nil {
		return up, err
	}
	known, err := x.storedByKey(b.Source, in)
	if err != nil {
		return up, err
	}
	var added, changed []*incoming
	for _, a := range in {
		a.old = known[a.Key]
		switch {
		case a.old == nil:
			added = append(added, a)
		case string(a.old.hash) == string(a.print.content[:]) && a.old.state == a.state:
			up.Unchanged++
			if a.old.file != a.File {
				if _, err := x.exec("UPDATE articles SET file = $1 WHERE ref = $2", a.File, a.old.ref); err != nil {
					return up, err
				}
			}
		default:
			changed = append(changed, a)
		}
	}
	moved, added, err := x.findMoves(b, added)
	if err != nil {
		return up, err
	}
	up.Added, up.Changed = len(added), len(changed)
	for _, a := range moved {
		up.MovedFrom = append(up.MovedFrom, a.old.key)
	}
	changed = append(changed, moved...)
	if len(added)+len(changed) == 0 {
		return up, nil
	}
	if err := x.mintIDs(b, added); err != nil {
		return up, err
	}
	if err := x.mintSlugs(append(slices.Clone(changed), added...)); err != nil {
		return up, err
	}
	public := false
	for _, a := range append(slices.Clone(added), changed...) {
		if err := a.settle(now); err != nil {
			return up, err
		}
		public = public || a.state == "public" || a.old != nil && a.old.state == "public"
	}
	if public {
		version, err := x.articlesChanged()
		if err != nil {
			return up, err
		}
		for _, a := range append(slices.Clone(added), changed...) {
			a.version = version
		}
	}
	if up.Published, err = x.giveSeqs(append(slices.Clone(added), changed...)); err != nil {
		return up, err
	}
	if up.Relabelled, err = relabelled(changed); err != nil {
		return up, err
	}
	if err := x.updateArticles(changed); err != nil {
		return up, err
	}
	return up, x.insertArticles(b.Source, added)
}

// lockArticles makes steps that write articles wait for each other, so that
// slugs, refs and seqs are given without races and in commit order.
func (x *tx) lockArticles() error {
	_, err := x.query1("SELECT value FROM counters WHERE name = 'seq'{{for update}}")
	return err
}

// articlesChanged raises the content version and returns it.
func (x *tx) articlesChanged() (int64, error) { return x.next("articles_version", 1) }

// next takes n numbers from a counter and returns the first.
func (x *tx) next(counter string, n int) (int64, error) {
	last, err := x.query1("UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value", n, counter)
	return last - int64(n) + 1, err
}

func (x *tx) storedByKey(source string, in []*incoming) (map[string]*storedArticle, error) {
	keys := make([]string, len(in))
	for i, a := range in {
		keys[i] = a.Key
	}
	rows, err := list(x, scanStored, "SELECT "+storedColumns+" FROM articles WHERE source = $1 AND source_key {{in strings $2}}", source, jsonArg(keys))
	if err != nil {
		return nil, err
	}
	known := make(map[string]*storedArticle, len(rows))
	for i := range rows {
		known[rows[i].key] = &rows[i]
	}
	return known, nil
}

// findMoves splits the articles with unknown keys into those that are a vanished
// (or formerly unpublished) article at a new place, and the new ones.
func (x *tx) findMoves(b UpsertBatch, in []*incoming) (moved, added []*incoming, err error) {
	if len(in) == 0 {
		return nil, nil, nil
	}
	if len(b.Vanished) == 0 {
		n, err := x.query1("SELECT count(*) FROM (SELECT 1 FROM articles WHERE source = $1 AND state = 'unpublished' LIMIT 1) AS one", b.Source)
		if err != nil || n == 0 {
			return nil, in, err
		}
	}
	var links []string
	var bodies []int64
	for _, a := range in {
		if a.Permalink != "" {
			links = append(links, a.Permalink)
		}
		if a.print.body != 0 {
			bodies = append(bodies, a.print.body)
		}
	}
	byLink, byBody := map[string]*storedArticle{}, map[int64]*storedArticle{}
	for _, q := range []struct {
		where string
		arg   any
	}{{"permalink <> '' AND permalink {{in strings $2}}", links}, {"body_hash <> 0 AND body_hash {{in ints $2}}", bodies}} {
		rows, err := list(x, scanStored, "SELECT "+storedColumns+" FROM articles WHERE source = $1 AND "+q.where, b.Source, jsonArg(q.arg))
		if err != nil {
			return nil, nil, err
		}
		for i := range rows {
			if r := &rows[i]; b.Vanished[r.key] || r.state == "unpublished" {
				byLink[r.permalink], byBody[r.bodyHash] = r, r
			}
		}
	}
	taken := map[int64]bool{}
	for _, a := range in {
		old := byLink[a.Permalink]
		if a.Permalink == "" || old == nil {
			old = byBody[a.print.body]
		}
		if old == nil || taken[old.ref] || a.Permalink == "" && a.print.body == 0 {
			added = append(added, a)
			continue
		}
		taken[old.ref] = true
		a.old = old
		moved = append(moved, a)
	}
	return moved, added, nil
}

// mintIDs gives new articles their identity.
func (x *tx) mintIDs(b UpsertBatch, in []*incoming) error {
	if len(in) == 0 {
		return nil
	}
	ids := make([]string, len(in))
	for i, a := range in {
		a.id = uuid.NewSHA1(uuid.NameSpaceURL, []byte(b.SiteURL+"\x00"+b.Source+"\x00"+a.Key)).String()
		ids[i] = a.id
	}
	// Taken: that article moved away, and this is another one at its old place.
	taken, err := list(x, value[string], "SELECT id FROM articles WHERE id {{in strings $1}}", jsonArg(ids))
	if err != nil {
		return err
	}
	for _, a := range in {
		if slices.Contains(taken, a.id) {
			a.id = uuid.NewString()
		}
	}
	first, err := x.next("ref", len(in))
	for i, a := range in {
		a.ref = first + int64(i)
	}
	return err
}

// mintSlugs gives each article the slug it wants, with -2, -3 … where that is
// taken, and a piece of its id where those are taken too.
func (x *tx) mintSlugs(in []*incoming) error {
	const tries = 20
	var fresh []*incoming
	want := map[string]bool{}
	for _, a := range in {
		if a.old != nil {
			a.id, a.slug = a.old.id, a.old.slug
			m, err := a.old.decodeMeta()
			if err != nil {
				return err
			}
			if a.Slug == "" || a.Slug == cmp.Or(m.Wish, a.slug) {
				continue
			}
		}
		if a.Slug == "" {
			a.Slug = "article"
		}
		fresh = append(fresh, a)
		want[a.Slug] = true
	}
	taken, err := x.takenSlugs(want)
	if err != nil {
		return err
	}
	probed := map[string]int{} // the next number to try
	for _, a := range fresh {
		slug := a.Slug
		for taken[slug] && probed[a.Slug] < tries {
			if probed[a.Slug] == 0 {
				candidates := map[string]bool{}
				for n := 2; n < 2+tries; n++ {
					candidates[a.Slug+"-"+strconv.Itoa(n)] = true
				}
				more, err := x.takenSlugs(candidates)
				if err != nil {
					return err
				}
				for k := range more {
					taken[k] = true
				}
			}
			slug = a.Slug + "-" + strconv.Itoa(probed[a.Slug]+2)
			probed[a.Slug]++
		}
		if taken[slug] {
			slug = a.Slug + "-" + a.id[:8]
		}
		taken[slug] = true
		a.slug = slug
	}
	return nil
}

func (x *tx) takenSlugs(want map[string]bool) (map[string]bool, error) {
	if len(want) == 0 {
		return want, nil
	}
	names := make([]string, 0, len(want))
	for k := range want {
		names = append(names, k)
	}
	rows, err := list(x, value[string], "SELECT slug FROM articles WHERE slug {{in strings $1}}", jsonArg(names))
	taken := make(map[string]bool, len(rows))
	for _, slug := range rows {
		taken[slug] = true
	}
	return taken, err
}

// settle fills in times and revision.
func (a *incoming) settle(now time.Time) error {
	a.publish, a.update, a.revision = a.Published, a.Updated, 1
	if old := a.old; old != nil {
		a.ref, a.seq, a.revision = old.ref, old.seq, old.revision
		if a.publish.IsZero() && (old.seq > 0 || a.state != "public") {
			a.publish = fromMS(old.published)
		}
		if string(old.hash) != string(a.print.content[:]) {
			a.revision++
			alike, err := a.readsAlike()
			if err != nil {
				return err
			}
			if a.update.IsZero() && !alike {
				a.update = now
			}
		}
		if a.update.IsZero() {
			a.update = fromMS(old.updated)
		}
	}
	if a.publish.IsZero() {
		a.publish = now
	}
	if a.update.Before(a.publish) {
		a.update = a.publish
	}
	return nil
}

// giveSeqs numbers the articles that are public for the first time, oldest first.
func (x *tx) giveSeqs(in []*incoming) (int, error) {
	var first []*incoming
	for _, a := range in {
		if a.state == "public" && a.seq == 0 {
			first = append(first, a)
		}
	}
	if len(first) == 0 {
		return 0, nil
	}
	slices.SortFunc(first, func(a, b *incoming) int {
		return cmp.Or(a.publish.Compare(b.publish), strings.Compare(a.Key, b.Key))
	})
	seq, err := x.next("seq", len(first))
	for i, a := range first {
		a.seq = seq + int64(i)
	}
	return len(first), err
}
