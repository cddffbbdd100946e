package jobs

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// countedPath is where counted links lead, before their name.
const countedPath = "/r/"

// linkURL is the address of a counted link.
func (s *Service) linkURL(issue, link int64) string {
	return s.o.WebURL + countedPath + s.store.Keyring().Link(issue, link)
}

// count has what the settings of an issue say counted in its mail.
func (r *renderer) count(s *Service, issue int64) {
	counts := r.frozen.Newsletter.Counts
	if counts.Clicks {
		r.counted = func(seq int64) string { return s.linkURL(issue, seq) }
	}
	if counts.Opens {
		r.opensURL = s.linkURL(issue, newsletter.OpensImage)
	}
}

// maxLinks bounds what is remembered of links, and of their issues.
const maxLinks = 10_000

// linkCache remembers where links lead: that never changes.
type linkCache struct {
	mu      sync.Mutex
	issues  map[int64]store.CountedIssue
	targets map[linkKey]string
}

type linkKey struct{ issue, link int64 }

// Follow returns where a counted link leads; empty: it is the image that tells of
// opens. newsletter.ErrToken: nobody here made it; store.ErrNotFound: what it was
// made for is gone. With count the visit is counted, if the newsletter counts such
// things now: links in old mail go on leading where they led.
func (s *Service) Follow(ctx context.Context, name string, v newsletter.Visit, count bool) (target string, err error) {
	id, link, err := s.store.Keyring().ParseLink(name)
	if err != nil {
		return "", err
	}
	issue, err := s.countedIssue(ctx, id)
	if err != nil {
		return "", err
	}
	if link != newsletter.OpensImage {
		if target, err = s.linkTarget(ctx, issue, linkKey{id, link}); err != nil {
			return "", err
		}
	}
	n, err := s.Newsletter(issue.Newsletter)
	if count && err == nil && n.Counts.Of(link) {
		v.Image = link == newsletter.OpensImage
		s.counts.add(countKey{linkKey{id, link}, newsletter.VisitorOf(v, s.now().Sub(issue.Began))})
	}
	return target, nil // a newsletter that is no more counts nothing
}

func (s *Service) countedIssue(ctx context.Context, id int64) (store.CountedIssue, error) {
	c := &s.links
	c.mu.Lock()
	known, ok := c.issues[id]
	c.mu.Unlock()
	if ok {
		return known, nil
	}
	i, err := s.store.CountedIssue(ctx, id)
	if err != nil || i.Began.IsZero() { // it is not sealed yet: that will change
		return i, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.issues == nil || len(c.issues) >= maxLinks {
		c.issues = map[int64]store.CountedIssue{}
	}
	c.issues[id] = i
	return i, nil
}

// linkTarget returns the address of an article as the issue had it.
func (s *Service) linkTarget(ctx context.Context, issue store.CountedIssue, key linkKey) (string, error) {
	c := &s.links
	c.mu.Lock()
	target, ok := c.targets[key]
	c.mu.Unlock()
	if ok {
		return target, nil
	}
	a, err := s.store.FrozenArticle(ctx, key.issue, key.link)
	if err != nil {
		return "", err
	}
	if target = a.URL(issue.SiteURL); !browsable(target) {
		return "", fmt.Errorf("article %d of issue %d: %w", key.link, key.issue, store.ErrNotFound)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.targets == nil || len(c.targets) >= maxLinks {
		c.targets = map[linkKey]string{}
	}
	c.targets[key] = target
	return target, nil
}

// browsable reports whether an address is one that browsers open.
func browsable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

var (
	countedImage = regexp.MustCompile(`<img src="https?://[^\s"'<>]*` + countedPath + `([\w-]+)"[^<>]*>`)
	countedLink  = regexp.MustCompile(`https?://[^\s"'<>]*` + countedPath + `([\w-]+)`)
)

// Uncounted returns the HTML of a digest as it is shown elsewhere than in mail: its
// links lead straight to the articles, and there is no image.
func (s *Service) Uncounted(ctx context.Context, d newsletter.Digest) (string, error) {
	keys := s.store.Keyring()
	out := countedImage.ReplaceAllStringFunc(d.HTML, func(tag string) string {
		if _, link, err := keys.ParseLink(countedImage.FindStringSubmatch(tag)[1]); err == nil && link == newsletter.OpensImage {
			return ""
		}
		return tag
	})
	var failed error
	out = countedLink.ReplaceAllStringFunc(out, func(address string) string {
		id, link, err := keys.ParseLink(countedLink.FindStringSubmatch(address)[1])
		if err != nil || id != d.Issue {
			return address
		}
		issue, err := s.countedIssue(ctx, id)
		target := ""
		if err == nil {
			target, err = s.linkTarget(ctx, issue, linkKey{id, link})
		}
		if err != nil {
			failed = err
			return address
		}
		return strings.ReplaceAll(html.EscapeString(target), " ", "%20")
	})
	return out, failed
}
