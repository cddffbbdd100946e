package jobs_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/source"
	"syndicate/internal/test/atomschema"
	"syndicate/internal/test/jsonfeed"
	"syndicate/internal/test/w3c"
)

var update = flag.Bool("update", false, "write the goldens anew")

// nastyBroken are the files of the corpus that cannot be taken.
const nastyBroken = 5

// TestNastyArticles takes a corpus of all that ever broke a feed the whole way,
// from files to documents: none breaks a document, and none is missing.
func TestNastyArticles(t *testing.T) {
	t.Parallel()
	const corpus = "../feeds/testdata/nasty"
	root, err := filepath.Abs(corpus)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.clock.add(200 * 24 * time.Hour) // every date in the corpus is past
	s.options.Site.Podcast = &newsletter.Podcast{Author: "A <b>", Email: "radio@example.org", Image: "/cover & more.png", Categories: []string{"Arts > Food"}}
	s.options.Site.License = "https://example.org/licence?a&b"
	s.options.Feeds = jobs.FeedOptions{Dir: t.TempDir(), Items: 100, Full: true}
	s.options.Sources = []source.Source{source.NewDir(source.DirOptions{
		Name: "articles", Root: root, Label: "articles", SiteURL: s.options.Site.URL, Language: "en", Languages: []string{"en"}, Location: time.UTC,
	})}
	v := s.service()
	in, err := v.Ingest(t.Context(), source.Now)
	if err != nil {
		t.Fatal(err)
	}
	broken := 0
	for _, p := range in.Sources[0].Problems {
		if !p.Warning {
			broken++
		}
	}
	files := 0
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			files++
		}
		return err
	})
	if err != nil || broken != nastyBroken || in.Sources[0].Published != files-nastyBroken {
		t.Fatalf("%d of %d files are published, %d cannot be taken: %v", in.Sources[0].Published, files, broken, err)
	}
	if _, err := v.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	atoms := soundDocuments(t, s.options.Feeds.Dir, files-nastyBroken)
	for _, ext := range []string{".rss", ".atom", ".json"} {
		data, err := os.ReadFile(filepath.Join(s.options.Feeds.Dir, "feed"+ext))
		if err != nil {
			t.Fatal(err)
		}
		compareGolden(t, filepath.Join("testdata", "nasty"+ext), data)
	}

	// The same in archives, with little in each document.
	whole := s.options.Feeds.Dir
	s.options.Feeds = jobs.FeedOptions{Dir: t.TempDir(), Items: 5, Full: true, Archives: publish.ArchivesAll}
	if _, err := s.service().Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	archives := soundDocuments(t, s.options.Feeds.Dir, 0)
	if len(archives) <= len(atoms) {
		t.Errorf("%d Atom documents with archives, %d without", len(archives), len(atoms))
	}
	t.Run("schema", func(t *testing.T) {
		if err := atomschema.Find(t).Check(t.Context(), append(atoms, archives...)...); err != nil {
			t.Error(err)
		}
	})
	t.Run("feedvalidator", func(t *testing.T) {
		v := w3c.Find(t)
		for _, dir := range []string{whole, s.options.Feeds.Dir} {
			if err := v.Check(t.Context(), dir, s.options.Site.URL, publishedXML(t, dir)...); err != nil {
				t.Error(err)
			}
		}
	})
}

// publishedXML are the names of the RSS and Atom documents below a folder.
func publishedXML(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if ext := path.Ext(name); ext == ".rss" || ext == ".atom" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// soundDocuments checks all documents below a folder and returns the Atom ones. The
// site's feeds have so many items; 0: any.
func soundDocuments(t *testing.T, dir string, want int) (atoms []string) {
	t.Helper()
	documents := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		ext := path.Ext(name)
		if err != nil || strings.HasPrefix(d.Name(), ".") || ext != ".rss" && ext != ".atom" && ext != ".json" {
			return err
		}
		documents++
		if ext == ".atom" {
			atoms = append(atoms, name)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		items := soundDocument(t, name, data)
		if want > 0 && filepath.Dir(name) == dir && items != want {
			t.Errorf("%s has %d of %d articles", d.Name(), items, want)
		}
		return nil
	})
	if err != nil || documents != 3*len(atoms) || documents == 0 {
		t.Fatalf("%d documents, %d of them Atom: %v", documents, len(atoms), err)
	}
	return atoms
}

func compareGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s changed (- golden, + now); readers see this: is it meant? (-update)\n%s", golden, d)
	}
}

// soundDocument checks a document as a reader meets it and returns how many items
// it has.
func soundDocument(t *testing.T, name string, data []byte) int {
	t.Helper()
	if !utf8.Valid(data) {
		t.Errorf("%s is not UTF-8", name)
	}
	if path.Ext(name) != ".json" {
		d := xml.NewDecoder(bytes.NewReader(data))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s is not well-formed: %v", name, err)
			}
		}
	}
	if path.Ext(name) == ".json" {
		schema, err := jsonfeed.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Check(data); err != nil {
			t.Errorf("%s is no JSON Feed: %v", name, err)
		}
	}
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: a reader refuses it: %v", name, err)
	}
	ids, times := map[string]bool{}, map[string]bool{}
	for _, it := range feed.Items {
		if ids[it.GUID] || !strings.HasPrefix(it.GUID, "urn:uuid:") {
			t.Errorf("%s: id %q", name, it.GUID)
		}
		ids[it.GUID] = true
		if path.Ext(name) == ".atom" && times[it.Updated] {
			t.Errorf("%s: two entries with the time %s", name, it.Updated)
		}
		times[it.Updated] = true
		soundAddress(t, name, it.Title, it.Link)
		for _, e := range it.Enclosures {
			soundAddress(t, name, it.Title, e.URL)
		}
		soundHTML(t, name+": "+it.Title, it.Content)
	}
	return len(feed.Items)
}

func soundAddress(t *testing.T, name, title, ref string) {
	t.Helper()
	if u, err := url.Parse(ref); err != nil || u.Host == "" || strings.ContainsFunc(ref, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.Errorf("%s: %q has the address %q", name, title, ref)
	}
}

// soundHTML looks for what must not be in a body.
func soundHTML(t *testing.T, where, body string) {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "style", "iframe", "object", "embed", "form", "input", "base", "meta", "link", "svg", "math", "template":
			t.Errorf("%s: has <%s>", where, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("%s: has %s=%q", where, a.Key, a.Val)
			}
			if a.Key != "href" && a.Key != "src" && a.Key != "cite" && a.Key != "poster" {
				continue
			}
			u, err := url.Parse(a.Val)
			if err != nil || u.Scheme == "" && !strings.HasPrefix(a.Val, "#") || u.Scheme == "javascript" || u.Scheme == "vbscript" || u.Scheme == "data" && n.Data != "img" {
				t.Errorf("%s: <%s %s=%q>", where, n.Data, a.Key, a.Val)
			}
		}
	}
}
