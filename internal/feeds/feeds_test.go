package feeds_test

import (
	"bytes"
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"syndicate/internal/feeds"
)

var update = flag.Bool("update", false, "write the goldens anew")

func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, d := range documents() {
		for _, f := range feeds.Formats() {
			t.Run(name+f.Ext, func(t *testing.T) {
				t.Parallel()
				got := d.render(t, f)
				golden := filepath.Join("testdata", name+f.Ext)
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
			})
		}
	}
}

// Entries that are encoded once and put into documents give what encoding the
// documents at once gives.
func TestSplicedIsWhole(t *testing.T) {
	t.Parallel()
	for name, d := range documents() {
		for _, f := range feeds.Formats() {
			want, err := feeds.Whole(f.Ext, d.Feed, d.Items)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(d.render(t, f))); diff != "" {
				t.Errorf("%s%s (- whole, + spliced):\n%s", name, f.Ext, diff)
			}
		}
	}
}

// A reader must get back what was put in.
func TestReaderSeesEverything(t *testing.T) {
	t.Parallel()
	for name, d := range documents() {
		for _, f := range feeds.Formats() {
			t.Run(name+f.Ext, func(t *testing.T) {
				t.Parallel()
				got, err := gofeed.NewParser().Parse(bytes.NewReader(d.render(t, f)))
				if err != nil {
					t.Fatalf("a reader refuses it: %v", err)
				}
				if len(got.Items) != len(d.Items) {
					t.Fatalf("items: %d, want %d", len(got.Items), len(d.Items))
				}
				for i := range got.Items {
					seesItem(t, &d.Items[i], got.Items[i])
				}
			})
		}
	}
}

func seesItem(t *testing.T, want *feeds.Item, got *gofeed.Item) {
	t.Helper()
	if got.GUID != "urn:uuid:"+want.ID {
		t.Errorf("guid %q", got.GUID)
	}
	// As HTML in Atom, with word joiners in RSS: see text.go.
	if title := html.UnescapeString(strings.ReplaceAll(got.Title, "\u2060", "")); title != want.Title {
		t.Errorf("title %q", got.Title)
	}
	if got.Link != want.URL && (want.Origin == nil || got.Link != want.Origin.URL) { // gofeed prefers JSON's external_url
		t.Errorf("link %q", got.Link)
	}
	if !strings.Contains(got.Content, want.HTML) {
		t.Errorf("content %q", got.Content)
	}
	if got.PublishedParsed == nil || !got.PublishedParsed.Equal(want.Published) {
		t.Errorf("published %v", got.PublishedParsed)
	}
	if d := cmp.Diff(want.Tags, got.Categories); d != "" {
		t.Errorf("tags: %s", d)
	}
	for _, w := range want.Enclosures[:min(1, len(want.Enclosures))] {
		if w.Type == "" {
			w = want.Enclosures[1]
		}
		found := false
		for _, e := range got.Enclosures {
			found = found || e.URL == w.URL && e.Length == fmt.Sprint(w.Size)
		}
		if !found {
			t.Errorf("%+v not found in %+v", w, got.Enclosures)
		}
	}
}

func TestTitleMarkupIsText(t *testing.T) {
	t.Parallel()
	d := sample()
	if data := d.render(t, feeds.Formats()[0]); !bytes.Contains(data, []byte("&#x3C;\u2060b&#x3E;&#x26; demi")) {
		t.Error("an RSS title with markup must use numeric references (RSS profile, title)")
	}
}

// Readers that know neither element by name keep the later one, and that is to be the body.
func TestSummaryBeforeBody(t *testing.T) {
	t.Parallel()
	d := sample()
	_, item, _ := strings.Cut(string(d.render(t, feeds.Formats()[0])), "<item>")
	if summary, body := strings.Index(item, "<description>"), strings.Index(item, "<content:encoded>"); summary < 0 || body < summary {
		t.Errorf("description at %d, content:encoded at %d", summary, body)
	}
}

// A note of one line has a title and nothing else.
func TestTitleAlone(t *testing.T) {
	t.Parallel()
	in := sample()
	in.Items = in.Items[1:]
	in.Items[0].Summary = ""
	for ext, want := range map[string]string{".atom": `<summary>Plain</summary>`, ".json": `"content_text": "Plain"`} {
		for _, f := range feeds.Formats() {
			if data := in.render(t, f); f.Ext == ext && !bytes.Contains(data, []byte(want)) {
				t.Errorf("%s: without %s\n%s", ext, want, data)
			}
		}
	}
}

// What an entry is made of does not depend on the feed, nor on what was encoded before.
func TestSameItemSameBytes(t *testing.T) {
	t.Parallel()
	d := chapters()
	if diff := cmp.Diff(d.entries(t), d.entries(t)); diff != "" {
		t.Errorf("two encodings differ:\n%s", diff)
	}
}

func BenchmarkEncode(b *testing.B) {
	it := sample().Items[0]
	it.HTML = strings.Repeat("<p>Some words of an article, &amp; more of them.</p>\n", 60)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := feeds.Encode(it); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	d := sample()
	for len(d.Items) < 50 {
		it := d.Items[0]
		it.HTML = strings.Repeat("<p>Some words of an article, &amp; more of them.</p>\n", 120)
		d.Items = append(d.Items, it)
	}
	entries := d.entries(b)
	for _, f := range feeds.Formats() {
		b.Run(f.Ext, func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Render(d.Feed, entries); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
