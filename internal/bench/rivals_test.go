package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"
	"net/mail"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/mailer"
)

// smtpSource sends n messages of so many octets with Postfix's smtp-source, a
// program in C that keeps no books. False: it is not on this machine.
func smtpSource(b *testing.B, s *server, connections, n, octets int) bool {
	b.Helper()
	path, err := exec.LookPath("smtp-source")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/smtp-source"); err != nil {
			return false
		}
	}
	out, err := exec.CommandContext(b.Context(), path, "-d", "-s", strconv.Itoa(connections), "-m", strconv.Itoa(n), "-l", strconv.Itoa(octets),
		"-f", "weekly@example.org", "-t", "reader@example.net", "inet:"+s.addr()).CombinedOutput()
	if err != nil {
		b.Fatalf("smtp-source: %v\n%s", err, out)
	}
	return true
}

// bareLoop sends n messages over as many connections, one round trip a message:
// what any program can do that knows nothing and remembers nothing. message
// appends the next one, dot-stuffed already.
func bareLoop(b *testing.B, s *server, connections, n int, message func(dst []byte) []byte) {
	b.Helper()
	var all sync.WaitGroup
	errs := make(chan error, connections)
	for i := range connections {
		share := n / connections
		if i < n%connections {
			share++
		}
		all.Go(func() {
			if err := bareConnection(b.Context(), s.addr(), share, message); err != nil {
				errs <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-errs:
		b.Fatal(err)
	default:
	}
}

func bareConnection(ctx context.Context, addr string, n int, message func([]byte) []byte) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	expect := func(code string, times int) error {
		for range times {
			for {
				line, err := r.ReadSlice('\n')
				if err != nil {
					return err
				}
				if !bytes.HasPrefix(line, []byte(code)) {
					return fmt.Errorf("%q, want %s", line, code)
				}
				if len(line) > 3 && line[3] == ' ' {
					break
				}
			}
		}
		return nil
	}
	if err := expect("220", 1); err != nil {
		return err
	}
	fmt.Fprint(c, "EHLO bench\r\n")
	if err := expect("250", 1); err != nil {
		return err
	}
	const group = "MAIL FROM:<weekly@example.org>\r\nRCPT TO:<reader@example.net>\r\nDATA\r\n"
	if _, err := c.Write([]byte(group)); err != nil {
		return err
	}
	var out []byte
	for i := range n {
		if err := expect("250", 2); err != nil {
			return err
		}
		if err := expect("354", 1); err != nil {
			return err
		}
		out = append(message(out[:0]), ".\r\n"...)
		if i < n-1 {
			out = append(out, group...)
		}
		if _, err := c.Write(out); err != nil {
			return err
		}
		if err := expect("250", 1); err != nil {
			return err
		}
	}
	fmt.Fprint(c, "QUIT\r\n")
	return nil
}

// madeMessage returns a function that appends a message of so many octets, made
// before and the same for everybody.
func madeMessage(octets int) func([]byte) []byte {
	m := []byte("From: weekly@example.org\r\nTo: reader@example.net\r\nSubject: Tides\r\n\r\n")
	for len(m) < octets {
		m = append(m, strings.Repeat("Water rises and falls. ", 3)+"\r\n"...)
	}
	return func(dst []byte) []byte { return append(dst, m...) }
}

// signedMessage returns a function that signs each message with an RSA and an
// Ed25519 key.
func signedMessage(b *testing.B, octets int) func([]byte) []byte {
	b.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	one, err := mailer.NewKey("example.org", "rsa", private)
	if err != nil {
		b.Fatal(err)
	}
	two, err := mailer.NewKey("example.org", "ed", edwards)
	if err != nil {
		b.Fatal(err)
	}
	t, err := mailer.NewTemplate(mailer.Content{
		From: mail.Address{Address: "weekly@example.org"}, Subject: "Tides", Text: strings.Repeat("Water rises and falls.\n", octets/25),
		ListName: "Weekly", ListID: "weekly.letter.example.org", Signer: mailer.NewSigner(one, two),
	})
	if err != nil {
		b.Fatal(err)
	}
	p := mailer.Personal{
		To: mail.Address{Address: "reader@example.net"}, Date: time.Now(), MessageID: "1@example.org",
		UnsubscribeURL: "https://letter.example.org/unsubscribe/x", PreferencesURL: "https://letter.example.org/preferences/x",
	}
	return func(dst []byte) []byte { return t.Append(dst, p) }
}
