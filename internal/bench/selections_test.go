package bench_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	topicSets = 25
	mostItems = 10
	digests   = topicSets * 2 * mostItems // two languages
)

// BenchmarkSelections composes an issue for subscribers of whom each has one of 500
// selections: a set of topics, a language, a number of articles. It reports what
// composing alone takes (preview, which writes nothing), and what composing and sealing
// take, from reading the folder to the relay that is found to be away.
//
//	go test ./internal/bench -run '^$' -bench Selections -benchtime 1x -timeout 2h -args -audience 1000000
func BenchmarkSelections(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for n := 10_000; n <= *audience; n *= 10 {
			b.Run(fmt.Sprintf("%s/%d", engine, n), func(b *testing.B) {
				s := newSite(b, engine, freePort(b), 16, 1, false)
				list := filepath.Join(s.dir, "selections.csv")
				if err := writeSelections(list, n); err != nil {
					b.Fatal(err)
				}
				s.run(0, "subscribers", "import", "weekly", list, "--yes")
				report := func(what string, u usage) {
					b.ReportMetric(u.wall.Seconds(), "s-"+what)
					b.ReportMetric(u.cpu.Seconds(), "s-cpu-"+what)
					b.ReportMetric(float64(u.peak)/(1<<20), "MB-"+what)
				}
				for i := 1; b.Loop(); i++ {
					before := s.count("SELECT count(*) FROM digests")
					s.taggedArticles()
					s.run(0, "build")
					report("composing", s.run(0, "preview", "weekly"))
					report("sealing", s.run(1, "send", "weekly", "--yes", "--offline-links"))
					if made := s.count("SELECT count(*) FROM digests") - before; made < digests || made > digests+1 { // one who chose nothing
						b.Fatalf("%d digests, want %d", made, digests)
					}
					s.run(0, "issues", "cancel", fmt.Sprintf("weekly/%d", i), "--yes")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// taggedArticles writes articles of which each set of two topics has more than a digest
// shows, and no two sets the same.
func (s *site) taggedArticles() {
	for range 300 {
		s.articles++
		n := s.articles
		s.write(fmt.Sprintf("articles/t%d.md", n), fmt.Sprintf("---\ntitle: Tide table number %d\ndate: 2026-01-01\ntags: [t%d, tide]\nsummary: %q\n---\n%s\n",
			n, n%(2*topicSets), strings.Repeat("Water rises and falls. ", 8), strings.Repeat("Water rises and falls. ", 40)))
	}
}

// writeSelections writes a list as `subscribers export` does, in which all selections
// have as many subscribers.
func writeSelections(path string, readers int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "email,language,topics,newsletter,state,max_items,consent_source")
	for i := range readers {
		k := i % digests
		topic := k % topicSets
		fmt.Fprintf(w, "reader%d@d%d.example.net,%s,t%d|t%d,weekly,confirmed,%d,form\n",
			i, i%1000, []string{"en", "fr"}[k/topicSets%2], topic, topic+topicSets, 1+k/topicSets/2)
	}
	return errors.Join(w.Flush(), f.Close())
}
