package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"syndicate/internal/newsletter"
)

const articleColumns = `a.id, a.source, a.source_key, a.file, a.revision, a.seq, a.state, a.slug, a.permalink, a.title, a.summary,
	a.language, a.section, a.meta, a.published, a.updated, a.format`

func scanArticle(scan func(...any) error) (newsletter.Article, error) { return scanArticleAnd(scan) }

func scanArticleBody(scan func(...any) error) (newsletter.Article, error) {
	var body string
	a, err := scanArticleAnd(scan, &body)
	a.Body = body
	return a, err
}

func scanArticleAnd(scan func(...any) error, more ...any) (a newsletter.Article, err error) {
	var state string
	var meta []byte
	err = scan(append([]any{
		&a.ID, &a.Source, &a.Key, &a.File, &a.Revision, &a.Seq, &state, &a.Slug, &a.Permalink, &a.Title, &a.Summary,
		&a.Language, &a.Section, &meta,
		stamp{&a.Published},
		stamp{&a.Updated},
		&a.Format,
	}, more...)...)
	if err != nil {
		return a, err
	}
	var m articleMeta
	if err := json.Unmarshal(meta, &m); err != nil {
		return a, fmt.Errorf("article %s: %w", a.ID, err)
	}
	a.Draft = state == "draft"
	a.Authors, a.Tags, a.Aliases, a.Image, a.Enclosures = m.Authors, m.Tags, m.Aliases, m.Image, m.Enclosures
	a.Episode, a.License, a.Copyright, a.Origin = m.Episode, m.License, m.Copyright, m.Origin
	return a, nil
}

// ArticlesVersion returns a number that moves whenever a public article is
// added, changed or taken away.
func (s *Store) ArticlesVersion(ctx context.Context) (int64, error) {
	v, err := one(s.reader(ctx), value[int64], "SELECT value FROM counters WHERE name = 'articles_version'")
	return v, s.wrap("read the version of the articles", err)
}

// Articles returns the articles of a query, newest first: by publication, then
// by seq.
func (s *Store) Articles(ctx context.Context, q ArticleQuery) ([]newsletter.Article, error) {
	from, where, args, err := q.clauses(s.reader(ctx))
	if err != nil {
		return nil, s.wrap("read articles", err)
	}
	columns, scan := articleColumns, scanArticle
	if q.Bodies {
		columns, scan = columns+", b.body", scanArticleBody
		from += " JOIN article_bodies b ON b.ref = a.ref"
	}
	text := "SELECT " + columns + " FROM " + from + " WHERE " + where + " ORDER BY a.published DESC, a.seq DESC"
	if q.Limit > 0 || q.Offset > 0 {
		limit := int64(q.Limit)
		if limit == 0 {
			limit = 1 << 62
		}
		text += fmt.Sprintf(" LIMIT $%d OFFSET $%d", len(args)+1, len(args)+2)
		args = append(args, limit, q.Offset)
	}
	articles, err := list(s.reader(ctx), scan, text, args...)
	return articles, s.wrap("read articles", err)
}

// CountArticles returns how many articles a query has, limits apart.
func (s *Store) CountArticles(ctx context.Context, q ArticleQuery) (int, error) {
	from, where, args, err := q.clauses(s.reader(ctx))
	if err != nil {
		return 0, s.wrap("count articles", err)
	}
	n, err := one(s.reader(ctx), value[int], "SELECT count(*) FROM "+from+" WHERE "+where, args...)
	return n, s.wrap("count articles", err)
}

// manyLabelled is from how many articles on a label's newest are found by walking
// all articles rather than by sorting the label's.
const manyLabelled = 2000

// driver returns the label that a query is best answered from: one tag, author
// or section that few articles have.
func (q *ArticleQuery) driver(r reader) (kind, label string, err error) {
	if q.State != "" {
		return "", "", nil
	}
	for _, l := range q.labels() {
		if len(l.names) != 1 {
			continue
		}
		label := fold(l.names[0])
		n, err := one(r, value[int], "SELECT count(*) FROM (SELECT 1 FROM article_labels WHERE kind = $1 AND label = $2 LIMIT $3) AS few", l.kind, label, manyLabelled)
		if err != nil || n < manyLabelled {
			return l.kind, label, err
		}
	}
	return "", "", nil
}

