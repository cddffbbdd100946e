package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/source"
)

// expect ingests and compares.
func (s *site) expect(step string, want found) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.ingest()); diff != "" {
		s.t.Errorf("%s (-want +got)\n%s", step, diff)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n", "b/c.md": "# C\n", "b/d.txt": "D\n\nText.\n"})
	s.expect("first", found{Total: 3, Changed: 3, Read: "a.md: A, b/c.md: C, b/d.txt: D", Saved: true})
	s.expect("nothing", found{Total: 3, Known: 3})
	s.write("b/c.md", "# C2\n")
	s.expect("one changed", found{Total: 3, Known: 3, Changed: 1, Read: "b/c.md: C2", Saved: true})
	s.write("b/c.md", "# C2\n")
	s.expect("one touched", found{Total: 3, Known: 3, Saved: true})
	s.expect("nothing again", found{Total: 3, Known: 3})
	s.write("0.md", "# 0\n")
	s.remove("a.md")
	s.expect("one new, one gone", found{Total: 3, Known: 3, Changed: 1, Vanished: "a.md", Read: "0.md: 0", Saved: true})
	s.rename("b/c.md", "b/e.md")
	s.expect("one moved", found{Total: 3, Known: 3, Changed: 1, Vanished: "b/c.md", Read: "b/e.md: C2", Saved: true})
	s.remove("0.md", "b")
	s.expect("emptied", found{Known: 3, Vanished: "0.md, b/d.txt, b/e.md", Saved: true})
	s.expect("empty", found{})
}

// Vanished articles that the operator did not accept are reported until they are,
// or are back.
func TestHeld(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n", "b.md": "# B\n", "c.md": "# C\n"})
	s.ingest()
	s.remove("a.md", "b.md")
	s.keep = true
	s.expect("gone", found{Total: 1, Known: 3, Vanished: "a.md, b.md", Saved: true})
	s.expect("still gone", found{Total: 1, Known: 3, Vanished: "a.md, b.md"})
	s.write("b.md", "# B\n")
	s.expect("one is back", found{Total: 2, Known: 3, Changed: 1, Vanished: "a.md", Read: "b.md: B", Saved: true})
	s.keep = false
	s.expect("accepted", found{Total: 2, Known: 3, Vanished: "a.md", Saved: true})
	s.expect("nothing", found{Total: 2, Known: 2})
}

// A broken file is reported at each run, and its article stays as it was.
func TestBrokenStays(t *testing.T) {
	t.Parallel()
	const broken, problem = "---\ndate: soon\n---\n# A\n", `articles/a.md:2:7: date: "soon" is no date`
	s := newSite(t, map[string]string{"a.md": "# A\n", "b.md": broken})
	b := strings.Replace(problem, "a.md", "b.md", 1)
	s.expect("one is broken", found{Total: 2, Changed: 2, Read: "a.md: A", Problems: b, Saved: true})
	s.expect("remembered", found{Total: 2, Known: 1, Problems: b})
	s.write("a.md", broken)
	s.expect("both are broken", found{Total: 2, Known: 1, Changed: 1, Problems: problem + "\n" + b, Saved: true})
	s.write("b.md", "# B\n")
	s.expect("one is mended", found{Total: 2, Known: 1, Changed: 1, Read: "b.md: B", Problems: problem, Saved: true})
	s.remove("a.md")
	s.expect("the broken one goes", found{Total: 1, Known: 2, Vanished: "a.md", Saved: true})
	s.write("c.md", broken)
	s.ingest()
	s.remove("c.md")
	s.expect("what never was an article cannot vanish", found{Total: 1, Known: 1, Vanished: "", Saved: true})
}

