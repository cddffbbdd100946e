package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// WasArticle reports whether an article that was public once, and was taken away,
// stood at one of the site's paths: as its permalink, its /articles/slug or an alias.
func (s *Store) WasArticle(ctx context.Context, paths ...string) (bool, error) {
	slugs := []string{} // not null: PostgreSQL has no elements of that
	for _, p := range paths {
		if slug, ok := strings.CutPrefix(p, "/articles/"); ok {
			slugs = append(slugs, slug)
		}
	}
	const gone = "a.state = 'unpublished' AND a.seq > 0"
	n, err := one(s.reader(ctx), value[int], `SELECT count(*) FROM (
		SELECT a.ref FROM articles a WHERE a.permalink <> '' AND a.permalink {{in strings $1}} AND `+gone+`
		UNION ALL
		SELECT a.ref FROM articles a WHERE a.slug {{in strings $2}} AND `+gone+`
		UNION ALL
		SELECT a.ref FROM aliases x JOIN articles a ON a.ref = x.ref WHERE x.path {{in strings $1}} AND `+gone+`
	) AS found`, jsonArg(paths), jsonArg(slugs))
	return n > 0, s.wrap("look for an article that was taken away", err)
}

// Page is where a public article stands on the web.
type Page struct {
	Slug, Permalink string // see newsletter.Article
	Updated         time.Time
	Syndicated      bool // it was on another site first
}

// WalkPages shows where the public articles stand, the newest first, to a function
// that says whether to go on.
func (s *Store) WalkPages(ctx context.Context, visit func(Page) bool) error {
	const what = "walk through the pages of articles"
	rows, err := s.reader(ctx).query("SELECT a.slug, a.permalink, a.updated, a.meta FROM articles a WHERE a.state = 'public' ORDER BY a.published DESC, a.seq DESC")
	if err != nil {
		return s.wrap(what, err)
	}
	defer rows.Close()
	var meta []byte
	for rows.Next() {
		var p Page
		if err := rows.Scan(&p.Slug, &p.Permalink, stamp{&p.Updated}, &meta); err != nil {
			return s.wrap(what, err)
		}
		if bytes.Contains(meta, []byte(`"origin"`)) { // few have one
			var m struct {
				Origin *newsletter.Origin `json:"origin"`
			}
			if err := json.Unmarshal(meta, &m); err != nil {
				return s.wrap(fmt.Sprintf("%s, at %s", what, p.Slug), err)
			}
			p.Syndicated = m.Origin != nil && m.Origin.URL != ""
		}
		if !visit(p) {
			break
		}
	}
	return s.wrap(what, rows.Err())
}
