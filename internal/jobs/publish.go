package jobs

import (
	"context"
	"time"

	"syndicate/internal/feeds"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
)

// PublishReport says what was built.
type PublishReport = publish.Report

// Publish builds the feeds into public/. When nothing changed since the last
// build and its files are there, it does nothing.
func (s *Service) Publish(ctx context.Context) (PublishReport, error) { return s.builder.Build(ctx) }

// AcceptFeeds is Publish that lets feeds lose what they have.
func (s *Service) AcceptFeeds(ctx context.Context) (PublishReport, error) {
	return s.builder.Accept(ctx)
}

// HeldFeeds returns the feeds that stay as they are until they are accepted.
func (s *Service) HeldFeeds() []publish.Hold { return s.builder.Held() }

// Catalogue returns the feeds as they were built last. It is replaced by the next
// build that changes something, so ask again for each request; it costs nothing.
func (s *Service) Catalogue() *publish.Catalogue { return s.builder.Catalogue() }

// Sitemap lists the pages that search engines may find, as they are now; c are the feeds.
func (s *Service) Sitemap(ctx context.Context, c *publish.Catalogue) (file []byte, parts []publish.SitemapPart, err error) {
	return s.builder.Sitemap(ctx, c)
}

// SitemapIssues changes with the issues in it.
func (s *Service) SitemapIssues(ctx context.Context) (string, error) {
	return s.builder.SitemapIssues(ctx)
}

// CheckFeeds looks at all documents that were built, as readers would. It returns
// how many there are and what is wrong.
func (s *Service) CheckFeeds(ctx context.Context) (documents int, found []publish.Finding, err error) {
	return s.builder.Check(ctx)
}

// newBuilder returns the builder of the site's feeds.
func (s *Service) newBuilder() *publish.Builder {
	f := s.o.Feeds
	o := publish.Options{
		Store: s.store, Site: s.o.Site, Newsletters: s.o.Newsletters, Dir: f.Dir,
		Items: f.Items, Full: f.Full, Archives: f.Archives, Compressed: f.Compressed, Named: f.Named, Moved: f.Moved,
		Rhythm: map[string]time.Duration{}, Item: s.feedItem, Announce: s.announce, Log: s.log, Now: s.now,
		Hubs: s.HubURLs(),
	}
	for i := range s.o.Newsletters {
		if n := &s.o.Newsletters[i]; n.Schedule != "" {
			o.Rhythm[n.Name] = rhythm(n)
		}
	}
	if s.o.OnProgress != nil {
		o.OnProgress = func(done, total int) { s.tell(Progress{Step: "feeds", Done: done, Total: total}) }
	}
	return publish.New(o)
}

// rhythm is the mean time between two issues of a newsletter; 0: more than a year,
// or unknown. It does not depend on when it is asked for.
func rhythm(n *newsletter.Newsletter) time.Duration {
	schedule, err := ParseSchedule(n.Schedule, n.Location)
	if err != nil {
		return 0
	}
	const window = 364 * 24 * time.Hour
	begin := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	count := 0
	for at := begin; count < 2000; count++ {
		due, ok := schedule.Next(at)
		if !ok {
			return 0
		}
		if due.At.Sub(begin) > window {
			break
		}
		at = due.At
	}
	if count == 0 {
		return 0
	}
	return window / time.Duration(count)
}

// feedItem makes an article ready for feeds; see publish.Options.
func (s *Service) feedItem(ctx context.Context, a *newsletter.Article, full bool) (it feeds.Item, refs []publish.Ref, err error) {
	resolve := s.resolver(ctx, a, nil)
	it = feeds.Item{
		URL: s.ArticleURL(a), Podcast: s.o.Site.Podcast != nil,
		Article: feeds.WithFiles(*a, func(ref string) string { return resolve(ref, markup.Media) }),
	}
	if !full {
		return it, nil, nil
	}
	it.HTML, err = s.articleHTML(ctx, a, func(file string) { refs = append(refs, publish.Ref{Source: a.Source, File: file}) })
	return it, refs, err
}