// The id is the key: a file that keeps its id may move and be renamed.
func TestIDs(t *testing.T) {
	t.Parallel()
	article := func(id, title string) string { return "---\nid: " + id + "\ntitle: " + title + "\n---\n" }
	s := newSite(t, map[string]string{"a.md": article("x", "A"), "b.md": "# B\n"})
	s.expect("first", found{Total: 2, Changed: 2, Read: "x: A, b.md: B", Saved: true})
	s.expect("nothing", found{Total: 2, Known: 2})
	s.rename("a.md", "z/a.md")
	s.expect("moved", found{Total: 2, Known: 2, Changed: 1, Read: "x: A", Saved: true})
	s.rename("b.md", "z/b.md")
	s.write("z/b.md", article("b.md", "B"))
	s.expect("moved, its old path as id", found{Total: 2, Known: 2, Changed: 1, Read: "b.md: B", Saved: true})
	s.write("z/a.md", article("y", "A"))
	s.expect("another id", found{Total: 2, Known: 2, Changed: 1, Vanished: "x", Read: "y: A", Saved: true})
	s.write("z/a.md", "---\nid: w\ndate: soon\n---\n")
	s.expect("another id, but broken", found{Total: 2, Known: 2, Changed: 1, Problems: `articles/z/a.md:3:7: date: "soon" is no date`, Saved: true})
	s.write("z/a.md", "# A\n")
	s.expect("no id any more", found{Total: 2, Known: 2, Changed: 1, Vanished: "y", Read: "z/a.md: A", Saved: true})
}

// Of two files with one id the first by path is taken, whichever came first.
func TestSameID(t *testing.T) {
	t.Parallel()
	article := func(title string) string { return "---\nid: x\ntitle: " + title + "\n---\n" }
	const b = `articles/b.md: has the id "x", which articles/a.md has too; the article of the latter is taken`
	s := newSite(t, map[string]string{"a.md": article("A"), "b.md": article("B"), "c.md": "# C\n"})
	s.expect("at once", found{Total: 3, Changed: 3, Read: "x: A, c.md: C", Problems: b, Saved: true})
	s.expect("remembered", found{Total: 3, Known: 2, Problems: b})
	s.remove("a.md")
	s.expect("the first goes", found{Total: 2, Known: 2, Changed: 1, Read: "x: B", Saved: true})
	s.write("a.md", article("A"))
	s.expect("the first comes back", found{Total: 3, Known: 2, Changed: 1, Read: "x: A", Problems: b, Saved: true})
	s.write("a.md", article("A2"))
	s.expect("the first changes", found{Total: 3, Known: 2, Changed: 1, Read: "x: A2", Problems: b, Saved: true})
	s.write("b.md", article("B2"))
	s.expect("the second changes", found{Total: 3, Known: 2, Problems: b, Saved: true})
	s.expect("remembered again", found{Total: 3, Known: 2, Problems: b})
	s.write("d.md", "---\nid: c.md\ntitle: D\n---\n")
	s.expect("an id that is a path", found{
		Total: 4, Known: 2, Saved: true,
		Problems: b + "\n" + `articles/d.md: has the id "c.md", which is the path of articles/c.md; the article of the latter is taken`,
	})
	s.write("a.md", "---\nid: d.md\ntitle: A\n---\n")
	s.write("d.md", "# D\n")
	s.expect("a path that is an id", found{
		Total: 4, Known: 2, Changed: 2, Read: "d.md: A, x: B2", Saved: true,
		Problems: "articles/d.md: has a path that articles/a.md has as its id; the article of the latter is taken",
	})
}

// A change that shows neither in size nor in modification time is seen, because
// the file was fresh, or by its change time.
func TestSameSizeSameTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# one net\n"})
	past := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(s.path("a.md"), past, past); err != nil {
		t.Fatal(err)
	}
	s.dir = source.NewDir(source.DirOptions{Name: "articles", Root: s.root, Label: "articles"}) // the real clock
	s.ingest()
	s.write("a.md", "# two net\n")
	if err := os.Chtimes(s.path("a.md"), past, past); err != nil {
		t.Fatal(err)
	}
	s.expect("changed", found{Total: 1, Known: 1, Changed: 1, Read: "a.md: two net", Saved: true})
}

