// Package mariadb starts a throw-away MariaDB on loopback, from the machine's own
// programs: what MySQL's protocol is spoken to in tests.
package mariadb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver

	"syndicate/internal/test"
)

// Start starts a server that ends with the test, and returns the port on which it
// listens at 127.0.0.1. Its user syndicate has the password secret, and may do
// everything in the database site. Where there is no MariaDB the test is skipped (see
// test.Missing).
func Start(t testing.TB) (port int) {
	t.Helper()
	server, err := program("mariadbd")
	if err != nil {
		test.Missing(t, "mariadb", err)
	}
	install, err := program("mariadb-install-db")
	if err != nil {
		test.Missing(t, "mariadb", err)
	}
	port, lifeline, err := start(t.Context(), server, install)
	if err != nil {
		t.Fatalf("starting MariaDB: %v", err)
	}
	t.Cleanup(func() { lifeline.Close() })
	return port
}

// program finds one of the server's programs: on PATH, else where Debian keeps them.
func program(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	if p := "/usr/sbin/" + name; exec.CommandContext(context.Background(), p, "--version").Run() == nil {
		return p, nil
	}
	return "", fmt.Errorf("no %s on PATH nor in /usr/sbin", name)
}

// start returns the port and what the server lives by.
func start(ctx context.Context, server, install string) (port int, lifeline *os.File, err error) {
	// Not t.TempDir: its parent is 0700, which the server's own user cannot enter.
	dir, err := os.MkdirTemp("", "db")
	if err != nil {
		return 0, nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	attr := &syscall.SysProcAttr{Setpgid: true} // ^C in the terminal is for us, not for the server
	if os.Geteuid() == 0 {
		if attr.Credential, err = ordinaryUser(dir); err != nil {
			return 0, nil, err
		}
	}
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "sock")
	c := exec.CommandContext(ctx, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	c.Dir, c.SysProcAttr = dir, attr
	if out, err := c.CombinedOutput(); err != nil {
		return 0, nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	if port, err = freePort(); err != nil {
		return 0, nil, err
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer read.Close()
	// The shell outlives us by a moment: when this process ends, be it by SIGKILL, its
	// end of the pipe closes; the shell stops the server and clears up.
	const watch = `"$@" & p=$!; cat >/dev/null; kill $p; wait $p; cd /; rm -rf "$0"`
	s := exec.CommandContext(context.Background(), "sh", "-c", watch, dir, server, "--no-defaults", "--datadir="+data, "--socket="+socket,
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--pid-file="+filepath.Join(dir, "pid"), "--skip-name-resolve",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M") // nothing here outlives the test
	s.Dir, s.SysProcAttr, s.Stdin, s.Stdout, s.Stderr = dir, attr, read, log, log
	if err := s.Start(); err != nil {
		write.Close()
		return 0, nil, err
	}
	go func() { _ = s.Wait() }()
	if err := prepare(ctx, socket); err != nil {
		write.Close()
		out, _ := os.ReadFile(log.Name())
		return 0, nil, errors.Join(err, errors.New(string(out)))
	}
	return port, write, nil
}

func ordinaryUser(dir string) (*syscall.Credential, error) {
	u, err := user.Lookup("mysql")
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

// prepare waits until the server answers, and makes the database and its user.
func prepare(ctx context.Context, socket string) error {
	db, err := sql.Open("mysql", "root@unix("+socket+")/")
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for db.PingContext(ctx) != nil {
		select {
		case <-ctx.Done():
			return errors.New("it does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
	for _, statement := range []string{
		"CREATE DATABASE site CHARACTER SET utf8mb4", "CREATE USER syndicate@'127.0.0.1' IDENTIFIED BY 'secret'",
		"GRANT ALL ON site.* TO syndicate@'127.0.0.1'",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
