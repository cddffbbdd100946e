package proof

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// process is the program at work.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu     sync.Mutex
	output bytes.Buffer // both streams
}

// start starts the program on a site, whose links lead nowhere. name is what
// PostgreSQL knows it by.
func (s *site) start(name string, args ...string) *process {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{t: s.t, name: name, done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.Background(), path, append(args, "-C", s.dir, "--offline-links")...)
	p.cmd.Env = append(os.Environ(), "PGAPPNAME="+name)
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, in
	// In a group of its own, so that ^C in the terminal ends the test first.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(p, out) })
	go func() {
		_ = p.cmd.Wait() // ProcessState says how it ended
		_ = in.Close()   // a pipe in memory
		reading.Wait()
		close(p.done)
	}()
	s.t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.done
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", p.cmd, p.said())
		}
	})
	return p
}

// Write keeps what the program says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// signal sends a signal, unless the process has ended.
func (p *process) signal(sig syscall.Signal) {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: %v", p.name, err)
	}
}

// wait waits for the end and returns the exit code, -1 after a signal.
func (p *process) wait() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// ended waits for the end and wants an exit code.
func (p *process) ended(want int) {
	p.t.Helper()
	if got := p.wait(); got != want {
		p.t.Errorf("%s ended with %d, want %d", strings.Join(p.cmd.Args[1:], " "), got, want)
	}
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// mentions reports whether the process has said one of some words.
func (p *process) mentions(words ...string) bool {
	said := p.said()
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
}

// says waits until the process says something.
func (p *process) says(words string) {
	p.t.Helper()
	eventually(p.t, p.name+" says "+words, func() bool {
		if !p.running() && !p.mentions(words) {
			p.t.Fatalf("%s ended and never said %q", p.name, words)
		}
		return p.mentions(words)
	})
}
