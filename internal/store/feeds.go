package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/newsletter"
)

// Feed is what is given to a feed once and does not change any more.
type Feed struct {
	Path  string // its folder below the site's address, empty: the root
	Kind  string
	Label string // lower case
	ID    string // URI
	Gone  bool   // it is no more; it keeps its place for when it comes back
	Pages []int64
}

// NewFeed asks for a feed to be given its place.
type NewFeed struct {
	Kind, Label, ID string
	Path            string // wanted; where another feed has it, -2, -3 … is added
}

// Stamp tells whether an article is the same as in an earlier build.
type Stamp struct {
	Seq     int64
	Changed int64 // the version of the articles when it changed last
}

// Labelled is an article with what selections look at.
type Labelled struct {
	Stamp
	newsletter.Article // Seq, Language, Section, Tags and Authors only
}

// Changed is an article that was added, changed or taken away.
type Changed struct {
	newsletter.Article
	Public bool // it is on the site now
}

func scanStamp(scan func(...any) error) (x Stamp, err error) {
	err = scan(&x.Seq, &x.Changed)
	return x, err
}

// Stamps returns the articles of a query, newest first as Articles does.
func (s *Store) Stamps(ctx context.Context, q ArticleQuery) ([]Stamp, error) {
	from, where, args, err := q.clauses(s.reader(ctx))
	if err != nil {
		return nil, s.wrap("read which articles there are", err)
	}
	text := "SELECT a.seq, a.changed FROM " + from + " WHERE " + where + " ORDER BY a.published DESC, a.seq DESC"
	if q.Limit > 0 {
		args = append(args, q.Limit)
		text += fmt.Sprintf(" LIMIT $%d", len(args))
	}
	list, err := list(s.reader(ctx), scanStamp, text, args...)
	return list, s.wrap("read which articles there are", err)
}

// WalkArticles shows every public article, newest first as Articles does, to a
// function that says whether to go on.
func (s *Store) WalkArticles(ctx context.Context, visit func(*Labelled) bool) error {
	rows, err := s.reader(ctx).query("SELECT a.seq, a.changed, a.language, a.section, a.meta FROM articles a WHERE a.state = 'public' ORDER BY a.published DESC, a.seq DESC")
	if err != nil {
		return s.wrap("walk through the articles", err)
	}
	defer rows.Close()
	var meta []byte
	for rows.Next() {
		var x Labelled
		if err := rows.Scan(&x.Stamp.Seq, &x.Changed, &x.Language, &x.Section, &meta); err != nil {
			return s.wrap("walk through the articles", err)
		}
		x.Article.Seq = x.Stamp.Seq
		var m struct {
			Authors []newsletter.Author `json:"authors"`
			Tags    []string            `json:"tags"`
		}
		if err := json.Unmarshal(meta, &m); err != nil {
			return s.wrap(fmt.Sprintf("walk through the articles, at %d", x.Stamp.Seq), err)
		}
		x.Authors, x.Tags = m.Authors, m.Tags
		if !visit(&x) {
			break
		}
	}
	return s.wrap("walk through the articles", rows.Err())
}

// ChangedArticles returns the articles, public once or now, that changed after a
// version, in the order in which they did; at most limit of them. (In another order
// SQLite would walk through all of them.)
func (s *Store) ChangedArticles(ctx context.Context, after int64, limit int) ([]Changed, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (c Changed, err error) {
		var public int
		c.Article, err = scanArticleAnd(scan, &public)
		c.Public = public == 1
		return c, err
	}, "SELECT "+articleColumns+", CASE a.state WHEN 'public' THEN 1 ELSE 0 END FROM articles a WHERE a.changed > $1 AND a.seq > 0 ORDER BY a.changed LIMIT $2", after, limit)
	return all, s.wrap("read which articles changed", err)
}

// ArticlesBySeq returns the public ones of these articles, with their bodies if
// that is wanted, in no order.
func (s *Store) ArticlesBySeq(ctx context.Context, seqs []int64, bodies bool) ([]newsletter.Article, error) {
	columns, from, scan := articleColumns, "articles a", scanArticle
	if bodies {
		columns, from, scan = columns+", b.body", from+" JOIN article_bodies b ON b.ref = a.ref", scanArticleBody
	}
	all, err := list(s.reader(ctx), scan, "SELECT "+columns+" FROM "+from+
		" WHERE a.seq > 0 AND a.seq {{in ints $1}} AND a.state = 'public'", jsonArg(seqs))
	return all, s.wrap("read articles", err)
}

