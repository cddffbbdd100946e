// Command syndicate turns a folder of articles into feeds and e-mail digests.
//
// The procedure: main gives run the surroundings (streams, environment, a
// context that ends with the first signal) and turns its error into the exit
// code. run builds the commands (root.go), one file each. A verb loads the
// configuration and opens what it needs (site.go, options.go), lets the jobs do
// the work and prints a report: for people on standard output, or with --json
// as one document. What went wrong is said once, by complain (errors.go).
package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	// Schedules name time zones. A container without zoneinfo files must not stop a newsletter.
	_ "time/tzdata"
)

//go:generate go run . man --dir ../../dist

func main() {
	if os.Getenv("GOMAXPROCS") == "" {
		// One more than there are processors: whoever waits in the kernel for the disk,
		// as the ledger does with each commit, is counted among those at work until the
		// runtime notices, and meanwhile a processor would have nothing to do.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
	os.Exit(start(nil, nil))
}

// start runs the program on this process's arguments and streams. The first
// signal cancels the work, which ends in good order; the second one kills. now and
// dns are for tests.
func start(now func() time.Time, dns *net.Resolver) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return exitCode(run(ctx, os.Args[1:], system{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, now: now, dns: dns,
	}))
}

// system is what the program has from its surroundings.
type system struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	now      func() time.Time // nil: the clocks of the machine and the database
	dns      *net.Resolver    // nil: the machine's
}

// run is the program. An error was already told; it gives the exit code.
func run(ctx context.Context, args []string, sys system) error {
	a := &app{system: sys}
	root := rootCommand(a)
	root.SetArgs(args)
	root.SetIn(sys.in)
	root.SetOut(sys.out)
	root.SetErr(sys.err)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	var err error
	select {
	case err = <-ended:
	case <-a.overdue(ctx):
		err = hinted(errors.New("stopped in the middle of something: what it waited for did not answer within delivery.grace"),
			"nothing is lost; whoever comes next takes up what was under way. Is the database well?")
	}
	if err != nil {
		a.complain(err)
	}
	return err
}

// overdueAfter is what the program may take after the grace period, to report and
// to close what is open.
const overdueAfter = 5 * time.Second

// overdue is closed when the program was told to stop and should have ended long ago.
func (a *app) overdue(ctx context.Context) <-chan struct{} {
	late := make(chan struct{})
	context.AfterFunc(ctx, func() {
		time.AfterFunc(time.Duration(a.grace.Load())+overdueAfter, func() { close(late) })
	})
	return late
}
