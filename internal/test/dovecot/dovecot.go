// Package dovecot starts a throw-away Dovecot on loopback, from the machine's own
// programs: an IMAP server that others wrote. It has one mailbox, and sends nothing out.
package dovecot

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"syndicate/internal/test"
	"syndicate/internal/test/selfsigned"
)

// Who may log in.
const (
	User     = "bounces"
	Password = "not-for-the-log"
)

// Server is a running Dovecot. Its host is always 127.0.0.1.
type Server struct {
	Port    int // with STARTTLS
	TLSPort int
	CAs     *x509.CertPool // its certificate is for 127.0.0.1
	CAFile  string         // the same, in PEM form

	t        testing.TB
	dir      string
	attr     *syscall.SysProcAttr
	program  string
	lifeline *os.File
	ended    chan struct{}
}

// Start starts a server that ends with the test. settings are further lines of its
// configuration. Where there is no Dovecot the test is skipped (see test.Missing).
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("dovecot")
	if err != nil {
		program = "/usr/sbin/dovecot"
		err = exec.CommandContext(t.Context(), program, "--version").Run()
	}
	if err == nil {
		_, err = os.Stat("/usr/lib/dovecot/imap")
	}
	if err != nil {
		test.Missing(t, "dovecot", err)
	}
	s := &Server{t: t, program: program, attr: &syscall.SysProcAttr{Setpgid: true}} // ^C in the terminal is for us
	// Not t.TempDir: its parent is 0700, which the server's own user cannot enter, and
	// its name may be too long for a socket.
	if s.dir, err = os.MkdirTemp("", "imap"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		os.RemoveAll(s.dir)
	})
	if err := s.configure(settings); err != nil {
		t.Fatalf("preparing Dovecot: %v", err)
	}
	s.Start()
	return s
}

// configure writes what Dovecot reads. It runs as an ordinary user, who is all the
// users that it knows.
func (s *Server) configure(settings []string) error {
	who, err := user.Current()
	if err == nil && os.Geteuid() == 0 {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return err
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return err
	}
	pair, err := selfsigned.New(selfsigned.Options{})
	if err != nil {
		return err
	}
	s.CAs = pair.Pool()
	s.CAFile = filepath.Join(s.dir, "tls.pem")
	if s.Port, err = freePort(); err != nil {
		return err
	}
	if s.TLSPort, err = freePort(); err != nil {
		return err
	}
	var conf bytes.Buffer
	err = template.Must(template.New("").Parse(config)).Execute(&conf, map[string]any{
		"Dir": s.dir, "User": who, "Group": group.Name, "Port": s.Port, "TLSPort": s.TLSPort, "Password": Password, "More": settings,
	})
	if err != nil {
		return err
	}
	for _, dir := range []string{"Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o700); err != nil {
			return err
		}
	}
	if err := errors.Join(os.WriteFile(s.CAFile, pair.File(), 0o600), os.WriteFile(filepath.Join(s.dir, "conf"), conf.Bytes(), 0o600)); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		return err
	}
	s.attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return filepath.WalkDir(s.dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, uid, gid))
	})
}

const config = `protocols = imap
listen = 127.0.0.1
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/state
log_path = {{.Dir}}/log
default_internal_user = {{.User.Username}}
default_login_user = {{.User.Username}}
default_internal_group = {{.Group}}
first_valid_uid = 1
mail_location = maildir:{{.Dir}}/Maildir
mail_fsync = never
maildir_very_dirty_syncs = no
mail_max_userip_connections = 0
auth_failure_delay = 0
ssl = yes
ssl_cert = <{{.Dir}}/tls.pem
ssl_key = <{{.Dir}}/tls.pem
passdb {
  driver = static
  args = user=bounces password={{.Password}}
}
userdb {
  driver = static
  args = uid={{.User.Uid}} gid={{.User.Gid}} home={{.Dir}}
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = {{.Port}}
  }
  inet_listener imaps {
    port = {{.TLSPort}}
    ssl = yes
  }
}
{{range .More}}{{.}}
{{end}}`