// A picture beside the article counts: its dimensions are the article's.
func TestPictureBeside(t *testing.T) {
	t.Parallel()
	const article, missing = "---\ntitle: A\ncover: {image: net.gif, alt: N}\n---\n", "articles/sea/a.md:3:8: cover: there is no file articles/sea/net.gif"
	gif := func(w byte) string {
		return "GIF89a" + string([]byte{w, 0, 7, 0, 0, 0, 0}) + strings.Repeat("\x00", 20)
	}
	s := newSite(t, map[string]string{"sea/a.md": article})
	s.expect("no picture", found{Total: 1, Changed: 1, Read: "sea/a.md: A", Problems: missing, Saved: true})
	s.expect("nothing", found{Total: 1, Known: 1, Problems: missing})
	s.write("sea/net.gif", gif(9))
	s.expect("the picture comes", found{Total: 1, Known: 1, Changed: 1, Read: "sea/a.md: A", Saved: true})
	s.expect("nothing again", found{Total: 1, Known: 1})
	s.write("sea/net.gif", gif(10)+"longer")
	s.expect("the picture changes", found{Total: 1, Known: 1, Changed: 1, Read: "sea/a.md: A", Saved: true})
	s.remove("sea/net.gif")
	s.expect("the picture goes", found{Total: 1, Known: 1, Changed: 1, Read: "sea/a.md: A", Problems: missing, Saved: true})
	s.write("sea/a.md", strings.Replace(article, "net.gif", "../../net.gif", 1))
	s.expect("a picture outside", found{
		Total: 1, Known: 1, Changed: 1, Read: "sea/a.md: A", Saved: true,
		Problems: "articles/sea/a.md:3:8: cover: ../../net.gif lies outside of the folder of articles",
	})
}

// Other options mean other articles: everything is read again, nothing vanishes.
func TestOtherOptions(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n", "b.md": "---\nid: x\ntitle: B\n---\n"})
	s.ingest()
	s.dir = source.NewDir(source.DirOptions{Name: "articles", Root: s.root, Label: "articles", Language: "fr"})
	s.expect("in French", found{Total: 2, Known: 2, Changed: 2, Read: "a.md: A, x: B", Saved: true})
}

// A state that cannot be understood is as good as none, and is told.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n"})
	s.ingest()
	s.state[len(s.state)/2] ^= 1
	s.expect("damaged", found{
		Total: 1, Changed: 1, Read: "a.md: A", Saved: true,
		Problems: "articles: the remembered state cannot be understood; all articles are read again",
	})
}

// A file that changes its id between listing and reading waits for the next
// listing; one that goes is simply not there.
func TestChangesMeanwhile(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"a.md": "# A\n", "b.md": "# B\n"})
	s.ingest()
	s.write("a.md", "# A2\n")
	s.write("c.md", "# C\n")
	l := s.list()
	s.write("a.md", "---\nid: x\ntitle: A3\n---\n")
	s.remove("c.md")
	if err := l.Read(t.Context(), nil); err != nil { // emits nothing
		t.Fatal(err)
	}
	s.state, _ = l.State(nil)
	s.expect("the next listing", found{Total: 2, Known: 2, Changed: 1, Vanished: "a.md", Read: "x: A3", Saved: true})
}

// What is no article, is hidden or leads outside is left out.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret.md")
	if err := os.WriteFile(outside, []byte("# Secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, map[string]string{
		"a.md": "# A\n", "style.css": "", "b.md~": "", ".hidden.md": "", ".git/c.md": "", "_index.md": "", "_layouts/d.md": "",
		"_posts/2026-01-01-e.md": "# E\n", "_drafts/f.md": "# F\n", "notes/g.md": "", "old.md": "", "sub/old.md": "", "A.MD": "# Upper\n",
	})
	s.dir = source.NewDir(source.DirOptions{Name: "articles", Root: s.root, Label: "articles", Ignore: []string{"notes/", "old*", "sub/x"}})
	for link, target := range map[string]string{
		"out.md": outside, "in.md": s.path("a.md"), "dangling.md": s.path("none.md"), "loop.md": s.path("loop.md"), "linked": s.path("_posts"), "folder.md": s.path("_posts"), "out.png": outside,
	} {
		if err := os.Symlink(target, s.path(link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	got := s.ingest()
	if want := "A.MD: Upper, a.md: A, in.md: A, _drafts/f.md: F, _posts/2026-01-01-e.md: E"; got.Read != want {
		t.Errorf("read %q, want %q", got.Read, want)
	}
	for _, want := range []string{
		"articles/dangling.md: is a link that leads nowhere", "articles/out.md: is a link that leads out of the folder",
		"articles/linked: is a link to a folder", "articles/folder.md: is a link to something other than a file", "articles/out.png: is a link that leads out", "articles/loop.md: is a link that leads nowhere",
	} {
		if !strings.Contains(got.Problems, want) {
			t.Errorf("no problem %q in\n%s", want, got.Problems)
		}
	}
}
