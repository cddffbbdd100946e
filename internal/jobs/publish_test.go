package jobs_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"syndicate/internal/jobs"
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
