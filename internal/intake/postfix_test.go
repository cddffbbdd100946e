package intake_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/smtp"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"syndicate/internal/intake"
	"syndicate/internal/test/postfix"
)

// sniffer is a listener that notes TLS handshakes.
type sniffer struct {
	net.Listener
	handshakes atomic.Int64
}

type sniffed struct {
	net.Conn
	by *sniffer
}

func (l *sniffer) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &sniffed{c, l}, err
}

func (c *sniffed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && b[0] == 0x16 { // a handshake record, at the beginning of a packet
		c.by.handshakes.Add(1)
	}
	return n, err
}

// TestPostfix: a real Postfix hands its reports over, by STARTTLS.
func TestPostfix(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server := postfix.Start(t, "bounces.example.org="+port)
	dir := t.TempDir()
	files := &certificate{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	files.write("")
	read, err := intake.ReadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan string, 10)
	sniff := &sniffer{Listener: l}
	s := startOn(t, sniff, patience, func(o *intake.Options) {
		o.Certificate = read
		o.Take = func(_ context.Context, message io.Reader, to string) error {
			b, err := io.ReadAll(message)
			arrived <- to + "\n" + string(b)
			return err
		}
	})
	c, err := smtp.Dial(fmt.Sprintf("127.0.0.1:%d", server.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing is lost with it
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.StartTLS(&tls.Config{RootCAs: server.CAs, ServerName: "127.0.0.1"}))
	for _, from := range []string{"bounces+key@bounces.example.org", own} {
		must(c.Mail(from))
		must(c.Rcpt("ann@nobody.example"))
		w, err := c.Data()
		must(err)
		_, err = io.WriteString(w, "From: News <news@example.org>\r\nTo: ann@nobody.example\r\nSubject: Weekly\r\n\r\nHello.\r\n")
		must(err)
		must(w.Close())
	}
	must(c.Quit())
	for range 2 {
		select {
		case m := <-arrived:
			for _, want := range []string{"\nReturn-Path: <>\r\nDelivered-To: bounces", "Status: 5.1.1", "rfc822; ann@nobody.example"} {
				if !strings.Contains(m, want) {
					t.Errorf("no %q in\n%s", want, m)
				}
			}
		case <-time.After(3 * patience):
			t.Fatal("nothing arrives")
		}
	}
	if sniff.handshakes.Load() == 0 {
		t.Error("they came in the clear")
	}
	if n := s.Counts(); n.Strangers != 0 || n.NotStored != 0 {
		t.Errorf("%+v", n)
	}
}
