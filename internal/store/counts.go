package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// AddCounts adds what was counted to what is, in one statement. Nodes may do so at
// once.
func (s *Store) AddCounts(ctx context.Context, counts []newsletter.Count) error {
	if len(counts) == 0 {
		return nil
	}
	rows := make([][]any, len(counts))
	for i, c := range counts {
		rows[i] = []any{c.Issue, c.Link, string(c.By), c.N}
	}
	return s.write(ctx, "add up clicks and opens", func(x *tx) error {
		// In one order, so that nodes that write the same rows wait for each other.
		_, err := x.exec(`INSERT INTO counts (issue, link, visitor, n)
			SELECT v.issue, v.link, v.visitor, v.n FROM {{rows $1 issue int, link int, visitor text, n int}} AS v WHERE true ORDER BY v.issue, v.link, v.visitor
			ON CONFLICT (issue, link, visitor) DO UPDATE SET n = counts.n + excluded.n`, jsonArg(rows))
		return err
	})
}

// Counts returns what was counted of an issue, by link and visitor.
func (s *Store) Counts(ctx context.Context, issue int64) ([]newsletter.Count, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (newsletter.Count, error) {
		c := newsletter.Count{Issue: issue}
		err := scan(&c.Link, &c.By, &c.N)
		return c, err
	}, "SELECT link, visitor, n FROM counts WHERE issue = $1 ORDER BY link, visitor", issue)
	return all, s.wrap(fmt.Sprintf("read the clicks and opens of issue %d", issue), err)
}

// CountTotal is what was counted of all issues of a newsletter that went out for real.
type CountTotal struct {
	Newsletter string
	Opens      bool // of the mail; else clicks on links
	By         newsletter.Visitor
	N          int64
}

// CountTotals sums what was counted, by newsletter.
func (s *Store) CountTotals(ctx context.Context) ([]CountTotal, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (t CountTotal, err error) {
		err = scan(&t.Newsletter, &t.Opens, &t.By, &t.N)
		return t, err
	}, `SELECT i.newsletter, CASE WHEN c.link = 0 THEN 1 ELSE 0 END AS opens, c.visitor, CAST(sum(c.n) AS BIGINT) FROM counts c JOIN issues i ON i.id = c.issue
		WHERE i.rehearsal = 0 GROUP BY i.newsletter, opens, c.visitor ORDER BY i.newsletter, opens, c.visitor`)
	return all, s.wrap("sum clicks and opens", err)
}

// CountedIssue is what is to be known of an issue to follow its links.
type CountedIssue struct {
	Newsletter string
	SiteURL    string    // as it was mailed
	Began      time.Time // to be sent, zero: not yet
}

// CountedIssue returns an issue as its links see it; ErrNotFound.
func (s *Store) CountedIssue(ctx context.Context, id int64) (CountedIssue, error) {
	what := fmt.Sprintf("read whose links those of issue %d are", id)
	var settings []byte
	i, err := one(s.reader(ctx), func(scan func(...any) error) (i CountedIssue, err error) {
		err = scan(&i.Newsletter, stamp{&i.Began}, &settings)
		return i, err
	}, "SELECT newsletter, sealed_at, settings FROM issues WHERE id = $1", id)
	if err != nil {
		return i, s.wrap(what, err)
	}
	var frozen struct {
		Site struct{ URL string } `json:"site"`
	}
	if err := json.Unmarshal(settings, &frozen); err != nil {
		return i, s.wrap(what, err)
	}
	i.SiteURL = frozen.Site.URL
	return i, nil
}

// FrozenArticle returns an article as an issue shows it; ErrNotFound.
func (s *Store) FrozenArticle(ctx context.Context, issue, seq int64) (a newsletter.Article, err error) {
	content, err := one(s.reader(ctx), value[[]byte], "SELECT f.content FROM issue_articles x JOIN frozen f ON f.hash = x.hash WHERE x.issue = $1 AND x.seq = $2", issue, seq)
	if err == nil {
		err = json.Unmarshal(content, &a)
	}
	return a, s.wrap(fmt.Sprintf("read article %d of issue %d", seq, issue), err)
}
