package jobs

import (
	"cmp"
	"context"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// maxWindow bounds the candidates that are kept in memory at once. A larger
// archive is asked of the store where the newest of it do not suffice.
const maxWindow = 2000

// selector chooses the articles of each group of subscriptions: of those that
// match the newsletter's selection and the group's topics, above the group's
// cursor and up to the horizon, the newest.
type selector struct {
	store   *store.Store
	want    newsletter.Selection
	horizon int64
	max     int // the newsletter's

	window   []newsletter.Article // newest first
	complete bool                 // the window holds every candidate
	chosen   map[selectKey]selection
}

// selection is what a group gets.
type selection struct {
	articles []newsletter.Article // newest first, without bodies
	more     int                  // left out
}

func (x selection) total() int { return len(x.articles) + x.more }

type selectKey struct {
	cursor int64
	topics string
	max    int
}

// newSelector reads the candidates above the lowest cursor.
func newSelector(ctx context.Context, st *store.Store, want newsletter.Selection, limit int, lowest, horizon int64) (*selector, error) {
	x := &selector{store: st, want: want, horizon: horizon, max: limit, chosen: map[selectKey]selection{}}
	if horizon <= lowest {
		x.complete = true
		return x, nil
	}
	var err error
	x.window, err = st.Articles(ctx, x.query(want, lowest, maxWindow+1, 0))
	if err != nil {
		return nil, err
	}
	x.complete = len(x.window) <= maxWindow
	return x, nil
}

func (x *selector) query(want newsletter.Selection, after int64, limit, offset int) store.ArticleQuery {
	return store.ArticleQuery{Select: want, News: true, After: after, Through: x.horizon, Limit: limit, Offset: offset}
}

// choose returns what a group gets. The result is shared: do not change it.
func (x *selector) choose(ctx context.Context, g newsletter.Group) (selection, error) {
	key := selectKey{g.Cursor, g.Topics, x.limit(g)}
	if have, ok := x.chosen[key]; ok {
		return have, nil
	}
	s, err := x.search(ctx, key)
	if err == nil {
		x.chosen[key] = s
	}
	return s, err
}

// limit is how many articles the group's digest shows.
func (x *selector) limit(g newsletter.Group) int {
	if g.Max > 0 && g.Max < x.max {
		return g.Max
	}
	return x.max
}

func (x *selector) search(ctx context.Context, key selectKey) (selection, error) {
	if x.horizon <= key.cursor {
		return selection{}, nil
	}
	topics := newsletter.Selection{Tags: newsletter.SplitTopics(key.topics)}
	var s selection
	take := func(page []newsletter.Article) {
		for i := range page {
			switch {
			case page[i].Seq <= key.cursor || !topics.Matches(&page[i]):
			case len(s.articles) < key.max:
				s.articles = append(s.articles, page[i])
			default:
				s.more++
			}
		}
	}
	if x.complete {
		take(x.window)
		return s, nil
	}
	want := x.want
	if len(want.Tags) == 0 {
		want.Tags, topics.Tags = topics.Tags, nil
	}
	if len(topics.Tags) == 0 { // the store can count them
		articles, err := x.store.Articles(ctx, x.query(want, key.cursor, key.max, 0))
		if err != nil {
			return s, err
		}
		n, err := x.store.CountArticles(ctx, x.query(want, key.cursor, 0, 0))
		return selection{articles: articles, more: max(0, n-len(articles))}, err
	}
	for offset := 0; ; offset += maxWindow {
		page, err := x.store.Articles(ctx, x.query(want, key.cursor, maxWindow, offset))
		if err != nil {
			return s, err
		}
		take(page)
		if len(page) < maxWindow {
			return s, nil
		}
	}
}

// seqs returns the numbers of articles.
func seqs(articles []newsletter.Article) []int64 {
	out := make([]int64, len(articles))
	for i := range articles {
		out[i] = articles[i].Seq
	}
	return out
}

// compareGroups orders groups, so that what is frozen does not depend on the
// order in which the store counts them.
func compareGroups(a, b newsletter.Group) int {
	return cmp.Or(cmp.Compare(a.Cursor, b.Cursor), cmp.Compare(a.Language, b.Language), cmp.Compare(a.Topics, b.Topics), cmp.Compare(a.Max, b.Max))
}
