package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"
)

// commands are what scripts need besides testscript's own.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"site":      siteCommand,
		"news":      newsCommand,
		"code":      code,
		"start":     startCommand,
		"await":     await,
		"halt":      halt,
		"crash":     crash,
		"let":       let,
		"http":      httpCommand,
		"smtp":      smtpCommand,
		"received":  received,
		"hold":      hold,
		"held":      heldCommand,
		"people":    people,
		"backup":    backup,
		"front":     frontCommand,
		"elsewhere": elsewhereCommand,
		"fill":      fill,
		"write":     write,
		"database":  database,
		"tmpfs":     tmpfs,
		"dns":       dnsCommand,
		"signed":    signedCommand,
		"mail":      mailCommand,
		"certify":   certify,
	}
}

// condition knows [root]: the test runs as root, whom file modes do not stop; and
// [disk]: small disks can be mounted.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "disk":
		return canMount(), nil
	}
	return false, fmt.Errorf("no condition %q", name)
}

var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "syndicate-mount-*")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	return mount(dir, "16") == nil && exec.Command("umount", dir).Run() == nil
})

func mount(dir, kilobytes string) error {
	return exec.Command("mount", "-t", "tmpfs", "-o", "size="+kilobytes+"k", "syndicate-test", dir).Run()
}

func want(ts *testscript.TestScript, neg bool, args []string, least int, usage string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", usage)
	}
}

// siteCommand writes testdata/site to the current folder, but for files that the script
// brings itself.
func siteCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 0, "site")
	ts.Check(fs.WalkDir(os.DirFS("testdata/site"), ".", func(name string, d fs.DirEntry, err error) error {
		to := ts.MkAbs(name)
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(to, 0o755))
		}
		if _, err := os.Lstat(to); err == nil {
			return nil
		}
		data, err := os.ReadFile(filepath.Join("testdata", "site", name))
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	}))
}

// code runs a program and wants an exit code: code 2 syndicate frobnicate.
func code(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "code N program [argument…]")
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s ended with %d, not %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// daemon is a process in the background whose output is read while it runs.
type daemon struct {
	cmd  *exec.Cmd
	err  error
	mu   sync.Mutex
	more *sync.Cond // there is more output, or it ended

	stdout, stderr bytes.Buffer
	ended          bool
}

// read keeps what the process writes.
func (d *daemon) read(from io.Reader, to *bytes.Buffer) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		d.mu.Lock()
		to.WriteString(line)
		d.more.Broadcast()
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await waits until the output matches and returns what the pattern's last group
// took; false: the process ended before.
func (d *daemon) await(pattern *regexp.Regexp) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		if m := pattern.FindStringSubmatch(d.stdout.String() + d.stderr.String()); m != nil {
			return m[len(m)-1], true
		}
		if d.ended {
			return d.stdout.String() + d.stderr.String(), false
		}
		d.more.Wait()
	}
}

// wait waits until the process has ended.
func (d *daemon) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.ended {
		d.more.Wait()
	}
}

// startCommand starts a program in the background and goes on when its output
// matches: start NAME PATTERN program [argument…]. What the pattern's group takes
// is $NAME then.
func startCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "start NAME PATTERN program [argument…]")
	path := args[2]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, args[2]); path == args[2] && isFile(p) {
			path = p
		}
	}
	d := &daemon{cmd: exec.CommandContext(context.Background(), path, args[3:]...)}
	d.more = sync.NewCond(&d.mu)
	d.cmd.Dir, d.cmd.Env = ts.MkAbs("."), environ(ts)
	stdout, err := d.cmd.StdoutPipe()
	ts.Check(err)
	stderr, err := d.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(d.cmd.Start())
	go func() {
		var both sync.WaitGroup
		both.Go(func() { d.read(stdout, &d.stdout) })
		both.Go(func() { d.read(stderr, &d.stderr) })
		both.Wait()
		err := d.cmd.Wait()
		d.mu.Lock()
		d.err, d.ended = err, true
		d.more.Broadcast()
		d.mu.Unlock()
	}()
	daemons(ts)[args[0]] = d
	ts.Defer(func() {
		if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			ts.Logf("%s: %v", d.cmd, err)
		}
		d.wait()
	})
	ts.Setenv(args[0], awaitOutput(ts, d, args[1]))
}

