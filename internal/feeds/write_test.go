package feeds_test

import (
	"os"
	"path/filepath"
	"testing"

	"syndicate/internal/feeds"
)

func TestWriteTouchesOnlyChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	steps := []struct {
		data    string
		changed bool
	}{{"one", true}, {"one", false}, {"two", true}, {"longer than two", true}, {"", true}, {"", false}}
	for i, s := range steps {
		changed, err := feeds.Write(dir, "tags/sea/feed.rss", []byte(s.data))
		if err != nil {
			t.Fatal(err)
		}
		if changed != s.changed {
			t.Errorf("step %d: changed %v, want %v", i, changed, s.changed)
		}
		got, err := os.ReadFile(filepath.Join(dir, "tags", "sea", "feed.rss"))
		if err != nil || string(got) != s.data {
			t.Errorf("step %d: %q, %v", i, got, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "tags", "sea", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
}

func TestWriteFailureKeepsTheOldDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// A folder where the document should go cannot be replaced by a rename.
	if err := os.MkdirAll(filepath.Join(dir, "feed.rss", "x"), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := feeds.Write(dir, "feed.rss", []byte("new")); err == nil {
		t.Fatal("want an error")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".syndicate-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
}
