package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/config"
)

// TestIMAP: a folder on a server has its defaults; what cannot work is told where it stands.
func TestIMAP(t *testing.T) {
	t.Parallel()
	const head = "site: {title: T, url: \"https://example.org\"}\nbounces:\n  imap: "
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(filepath.Join(dir, "config.yaml"), []byte(head+"{host: imap.example.org, username: b, password_file: password}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := *c.Bounces.IMAP
	if m.Password.Reveal() != "from a file" {
		t.Errorf("password: %q", m.Password.Reveal())
	}
	m.Password = config.Secret{}
	if want := (config.IMAP{Host: "imap.example.org", Port: 993, TLS: "implicit", Username: "b", Folder: "INBOX", Processed: "seen"}); m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
	c, err = config.Parse("config.yaml", []byte(head+"{host: localhost, tls: none, username: b, password: p}"), nil)
	if err != nil || c.Bounces.IMAP.Port != 143 {
		t.Errorf("%+v, %v", c, err)
	}

	for text, want := range map[string]string{
		"{host: imap.example.org, tls: none, username: b, password: p}": "config.yaml:3:39: bounces.imap.tls: the password would cross the network unencrypted",
		"{host: imap.example.org, username: b}":                         "bounces.imap.password is missing",
		"{username: b, password: p}":                                    "bounces.imap.host is missing",
		"{host: h, username: b, password: p, folder: B, processed: B}":  "bounces.imap.processed: the messages are in this folder already",
		"{host: h, username: b, password: p, processed: \"\"}":          "bounces.imap.processed has no value",
		"{host: h, username: b, password: p, tls: ssl}":                 "bounces.imap.tls: ",
		"{host: h, username: b, password: p, pasword: q}":               `unknown key "pasword"`,
		"{host: h, username: b, password: p, password_file: q}":         "password and password_file are both given",
		"{host: \"imap.example.org:993\", username: b, password: p}":    "bounces.imap.host: ",
		"{host: h, username: b, password: p, port: 70000}":              "bounces.imap.port: ",
	} {
		_, err := config.Parse("config.yaml", []byte(head+text), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q is missing in:\n%v", text, want, err)
		}
	}
}
