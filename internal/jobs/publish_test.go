package jobs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
)

// TestPublishOnAnotherNode: what one node built says nothing of another's files,
// which may be older and as large.
func TestPublishOnAnotherNode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.Feeds = jobs.FeedOptions{Dir: t.TempDir(), Items: 10}
	s.article()
	v := s.service()
	publish := func(want ...string) {
		t.Helper()
		r, err := v.Publish(t.Context())
		if err != nil || !slices.Equal(r.Written, want) {
			t.Fatalf("wrote %v, %v; want %v", r.Written, err, want)
		}
	}
	if _, err := v.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish()
	stale := filepath.Join(s.options.Feeds.Dir, "feed.rss")
	data, err := os.ReadFile(stale)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(stale, data, 0o644); err != nil {
		t.Fatal(err)
	}
	publish("feed.rss")
	publish()
}

// TestNewsletterFeed: an issue that was sent is an item, with its articles as they
// were; a rehearsal is none.
func TestNewsletterFeed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.Feeds = jobs.FeedOptions{Dir: t.TempDir(), Items: 10, Full: true}
	s.subscribe(2)
	first := s.article()
	feed := func() *gofeed.Feed {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(s.options.Feeds.Dir, "newsletters", "weekly", "feed.atom"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := gofeed.NewParser().ParseString(string(data))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	s.run(s.service())
	if _, err := s.service().Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(feed().Items); n != 0 {
		t.Errorf("a rehearsal made %d items", n)
	}

	r := s.run(s.service(withRelay(newSink(t).relay("main"))))
	s.counts(s.issue(r), newsletter.IssueSent, 2, 0, 0, 0)
	f := feed()
	if len(f.Items) != 1 {
		t.Fatalf("%d items, want the issue", len(f.Items))
	}
	it := f.Items[0]
	if it.Link != "https://news.example.org/newsletters/weekly/issues/1" || !strings.Contains(it.Content, first) || it.Title == "" {
		t.Errorf("the issue as an item: %+v", it)
	}

	// The next issue does not touch the item of the first.
	s.clock.add(time.Hour)
	second := s.article()
	s.run(s.service(withRelay(newSink(t).relay("main"))))
	f = feed()
	if len(f.Items) != 2 || f.Items[1].GUID != it.GUID || f.Items[1].Updated != it.Updated || !strings.Contains(f.Items[0].Content, second) {
		t.Errorf("after the second issue: %+v", f.Items)
	}
}
