package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkServe asks a real `serve` for its RSS feed of 300 KB, compressed, and
// with the tag that it has; in turn with it a program that does nothing but write
// the same bytes with net/http. It needs wrk.
func BenchmarkServe(b *testing.B) {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.Skip("wrk is not on this machine")
	}
	s := &site{b: b, dir: b.TempDir()}
	ours := freePort(b)
	s.write("config.yaml", fmt.Sprintf("site: {title: The Bench Letter, url: \"http://127.0.0.1:%d\"}\nstore: sqlite:data/syndicate.db\nweb: {listen: \"127.0.0.1:%d\"}\n", ours, ours))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 50 {
		s.write(fmt.Sprintf("articles/a%d.md", i), fmt.Sprintf("---\ntitle: Note %d\ndate: 2026-01-%02d\n---\n%s\n", i, 1+i%28, prose(random, 5_000)))
	}
	s.run(0, "build")
	program := daemon(b, ours, built(b, "cmd/syndicate"), "-C", s.dir, "serve")

	_, plain := get(b, ours, "")
	if len(plain) < 280_000 || len(plain) > 340_000 {
		b.Fatalf("the feed has %d bytes", len(plain))
	}
	r, body := get(b, ours, "gzip")
	file := filepath.Join(b.TempDir(), "feed.gz")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		b.Fatal(err)
	}
	tag := r.Header.Get("Etag")
	bare := freePort(b)
	rival := daemon(b, bare, built(b, "internal/test/bareweb"), "-listen", fmt.Sprintf("127.0.0.1:%d", bare), "-file", file, "-tag", tag)

	for _, c := range []struct {
		name    string
		headers []string
	}{
		{"whole", []string{"Accept-Encoding: gzip"}},
		{"unchanged", []string{"Accept-Encoding: gzip", "If-None-Match: " + tag}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var rates, ratios, costs []float64
			servers := [2]struct{ port, pid int }{{ours, program}, {bare, rival}}
			for round := 0; b.Loop(); round++ {
				var rate, cost [2]float64
				for i := range servers {
					i = (i + round) % 2 // each is first in turn
					before := processor(b, servers[i].pid)
					n, perSecond := wrk(b, servers[i].port, c.headers)
					rate[i], cost[i] = perSecond, (processor(b, servers[i].pid)-before).Seconds()/float64(n)
				}
				rates, ratios, costs = append(rates, rate[0]), append(ratios, rate[0]/rate[1]), append(costs, cost[0]/cost[1])
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(rates), "requests/s")
			b.ReportMetric(median(ratios), "of-bare")
			b.ReportMetric(median(costs), "cpu-of-bare")
		})
	}
}

// prose writes so many bytes of words that compress about as well as real ones do.
func prose(random *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		for range 3 + random.IntN(7) {
			b.WriteByte("etaoinshrdlucmfwypvbgkjqxz"[min(random.IntN(26), random.IntN(26))])
		}
		b.WriteString([]string{" ", " ", " ", " ", " ", " ", ", ", ". ", ".\n\n"}[random.IntN(9)])
	}
	return b.String()
}

// daemon starts a program that listens on a port, and returns its process.
func daemon(b *testing.B, port int, path string, args ...string) (pid int) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), path, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // whichever way it ends
	})
	for {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			return cmd.Process.Pid
		}
		if b.Context().Err() != nil {
			b.Fatalf("%s never answered", path)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func get(b *testing.B, port int, coding string) (*http.Response, []byte) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/feed.rss", port), http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", coding)
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Encoding") != coding {
		b.Fatalf("%d %v %v", r.StatusCode, r.Header, err)
	}
	return r, body
}

var (
	wrkCount = regexp.MustCompile(`(\d+) requests in`)
	wrkRate  = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
)

// wrk asks for the feed over 32 connections for a second.
func wrk(b *testing.B, port int, headers []string) (requests int, perSecond float64) {
	b.Helper()
	args := []string{"-t", "1", "-c", "32", "-d", "1s"}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	out, err := exec.CommandContext(b.Context(), "wrk", append(args, fmt.Sprintf("http://127.0.0.1:%d/feed.rss", port))...).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
		b.Fatalf("wrk: %v\n%s", err, out)
	}
	count, rate := wrkCount.FindSubmatch(out), wrkRate.FindSubmatch(out)
	if count == nil || rate == nil {
		b.Fatalf("wrk said:\n%s", out)
	}
	requests, _ = strconv.Atoi(string(count[1]))
	perSecond, _ = strconv.ParseFloat(string(rate[1]), 64)
	return requests, perSecond
}

// processor is how much processor time a process has used (Linux, in hundredths of
// a second).
func processor(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("processor times are read from /proc")
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