type wantedLabels struct {
	kind  string
	names []string
}

func (q *ArticleQuery) labels() []wantedLabels {
	return []wantedLabels{{labelTag, q.Select.Tags}, {labelAuthor, q.Select.Authors}, {labelSection, q.Select.Sections}}
}

// clauses writes what FROM and WHERE are.
func (q *ArticleQuery) clauses(r reader) (from, where string, args []any, err error) {
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	from = "articles a"
	var conds []string
	switch q.State {
	case "":
		conds = append(conds, "a.state = 'public'")
	case "all":
	case "public", "draft", "scheduled", "unpublished":
		conds = append(conds, "a.state = '"+q.State+"'")
	default:
		return "", "", nil, fmt.Errorf("articles in state %q: want draft, scheduled, unpublished or all", q.State)
	}
	driverKind, label, err := q.driver(r)
	if err != nil {
		return "", "", nil, err
	}
	if driverKind != "" {
		from = "article_labels d JOIN articles a ON a.ref = d.ref"
		conds = append(conds, "d.kind = '"+driverKind+"' AND d.label = "+arg(label))
	}
	for _, l := range q.labels() {
		if len(l.names) == 0 || l.kind == driverKind {
			continue
		}
		folded := make([]string, len(l.names))
		for i, n := range l.names {
			folded[i] = fold(n)
		}
		conds = append(conds, "EXISTS (SELECT 1 FROM article_labels l WHERE l.kind = '"+l.kind+"' AND l.label {{in strings "+arg(jsonArg(folded))+"}} AND l.ref = a.ref)")
	}
	if len(q.Select.Languages) > 0 {
		var any []string
		for _, l := range q.Select.Languages {
			l = strings.ToLower(l)
			exact := arg(l)
			any = append(any, "lower(a.language) = "+exact, fmt.Sprintf("substr(lower(a.language), 1, %d) IN (%s, %s)", len(l)+1, arg(l+"-"), arg(l+"_")))
		}
		conds = append(conds, "("+strings.Join(any, " OR ")+")")
	}
	if q.News {
		conds = append(conds, "a.backlog = 0")
	}
	if q.After > 0 {
		conds = append(conds, "a.seq > "+arg(q.After))
	}
	if q.Through > 0 {
		conds = append(conds, "a.seq > 0 AND a.seq <= "+arg(q.Through))
	}
	if len(conds) == 0 {
		conds = []string{"1 = 1"}
	}
	return from, strings.Join(conds, " AND "), args, nil
}

func (s *Store) article(ctx context.Context, where string, args ...any) (newsletter.Article, error) {
	return one(s.reader(ctx), scanArticleBody, "SELECT "+articleColumns+", b.body FROM articles a JOIN article_bodies b ON b.ref = a.ref WHERE "+where, args...)
}

// Article returns an article by its id, in whatever state.
func (s *Store) Article(ctx context.Context, id string) (newsletter.Article, error) {
	a, err := s.article(ctx, "a.id = $1", id)
	return a, s.wrap("read article "+id, err)
}

// LookUpArticle returns the article that one of the names is the id, slug, key or
// file of, in whatever state, and that state: public, draft, scheduled or
// unpublished. Where there are several, one that was not taken away goes first.
func (s *Store) LookUpArticle(ctx context.Context, names ...string) (a newsletter.Article, state string, err error) {
	a, err = s.article(ctx, `a.id {{in strings $1}} OR a.slug {{in strings $1}} OR a.source_key {{in strings $1}} OR a.file {{in strings $1}}
		ORDER BY CASE a.state WHEN 'unpublished' THEN 1 ELSE 0 END, a.ref DESC LIMIT 1`, jsonArg(names))
	if err == nil {
		state, err = one(s.reader(ctx), value[string], "SELECT state FROM articles WHERE id = $1", a.ID)
	}
	return a, state, s.wrap("look for an article", err)
}

