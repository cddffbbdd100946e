package source_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// checkParse parses any bytes as an article file and checks what must hold of
// each article and of each problem.
func checkParse(t *testing.T, d *source.Dir, rel string, data []byte) {
	t.Helper()
	a, problems, ok := d.ParseFile(rel, data)
	again, problemsAgain, _ := d.ParseFile(rel, data)
	if !reflect.DeepEqual(a, again) || !reflect.DeepEqual(problems, problemsAgain) {
		t.Errorf("twice not the same:\n%+v %v\n%+v %v", a, problems, again, problemsAgain)
	}
	for _, p := range problems {
		if p.Message == "" || p.File == "" || p.Line < 0 || p.Column < 0 || p.Line > bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte("\r"))+1 {
			t.Errorf("problem %+v", p)
		}
		if p.Warning != ok {
			t.Errorf("taken %t with the problem %+v", ok, p)
		}
	}
	if !ok {
		return
	}
	if a.Key == "" || a.Slug == "" || a.Title == "" || a.Language == "" || a.File != rel {
		t.Errorf("something is empty in %+v", a)
	}
	lines := append([]string{a.Key, a.Slug, a.Language, a.Section, a.Permalink}, append(a.Tags, a.Aliases...)...)
	for _, x := range a.Authors {
		lines = append(lines, x.Name)
	}
	for _, s := range lines {
		if len(s) > 1000 {
			t.Errorf("%.40q… has %d bytes: no index takes it", s, len(s))
		}
	}
	lines = append(lines, a.Title)
	for _, x := range a.Authors {
		lines = append(lines, x.Email, x.URL)
	}
	if a.Image != nil {
		lines = append(lines, a.Image.URL, a.Image.Alt, a.Image.Caption)
	}
	for _, s := range lines {
		if !utf8.ValidString(s) || markup.CleanLine(s) != s {
			t.Errorf("%q is no clean line", s)
		}
	}
	if !utf8.ValidString(a.Body) || markup.Clean(a.Body) != a.Body {
		t.Errorf("body %q is not clean", a.Body)
	}
	if strings.Trim(a.Slug, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("slug %q", a.Slug)
	}
	if a.Permalink != "" && a.Permalink[0] != '/' && !strings.HasPrefix(a.Permalink, "http") {
		t.Errorf("permalink %q", a.Permalink)
	}
	if _, err := a.Published.UTC().MarshalJSON(); err != nil {
		t.Error(err)
	}
	if !a.Published.IsZero() && !a.Updated.IsZero() && a.Updated.Before(a.Published) {
		t.Errorf("updated %s, published %s", a.Updated, a.Published)
	}
}

func FuzzFrontMatter(f *testing.F) {
	for _, s := range []string{
		"---\ntitle: 'Nets: a study'\ntags: [sea, craft]\nauthor: {name: Ines Falk}\ncover: {image: a.png}\ndate: 2026-10-28\n---\n\nText.\n",
		"+++\ntitle = 'Nets'\ndate = 2026-10-28T08:00:00\n[cover]\nimage = 'a.png'\n+++\nText\n",
		"{\"title\": \"Nets\", \"tags\": [1, null, {}], \"url\": \"/x\"}\nText",
		"---\na: &a [x, *a]\n<<: {title: x}\n---\n", "---\ntitle: \"x\n---\n", "---\nurl: /a/../%zz\naliases: [a b, '//x', '?']\n---\n",
		"\xFF\xFE-\x00-\x00", "# T\xE9\n", "---\naudio: {url: /a, duration: 1e9, size: 99999999999999999999}\n---\n", "---\n- a\n---\n", "---\n? [a]\n: b\n---\n",
		"---\nlanguage: en-x-\xC2\x92\nauthors: 'A <a@b>, <>'\ndate: 9999-12-31T23:59:59-23:59\nlastmod: 2000-01-01\n---\n",
	} {
		f.Add([]byte(s))
	}
	d := testDir(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, d, "sea/2026/a.fr.md", data) })
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{
		"Title\n\nHeading\n\nA paragraph, said she.\n\nWhy?\n\nBecause.\n", "Title", "\n\n", "T\r\n\r\n« Oui ? »\r\n— Non.\r\n", "T\n\n\xE9t\xE9 \x93quoted\x94\n",
		"T\n\nhttp://example.org/a(b). httphttp://x https://\n", strings.Repeat("word ", 100) + "\n",
	} {
		f.Add([]byte(s))
	}
	d := testDir(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, d, "a.txt", data) })
}

func FuzzHTML(f *testing.F) {
	for _, s := range []string{
		"<!DOCTYPE html><html lang=fr><title>T | S</title><meta name=date content=2026-10-28><main><article><h1>T</h1><p>x", "<h1>T</h1><frameset>",
		"<table><main>x</table>", "<svg><title>x</svg><math><mi><h1>", "<template><h1>x</h1></template><noscript><main>x", "---\ntitle: x\n---\n<p>y",
		"<meta property='og:image' content='javascript:x'><link rel=canonical href='//x'>", "<plaintext><h1>x", "<body><article>x<article>y",
	} {
		f.Add([]byte(s))
	}
	d := testDir(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, d, "a.html", data) })
}

func FuzzState(f *testing.F) {
	root := f.TempDir()
	for name, content := range map[string]string{
		"a.md": "# A\n", "b.md": "---\nid: x\n---\n", "c/d.md": "---\nid: x\ncover: e.png\n---\n", "c/f.md": "---\ndate: x\n---\n",
	} {
		if err := os.MkdirAll(filepath.Join(root, "c"), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	l, err := source.NewDir(source.DirOptions{Root: root}).List(context.Background(), source.Ask{})
	if err != nil {
		f.Fatal(err)
	}
	if err := l.Read(context.Background(), func([]newsletter.Article) error { return nil }); err != nil {
		f.Fatal(err)
	}
	state, _ := l.State([]string{"gone.md"})
	f.Add(state[:len(state)-4])
	f.Add([]byte("sdir\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = source.Checksummed(data) // or hardly an input gets past the check
		out, err := source.RecodeState(data)
		if err != nil {
			return
		}
		again, err := source.RecodeState(out)
		if err != nil || !bytes.Equal(out, again) {
			t.Errorf("%x is written as %x, then as %x (%v)", data, out, again, err)
		}
	})
}

func FuzzImageSize(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x63\x00\x00\x31\x00\x00"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"))
	f.Add([]byte("\xFF\xD8\xFF\xC0\x00\x11\x08\x00\x10\x00\x10\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"))
	f.Add([]byte("GIF89a\x09\x00\x07\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, h := source.ImageSize(data, bytes.NewReader(data)); w < 0 || h < 0 {
			t.Errorf("%d × %d", w, h)
		}
	})
}
