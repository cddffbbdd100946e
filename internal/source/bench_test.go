package source_test

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

func TestZZCorpus(t *testing.T) {
	dir := os.Getenv("CORPUS")
	if dir == "" {
		t.Skip()
	}
	d := source.NewDir(source.DirOptions{Name: "a", Root: dir, Label: "articles", Language: "en", Languages: []string{"en", "fr"}})
	ctx := context.Background()
	var state []byte
	for range 4 {
		t0 := time.Now()
		l, err := d.List(ctx, state)
		if err != nil {
			t.Fatal(err)
		}
		t1 := time.Now()
		n := 0
		var peak uint64
		if err := l.Read(ctx, func(b []newsletter.Article) error {
			n += len(b)
			var m runtime.MemStats
			if n%8192 == 0 {
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		t2 := time.Now()
		var changed bool
		state, changed = l.State(nil)
		t.Logf("list %v read %v state %v: total %d known %d changed %d vanished %d emitted %d problems %d; state %d KB %v; peak heap %d MB", t1.Sub(t0), t2.Sub(t1), time.Since(t2), l.Total, l.Known, l.Changed, len(l.Vanished), n, len(l.Problems()), len(state)>>10, changed, peak>>20)
		for _, p := range l.Problems()[:min(5, len(l.Problems()))] {
			t.Log(p)
		}
	}
}
