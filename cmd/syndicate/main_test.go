package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what scripts compare with")

// TestMain lets scripts run the real program as a process of its own: start(), as
// main does, but with the clock at $CLOCK where a script sets it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"syndicate": func() { os.Exit(start(testClock())) },
	})
}

// testClock reads $CLOCK (RFC 3339); nil: the machine's.
func testClock() func() time.Time {
	text := os.Getenv("CLOCK")
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "CLOCK:", err)
		os.Exit(99)
	}
	return func() time.Time { return t }
}

// TestScript runs testdata/script, one file for each behaviour. Besides
// testscript's own commands there are those of commands (script_test.go).
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Cmds:                commands(),
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "NO_COLOR=1", "TZ=UTC")
			e.Values[daemonsKey{}] = map[string]*daemon{}
			e.Values[relaysKey{}] = map[string]*testRelay{}
			return nil
		},
	})
}
