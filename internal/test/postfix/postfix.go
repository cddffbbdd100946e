// Package postfix starts a throw-away Postfix on loopback, from the machine's own
// programs: an SMTP server that others wrote. It takes mail over STARTTLS, keeps
// what is for its readers and sends nothing out.
package postfix

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
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
	"strings"
	"testing"
	"text/template"

	"github.com/fsnotify/fsnotify"

	"syndicate/internal/test"
	"syndicate/internal/test/selfsigned"
)

// Server is a running Postfix. Host is always 127.0.0.1.
type Server struct {
	Port int
	CAs  *x509.CertPool // its certificate is for 127.0.0.1

	mail string // the Maildir
}

// Domain is the one whose mail it keeps, whoever it is for. What is for others
// comes back to senders in that domain: from nobody.example with 5.1.1, from
// full.example with 5.2.2, from policy.example with 5.7.1, else with 5.1.2.
const Domain = "example.net"

// Start starts a server that ends with the test; it skips the test where there is
// no Postfix, or where it may not be started (see test.Missing). Routes are domains whose
// mail it hands on, and the ports on loopback where: "bounces.example.org=2525".
func Start(t testing.TB, routes ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("postfix")
	if err == nil && os.Geteuid() != 0 {
		err = errors.New("only root may start it")
	}
	if err != nil {
		test.Missing(t, "postfix", err)
	}
	s, stop, err := start(program, routes)
	if err != nil {
		t.Fatalf("starting Postfix: %v", err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stopping Postfix: %v", err)
		}
	})
	return s
}

func start(program string, routes []string) (_ *Server, stop func() error, err error) {
	// Not t.TempDir: its parent is 0700, which Postfix's own user cannot enter.
	dir, err := os.MkdirTemp("", "mta")
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	s := &Server{mail: filepath.Join(dir, "mail", "all")}
	if err := s.configure(dir, routes); err != nil {
		return nil, nil, err
	}
	// The shell outlives us by a moment: when this process ends, be it by SIGKILL,
	// its end of the pipe closes; the shell stops the server and clears up.
	const watch = `"$1" -c "$0/etc" start >&2 && echo up; cat >/dev/null; "$1" -c "$0/etc" stop >&2; cd /; rm -rf "$0"`
	sh := exec.CommandContext(context.Background(), "sh", "-c", watch, dir, program)
	sh.Dir = dir
	log, err := os.Create(filepath.Join(dir, "start.log"))
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	sh.Stderr = log // not ours: go test would wait for it
	lifeline, err := sh.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	up, err := sh.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := sh.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error {
		lifeline.Close()
		return sh.Wait()
	}
	if line, err := bufio.NewReader(up).ReadString('\n'); line != "up\n" {
		said, _ := os.ReadFile(log.Name())
		mail, _ := os.ReadFile(filepath.Join(dir, "mail.log"))
		return nil, nil, errors.Join(fmt.Errorf("it does not come up: %w\n%s\n%s", err, said, mail), stop())
	}
	return s, stop, nil
}

// configure writes the files that Postfix reads.
func (s *Server) configure(dir string, routes []string) (err error) {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	postfix, err := user.Lookup("postfix")
	if err != nil {
		return err
	}
	if s.Port, err = freePort(); err != nil {
		return err
	}
	for _, d := range []struct{ name, uid, gid string }{
		{"etc", "0", "0"},
		{"spool", "0", "0"},
		{"data", postfix.Uid, postfix.Gid},
		{"mail", nobody.Uid, nobody.Gid},
		{"mail/all", nobody.Uid, nobody.Gid},
		{"mail/all/new", nobody.Uid, nobody.Gid},
		{"mail/all/cur", nobody.Uid, nobody.Gid},
		{"mail/all/tmp", nobody.Uid, nobody.Gid},
	} {
		uid, _ := strconv.Atoi(d.uid)
		gid, _ := strconv.Atoi(d.gid)
		path := filepath.Join(dir, d.name)
		if err := errors.Join(os.Mkdir(path, 0o755), os.Chown(path, uid, gid)); err != nil {
			return err
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // Postfix's own user has to enter it
		return err
	}
	pair, err := selfsigned.New(selfsigned.Options{})
	if err != nil {
		return err
	}
	s.CAs = pair.Pool()
	if err := os.WriteFile(filepath.Join(dir, "etc", "tls.pem"), pair.File(), 0o600); err != nil {
		return err
	}
	var table strings.Builder
	for _, r := range routes {
		domain, port, _ := strings.Cut(r, "=")
		fmt.Fprintf(&table, ", {%s=smtp:[127.0.0.1]:%s}", domain, port)
	}
	values := map[string]any{"Dir": dir, "Port": s.Port, "Uid": nobody.Uid, "Gid": nobody.Gid, "Domain": Domain, "Routes": table.String()}
	for name, text := range map[string]string{"main.cf": mainCF, "master.cf": masterCF} {
		var b bytes.Buffer
		if err := template.Must(template.New(name).Parse(text)).Execute(&b, values); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "etc", name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const mainCF = `compatibility_level = 3.6
queue_directory = {{.Dir}}/spool
data_directory = {{.Dir}}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{{.Domain}}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = {{.Dir}}/mail.log
maillog_file_prefixes = {{.Dir}}
default_transport = error:5.1.2 nothing leaves this machine
relay_transport = error:5.1.2 nothing leaves this machine
transport_maps = inline:{ {nobody.example=error:5.1.1 user unknown}, {full.example=error:5.2.2 mailbox full}, {policy.example=error:5.7.1 not from you}{{.Routes}} }
virtual_mailbox_domains = {{.Domain}}
virtual_mailbox_base = {{.Dir}}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{{.Uid}}
virtual_gid_maps = static:{{.Gid}}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
smtpd_tls_chain_files = {{.Dir}}/etc/tls.pem
smtpd_tls_security_level = encrypt
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_dns_support_level = disabled
alias_maps =
biff = no
`

const masterCF = `127.0.0.1:{{.Port}} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
`

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:errcheck // a TCP listener has a TCP address
}

// Messages waits until n messages have arrived and returns what is in the mailbox,
// in no order, with the line ends that Postfix keeps (LF).
func (s *Server) Messages(ctx context.Context, n int) (list [][]byte, err error) {
	arrived := filepath.Join(s.mail, "new")
	watch, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, watch.Close()) }()
	if err := watch.Add(arrived); err != nil {
		return nil, err
	}
	for {
		files, err := os.ReadDir(arrived)
		if err != nil {
			return nil, err
		}
		if len(files) >= n {
			for _, f := range files {
				message, err := os.ReadFile(filepath.Join(arrived, f.Name()))
				if err != nil {
					return nil, err
				}
				list = append(list, message)
			}
			return slices.Clip(list), nil
		}
		select {
		case <-watch.Events:
		case err := <-watch.Errors:
			return nil, err
		case <-ctx.Done():
			log, _ := os.Open(filepath.Join(s.mail, "..", "..", "mail.log"))
			said, _ := io.ReadAll(log)
			return nil, fmt.Errorf("%d of %d messages have arrived: %w\n%s", len(files), n, ctx.Err(), said)
		}
	}
}
