package source_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// go test -bench . -articles 100000
var articleCount = flag.Int("articles", 10_000, "articles in the folder of the benchmarks")

// article is some 6 KB of Markdown with YAML front matter.
func article(n int) string {
	return fmt.Sprintf("---\ntitle: \"The %dth letter\"\ndate: 2026-10-28T08:00:00+01:00\ntags:\n  - sea\n  - tag%03d\nauthor: Author %02d\nlanguage: en\n"+
		"summary: >-\n  A feed is a file that anyone can fetch, cache & keep;\n  nothing more is needed.\n---\n\n", n, n%200, n%20) +
		strings.Repeat("Il y a d’abord **le grand cri**, celui que [tout le monde](https://example.org/cri) imite mal.\n\n", 55)
}

func benchmarkFolder(b *testing.B) (*source.Dir, string) {
	b.Helper()
	root := b.TempDir()
	for i := range *articleCount {
		dir := filepath.Join(root, fmt.Sprintf("%04d", i/400))
		if i%400 == 0 {
			if err := os.Mkdir(dir, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("letter-%06d.md", i)), []byte(article(i)), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return source.NewDir(source.DirOptions{Name: "articles", Root: root, Language: "en", Languages: []string{"en", "fr"}}), root
}

// readAll ingests everything into nothing and returns the state.
func readAll(b *testing.B, d *source.Dir, state []byte) ([]byte, int) {
	b.Helper()
	l, err := d.List(context.Background(), source.Ask{State: state})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	if err := l.Read(context.Background(), func(batch []newsletter.Article) error { n += len(batch); return nil }); err != nil {
		b.Fatal(err)
	}
	state, _ = l.State(nil)
	return state, n
}

func BenchmarkFirst(b *testing.B) {
	d, _ := benchmarkFolder(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, n := readAll(b, d, nil); n != *articleCount {
			b.Fatalf("%d articles", n)
		}
	}
}

func BenchmarkUnchanged(b *testing.B) {
	d, _ := benchmarkFolder(b)
	state, _ := readAll(b, d, nil)
	state, _ = readAll(b, d, state) // what was fresh may be so no more
	b.ReportAllocs()
	for b.Loop() {
		if _, n := readAll(b, d, state); n != 0 {
			b.Fatalf("%d articles", n)
		}
	}
	b.ReportMetric(float64(len(state))/float64(*articleCount), "state-B/article")
}

func BenchmarkOneChanged(b *testing.B) {
	d, root := benchmarkFolder(b)
	state, _ := readAll(b, d, nil)
	state, _ = readAll(b, d, state)
	if err := os.WriteFile(filepath.Join(root, "0000", "letter-000007.md"), []byte("# Changed\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, n := readAll(b, d, state); n != 1 {
			b.Fatalf("%d articles", n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	d, content := testDir(b), []byte(article(1))
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := d.ParseFile("a.md", content); !ok {
			b.Fatal("not taken")
		}
	}
}
