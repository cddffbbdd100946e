package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// personalLooked is among how many of the newest articles of a newsletter those of a
// personal feed are looked for.
const personalLooked = 2000

// PersonalVersion names what somebody's own feed is made from. As long as it stays the
// document does; the articles that it does not show are part of it.
func (s *Service) PersonalVersion(ctx context.Context, sub *newsletter.Subscription) (string, error) {
	n, err := s.Newsletter(sub.Newsletter)
	if err != nil {
		return "", err
	}
	articles, err := s.store.ArticlesVersion(ctx)
	if err != nil {
		return "", err
	}
	site := s.o.Site
	site.Location = nil
	made, err := json.Marshal([]any{articles, s.o.Agent, site, frozenNewsletter(n), s.o.Feeds.Items, s.o.Feeds.Full, sub.Topics})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(made)
	return hex.EncodeToString(sum[:8]), nil
}

// PersonalFeed returns a document of somebody's own feed: the newest articles that the
// newsletter selects and its owner wants. self is its address without the ending.
func (s *Service) PersonalFeed(ctx context.Context, sub *newsletter.Subscription, format feeds.Format, self string) ([]byte, error) {
	n, err := s.Newsletter(sub.Newsletter)
	if err != nil {
		return nil, err
	}
	latest, err := s.store.Articles(ctx, store.ArticleQuery{Select: n.Select, News: true, Limit: personalLooked})
	if err != nil {
		return nil, err
	}
	wanted := newsletter.Selection{Tags: sub.Topics}
	var seqs []int64
	for i := range latest {
		if len(seqs) < s.o.Feeds.Items && wanted.Matches(&latest[i]) {
			seqs = append(seqs, latest[i].Seq)
		}
	}
	articles, err := s.store.ArticlesBySeq(ctx, seqs, s.o.Feeds.Full)
	if err != nil {
		return nil, err
	}
	bySeq := make(map[int64]*newsletter.Article, len(articles))
	for i := range articles {
		bySeq[articles[i].Seq] = &articles[i]
	}
	var entries []feeds.Entry
	for _, seq := range seqs {
		a := bySeq[seq]
		if a == nil { // taken away meanwhile
			continue
		}
		e, err := s.personalEntry(ctx, a)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return format.Render(feeds.Feed{
		ID: fmt.Sprintf("%s/newsletters/%s#personal", s.o.Site.URL, n.Name), Title: n.Title, Description: n.Description, Language: n.Language,
		HomeURL: s.newsletterURL(n.Name), Author: s.o.Site.Author, Copyright: s.o.Site.Copyright, License: s.o.Site.License, Self: self,
	}, entries)
}

// personalEntry encodes an article; one whose body cannot be shown, without it.
func (s *Service) personalEntry(ctx context.Context, a *newsletter.Article) (feeds.Entry, error) {
	it, _, err := s.feedItem(ctx, a, s.o.Feeds.Full)
	if err != nil {
		if ctx.Err() != nil {
			return feeds.Entry{}, err
		}
		it.HTML = ""
	}
	e, err := feeds.Encode(it)
	if err != nil && it.HTML != "" {
		it.HTML = ""
		e, err = feeds.Encode(it)
	}
	return e, err
}
