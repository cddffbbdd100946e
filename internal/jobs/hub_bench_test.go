package jobs_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

var callbackCount = flag.Int("callbacks", 10_000, "subscribers of the hub in BenchmarkHub")

// callbacksPerHost is how many of them share an address.
const callbacksPerHost = 4

// TestCallbackServer is the subscribers' machine of BenchmarkHub, in a process of its
// own: it confirms everything, takes documents, and says how many it has.
func TestCallbackServer(t *testing.T) {
	if os.Getenv("SYNDICATE_CALLBACKS") == "" {
		t.Skip("only for BenchmarkHub")
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("port", port)
	got := make(chan int64, 1000)
	go func() {
		bytesIn := int64(0)
		n := 0
		for size := range got {
			bytesIn += size
			if n++; n%*callbackCount == 0 {
				fmt.Println("taken", n, bytesIn)
			}
		}
	}()
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Write([]byte(r.URL.Query().Get("hub.challenge")))
			return
		}
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			got <- n
		}
	}))
	t.Fatal(err)
}

// callbackServer starts it, and returns its port and a wait for all documents.
func callbackServer(b *testing.B) (port string, taken func() string) {
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCallbackServer$", "-test.v", "-callbacks="+strconv.Itoa(*callbackCount)) //nolint:gosec // this very program
	c.Env = append(os.Environ(), "SYNDICATE_CALLBACKS=1")
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		_ = c.Wait() // killed
	})
	in := bufio.NewScanner(out)
	line := func(word string) string {
		for in.Scan() {
			if rest, ok := strings.CutPrefix(in.Text(), word+" "); ok {
				return rest
			}
		}
		b.Fatalf("the subscribers' machine ended before it said %q", word)
		return ""
	}
	return line("port"), func() string { return line("taken") }
}

// BenchmarkHub measures how fast a document reaches 10,000 subscribers, and what
// memory that takes: `go test ./internal/jobs -run '^$' -bench Hub -benchtime 3x`.
func BenchmarkHub(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	st := storetest.Open(b, storetest.SQLite(b))
	port, taken := callbackServer(b)
	hosts := make([]string, (*callbackCount+callbacksPerHost-1)/callbacksPerHost)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("127.%d.%d.%d", 1+i/62500, 1+i/250%250, 1+i%250)
	}
	v, err := jobs.New(jobs.Options{
		Store: st, Site: newsletter.Site{Title: "Hub", URL: "https://news.example.org", Language: "en"},
		Feeds: jobs.FeedOptions{Dir: b.TempDir(), Full: true, Hubs: []string{"self"}},
		Hub: jobs.HubOptions{
			Settle: time.Nanosecond, Interval: time.Nanosecond, Private: hosts,
			PerClient: *callbackCount, Subscriptions: *callbackCount,
		},
		Builtin: os.DirFS("../../templates"), OutboxDir: b.TempDir(),
	})
	if err != nil {
		b.Fatal(err)
	}
	change := func(n int) {
		var batch []newsletter.Article
		for i := range 50 {
			batch = append(batch, newsletter.Article{
				Key: fmt.Sprint(i), File: fmt.Sprint(i), Slug: fmt.Sprintf("a-%d", i), Title: fmt.Sprintf("Article %d as of %d", i, n), Language: "en",
				Format: newsletter.Markdown, Published: time.Now().Add(-time.Hour), Body: strings.Repeat("The tide comes in and the tide goes out. ", 145),
			})
		}
		if _, err := st.UpsertArticles(ctx, store.UpsertBatch{Source: "a", SiteURL: "https://news.example.org", Articles: batch}, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	change(0)
	done := make(chan error, 1)
	go func() { done <- v.Serve(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}()
	const topic = "https://news.example.org/feed.atom"
	for _, err := st.Topic(ctx, topic); err != nil; _, err = st.Topic(ctx, topic) {
		time.Sleep(10 * time.Millisecond)
	}
	begin := time.Now()
	for i := range *callbackCount {
		form := url.Values{
			"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.secret": {fmt.Sprintf("secret %d", i)},
			"hub.callback": {fmt.Sprintf("http://%s/%d", net.JoinHostPort(hosts[i/callbacksPerHost], port), i)},
		}
		if err := v.AskHub(ctx, form, somebody); err != nil {
			b.Fatal(err)
		}
	}
	for {
		s, err := v.HubState(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if s.Subscriptions == *callbackCount {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	subscribing := time.Since(begin)
	size, before := 0.0, processorTime(b)
	b.ResetTimer()
	for n := range b.N {
		change(n + 1)
		v.Changed()
		var got, sum float64
		if _, err := fmt.Sscan(taken(), &got, &sum); err != nil {
			b.Fatal(err)
		}
		size = sum / got
	}
	b.StopTimer()
	used := processorTime(b) - before
	b.ReportMetric(float64(used.Microseconds())/float64(b.N**callbackCount), "µs-cpu/callback")
	b.ReportMetric(float64(*callbackCount)/(b.Elapsed().Seconds()/float64(b.N)), "callbacks/s")
	b.ReportMetric(float64(*callbackCount)/subscribing.Seconds(), "subscribed/s")
	b.ReportMetric(size/1e3, "kB/document")
	b.ReportMetric(peakMemory(b), "MB-peak")
}

// processorTime returns what this process has used.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory returns the most memory that this process had, in MB.
func peakMemory(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kb, err := strconv.ParseFloat(strings.Fields(string(rest))[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1000
		}
	}
	return 0
}
