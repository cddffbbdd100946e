package jobs

import (
	"context"
	"time"

	"syndicate/internal/newsletter"
)

// PreviewOrExample is Preview, but where there is no next issue it shows an
// example: the latest articles that the newsletter selects, whoever has them
// already, or made-up ones where there are none. So templates can be looked at,
// and a copy be sent, whatever was sent before. Nothing says why; Example says
// what is shown, and there is no hash: an example never goes out.
func (s *Service) PreviewOrExample(ctx context.Context, name string) (Preview, error) {
	p, err := s.Preview(ctx, name)
	if err != nil || len(p.Groups) > 0 {
		return p, err
	}
	return p, s.example(ctx, &p)
}

// example fills a preview that has no groups.
func (s *Service) example(ctx context.Context, p *Preview) error {
	sel, err := newSelector(ctx, s.store, p.Newsletter.Select, p.Newsletter.Max, 0, p.Horizon)
	if err != nil {
		return err
	}
	latest, err := sel.choose(ctx, newsletter.Group{})
	if err != nil {
		return err
	}
	if err := s.freezeSettings(ctx, p, s.now()); err != nil {
		return err
	}
	list := newsletter.FrozenList{Articles: seqs(latest.articles), More: latest.more}
	if p.Example = "the latest articles"; len(list.Articles) > 0 {
		err = s.freezeArticles(ctx, p, latest.articles, map[int64]bool{})
	} else {
		p.Example = "made-up articles"
		p.articles = madeUp(p.Newsletter.Language, s.o.WebURL, s.now())
		list.Articles = seqs(p.articles)
	}
	if err != nil {
		return err
	}
	p.add(map[string]int{}, list, 0)
	p.frozen.Lists = []newsletter.FrozenList{list}
	return s.lead(ctx, p)
}

// madeUp are articles with everything that templates show, to try them on.
func madeUp(language, url string, now time.Time) []newsletter.Article {
	full := newsletter.Article{
		Seq: 2, Slug: "example", Title: "An example with a picture", Language: language, Section: "examples",
		Summary: "This article is made up: there is none yet that this newsletter selects.",
		Authors: []newsletter.Author{{Name: "Ann Example"}, {Name: "Ben Example"}}, Tags: []string{"example"},
		Image:     &newsletter.Image{URL: url + "/example.png", Alt: "A picture", Type: "image/png", Width: 1200, Height: 630},
		Published: now, Updated: now,
	}
	bare := newsletter.Article{
		Seq: 1, Slug: "another-example", Title: "An example with nothing but a title", Language: language, Published: now, Updated: now,
	}
	return []newsletter.Article{full, bare}
}
