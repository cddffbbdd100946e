package markup_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/markup"
)

var update = flag.Bool("update", false, "write the golden files")

// resolve shows what a reference was taken for.
func resolve(ref string, kind markup.Kind) string {
	if strings.Contains(ref, "://") {
		return ref
	}
	host := "https://link.example/"
	if kind == markup.Media {
		host = "https://media.example/"
	}
	return host + strings.TrimPrefix(ref, "/")
}

// Each file in testdata gives the HTML and the text beside it.
func TestRender(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"testdata/*.md", "testdata/*.html", "testdata/*.txt"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 5 {
		t.Fatalf("only %d files", len(files))
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := markup.Render(strings.TrimPrefix(filepath.Ext(file), "."), string(body), resolve, "en")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, file+".golden", got+"\n")
			golden(t, file+".text.golden", markup.Text(got)+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

func TestTypographer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ language, body, want string }{
		{"en", `"It's" -- so...`, "<p>“It’s” – so…</p>"},
		{"en-GB", `"It's"`, "<p>“It’s”</p>"},
		{"en", `"It's" – so...`, "<p>&#34;It&#39;s&#34; – so...</p>"},         // its writer sets dashes, and wants these quotes
		{"en", `"It's" 'there'`, "<p>&#34;It&#39;s&#34; &#39;there&#39;</p>"}, // goldmark would write ’there’
		{"fr", `"L'été"...`, "<p>&#34;L&#39;été&#34;...</p>"},
		{"", `"It's"`, "<p>&#34;It&#39;s&#34;</p>"},
		{"enm", `"It's"`, "<p>&#34;It&#39;s&#34;</p>"},
	} {
		got, err := markup.Render("md", c.body, nil, c.language)
		if err != nil || got != c.want {
			t.Errorf("%s %q: %q (%v), want %q", c.language, c.body, got, err, c.want)
		}
	}
}

// Several articles on one page do not have the same ids, and each keeps its own
// from one rendering to the next.
func TestIDs(t *testing.T) {
	t.Parallel()
	render := func(body string) string {
		h, err := markup.Render("md", body, nil)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	one, two := render("One.[^1]\n\n[^1]: Note."), render("Two.[^1]\n\n[^1]: Note.")
	id := func(h string) string {
		_, rest, _ := strings.Cut(h, `<li id="`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	if id(one) == "" || id(one) == id(two) || !strings.Contains(one, `href="#`+id(one)+`"`) {
		t.Errorf("ids %q and %q in\n%s", id(one), id(two), one)
	}
	if render("One.[^1]\n\n[^1]: Note.") != one {
		t.Error("the same body, another HTML")
	}
	for body, want := range map[string]string{
		"## Méthode, encore\n\n[x](#méthode-encore)": `<h2 id="%Méthode"`,
		"## Own {#own}\n\n[x](#own)":                 `href="#%own"`,
		"## A\n\n## A\n\n[x](#a-1)":                  `<h2 id="%a-1">A</h2>`,
	} {
		got := render(body)
		prefix := strings.SplitAfterN(strings.SplitN(got, `id="`, 2)[1], "-", 2)[0]
		want = strings.ToLower(strings.Replace(want, "%", prefix, 1))
		if !strings.Contains(strings.ToLower(got), strings.TrimSuffix(want, `"`)) {
			t.Errorf("%q gives %s, want %s in it", body, got, want)
		}
	}
}

// The resolver sees each reference once, and may drop it.
func TestResolver(t *testing.T) {
	t.Parallel()
	var seen []string
	got, err := markup.Render("html", `<a href=" a b ">x</a><a href="#f">f</a><a href="#d" id="d">d</a><img src="//h/i" alt="i"><a href="mailto:a@b.example">m</a><a href="drop">d</a><img src="drop" alt="D"><q cite="c">q</q>`,
		func(ref string, kind markup.Kind) string {
			seen = append(seen, ref+map[markup.Kind]string{markup.Link: " link", markup.Media: " media"}[kind])
			if ref == "drop" {
				return ""
			}
			return "https://x.example/" + strings.Trim(ref, "/")
		})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a b link", "#f link", "//h/i media", "drop link", "drop media", "c link"}, seen); diff != "" {
		t.Errorf("seen (-want +got)\n%s", diff)
	}
	want := `<a href="https://x.example/a%20b">x</a><a href="https://x.example/#f">f</a><a href="#ab17a3b7b-d" id="ab17a3b7b-d">d</a><img src="https://x.example/h/i" alt="i"/><a href="mailto:a@b.example">m</a><a>d</a>D<q cite="https://x.example/c">q</q>`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, _ := markup.Render("html", `<a href="x">x</a>`, func(string, markup.Kind) string { return "javascript:alert(1)" }); got != "<a>x</a>" {
		t.Errorf("a resolver may not run scripts: %s", got)
	}
}

func TestRenderErrors(t *testing.T) {
	t.Parallel()
	if _, err := markup.Render("pdf", "x", nil); err == nil || !strings.Contains(err.Error(), `"pdf"`) {
		t.Errorf("unknown format: %v", err)
	}
	if _, err := markup.Render("html", strings.Repeat("<div>", 10_000), nil); err == nil {
		t.Error("HTML nested without end is rendered")
	}
}
