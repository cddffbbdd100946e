package config_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/config"
)

var update = flag.Bool("update", false, "write the golden files")

// minimal is the shortest file that is right.
const minimal = "site: {title: The Harbour Letter, url: http://localhost:8080}\n"

// root is the folder of the sample site.
const root = "../.."

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func parse(t *testing.T, text string, env ...string) *config.Config {
	t.Helper()
	c, err := config.Parse("config.yaml", []byte(text), environment(env...))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

func parseText(text string) (*config.Config, error) {
	return config.Parse("config.yaml", []byte(text), nil)
}

func TestSample(t *testing.T) {
	t.Parallel()
	c, err := config.Load(filepath.Join(root, "config.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range c.Newsletters {
		names = append(names, n.Name)
	}
	if diff := cmp.Diff([]string{"weekly", "quotidien"}, names); diff != "" {
		t.Error(diff)
	}
	if len(c.Relays) != 0 {
		t.Error("the sample site must not mail anybody")
	}
	if got, want := c.Path("articles"), filepath.Join(root, "articles"); got != want {
		t.Errorf("Path: got %s, want %s", got, want)
	}
}

// TestSampleUncommented reads the sample with every commented key in force, so that what the file says
// about them is true.
func TestSampleUncommented(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(root, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("config.yaml", uncomment(data), environment("SMTP_PASSWORD", "hunter2", "GHOST_KEY", "key", "DB_PASSWORD", "hunter2", "POSTMARK_HOOK", "p", "MAILGUN_SIGNING_KEY", "k", "IMAP_PASSWORD", "p"))
	if err != nil {
		t.Fatalf("%v\n%s", err, uncomment(data))
	}
	if len(c.Relays) == 0 || c.Relays[0].Password.Reveal() != "hunter2" {
		t.Errorf("relays: %v", c.Relays)
	}
	if len(c.Delivery.Groups) == 0 || c.Delivery.Groups[0].Rate.PerSecond() != 20 || c.Relays[0].WarmUp.From.IsZero() {
		t.Errorf("groups %v, warm-up %v", c.Delivery.Groups, c.Relays[0].WarmUp)
	}
	c.Delivery.Groups = nil // examples: there are none by default
	defaults := parse(t, minimal+"relays: [{host: smtp.example.org}]\nsources: [{dir: articles}, {sql: {dsn: \"sqlite:x.db\", query: SELECT 1}}]\n")
	query, plain := *c.Sources[len(c.Sources)-1].SQL, defaults.Sources[1].SQL
	query.DSN, query.Query, query.Cursor, query.Columns = plain.DSN, plain.Query, "", nil // examples
	// These sections have a default for every key; what the sample shows has to be it.
	for _, section := range []struct{ got, want any }{
		{c.Delivery, defaults.Delivery},
		{c.Log, defaults.Log},
		{c.Retention, defaults.Retention},
		{c.Web.Timeouts, defaults.Web.Timeouts},
		{c.Web.Listen, defaults.Web.Listen},
		{c.Store, defaults.Store},
		{c.Sources[0].Name, defaults.Sources[0].Name},
		{query, *plain},
		{c.Feeds.Dir, defaults.Feeds.Dir},
		{c.Feeds.Items, defaults.Feeds.Items},
		{c.Feeds.Content, defaults.Feeds.Content},
		{c.Feeds.Archives, defaults.Feeds.Archives},
		{c.Feeds.Compressed, defaults.Feeds.Compressed},
		{c.Relays[0].Timeouts, defaults.Relays[0].Timeouts},
		{c.Relays[0].TLS, defaults.Relays[0].TLS},
		{c.Relays[0].Port, defaults.Relays[0].Port},
		{c.Relays[0].Auth, defaults.Relays[0].Auth},
		{c.Relays[0].Connections, defaults.Relays[0].Connections},
		{c.Relays[0].MessagesPerConnection, defaults.Relays[0].MessagesPerConnection},
	} {
		if fmt.Sprint(section.got) != fmt.Sprint(section.want) {
			t.Errorf("the sample says %+v, the default is %+v", section.got, section.want)
		}
	}
}

// uncomment takes the # off lines that are keys, list items or their continuation: those where it
// touches the text. Prose has a space after it.
func uncomment(data []byte) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(data)) {
		trimmed := strings.TrimLeft(line, " ")
		if rest, ok := strings.CutPrefix(trimmed, "#"); ok && rest != "" && !strings.ContainsAny(rest[:1], " #\n") {
			line = line[:len(line)-len(trimmed)] + rest
		}
		out.WriteString(line)
	}
	return out.Bytes()
}

// TestSampleDocumentsEveryKey walks the struct: each key has to stand in the sample, in force or commented.
func TestSampleDocumentsEveryKey(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(root, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys(reflect.TypeFor[config.Config]()) {
		if !mentioned(string(data), key) {
			t.Errorf("config.yaml does not mention %s", key)
		}
	}
}

// mentioned tells whether text has key as a YAML key, be it in a comment.
func mentioned(text, key string) bool {
	for rest := text; ; {
		before, after, ok := strings.Cut(rest, key+":")
		if !ok {
			return false
		}
		if before == "" || strings.ContainsAny(before[len(before)-1:], " #{\n(") {
			return true
		}
		rest = after
	}
}

// keys returns the keys of a section and of those below it.
func keys(t reflect.Type) (list []string) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" || key == "-" || key[0] == ',' {
			continue
		}
		list = append(list, key)
		if f.Type == reflect.TypeFor[config.Secret]() {
			list = append(list, key+"_file")
		}
		list = append(list, keys(f.Type)...)
	}
	return list
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := parse(t, minimal+`
newsletters:
  weekly: {title: Weekly, from: letter@example.org}
relays:
  - host: smtp.example.org
`)
	var b bytes.Buffer
	dump(&b, "", reflect.ValueOf(*c))
	const golden = "testdata/defaults.golden"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("defaults (-want +got; -update to accept):\n%s", diff)
	}
}

// dump writes one line for each value.
func dump(b *bytes.Buffer, path string, v reflect.Value) {
	zone, isZone := v.Interface().(*time.Location)
	switch {
	case isZone:
		fmt.Fprintf(b, "%s = %s\n", path, zone)
	case v.Kind() == reflect.Pointer && v.IsNil():
		fmt.Fprintf(b, "%s = none\n", path)
	case v.Kind() == reflect.Slice && v.Len() == 0:
		fmt.Fprintf(b, "%s = []\n", path)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			dump(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case v.Kind() == reflect.Struct && len(keys(v.Type())) > 0:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				dump(b, strings.TrimPrefix(path+"."+f.Name, "."), v.Field(i))
			}
		}
	case v.Kind() == reflect.String:
		fmt.Fprintf(b, "%s = %q\n", path, v)
	default:
		fmt.Fprintf(b, "%s = %v\n", path, v.Interface())
	}
}

func TestLoadMissing(t *testing.T) {
	t.Parallel()
	_, err := config.Load(filepath.Join(t.TempDir(), "config.yaml"), nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestWhere(t *testing.T) {
	t.Parallel()
	c := parse(t, `site:
  title: The Harbour Letter
  url: http://localhost:8080
relays:
  - name: main
    host: smtp.example.org
`)
	for key, want := range map[string]string{
		"site.url":       "config.yaml:3:8",
		"site.language":  "config.yaml:1:1",
		"relays[0].host": "config.yaml:6:11",
		"relays[0].port": "config.yaml:5:5",
		"web.listen":     "config.yaml:1:1",
	} {
		if got := c.Where(key); got != want {
			t.Errorf("Where(%s): got %s, want %s", key, got, want)
		}
	}
}
