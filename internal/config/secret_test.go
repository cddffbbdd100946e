package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/config"
)

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	c := parse(t, minimal+`
store: postgres://user:hunter2@db.example.org/news
relays:
  - {host: smtp.example.org, username: u, password: "${SMTP_PASSWORD}"}
`, "SMTP_PASSWORD", "hunter2")
	password := c.Relays[0].Password
	if password.Reveal() != "hunter2" || !password.IsSet() {
		t.Error("the secret is lost")
	}
	if c.StoreDSN() != "postgres://user:hunter2@db.example.org/news" || c.Store.Engine() != "postgres" {
		t.Error("the database is lost")
	}
	var printed bytes.Buffer
	hidden := struct{ relay config.Relay }{c.Relays[0]}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, v := range []any{password, &password, c.Relays, c.Store, *c, hidden, []config.DSN{c.Store}} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
	}
	for _, v := range []any{password, c} {
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed.Write(out)
	}
	slog.New(slog.NewTextHandler(&printed, nil)).Info("relay", "password", password, "relays", c.Relays, "store", c.Store)
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("relay", "password", password, "relays", c.Relays, "store", c.Store)
	for _, s := range []string{"hunter2", fmt.Sprintf("%x", "hunter2")} {
		if strings.Contains(printed.String(), s) {
			t.Errorf("printed %s in\n%s", s, printed.String())
		}
	}
	if got := fmt.Sprint(password, c.Store); got != "[secret] postgres://user:xxxxx@db.example.org/news" {
		t.Errorf("got %s", got)
	}
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"one": "hunter2\r\n", "two": "hunter2\nhunter3\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{
		"one":                     "",
		filepath.Join(dir, "one"): "",
		"${DIR}/one":              "",
		"two":                     `"two" has more than one line; keep only the secret in it`,
		"empty":                   `"empty" is empty`,
		"three":                   `cannot read "three": no such file or directory; relative names start at the folder of the configuration file`,
		".":                       `cannot read ".": not a regular file; relative names start at the folder of the configuration file`,
		"''":                      "relays[0].password_file has no value; give it one or take the line out",
	} {
		text := minimal + "relays:\n  - host: h\n    username: u\n    password_file: " + file + "\n"
		c, err := config.Parse(filepath.Join(dir, "config.yaml"), []byte(text), environment("DIR", dir))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", file, err)
		case want == "":
			if got := c.Relays[0].Password.Reveal(); got != "hunter2" {
				t.Errorf("%s: got %q", file, got)
			}
		case err == nil || !strings.HasSuffix(err.Error(), want):
			t.Errorf("%s:\n got %v\nwant %s", file, err, want)
		}
	}
}

// TestDSNAmbiguous: an address whose password holds an @ is refused, and no part of
// the password is shown.
func TestDSNAmbiguous(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://u:hun@ter2@db.example.org/news", "postgres://u:12/hunt@er2@db/news", "postgres://u:hun?t@er2@db/news", "postgres://u:12/hunter2@db/news"} {
		_, err := config.Parse("config.yaml", []byte(minimal+"store: \""+dsn+"\"\n"), environment())
		if err == nil || !strings.Contains(err.Error(), "%") || strings.Contains(err.Error(), "hun") || strings.Contains(err.Error(), "er2") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