// ArticleByKey returns an article by its key in a source, in whatever state.
func (s *Store) ArticleByKey(ctx context.Context, source, key string) (newsletter.Article, error) {
	a, err := s.article(ctx, "a.source = $1 AND a.source_key = $2", source, key)
	return a, s.wrap("read article "+key, err)
}

// ArticleByFile returns a public article by its file in a source.
func (s *Store) ArticleByFile(ctx context.Context, source, file string) (newsletter.Article, error) {
	a, err := s.article(ctx, "a.source = $1 AND a.source_key = $2 AND a.file = a.source_key AND a.state = 'public'", source, file)
	if err != nil {
		a, err = s.article(ctx, "a.source = $1 AND a.file = $2 AND a.file <> a.source_key AND a.state = 'public'", source, file)
	}
	return a, s.wrap("read article "+file, err)
}

// ArticleBySlug returns a public article by its slug.
func (s *Store) ArticleBySlug(ctx context.Context, slug string) (newsletter.Article, error) {
	a, err := s.article(ctx, "a.slug = $1 AND a.state = 'public'", slug)
	return a, s.wrap("read article "+slug, err)
}

// ArticleByPath returns the public article at a site path: its permalink, its
// /articles/slug, or an alias. With redirect the path is not the article's own.
func (s *Store) ArticleByPath(ctx context.Context, path string) (a newsletter.Article, redirect bool, err error) {
	a, err = s.article(ctx, "a.permalink <> '' AND a.permalink = $1 AND a.state = 'public' ORDER BY a.published DESC, a.seq DESC LIMIT 1", path)
	if slug, ok := strings.CutPrefix(path, "/articles/"); ok && err != nil {
		a, err = s.article(ctx, "a.slug = $1 AND a.state = 'public'", slug)
		redirect = a.Permalink != ""
	}
	if err != nil {
		a, err = s.article(ctx, "a.ref = (SELECT ref FROM aliases WHERE path = $1) AND a.state = 'public'", path)
		redirect = true
	}
	if err != nil {
		return newsletter.Article{}, false, s.wrap("read the article at "+path, err)
	}
	return a, redirect, nil
}

// Labels returns the tags, authors, sections or languages ("tag", "author",
// "section", "language") of the public articles, by name. A section counts the
// articles of those below it.
func (s *Store) Labels(ctx context.Context, kind string) ([]Label, error) {
	text := "SELECT min(name), count(*) FROM article_labels WHERE kind = $1 GROUP BY label"
	args := []any{map[string]string{"tag": labelTag, "author": labelAuthor, "section": labelSection}[kind]}
	switch {
	case kind == "language":
		text, args = "SELECT language, count(*) FROM articles WHERE state = 'public' GROUP BY language", nil
	case args[0] == "":
		return nil, fmt.Errorf("labels of kind %q: want tag, author, section or language", kind)
	}
	labels, err := list(s.reader(ctx), func(scan func(...any) error) (l Label, err error) {
		err = scan(&l.Name, &l.Count)
		return l, err
	}, text, args...)
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) }) // engines sort differently
	return labels, s.wrap("read labels", err)
}

// Value returns a small piece of state kept under a key; ErrNotFound.
func (s *Store) Value(ctx context.Context, key string) ([]byte, error) {
	v, err := one(s.reader(ctx), value[[]byte], "SELECT value FROM meta WHERE name = $1", "value:"+key)
	return v, s.wrap("read the value "+key, err)
}

// SetValue keeps a small piece of state under a key; nil removes it.
func (s *Store) SetValue(ctx context.Context, key string, v []byte) error {
	return s.write(ctx, "keep the value "+key, func(x *tx) (err error) {
		if v == nil {
			_, err = x.exec("DELETE FROM meta WHERE name = $1", "value:"+key)
		} else {
			_, err = x.exec("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", "value:"+key, v)
		}
		return err
	})
}
