package source_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// The articles that come with the program are without fault, in two languages and
// all formats, and their pictures are there.
func TestSamples(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../articles")
	if err != nil {
		t.Fatal(err)
	}
	d := source.NewDir(source.DirOptions{Name: "articles", Root: root, Label: "articles", Language: "en", Languages: []string{"en", "fr"}, Location: paris(t)})
	l, err := d.List(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	if err := l.Read(context.Background(), func(batch []newsletter.Article) error {
		for _, a := range batch {
			seen[a.Language]++
			seen[string(a.Format)]++
			if a.Title == "" || a.Summary == "" || a.Body == "" || a.Published.IsZero() {
				t.Errorf("%s lacks something: %+v", a.File, a)
			}
			if a.Image != nil {
				seen["pictures"]++
				if a.Image.Width == 0 || a.Image.Height == 0 || a.Image.Size == 0 || a.Image.Alt == "" {
					t.Errorf("%s: picture %+v", a.File, a.Image)
				}
			}
			if a.Draft {
				seen["drafts"]++
			}
			if a.Published.After(time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)) {
				seen["future"]++
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range l.Problems() {
		t.Error(p)
	}
	for _, what := range []string{"en", "fr", "md", "html", "txt", "pictures", "drafts", "future"} {
		if seen[what] == 0 {
			t.Errorf("no %s among %v", what, seen)
		}
	}
}
