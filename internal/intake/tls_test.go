package intake_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/intake"
	"syndicate/internal/test/selfsigned"
)

// certificate is a pair of files.
type certificate struct {
	t         *testing.T
	cert, key string
	written   int64
}

// write writes a new certificate with a serial number; part says which files: "cert",
// "key" or "".
func (c *certificate) write(part string) {
	c.t.Helper()
	c.written++
	pair, err := selfsigned.New(selfsigned.Options{Names: []string{"bounces.example.org"}, Serial: c.written})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range []struct {
		part, name string
		pem        []byte
	}{{"cert", c.cert, pair.Certificate}, {"key", c.key, pair.Key}} {
		if part != "" && part != f.part {
			continue
		}
		next := f.name + ".next"
		if err := os.WriteFile(next, f.pem, 0o600); err != nil {
			c.t.Fatal(err)
		}
		if err := os.Rename(next, f.name); err != nil {
			c.t.Fatal(err)
		}
	}
}

// secured returns a session over TLS and the serial number of the certificate.
func (s *server) secured() (*smtp.Client, int64) {
	s.t.Helper()
	c, err := smtp.Dial(s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
		s.t.Fatal(err)
	}
	state, ok := c.TLSConnectionState()
	if !ok || state.Version < tls.VersionTLS12 {
		s.t.Fatalf("%+v", state)
	}
	return c, state.PeerCertificates[0].SerialNumber.Int64()
}

// TestTLS: with a certificate the server offers STARTTLS, and takes a new one when the
// files are replaced, but not half of one.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := &certificate{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	if _, err := intake.ReadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), files.cert) {
		t.Error(err)
	}
	files.write("")
	read, err := intake.ReadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *intake.Options) { o.Certificate = read })
	c, serial := s.secured()
	if serial != 1 {
		t.Errorf("certificate %d", serial)
	}
	if ok, _ := c.Extension("STARTTLS"); ok {
		t.Error("STARTTLS is offered over TLS")
	}
	if err := c.Mail(""); err != nil {
		t.Error(err)
	}
	if err := c.Rcpt("victim@example.com"); err == nil || !strings.Contains(err.Error(), "5.7.1") {
		t.Error(err)
	}
	if err := c.Rcpt(own); err != nil {
		t.Error(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(report)); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got := s.messages(); len(got) != 1 || got[0] != delivered(own) {
		t.Errorf("%q", got)
	}

	for _, step := range []struct {
		part string
		want int64
	}{{"", 2}, {"cert", 2}, {"", 4}, {"key", 4}} {
		files.write(step.part)
		if _, serial := s.secured(); serial != step.want {
			t.Errorf("certificate %d, want %d", serial, step.want)
		}
	}
	if err := os.Remove(files.cert); err != nil {
		t.Fatal(err)
	}
	if _, serial := s.secured(); serial != 4 {
		t.Errorf("certificate %d, want the last good one", serial)
	}
}

// TestInjection: what is sent in the clear behind STARTTLS is not taken for what is said
// over TLS (CVE-2011-0411).
func TestInjection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := &certificate{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	files.write("")
	read, err := intake.ReadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *intake.Options) { o.Certificate = read })
	c := s.dial()
	c.say("EHLO x", "250 ")
	c.send("STARTTLS\r\nEHLO y\r\n")
	c.want("220")
	over := newClient(t, tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true}))
	over.say("MAIL FROM:<>", "502") // nobody introduced themselves
	over.say("EHLO x", "250 ")

	// No handshake at all.
	c = s.dial()
	c.say("EHLO x", "250 ")
	c.send("STARTTLS\r\n" + strings.Repeat("NOOP\r\n", 2000)) // more than is read at once
	for {
		if _, err := c.reply(); err != nil {
			break
		}
	}
	s.secured()
}

// TestCutOverTLS: a connection that ends in a chunk (BDAT) leaves no message, and its
// sender hears so.
func TestCutOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := &certificate{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	files.write("")
	read, err := intake.ReadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *intake.Options) { o.Certificate = read })
	for _, chunk := range []string{"", "Subject: x\r\n"} {
		c := s.dial()
		c.say("EHLO x", "250 ")
		c.say("STARTTLS", "220")
		over := newClient(t, tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true}))
		over.envelope(own)
		over.send("BDAT 100 LAST\r\n" + chunk)
		if half, ok := c.conn.(*net.TCPConn); !ok || half.CloseWrite() != nil {
			t.Fatal("the connection cannot be cut")
		}
		over.want("421 4.4.2")
	}
	if got := s.messages(); len(got) > 0 {
		t.Errorf("taken: %q", got)
	}
}

// TestChunksOverTLS: a message in chunks is taken when it has come to its end, whatever
// was sent ahead, and not when TLS was closed before, which nothing below it notices.
func TestChunksOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := &certificate{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	files.write("")
	read, err := intake.ReadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *intake.Options) { o.Certificate = read })
	secured := func() (*client, *tls.Conn) {
		t.Helper()
		c := s.dial()
		c.say("EHLO mx.example.net", "250 ")
		c.say("STARTTLS", "220")
		over := tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true})
		c = newClient(t, over)
		c.envelope(own)
		return c, over
	}
	for _, cut := range []string{"BDAT 500 LAST\r\nSubject: x\r\n", "BDAT 500 LAST\r\n", "BDAT 3\r\nabcBDAT 500 LAST\r\nx"} {
		c, over := secured()
		c.send(cut)
		if err := over.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(cut, "BDAT 3") {
			c.want("250")
		}
		c.want("421 4.4.2")
		c.wantClosed()
	}
	c, _ := secured()
	c.send("BDAT 3\r\nabcBDAT 3 LAST\r\ndefNOOP\r\n")
	for range 3 {
		c.want("250")
	}
	c.envelope(own)
	c.send("BDAT 3 LAST\r\nabc" + strings.Repeat("NOOP\r\n", 2000)) // more than is read at once
	for {
		if _, err := c.reply(); err != nil {
			break
		}
	}
	if n := s.Counts(); n != (intake.Counts{Taken: 2}) {
		t.Errorf("%+v", n)
	}
}
