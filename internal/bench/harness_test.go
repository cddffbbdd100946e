package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"syndicate/internal/store/storetest"
)

var (
	messages = flag.Int("messages", 20_000, "how many messages a round sends")
	audience = flag.Int("audience", 100_000, "how many subscribers BenchmarkAudience has at most")
)

// built builds a command of this module, once.
func built(b *testing.B, name string) string {
	b.Helper()
	path, err := builds(name)
	if err != nil {
		b.Fatal(err)
	}
	return path
}

var builds = func() func(string) (string, error) {
	var mu sync.Mutex
	done := map[string]string{}
	return func(name string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if path := done[name]; path != "" {
			return path, nil
		}
		dir, err := os.MkdirTemp("", "syndicate-bench-*")
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, filepath.Base(name))
		out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, "syndicate/"+name).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
		done[name] = path
		return path, nil
	}
}()

// server is the counting SMTP server as a process of its own.
type server struct {
	port int
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// seen is what a server says it saw.
type seen struct {
	Accepted int     `json:"accepted"`
	Bytes    int     `json:"bytes"`
	More     int     `json:"recipients_with_several_copies"`
	Rate     float64 `json:"messages_per_second"`
}

// serve starts a server on a port.
func serve(b *testing.B, port int, args ...string) *server {
	b.Helper()
	s := &server{port: port}
	s.cmd = exec.CommandContext(b.Context(), built(b, "internal/test/sink/sinkd"), append([]string{"-listen", s.addr()}, args...)...)
	s.cmd.Stdout = &s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for {
		c, err := net.Dial("tcp", s.addr())
		if err == nil {
			c.Close()
			return s
		}
		if b.Context().Err() != nil {
			b.Fatal("the server never answered")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// stop ends the server and returns what it saw.
func (s *server) stop(b *testing.B) seen {
	b.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	var r seen
	if err := json.Unmarshal(s.out.Bytes(), &r); err != nil {
		b.Fatal(err)
	}
	return r
}

// usage is what a process took.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

// site is a site in a folder, with one newsletter and one relay.
type site struct {
	b        *testing.B
	dir, dsn string
	articles int
}

func newSite(b *testing.B, engine string, port, connections, readers int, signed bool) *site {
	b.Helper()
	s := &site{b: b, dir: b.TempDir()}
	s.dsn = dsn(b, engine)
	s.write("config.yaml", fmt.Sprintf(`
site: {title: The Bench Letter, url: "https://letter.example.org", postal_address: 1 Quay}
store: %q
newsletters:
  weekly: {title: Weekly, from: Weekly <weekly@example.org>, max: 40}
relays:
  - {name: main, host: 127.0.0.1, port: %d, tls: none, connections: %d, messages_per_connection: 1000000}
`, s.dsn, port, connections))
	if signed {
		s.run(0, "dkim", "keygen", "example.org")
		s.append("config.yaml", "dkim:\n"+s.keys())
	}
	list := filepath.Join(s.dir, "list.csv")
	if err := writeList(list, readers); err != nil {
		b.Fatal(err)
	}
	s.run(0, "subscribers", "import", "weekly", list, "--yes")
	return s
}

// dsn makes a database on an engine.
func dsn(b *testing.B, engine string) string {
	b.Helper()
	if engine == "postgres" {
		return storetest.Postgres(b)
	}
	return storetest.SQLite(b)
}

// writeList writes a list of subscribers, line by line: what this process holds
// counts as the peak of those it starts.
func writeList(path string, readers int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "email,name")
	for i := range readers {
		fmt.Fprintf(w, "reader%d@d%d.example.net,Reader %d\n", i, i%1000, i)
	}
	return errors.Join(w.Flush(), f.Close())
}

// keys are the lines of config.yaml for the keys that keygen wrote.
func (s *site) keys() string {
	files, err := filepath.Glob(filepath.Join(s.dir, "keys", "*.pem"))
	if err != nil || len(files) != 2 {
		s.b.Fatalf("keys: %v, %v", files, err)
	}
	var lines strings.Builder
	for _, f := range files {
		selector := strings.TrimSuffix(filepath.Base(f), ".pem")
		selector = selector[strings.LastIndexByte(selector, '.')+1:]
		fmt.Fprintf(&lines, "  - {domain: example.org, selector: %s, key_file: keys/%s}\n", selector, filepath.Base(f))
	}
	return lines.String()
}

func (s *site) write(name, text string) {
	s.b.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.b.Fatal(err)
	}
}

func (s *site) append(name, text string) {
	s.b.Helper()
	before, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.b.Fatal(err)
	}
	s.write(name, string(before)+text)
}

// compose makes and seals an issue whose messages have about 38 KB, while the
// relay is not there; what is left to do is to deliver.
func (s *site) compose() usage {
	for range 18 {
		s.articles++
		s.write(fmt.Sprintf("articles/a%d.md", s.articles), fmt.Sprintf("---\ntitle: Tide table number %d\ndate: 2026-01-01\nsummary: %q\n---\n%s\n",
			s.articles, strings.Repeat("Water rises and falls. ", 28), strings.Repeat("Water rises and falls. ", 100)))
	}
	return s.run(1, "send", "weekly", "--yes", "--offline-links")
}

// run runs the program to its end, and wants an exit code.
func (s *site) run(want int, args ...string) usage {
	s.b.Helper()
	cmd := exec.CommandContext(s.b.Context(), built(s.b, "cmd/syndicate"), append([]string{"-C", s.dir}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	start := time.Now()
	_ = cmd.Run() // the exit code says it
	u := usage{wall: time.Since(start), cpu: cmd.ProcessState.SystemTime() + cmd.ProcessState.UserTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = r.Maxrss << 10
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		s.b.Fatalf("syndicate %s ended with %d, want %d\n%s", strings.Join(args, " "), got, want, out.String())
	}
	return u
}

// median of figures.
func median(figures []float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	figures = slices.Clone(figures)
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// freePort returns a port on which nobody listens.
func freePort(b *testing.B) int {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port //nolint:errcheck,forcetypeassert // it is TCP
}

// db opens the database, beside the program.
func (s *site) db() *sql.DB {
	s.b.Helper()
	driver, source := "pgx", s.dsn
	if path, ok := strings.CutPrefix(s.dsn, "sqlite:"); ok {
		driver, source = "sqlite", "file://"+path+"?_pragma=busy_timeout(60000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		s.b.Fatal(err)
	}
	return db
}

// count asks the database for a number.
func (s *site) count(query string) int64 {
	s.b.Helper()
	db := s.db()
	defer db.Close()
	var n int64
	if err := db.QueryRowContext(s.b.Context(), query).Scan(&n); err != nil {
		s.b.Fatal(err)
	}
	return n
}

// bytes is how large the database's part for deliveries is, before any VACUUM.
func (s *site) bytes() int64 {
	s.b.Helper()
	if !strings.HasPrefix(s.dsn, "sqlite:") {
		return s.count("SELECT pg_total_relation_size('deliveries') + pg_total_relation_size('chunks')")
	}
	// What waits in the log is moved to the file first.
	db := s.db()
	defer db.Close()
	if _, err := db.ExecContext(s.b.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		s.b.Fatal(err)
	}
	return s.count("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
}
