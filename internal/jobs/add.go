package jobs

import (
	"context"
	"errors"
	"fmt"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// ErrTaken means that there is an article with that key already.
var ErrTaken = errors.New("there is such an article already")

// Add takes in an article by hand: into a source of its own, which no listing touches.
// Its key is what it is known by there. One that is there already is replaced, or, if
// that is not wanted, an error that is ErrTaken, with the article that is there. state
// is that of the article then; added tells that there was none before.
func (s *Service) Add(ctx context.Context, a newsletter.Article, replace bool) (stored newsletter.Article, state string, added bool, err error) {
	a.Source = newsletter.PushSource
	switch old, err := s.store.ArticleByKey(ctx, a.Source, a.Key); {
	case errors.Is(err, store.ErrNotFound):
		added = true
	case err != nil:
		return old, "", false, err
	default:
		_, state, err := s.store.LookUpArticle(ctx, old.ID)
		if err != nil {
			return old, "", false, err
		}
		if state != "unpublished" && !replace {
			return old, state, false, ErrTaken
		}
	}
	up, err := s.store.UpsertArticles(ctx, store.UpsertBatch{Source: a.Source, SiteURL: s.o.Site.URL, Articles: []newsletter.Article{a}}, s.now())
	if err != nil {
		return a, "", false, fmt.Errorf("adding an article: %w", err)
	}
	if stored, err = s.store.ArticleByKey(ctx, a.Source, a.Key); err != nil {
		return a, "", false, err
	}
	_, state, err = s.store.LookUpArticle(ctx, stored.ID)
	return stored, state, added && up.Added > 0, err
}

// Remove takes away an article that was added by hand.
func (s *Service) Remove(ctx context.Context, a *newsletter.Article) error {
	_, err := s.store.Unpublish(ctx, a.Source, []string{a.Key})
	return err
}
