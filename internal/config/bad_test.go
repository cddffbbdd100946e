package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"syndicate/internal/config"
)

// TestBad reads testdata/bad.txtar, where each NAME.yaml is followed by NAME.want, the exact error.
func TestBad(t *testing.T) {
	t.Parallel()
	const golden = "testdata/bad.txtar"
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var fresh txtar.Archive
	fresh.Comment = archive.Comment
	want := map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		_, err := config.Parse("config.yaml", f.Data, environment("PORT", "abc", "EMPTY", "", "TITLE", "two\nlines"))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		got := err.Error() + "\n"
		if diff := cmp.Diff(want[name+".want"], got); diff != "" && !*update {
			t.Errorf("%s (-want +got; -update to accept):\n%s", name, diff)
		}
		fresh.Files = append(fresh.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(&fresh), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBadBytes has the cases that do not fit into a text file.
func TestBadBytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"not UTF-8":         {"site:\n  title: caf\xe9\n", "config.yaml:2:13: not UTF-8 text; save the file as UTF-8"},
		"control character": {"site:\n  title: é\x07\n", "config.yaml:2:11: the character U+0007 is not allowed here; delete it"},
		"tab":               {"site:\n\ttitle: x\n", "config.yaml:2:1: not valid YAML: found character that cannot start any token; indent with spaces, not with tabs"},
		"too large":         {strings.Repeat("#\n", config.MaxSize/2+1), "config.yaml:1:1: larger than 1048576 bytes; is it the right file?"},
		"old line ends":     {strings.Repeat("a: b\r", 10_000) + "[", "config.yaml:10001:1: not valid YAML: could not find expected ':'; look at the indentation and the quotation marks here and just above"},
		"line separator":    {strings.Replace(minimal, "The Harbour Letter", `"a\u2028b"`, 1), "config.yaml:1:15: site.title: a line break is not allowed here"},
	} {
		_, err := config.Parse("config.yaml", []byte(c.text), nil)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

// TestAliasBomb wants an error instead of all memory: aliases of aliases of lists, and of merges.
func TestAliasBomb(t *testing.T) {
	t.Parallel()
	const want = "the aliases of this file stand for more than 10000 values"
	var wide, merged bytes.Buffer
	wide.WriteString("x: &x {host: h, bad: [" + strings.Repeat("a,", 2000) + "]}\n" + minimal + "relays: [")
	wide.WriteString(strings.Repeat("*x,", 200_000) + "]\n")
	merged.WriteString("x: &x0 {host: h}\n")
	for i := range 40 {
		n := strconv.Itoa(i)
		merged.WriteString("y" + n + ": &x" + strconv.Itoa(i+1) + " {<<: [*x" + n + ", *x" + n + ", *x" + n + "]}\n")
	}
	merged.WriteString(minimal + "relays: [*x40]\n")
	var long bytes.Buffer
	long.WriteString("newsletters:\n  a: &a\n")
	for i := range 30_000 {
		long.WriteString("    k" + strconv.Itoa(i) + ": x\n")
	}
	for i := range 20_000 {
		long.WriteString("  b" + strconv.Itoa(i) + ": *a\n")
	}
	for name, text := range map[string]string{"wide": wide.String(), "merged": merged.String(), "long": long.String()} {
		_, err := config.Parse("config.yaml", []byte(text), nil)
		if err == nil || name != "long" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %.300v, want %s", name, err, want)
		}
	}
}

// TestManyProblems wants the list to end somewhere.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 1000 {
		b.WriteString("key" + strconv.Itoa(i) + ": x\n")
	}
	_, err := config.Parse("config.yaml", []byte(b.String()), nil)
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T", err)
	}
	if n := len(e.Problems); n != 101 {
		t.Errorf("got %d problems, want 100 and one that says so", n)
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	_, err := config.Parse("a/config.yaml", []byte(minimal+"newslettres: {}\n"), nil)
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T", err)
	}
	want := []config.Problem{{
		File: "a/config.yaml", Line: 2, Column: 1,
		Message: `unknown key "newslettres"`, Hint: `did you mean "newsletters"?`,
	}}
	if diff := cmp.Diff(want, e.Problems); diff != "" {
		t.Error(diff)
	}
}

func TestLoadTooLarge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, bytes.Repeat([]byte("#\n"), config.MaxSize), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path, nil)
	var e *config.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}
