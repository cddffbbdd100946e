package jobs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"syndicate/internal/store"
)

const (
	topicArticles = 500 // of the latest articles, their tags are offered as topics
	maxTopics     = 24
)

// topicCache keeps the topics of newsletters until an article changes.
type topicCache struct {
	mu      sync.Mutex
	version int64
	known   map[string][]string
}

// Topics returns the tags that the latest articles of a newsletter have, the most
// frequent ones, in the order of the alphabet: what its subscribers may choose from.
// store.ErrNotFound.
func (s *Service) Topics(ctx context.Context, name string) ([]string, error) {
	n, err := s.Newsletter(name)
	if err != nil {
		return nil, err
	}
	version, err := s.store.ArticlesVersion(ctx)
	if err != nil {
		return nil, err
	}
	c := &s.topics
	c.mu.Lock()
	defer c.mu.Unlock() // the others want the same
	if c.version != version || c.known == nil {
		c.version, c.known = version, map[string][]string{}
	}
	if topics, ok := c.known[name]; ok {
		return topics, nil
	}
	latest, err := s.store.Articles(ctx, store.ArticleQuery{Select: n.Select, News: true, Limit: topicArticles})
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	spelling := map[string]string{}
	for i := range latest {
		for _, tag := range latest[i].Tags {
			key := strings.ToLower(tag)
			count[key]++
			if spelling[key] == "" { // the latest one counts
				spelling[key] = tag
			}
		}
	}
	keys := make([]string, 0, len(count))
	for key := range count {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	keys = keys[:min(len(keys), maxTopics)]
	slices.Sort(keys)
	topics := make([]string, len(keys))
	for i, key := range keys {
		topics[i] = spelling[key]
	}
	c.known[name] = topics
	return topics, nil
}