// LabelOf returns a tag, author or section as Labels does, by its name in lower
// case; its Count is 0 if no public article has it.
func (s *Store) LabelOf(ctx context.Context, kind, label string) (Label, error) {
	spellings, err := list(s.reader(ctx), func(scan func(...any) error) (l Label, err error) {
		err = scan(&l.Name, &l.Count)
		return l, err
	}, "SELECT name, count(*) FROM article_labels WHERE kind = $1 AND label = $2 GROUP BY name",
		map[string]string{"tag": labelTag, "author": labelAuthor, "section": labelSection}[kind], label)
	var l Label
	for _, x := range spellings { // compared here: engines sort differently
		if l.Count == 0 || x.Name < l.Name {
			l.Name = x.Name
		}
		l.Count += x.Count
	}
	return l, s.wrap("read the "+kind+" "+label, err)
}

// Feeds returns the feeds that were ever given a place, by path.
func (s *Store) Feeds(ctx context.Context) ([]Feed, error) {
	all, err := list(s.reader(ctx), scanFeed, "SELECT "+feedColumns+" FROM feeds")
	slices.SortFunc(all, compareFeeds)
	return all, s.wrap("read the feeds", err)
}

const feedColumns = "path, kind, label, id, gone_at, pages"

func scanFeed(scan func(...any) error) (f Feed, err error) {
	var gone int64
	var pages []byte
	if err = scan(&f.Path, &f.Kind, &f.Label, &f.ID, &gone, &pages); err != nil {
		return f, err
	}
	f.Gone = gone != 0
	if err = fromJSON(pages, &f.Pages); err != nil {
		err = fmt.Errorf("the pages of the feed %q: %w", f.Path, err)
	}
	return f, err
}

func compareFeeds(a, b Feed) int {
	switch {
	case a.Path < b.Path:
		return -1
	case a.Path > b.Path:
		return 1
	}
	return 0
}

// KeepFeeds gives new feeds their place, and marks the feeds at the paths of gone
// as no more and all others of standing as there again. It returns all feeds.
func (s *Store) KeepFeeds(ctx context.Context, fresh []NewFeed, standing, gone []string, now time.Time) ([]Feed, error) {
	var all []Feed
	err := s.write(ctx, "give feeds their places", func(x *tx) (err error) {
		// Places are given one after the other, also by several nodes.
		if err := x.lockArticles(); err != nil {
			return err
		}
		if all, err = list(x, scanFeed, "SELECT "+feedColumns+" FROM feeds"); err != nil {
			return err
		}
		taken, known := map[string]bool{}, map[[2]string]bool{}
		for i := range all {
			taken[all[i].Path], known[[2]string{all[i].Kind, all[i].Label}] = true, true
		}
		for _, f := range fresh {
			if known[[2]string{f.Kind, f.Label}] {
				continue
			}
			path := f.Path
			for n := 2; taken[path]; n++ {
				path = fmt.Sprintf("%s-%d", f.Path, n)
			}
			taken[path], known[[2]string{f.Kind, f.Label}] = true, true
			if _, err := x.exec("INSERT INTO feeds (path, kind, label, id, gone_at, pages) VALUES ($1, $2, $3, $4, 0, '[]')", path, f.Kind, f.Label, f.ID); err != nil {
				return err
			}
			all = append(all, Feed{Path: path, Kind: f.Kind, Label: f.Label, ID: f.ID, Pages: []int64{}})
		}
		if _, err := x.exec("UPDATE feeds SET gone_at = $2 WHERE gone_at = 0 AND path {{in strings $1}}", jsonArg(gone), max(1, ms(now))); err != nil {
			return err
		}
		if _, err := x.exec("UPDATE feeds SET gone_at = 0 WHERE gone_at <> 0 AND path {{in strings $1}}", jsonArg(standing)); err != nil {
			return err
		}
		for i := range all {
			switch {
			case slices.Contains(gone, all[i].Path):
				all[i].Gone = true
			case slices.Contains(standing, all[i].Path):
				all[i].Gone = false
			}
		}
		return nil
	})
	slices.SortFunc(all, compareFeeds)
	return all, err
}

// AddFeedPages adds pages to a feed's archive, each known by the highest seq in
// it. have is how many pages the caller knows of; another node may have been
// faster. It returns the pages as they are.
func (s *Store) AddFeedPages(ctx context.Context, path string, have int, ends []int64) (pages []int64, err error) {
	err = s.write(ctx, "add pages to the archive of a feed", func(x *tx) error {
		f, err := one(x, scanFeed, "SELECT "+feedColumns+" FROM feeds WHERE path = $1{{for update}}", path)
		if err != nil {
			return err
		}
		if pages = f.Pages; len(pages) != have {
			return nil
		}
		pages = append(pages, ends...)
		_, err = x.exec("UPDATE feeds SET pages = $2 WHERE path = $1", path, jsonArg(pages))
		return err
	})
	return pages, err
}