// await waits until the output of a background program matches: await NAME PATTERN.
func await(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "await NAME PATTERN")
	awaitOutput(ts, started(ts, args[0]), args[1])
}

func awaitOutput(ts *testscript.TestScript, d *daemon, pattern string) string {
	re, err := regexp.Compile("(?m)" + pattern)
	ts.Check(err)
	text, ok := d.await(re)
	if !ok {
		ts.Fatalf("%s ended: %v\n%s", d.cmd, d.err, text)
	}
	return text
}

func started(ts *testscript.TestScript, name string) *daemon {
	d := daemons(ts)[name]
	if d == nil {
		ts.Fatalf("%s was not started", name)
	}
	return d
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// daemonsKey is where a script keeps what it started, by name.
type daemonsKey struct{}

func daemons(ts *testscript.TestScript) map[string]*daemon {
	list, ok := ts.Value(daemonsKey{}).(map[string]*daemon)
	if !ok {
		ts.Fatalf("no place for daemons")
	}
	return list
}

// environ is the script's environment, which testscript does not tell.
func environ(ts *testscript.TestScript) []string {
	ts.Check(ts.Exec("env", "-0"))
	return strings.Split(strings.TrimRight(ts.ReadFile("stdout"), "\x00"), "\x00")
}

// halt ends a background program with SIGTERM and wants an exit code (0); its
// output can then be matched: halt NAME [code].
func halt(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "halt NAME [code]")
	d := started(ts, args[0])
	ts.Check(d.cmd.Process.Signal(syscall.SIGTERM))
	d.wait()
	fmt.Fprint(ts.Stdout(), d.stdout.String())
	fmt.Fprint(ts.Stderr(), d.stderr.String())
	wanted := append(args, "0")[1]
	if got := strconv.Itoa(d.cmd.ProcessState.ExitCode()); got != wanted {
		ts.Fatalf("%s ended with %s, not %s\n%s", args[0], got, wanted, d.stderr.String())
	}
}

// crash ends a background program at once, with SIGKILL: crash NAME.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "crash NAME")
	d := started(ts, args[0])
	ts.Check(d.cmd.Process.Kill())
	d.wait()
}

// let keeps what the last command printed as a variable: let NAME.
func let(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "let NAME")
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// httpCommand asks a server and prints status and body: http METHOD URL [FORM].
func httpCommand(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "http METHOD URL [FORM]")
	form := strings.Join(args[2:], "&")
	req, err := http.NewRequestWithContext(context.Background(), args[0], args[1], strings.NewReader(form))
	ts.Check(err)
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s", resp.Status, body)
}

// people writes a list of subscribers: people FILE COUNT.
func people(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "people FILE COUNT")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	b.WriteString("email\n")
	for k := range n {
		fmt.Fprintf(&b, "p%d@example.org\n", k)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// fill writes a large file: fill FILE MEGABYTES.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "fill FILE MEGABYTES")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	line := strings.Repeat("All work and no play makes a long article. ", 25) + "\n\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(line), n<<20/len(line)+1), 0o644))
}

// write writes bytes that a script cannot hold: write FILE 'a Go string'.
func write(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "write FILE 'text with \\x00 escapes'")
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// database runs a statement on a SQLite file: database FILE 'UPDATE …'.
func database(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "database FILE STATEMENT")
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), args[1])
	ts.Check(err)
}

// backup copies a SQLite file that is in use: backup FILE COPY.
func backup(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "backup FILE COPY")
	database(ts, false, []string{args[0], "VACUUM INTO '" + ts.MkAbs(args[1]) + "'"})
}

// tmpfs mounts a small disk: tmpfs DIR KILOBYTES. Ask for [disk] first.
func tmpfs(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "tmpfs DIR KILOBYTES")
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(mount(dir, args[1]))
	ts.Defer(func() { ts.Check(exec.Command("umount", dir).Run()) })
}
