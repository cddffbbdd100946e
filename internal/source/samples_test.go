package source_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// samples are the articles that come with the program. Whoever tries it adds
// others, good and bad ones.
var samples = []string{
	"_posts/2026-10-28-drying-wet-books.md",
	"books/2026-11-05-the-library-in-the-ferry-shed.txt",
	"craft/le-chantier-du-fond-du-port.md",
	"craft/mending-a-net.md",
	"food/quince-cheese.md",
	"food/soupe-du-vendredi.fr.md",
	"food/sunday-bread.md",
	"jardin/un-potager-dans-les-embruns/index.md",
	"livres/la-boite-a-livres-de-la-digue.md",
	"mer/2026-09-18-ce-que-disent-les-goelands.txt",
	"sea/how-to-read-a-tide-table.html",
	"sea/the-lamp-on-the-north-pier/index.md",
	"sea/to-be-opened-in-2099.md",
	"web/a-backup-you-can-read.md",
	"web/a-feed-of-ones-own.md",
	"web/le-web-a-petits-pas.md",
}

// The articles that come with the program are without fault, in two languages and
// all formats, and their pictures are there.
func TestSamples(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../articles")
	if err != nil {
		t.Fatal(err)
	}
	d := source.NewDir(source.DirOptions{Name: "articles", Root: root, Label: "articles", Language: "en", Languages: []string{"en", "fr"}, Location: paris(t)})
	l, err := d.List(context.Background(), source.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	if err := l.Read(context.Background(), func(batch []newsletter.Article) error {
		for _, a := range batch {
			if !slices.Contains(samples, a.File) {
				continue
			}
			seen["samples"]++
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
		if slices.Contains(samples, strings.TrimPrefix(p.File, "articles/")) {
			t.Error(p)
		}
	}
	if seen["samples"] != len(samples) {
		t.Errorf("%d of %d samples were read", seen["samples"], len(samples))
	}
	for _, what := range []string{"en", "fr", "md", "html", "txt", "pictures", "drafts", "future"} {
		if seen[what] == 0 {
			t.Errorf("no %s among %v", what, seen)
		}
	}
}
