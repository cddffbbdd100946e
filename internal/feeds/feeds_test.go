package feeds_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
)

var update = flag.Bool("update", false, "write the goldens anew")

var formats = []struct {
	name   string
	render func(feeds.Feed) ([]byte, error)
}{
	{"feed.rss", feeds.RSS},
	{"feed.atom", feeds.Atom},
	{"feed.json", feeds.JSON},
}

func sample() feeds.Feed {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 8, 30, 0, 0, time.FixedZone("", 3600)) }
	return feeds.Feed{
		ID: "urn:uuid:5f0c2f3e-0000-4000-8000-000000000000", Title: "News & <Views>", Description: "All of it",
		Language: "en", HomeURL: "https://news.example.org/", Author: "The editors", Copyright: "CC BY 4.0",
		Icon: "https://news.example.org/favicon.ico", Logo: "https://news.example.org/logo.png",
		SelfRSS: "https://news.example.org/feed.rss", SelfAtom: "https://news.example.org/feed.atom", SelfJSON: "https://news.example.org/feed.json",
		Hubs: []string{"https://hub.example.net/"},
		Items: []feeds.Item{
			{
				Article: newsletter.Article{
					ID: "0c8b8a2e-1111-4111-8111-111111111111", Title: "Un « titre » <b>& demi</b>", Summary: "35 °C à l’ombre.", Language: "fr",
					Authors: []newsletter.Author{{Name: "Anne"}, {Name: "Bo", Email: "bo@example.org", URL: "https://example.org/bo"}},
					Tags:    []string{"mer", "météo"}, Published: day(3), Updated: day(5),
					Image: &newsletter.Image{URL: "https://news.example.org/files/a.png", Alt: "Le port", Type: "image/png", Width: 1200, Height: 675, Size: 4096},
					Enclosures: []newsletter.Enclosure{
						{URL: "https://news.example.org/a.mp3", Type: "audio/mpeg", Size: 3 << 30, Duration: 90 * time.Second},
						{URL: "https://news.example.org/b.pdf", Size: 12},
					},
				},
				URL: "https://news.example.org/articles/un-titre", HTML: "<p>Corps ]]> &amp; fin</p>",
			},
			{
				Article: newsletter.Article{
					ID: "0c8b8a2e-2222-4222-8222-222222222222", Title: "Plain", Summary: "Only a summary.", Language: "en", Published: day(2), Updated: day(2),
				},
				URL: "https://news.example.org/articles/plain",
			},
		},
	}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			got, err := f.render(sample())
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", f.name)
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

// A reader must get back what was put in.
func TestReaderSeesEverything(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			in := sample()
			data, err := f.render(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := gofeed.NewParser().Parse(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("a reader refuses it: %v", err)
			}
			if len(got.Items) != len(in.Items) {
				t.Fatalf("items: %d, want %d", len(got.Items), len(in.Items))
			}
			first := got.Items[0]
			if first.GUID != "urn:uuid:"+in.Items[0].ID {
				t.Errorf("guid %q", first.GUID)
			}
			if first.Link != in.Items[0].URL {
				t.Errorf("link %q", first.Link)
			}
			if !strings.Contains(first.Content, "Corps ]]> &amp; fin") {
				t.Errorf("content %q", first.Content)
			}
			if first.PublishedParsed == nil || !first.PublishedParsed.Equal(in.Items[0].Published) {
				t.Errorf("published %v", first.PublishedParsed)
			}
			if d := cmp.Diff(in.Items[0].Tags, first.Categories); d != "" {
				t.Errorf("tags: %s", d)
			}
			found := false
			for _, e := range first.Enclosures {
				found = found || e.URL == "https://news.example.org/a.mp3" && e.Length == fmt.Sprint(int64(3<<30))
			}
			if !found {
				t.Errorf("3 GiB enclosure not found in %+v", first.Enclosures)
			}
		})
	}
}

func TestTitleMarkupIsText(t *testing.T) {
	t.Parallel()
	data, err := feeds.RSS(sample())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("&#x3C;b&#x3E;&#x26; demi")) {
		t.Error("an RSS title with markup must use numeric references (RSS profile, title)")
	}
}

// Readers that know neither element by name keep the later one, and that is to be the body.
func TestSummaryBeforeBody(t *testing.T) {
	t.Parallel()
	data, err := feeds.RSS(sample())
	if err != nil {
		t.Fatal(err)
	}
	_, item, _ := strings.Cut(string(data), "<item>")
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
	for _, c := range []struct {
		render func(feeds.Feed) ([]byte, error)
		want   string
	}{
		{feeds.Atom, `<summary type="text">Plain</summary>`},
		{feeds.JSON, `"content_text": "Plain"`},
	} {
		if data, err := c.render(in); err != nil || !bytes.Contains(data, []byte(c.want)) {
			t.Errorf("%v, or without %s\n%s", err, c.want, data)
		}
	}
}

func TestEmptyFeedIsValid(t *testing.T) {
	t.Parallel()
	f := sample()
	f.Items = nil
	for _, format := range formats {
		data, err := format.render(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gofeed.NewParser().Parse(bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", format.name, err)
		}
	}
	data, err := feeds.JSON(f)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(`"items": []`)) {
		t.Error("JSON Feed 1.1 requires items, also when empty")
	}
}

func TestSameFeedSameBytes(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		a, errA := f.render(sample())
		b, errB := f.render(sample())
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs between two renderings", f.name)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("title", "summary", "<p>body</p>", "tag", "https://example.org/a")
	f.Add("a\x00b\x0b", "\xff\xfe", "]]>\x1b[0m", "\ufffe", "javascript:\u0085")
	f.Add("\U0001F600 « x »", "&amp;<script>", "\ud7ff", " \u00a0", "http://[::1]/%zz")
	f.Fuzz(func(t *testing.T, title, summary, html, tag, url string) {
		in := sample()
		it := &in.Items[0]
		it.Title, it.Summary, it.HTML, it.Tags, it.URL, it.Image.URL = title, summary, html, []string{tag}, url, url
		it.Authors[0].Name, it.Enclosures[0].Type, it.Language, in.Title = tag, tag, tag, title
		for _, format := range formats {
			data, err := format.render(in)
			if err != nil {
				t.Fatalf("%s: %v", format.name, err)
			}
			if !utf8.Valid(data) {
				t.Fatalf("%s is not UTF-8", format.name)
			}
			if format.name == "feed.json" {
				if !json.Valid(data) {
					t.Fatalf("%s is not JSON", format.name)
				}
				continue
			}
			d := xml.NewDecoder(bytes.NewReader(data))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s is not well-formed: %v", format.name, err)
				}
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	in := sample()
	for len(in.Items) < 50 {
		it := in.Items[0]
		it.HTML = strings.Repeat("<p>Some words of an article, &amp; more of them.</p>\n", 120)
		in.Items = append(in.Items, it)
	}
	for _, f := range formats {
		b.Run(f.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := f.render(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
