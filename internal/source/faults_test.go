package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// A folder that is missing or is none is an error: nothing may be concluded.
func TestNoFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{filepath.Join(t.TempDir(), "none"), file} {
		d := source.NewDir(source.DirOptions{Root: root})
		if _, err := d.List(context.Background(), source.Ask{}); err == nil || !strings.Contains(err.Error(), "reading the folder of articles") {
			t.Errorf("%s: %v", root, err)
		}
	}
}

// While a folder inside cannot be read, no article vanishes, those inside are not
// forgotten, and the others are kept up to date.
func TestUnreadableFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n", "b.md": "# B\n", "deep/c.md": "# C\n"})
	s.ingest()
	// Not even root can read a folder whose path is too long for the system.
	root, err := os.OpenRoot(s.root)
	if err != nil {
		t.Fatal(err)
	}
	s.rename("deep/c.md", "kept.txt.off")
	name := strings.Repeat("d", 250)
	for at := "deep"; len(at) < 4200; at = filepath.Join(at, name) {
		next, err := root.OpenRoot(map[bool]string{true: "deep", false: name}[at == "deep"])
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		closed(t, root)
		root = next
	}
	defer closed(t, root)
	s.remove("b.md")
	s.write("a.md", "# A2\n")
	got := s.ingest()
	if !strings.Contains(got.Problems, "cannot be read: file name too long") {
		t.Skip("this system reads a path of 4,200 bytes:", got.Problems)
	}
	got.Problems = ""
	if diff := cmp.Diff(found{Total: 1, Known: 3, Changed: 1, Read: "a.md: A2", Saved: true}, got); diff != "" {
		t.Errorf("unreadable (-want +got)\n%s", diff)
	}
	if err := os.RemoveAll(s.path("deep")); err != nil {
		t.Fatal(err)
	}
	s.write("deep/c.md", "# C\n")
	s.expect("readable again", found{Total: 2, Known: 3, Vanished: "b.md", Saved: true})
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n", "b.md": "# B\n"})
	s.ingest()
	s.write("a.md", "# A2\n")
	if err := os.Chmod(s.path("a.md"), 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(s.path("a.md")); err == nil {
		f.Close()
		t.Skip("permissions do not bind this user")
	}
	const problem = "articles/a.md: cannot be read: permission denied"
	s.expect("unreadable", found{Total: 2, Known: 2, Changed: 1, Problems: problem, Saved: true})
	s.expect("still", found{Total: 2, Known: 2, Changed: 1, Problems: problem, Saved: true})
	if err := os.Chmod(s.path("a.md"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.expect("readable again", found{Total: 2, Known: 2, Changed: 1, Read: "a.md: A2", Saved: true})
}

// Names that are not text are told and left out: no store could keep them as they
// are.
func TestNamesThatAreNoText(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n", "b\xe9.md": "# B\n", "c\nd.md": "# C\n", "d\xe9/d.md": "# D\n", "e\x1b.png": "x"})
	const left = " has a name that is not UTF-8, or with a control character in it, and is left out"
	s.expect("first", found{Total: 1, Changed: 1, Read: "a.md: A", Saved: true, Problems: strings.Join([]string{
		"articles/b\xe9.md:" + left, "articles/c\nd.md:" + left, "articles/d\xe9:" + left, "articles/e\x1b.png:" + left,
	}, "\n")})
	if assets := s.list().Assets; len(assets) > 0 {
		t.Errorf("assets: %v", assets)
	}

	deep := strings.Repeat("d", 200)
	s = newSite(t, map[string]string{strings.Join([]string{deep, deep, deep, deep, deep, "a.md"}, "/"): "# A\n", "b.md": "# B\n"})
	if f := s.ingest(); f.Read != "b.md: B" || !strings.Contains(f.Problems, "/a.md: has a path of 1009 bytes, 1000 are allowed, and is left out") {
		t.Errorf("%+v", f)
	}
}

// A file of 50 MB is told and not read; its article stays.
func TestTooBig(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n"})
	s.ingest()
	if err := os.Truncate(s.path("a.md"), 50<<20); err != nil {
		t.Fatal(err)
	}
	const problem = "articles/a.md: is 50 MB, articles may have 10 MB"
	s.expect("too big", found{Total: 1, Known: 1, Changed: 1, Problems: problem, Saved: true})
	s.write("a.md", "# A2\n")
	s.expect("small again", found{Total: 1, Known: 1, Changed: 1, Read: "a.md: A2", Saved: true})
}

// Batches are of at most 512 articles, and smaller where articles are big; their
// order is that of the paths.
func TestBatches(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 1100 {
		files[fmt.Sprintf("%02d/%04d.md", i/100, i)] = fmt.Sprintf("# %d\n", i)
	}
	big := "# Big\n\n" + strings.Repeat("word ", 1<<20)
	for i := range 3 {
		files[fmt.Sprintf("zz/%d.md", i)] = big
	}
	s := newSite(t, files)
	var sizes []int
	last := ""
	if err := s.list().Read(t.Context(), func(batch []newsletter.Article) error {
		sizes = append(sizes, len(batch))
		for _, a := range batch {
			if a.Key <= last {
				t.Errorf("%s comes after %s", a.Key, last)
			}
			last = a.Key
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{512, 512, 78, 1}, sizes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What the caller says ends the reading, and nothing is remembered of it.
func TestReadFails(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 2000 {
		files[fmt.Sprintf("%04d.md", i)] = "# Title\n"
	}
	s := newSite(t, files)
	full := errors.New("disk full")
	l := s.list()
	if err := l.Read(t.Context(), func([]newsletter.Article) error { return full }); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	if state, changed := l.State(nil); changed || state != nil {
		t.Errorf("state of %d bytes, changed %t", len(state), changed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l = s.list()
	if err := l.Read(ctx, func([]newsletter.Article) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := s.dir.List(ctx, source.Ask{}); !errors.Is(err, context.Canceled) {
		t.Errorf("listing: error %v", err)
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{
		"a.md": "# A\n", "sea/net.png": "png", "sea/net.JPG": "jpeg", "notes.csv": "", ".hidden.png": "", "_site/x.png": "", "sea/talk.mp3": "mp3!",
	})
	l := s.list()
	var got []string
	for _, a := range l.Assets {
		info, err := os.Stat(s.path(a.Path))
		if err != nil || !info.ModTime().Equal(a.ModTime) {
			t.Errorf("%s: time %s, error %v", a.Path, a.ModTime, err)
		}
		got = append(got, fmt.Sprintf("%s %d", a.Path, a.Size))
	}
	if diff := cmp.Diff([]string{"sea/net.JPG 4", "sea/net.png 3", "sea/talk.mp3 4"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	f, err := l.Open("sea/net.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, err := io.ReadAll(f); err != nil || string(data) != "png" {
		t.Errorf("%q, %v", data, err)
	}
	for _, p := range []string{"a.md", "../x.png", "sea/../sea/net.png", ".hidden.png"} {
		if f, err := l.Open(p); !errors.Is(err, os.ErrNotExist) {
			f.Close()
			t.Errorf("%s opens: %v", p, err)
		}
	}
}
