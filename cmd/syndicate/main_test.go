package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"syndicate/internal/store/storetest"
)

var update = flag.Bool("update", false, "rewrite what scripts compare with")

// TestMain lets scripts run the real program as a process of its own: start(), as
// main does, but with the clock at $CLOCK where a script sets it, and no DNS but the
// server at $DNS.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"syndicate": func() { os.Exit(start(testClock(), testDNS())) },
	})
}

// testClock reads $CLOCK: a time (RFC 3339), or @ and a file that says it each time
// it is asked; nil: the machine's.
func testClock() func() time.Time {
	text := os.Getenv("CLOCK")
	if text == "" {
		return nil
	}
	read := func(text string) time.Time {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			fmt.Fprintln(os.Stderr, "CLOCK:", err)
			os.Exit(99)
		}
		return t
	}
	if file, ok := strings.CutPrefix(text, "@"); ok {
		return func() time.Time {
			text, err := os.ReadFile(file)
			if err != nil {
				fmt.Fprintln(os.Stderr, "CLOCK:", err)
				os.Exit(99)
			}
			return read(string(text))
		}
	}
	t := read(text)
	return func() time.Time { return t }
}

// documentation is the folder docs.
func documentation() string {
	dir, err := filepath.Abs("../../docs")
	if err != nil {
		panic(err)
	}
	return dir
}

// TestScript runs testdata/script, one file for each behaviour, on SQLite. Besides
// testscript's own commands there are those of commands (script_test.go).
func TestScript(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	files = slices.DeleteFunc(files, func(f string) bool {
		return strings.HasSuffix(f, "_postgres.txtar") || strings.HasPrefix(filepath.Base(f), "readers_") || strings.HasSuffix(f, "_dovecot.txtar")
	})
	testscript.Run(t, params(files, func() string { return "sqlite:data/syndicate.db" }))
}

// TestScriptPostgres runs the scripts again that have to do with the store, and
// those that need PostgreSQL.
func TestScriptPostgres(t *testing.T) {
	t.Parallel()
	storetest.Postgres(t) // skips where there is none
	var files []string
	for _, name := range []string{"articles", "control", "due", "explain", "import", "issues", "links", "lists", "relay_replies", "run", "send", "serve", "subscribers", "suppressions", "worker_postgres"} {
		files = append(files, filepath.Join("testdata", "script", name+".txtar"))
	}
	testscript.Run(t, params(files, func() string { return storetest.Postgres(t) }))
}

// params says how scripts run; dsn gives each its own database as $STORE.
func params(files []string, dsn func() string) testscript.Params {
	return testscript.Params{
		Files:               files,
		Cmds:                commands(),
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "NO_COLOR=1", "TZ=UTC", "STORE="+dsn(), "DOCS="+documentation())
			e.Values[daemonsKey{}] = map[string]*daemon{}
			e.Values[readersKey{}] = map[string]bool{}
			e.Values[visitorKey{}] = &visitor{}
			e.Values[relaysKey{}] = map[string]*testRelay{}
			e.Values[frontsKey{}] = map[string]*atomic.Pointer[url.URL]{}
			return nil
		},
	}
}
