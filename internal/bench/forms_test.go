package bench_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var requests = flag.Int("requests", 10_000, "how many requests a round of BenchmarkForms sends")

const (
	askers  = 32   // connections
	readers = 1000 // whose preferences are asked for
)

// BenchmarkForms asks a real `serve` over 32 connections at once, each with one request
// after the other: to sign people up, each another address from another network; for
// preferences of some that were mailed; and to change them. Whoever asks runs on the
// same cores.
//
//	requests/s, p50-ms, p99-ms  as they are seen by who asks
//	µs-cpu                      of the daemon a request, with what it does besides
//	MB                          of the daemon, at its highest
//	answered/s                  sign-ups that were answered with a letter, from the first
//	                            request until the last of them is in the outbox
//
//	go test ./internal/bench -run '^$' -bench Forms -benchtime 5x -timeout 1h
func BenchmarkForms(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			f := newForms(b, engine)
			var signedUp atomic.Int64
			for _, c := range []struct {
				name string
				ask  func(n int) (path string, form url.Values)
				then func(n int)
			}{
				{"sign-up", func(int) (string, url.Values) {
					n := signedUp.Add(1)
					return "/newsletters/weekly/subscribe", url.Values{"email": {fmt.Sprintf("new%d@d%d.example.net", n, n%1000)}}
				}, f.answered},
				{"preferences", func(n int) (string, url.Values) { return f.links[n%len(f.links)], nil }, nil},
				{"change", func(n int) (string, url.Values) {
					return f.links[n%len(f.links)], url.Values{
						"newsletter": {"weekly"}, "save": {"1"}, "cadence": {""}, "language": {""}, "items": {fmt.Sprint(1 + n/len(f.links)%20)},
						"hour": {"-1"}, "time_zone": {""}, "pause": {""},
					}
				}, nil},
			} {
				b.Run(c.name, func(b *testing.B) {
					var rate, p50, p99, cpu, done []float64
					for b.Loop() {
						before, start := processor(b, f.daemon), time.Now()
						took := f.ask(b, *requests, c.ask)
						rate = append(rate, float64(*requests)/time.Since(start).Seconds())
						if c.then != nil {
							c.then(int(signedUp.Load()))
							done = append(done, float64(*requests)/time.Since(start).Seconds())
						}
						cpu = append(cpu, float64((processor(b, f.daemon)-before).Microseconds())/float64(*requests))
						slices.Sort(took)
						p50 = append(p50, took[len(took)/2].Seconds()*1e3)
						p99 = append(p99, took[len(took)*99/100].Seconds()*1e3)
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(median(rate), "requests/s")
					b.ReportMetric(median(p50), "p50-ms")
					b.ReportMetric(median(p99), "p99-ms")
					b.ReportMetric(median(cpu), "µs-cpu")
					b.ReportMetric(peak(b, f.daemon), "MB")
					if len(done) > 0 {
						b.ReportMetric(median(done), "answered/s")
					}
				})
			}
		})
	}
}

// forms is a site that is served, and links of some readers.
type forms struct {
	*site
	daemon int // its process
	port   int
	links  []string // paths of preferences
	client *http.Client
}

func newForms(b *testing.B, engine string) *forms {
	b.Helper()
	f := &forms{site: &site{b: b, dir: b.TempDir()}, port: freePort(b)}
	f.dsn = dsn(b, engine)
	f.write("config.yaml", fmt.Sprintf(`
site: {title: The Bench Letter, url: "http://127.0.0.1:%d", postal_address: 1 Quay}
store: %q
newsletters:
  weekly: {title: Weekly, from: Weekly <weekly@example.org>, max: 40}
signup: {per_day: 100000000}
web: {listen: "127.0.0.1:%d", trusted_proxies: [127.0.0.1/32]}
`, f.port, f.dsn, f.port))
	f.write("articles/a.md", "---\ntitle: Tide table\ndate: 2026-01-01\ntags: [sea, tides]\n---\nWater rises and falls.\n")
	list := filepath.Join(f.dir, "list.csv")
	if err := writeList(list, readers); err != nil {
		b.Fatal(err)
	}
	f.run(0, "subscribers", "import", "weekly", list, "--yes")
	f.run(0, "run") // to the catcher: the links are in the outbox
	mails := f.mails()
	link := regexp.MustCompile(`/preferences/[A-Za-z0-9_-]+`)
	for _, m := range mails {
		text, err := os.ReadFile(m)
		if err != nil {
			b.Fatal(err)
		}
		f.links = append(f.links, link.FindString(strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(text))))
	}
	if len(f.links) != readers || slices.Contains(f.links, "") {
		b.Fatalf("%d links", len(f.links))
	}
	f.daemon = daemon(b, f.port, built(b, "cmd/syndicate"), "-C", f.dir, "serve")
	f.client = &http.Client{Transport: &http.Transport{MaxConnsPerHost: askers, MaxIdleConnsPerHost: askers}}
	b.Cleanup(f.client.CloseIdleConnections)
	return f
}

func (f *forms) mails() []string {
	all, err := filepath.Glob(filepath.Join(f.dir, "data", "outbox", "*.eml"))
	if err != nil {
		f.b.Fatal(err)
	}
	return all
}

// answered waits until nobody who signed up waits for a letter; so many must have got
// one.
func (f *forms) answered(n int) {
	for f.count("SELECT (SELECT count(*) FROM signups) + (SELECT count(*) FROM chunks WHERE closed = 0)") > 0 {
		if f.b.Context().Err() != nil {
			f.b.Fatal("they never were answered")
		}
		time.Sleep(100 * time.Millisecond)
	}
	if got := len(f.mails()) - readers; got != n {
		f.b.Fatalf("%d of %d who signed up got a letter", got, n)
	}
}

// ask sends so many requests and returns how long each took. Only answers that are
// whole and good count.
func (f *forms) ask(b *testing.B, n int, what func(n int) (path string, form url.Values)) []time.Duration {
	b.Helper()
	took := make([]time.Duration, n)
	var next atomic.Int64
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for range askers {
		all.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				start := time.Now()
				if err := f.one(b.Context(), i, what); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
				took[i] = time.Since(start)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return took
}

func (f *forms) one(ctx context.Context, i int, what func(n int) (path string, form url.Values)) error {
	path, form := what(i)
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://127.0.0.1:%d%s", f.port, path), body)
	if err != nil {
		return err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", i>>8&255, i&255))
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := f.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path[:min(len(path), 16)], answer.Status)
	}
	return nil
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the highest resident set of a process so far, in MB (Linux).
func peak(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("peaks are read from /proc")
	}
	var kb float64
	if m := highWater.FindSubmatch(status); m != nil {
		_, _ = fmt.Sscan(string(m[1]), &kb) // digits
	}
	return kb / 1024
}
