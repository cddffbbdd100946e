package feeds_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
)

// Whatever stands in whatever field, the documents are well-formed UTF-8, whole,
// and a reader finds every item.
func FuzzRender(f *testing.F) {
	f.Add("title", "summary", "<p>body</p>", "tag", "https://example.org/a", int64(1))
	f.Add("a\x00b\x0b", "\xff\xfe", "]]>\x1b[0m", "\ufffe", "javascript:\u0085", int64(-5))
	f.Add("\U0001F600 « x »", "&amp;<script>", "\ud7ff", " \u00a0", "http://[::1]/%zz", int64(3<<30))
	f.Add("]]]]><![CDATA[>", "--><!--", "<![CDATA[ ]]>", "\u202e\u2066", "https://bücher.example/ä b?q=\"é\"#<", int64(1<<62))
	f.Fuzz(func(t *testing.T, title, text, html, word, ref string, n int64) {
		soundDocuments(t, fuzzed(title, text, html, word, ref, n))
	})
}

// FuzzRender in small, at every test: strings that are put together of what has
// broken feeds before.
func TestAnyStrings(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"]]>", "<![CDATA[", "<!--", "-->", "<", ">", "&", "&amp;", "&#0;", "\"", "'", "\x00", "\x0b", "\x1b", "\x7f", "\x85", "\xc3", "\xed\xa0\x80", "\ufffe", "\uffff",
		"\ufeff", "\u2028", "\u202e", "\U0001F600", "\U0010FFFF", "é", "</title>", "</item>", "</entry>", "\\", "\\u0000", "\n", "\r\n", "\t", "\u00a0", " ", "a", "1", "-", ";", "/", "?", "#", "%",
		"%zz", ":", "//", "https://", "http://[::1]/", "javascript:", "urn:", "mailto:", "bücher.example", "@", ".mp3", "audio/mpeg", "text/plain; charset=x",
	}
	random := rand.New(rand.NewPCG(4, 2))
	nasty := func() string {
		var b strings.Builder
		for range random.IntN(8) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 150 {
		soundDocuments(t, fuzzed(nasty(), nasty(), nasty(), nasty(), nasty(), int64(random.Uint64())))
	}
}

// soundDocuments checks the documents of all formats.
func soundDocuments(t *testing.T, d document) {
	t.Helper()
	entries := d.entries(t)
	var documents [3][]byte
	for n, format := range feeds.Formats() {
		data, err := format.Render(d.Feed, entries)
		if err != nil {
			t.Fatalf("%s: %v", format.Ext, err)
		}
		documents[n] = data
		whole, err := feeds.Whole(format.Ext, d.Feed, d.Items)
		if err != nil || !bytes.Equal(whole, data) {
			t.Fatalf("%s: spliced is not whole: %v\n%s\n%s", format.Ext, err, whole, data)
		}
		wellFormed(t, format.Ext, data)
		got, err := gofeed.NewParser().Parse(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: a reader refuses it: %v\n%s", format.Ext, err, data)
		}
		if len(got.Items) != len(d.Items) {
			t.Fatalf("%s: a reader finds %d items of %d\n%s", format.Ext, len(got.Items), len(d.Items), data)
		}
	}
	takenApart(t, entries, documents)
}

// takenApart checks that the documents give back the very entries that they were
// made of.
func takenApart(t *testing.T, entries []feeds.Entry, documents [3][]byte) {
	t.Helper()
	want := map[string]feeds.Entry{}
	for _, e := range entries {
		want[e.ID] = feeds.Entry{RSS: e.RSS, Atom: e.Atom, JSON: e.JSON, ID: e.ID}
	}
	got, ok := feeds.TakeApart(documents[0], documents[1], documents[2])
	if len(want) < len(entries) { // two of one id: which is which is not to be told
		if ok {
			t.Fatal("two entries of one id are told apart")
		}
		return
	}
	if d := cmp.Diff(want, got); d != "" || !ok {
		t.Fatalf("taken apart: %v, %s", ok, d)
	}
}

// fuzzed is a document with the strings in every field.
func fuzzed(title, text, html, word, ref string, n int64) document {
	d := chapters()
	d.Feed = feeds.Feed{
		ID: ref, Title: title, Description: text, Language: word, HomeURL: ref, Author: word, Copyright: text, License: ref,
		Icon: ref, Logo: ref, Self: ref, Hubs: []string{ref, word},
		Pages:   feeds.Pages{Archive: n > 0, Complete: n > 1, Current: ref, PrevArchive: word, NextArchive: ref},
		Podcast: &newsletter.Podcast{Author: title, Email: word, Image: ref, Categories: []string{title, word + ">" + text}, Serial: n > 0},
	}
	explicit := n > 0
	first := feeds.Item{
		Article: newsletter.Article{
			ID: word, Seq: n, Title: title, Summary: text, Language: word, Authors: []newsletter.Author{{Name: title, Email: word, URL: ref}, {Name: word}},
			Tags: []string{title, word, text}, Published: time.Unix(n%200_000_000_000, 0), Updated: time.Unix(n%1_000_000, n),
			Image: &newsletter.Image{URL: ref, Alt: text, Caption: title, Type: word, Width: int(n), Height: int(-n), Size: n},
			Enclosures: []newsletter.Enclosure{
				{URL: ref, Type: word, Size: n, Duration: time.Duration(n)},
				{URL: "https://example.org/a.mp3", Size: n, Duration: time.Duration(n)},
				{URL: ref, Type: "audio/" + word, Size: -n},
			},
			Episode: &newsletter.Episode{
				Season: int(n), Number: int(n), Type: word, Explicit: &explicit, ChaptersURL: ref, Transcript: ref,
				Chapters: []newsletter.Chapter{{Start: time.Duration(n), Title: title, URL: ref}, {Title: text}},
			},
			License: ref, Copyright: text, Origin: &newsletter.Origin{URL: ref, Title: title, Feed: ref, ID: word},
		},
		URL: ref, HTML: html, Podcast: true,
	}
	d.Items = append([]feeds.Item{first}, d.Items...)
	return d
}

func wellFormed(t *testing.T, ext string, data []byte) {
	t.Helper()
	if !utf8.Valid(data) {
		t.Fatalf("%s is not UTF-8", ext)
	}
	if ext == ".json" {
		if !json.Valid(data) {
			t.Fatalf("%s is not JSON", ext)
		}
		return
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s is not well-formed: %v\n%s", ext, err, data)
		}
	}
}