// Start starts it, after Stop on the same ports.
func (s *Server) Start() {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "start.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	defer read.Close()
	// The shell outlives us by a moment: when this process ends, be it by SIGKILL, its
	// end of the pipe closes; the shell stops the server and, if not told otherwise,
	// clears up.
	const watch = `"$1" -F -c "$0/conf" & p=$!; read -r word; kill $p; wait $p; cd /; [ "$word" = keep ] || rm -rf "$0"`
	c := exec.CommandContext(context.Background(), "sh", "-c", watch, s.dir, s.program)
	c.Dir, c.SysProcAttr, c.Stdin, c.Stdout, c.Stderr = s.dir, s.attr, read, log, log
	if err := c.Start(); err != nil {
		write.Close()
		s.t.Fatal(err)
	}
	s.lifeline, s.ended = write, make(chan struct{})
	go func() {
		_ = c.Wait()
		close(s.ended)
	}()
	for _, port := range []int{s.Port, s.TLSPort} {
		if err := s.await(port); err != nil {
			said, _ := os.ReadFile(log.Name())
			more, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("Dovecot does not come up: %v\n%s\n%s", err, said, more)
		}
	}
}

// await waits until it answers.
func (s *Server) await(port int) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if s.answers(ctx, port) {
			return nil
		}
		select {
		case <-again.C:
		case <-s.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Server) answers(ctx context.Context, port int) bool {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	defer c.Close()
	if port == s.TLSPort { // it would wait for us
		return true
	}
	defer context.AfterFunc(ctx, func() { c.Close() })()
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "* OK")
}

// Stop ends it and all connections, if it runs. What it has stays.
func (s *Server) Stop() {
	if s.lifeline == nil {
		return
	}
	_, _ = s.lifeline.WriteString("keep\n") // else the shell has gone
	s.lifeline.Close()
	<-s.ended
	s.lifeline = nil
	// Its children may listen a moment longer; who comes to them is sent away.
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(time.Minute); time.Now().Before(until) && s.listens(); {
		<-again.C
	}
}

func (s *Server) listens() bool {
	for _, port := range []int{s.Port, s.TLSPort} {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // it is at this machine
		if err == nil {
			c.Close()
			return true
		}
	}
	return false
}

// Renumber makes the inbox, while the server is stopped, one with other numbers
// (UIDVALIDITY), as when it was made anew from a backup.
func (s *Server) Renumber() {
	s.t.Helper()
	old, err := filepath.Glob(filepath.Join(s.dir, "Maildir", "dovecot?[iu]*")) // uidlist, uidvalidity, index
	if err != nil || len(old) == 0 {
		s.t.Fatalf("%q have the numbers: %v", old, err)
	}
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Deliver puts a message into the inbox, in one step as mail servers do.
func (s *Server) Deliver(name, message string) {
	s.t.Helper()
	tmp := filepath.Join(s.dir, "Maildir", "tmp", name)
	err := os.WriteFile(tmp, []byte(message), 0o600)
	if c := s.attr.Credential; err == nil && c != nil {
		err = os.Chown(tmp, int(c.Uid), int(c.Gid))
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Join(s.dir, "Maildir", "new", name))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Messages returns the names that messages of a folder (empty: the inbox) were
// delivered by, those that were read and those that were not.
func (s *Server) Messages(folder string) (unread, read []string) {
	s.t.Helper()
	if folder != "" {
		folder = "." + folder
	}
	for _, sub := range []string{"new", "cur"} {
		list, err := os.ReadDir(filepath.Join(s.dir, "Maildir", folder, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.t.Fatal(err)
		}
		for _, f := range list {
			name, flags, _ := strings.Cut(f.Name(), ":2,")
			name, _, _ = strings.Cut(name, ",") // the size, that Dovecot adds
			switch {
			case strings.Contains(flags, "T"): // deleted, but not gone
			case strings.Contains(flags, "S"):
				read = append(read, name)
			default:
				unread = append(unread, name)
			}
		}
	}
	slices.Sort(unread)
	slices.Sort(read)
	return unread, read
}

// freePort finds a port that nobody is given who asks for any: the server has to get it
// again after it was stopped.
func freePort() (int, error) {
	var failure error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
		failure = errors.Join(failure, err)
	}
	return 0, fmt.Errorf("no port is free: %w", failure)
}
