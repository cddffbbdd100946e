package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// server is a PostgreSQL server to make databases on.
type server struct {
	dsn func(database string) string
	// control takes "stop" and "start", a line each. It is held open for the life
	// of the process; the server ends when it closes.
	control io.WriteCloser
}

// database returns the DSN of a database; "": the one to administer from.
func (s *server) database(name string) string {
	if name == "" {
		name = "postgres"
	}
	return s.dsn(name)
}

// start starts a throw-away server from the machine's own programs. It ends with
// this process, however that ends.
func start(ctx context.Context) (_ *server, err error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := program("postgres")
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: its parent is 0700, which another user cannot enter. Short,
	// because a socket's path has at most 107 bytes.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	attr := &syscall.SysProcAttr{Setpgid: true} // ^C in the terminal is for us, not for the server
	if os.Geteuid() == 0 {                      // PostgreSQL refuses root
		if attr.Credential, err = ordinaryUser(dir); err != nil {
			return nil, err
		}
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=" + dir}
	data := filepath.Join(dir, "data")
	c := exec.CommandContext(ctx, initdb, "-D", data, "-U", "syndicate", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	c.Dir, c.Env, c.SysProcAttr = dir, env, attr
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	logName := filepath.Join(dir, "server.log")
	log, err := os.Create(logName)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// The shell outlives us by a moment: when this process ends, be it by SIGKILL,
	// its end of the pipe closes; the shell stops the server and clears up.
	const watch = `"$@" & p=$!
		while read -r word; do case $word in
			stop) kill -INT $p; wait $p;;
			start) "$@" & p=$!;;
		esac; done
		kill -INT $p; wait $p; cd /; rm -rf "$0"`
	s := exec.CommandContext(context.Background(), "sh", "-c", watch, dir, postgres, "-D", data, "-p", strconv.Itoa(port), "-k", dir,
		"-c", "listen_addresses=127.0.0.1",
		"-c", "fsync=off", "-c", "full_page_writes=off", // nothing here outlives the test
		"-c", "max_connections=200", "-c", "jit=off")
	s.Dir, s.Env, s.SysProcAttr = dir, env, attr
	s.Stdout, s.Stderr = log, log // not ours: go test would wait for them
	lifeline, err := s.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	go func() { _ = s.Wait() }()
	dsn := func(db string) string {
		return fmt.Sprintf("postgres://syndicate@127.0.0.1:%d/%s?sslmode=disable", port, db)
	}
	if err := await(ctx, dsn("postgres"), true); err != nil {
		out, _ := os.ReadFile(logName)
		lifeline.Close()
		return nil, errors.Join(err, errors.New(string(out)))
	}
	return &server{dsn, lifeline}, nil
}

// program finds one of the server's programs: on PATH, else where Debian keeps
// them.
func program(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			return p, nil // postgres finds its share directory from its own place
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", fmt.Errorf("no %s on PATH nor under /usr/lib/postgresql", name)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

func ordinaryUser(dir string) (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:errcheck // a TCP listener has a TCP address
}

// await waits until the server answers, or until it does not.
func await(ctx context.Context, dsn string, answers bool) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		switch {
		case (err == nil) == answers:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("the server does not do as it is told: %w", errors.Join(err, ctx.Err()))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// dropDatabase removes it, whoever is still connected.
func dropDatabase(ctx context.Context, admin, name string) error {
	db, err := sql.Open("pgx", admin)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

var theServer = sync.OnceValues(func() (*server, error) { return start(context.Background()) })
