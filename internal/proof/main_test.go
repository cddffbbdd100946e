package proof

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"syndicate/internal/store/storetest"
)

var (
	rounds     = flag.Int("rounds", 2, "how often each kind of process is killed")
	recipients = flag.Int("recipients", 300, "how many subscribers an issue has where processes are killed")
	outage     = flag.Duration("outage", time.Second, "how long a relay or a database stays away at least")
	// A time limit of the program's is tested as it is, plus what the machine may be
	// busy with something else.
	slack = flag.Duration("slack", 5*time.Second, "what a busy machine may add to a time limit")
)

const (
	lease       = 2 * time.Second
	connections = 8 // of all processes together
	workers     = 3 // processes on PostgreSQL
	grace       = 20 * time.Second
)

// program is the path of the built program.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "syndicate-proof-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "syndicate")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, "syndicate/cmd/syndicate").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if path, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// engine is a kind of database to prove something on.
type engine struct {
	name string
	dsn  func(testing.TB) string
}

// onEach runs a test on both engines.
func onEach(t *testing.T, test func(*testing.T, engine)) {
	t.Helper()
	for _, e := range []engine{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
