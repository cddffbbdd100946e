package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkImport imports lists of up to -audience lines, as the program by itself
// does: it looks what the list would do, and does it; then it exports the newsletter
// and undoes the import. It reports lines a second, processor time a line and the peak
// of each process.
//
//	go test ./internal/bench -run '^$' -bench Import -benchtime 1x -timeout 2h -args -audience 1000000
func BenchmarkImport(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for n := 100_000; n <= *audience; n *= 10 {
			b.Run(fmt.Sprintf("%s/%d", engine, n), func(b *testing.B) {
				s := newSite(b, engine, freePort(b), 1, 1, false)
				list := filepath.Join(s.dir, "members.csv")
				if err := writeList(list, n); err != nil {
					b.Fatal(err)
				}
				report := func(what string, u usage) {
					b.ReportMetric(float64(n)/u.wall.Seconds(), what+"/s")
					b.ReportMetric(u.cpu.Seconds()*1e6/float64(n), "µs-"+what)
					b.ReportMetric(float64(u.peak)/(1<<20), "MB-"+what)
				}
				for i := 2; b.Loop(); i++ {
					report("look", s.run(0, "subscribers", "import", "weekly", list, "--dry-run"))
					report("import", s.run(0, "subscribers", "import", "weekly", list, "--yes"))
					out := filepath.Join(s.dir, "all.csv")
					report("export", s.run(0, "subscribers", "export", "weekly", "--out", out))
					report("undo", s.run(0, "subscribers", "undo-import", fmt.Sprint(i), "--yes"))
					if err := os.Remove(out); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
