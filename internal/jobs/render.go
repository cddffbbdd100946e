package jobs

import (
	"context"
	"fmt"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
)

// renderer renders the digests of one issue from what is frozen, and from
// nothing else.
type renderer struct {
	frozen    newsletter.Frozen
	articles  map[int64]newsletter.Article
	number    int
	templates *digest.Templates

	// For mail that goes out, see count.
	counted  func(seq int64) string // where links to an article lead, nil: straight there
	opensURL string
}

// newRenderer parses the frozen templates.
func newRenderer(f newsletter.Frozen, articles []newsletter.Article, number int) (*renderer, error) {
	t, err := digest.Parse(digest.Bundle(f.Templates))
	if err != nil {
		return nil, err
	}
	r := &renderer{frozen: f, articles: map[int64]newsletter.Article{}, number: number, templates: t}
	r.add(articles)
	return r, nil
}

// add makes further articles known; those that are known stay as they were.
func (r *renderer) add(articles []newsletter.Article) {
	for i := range articles {
		if _, ok := r.articles[articles[i].Seq]; !ok {
			r.articles[articles[i].Seq] = articles[i]
		}
	}
}

// render makes the digest of the articles with these seqs.
func (r *renderer) render(ctx context.Context, language string, list []int64, more int) (newsletter.Digest, error) {
	data := digest.Data{
		Site: r.frozen.Site, Newsletter: r.frozen.Newsletter, Language: language, Number: r.number,
		Date: r.frozen.Date, Intro: r.frozen.Intro, More: more, OnWeb: r.frozen.Newsletter.Archive != newsletter.ArchiveNone,
		OpensURL: r.opensURL,
	}
	for _, seq := range list {
		a, ok := r.articles[seq]
		if !ok {
			return newsletter.Digest{}, fmt.Errorf("article %d is not frozen with the issue", seq)
		}
		data.Articles = append(data.Articles, r.item(&a))
	}
	return r.templates.Render(ctx, data)
}

func (r *renderer) item(a *newsletter.Article) digest.Item {
	item := digest.Item{
		Seq: a.Seq, URL: a.URL(r.frozen.Site.URL), Title: a.Title, Summary: a.Summary, Section: a.Section,
		Tags: a.Tags, Language: a.Language, Published: a.Published, ReadingMinutes: r.frozen.Minutes[a.Seq],
	}
	if r.counted != nil && browsable(item.URL) {
		item.Counted = r.counted(a.Seq)
	}
	for _, author := range a.Authors {
		item.Authors = append(item.Authors, author.Name)
	}
	if a.Image != nil {
		item.ImageURL, item.ImageAlt = a.Image.URL, a.Image.Alt
		item.ImageWidth, item.ImageHeight = a.Image.Width, a.Image.Height
	}
	return item
}
