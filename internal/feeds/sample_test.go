package feeds_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
)

// document is a feed with its items, before they are encoded.
type document struct {
	feeds.Feed
	Items []feeds.Item
}

func (d *document) render(t testing.TB, f feeds.Format) []byte {
	t.Helper()
	data, err := f.Render(d.Feed, d.entries(t))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (d *document) entries(t testing.TB) []feeds.Entry {
	t.Helper()
	var out []feeds.Entry
	for _, it := range d.Items {
		e, err := feeds.Encode(it)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func day(d int) time.Time { return time.Date(2026, 11, d, 8, 30, 0, 0, time.FixedZone("", 3600)) }

func sample() document {
	return document{
		feeds.Feed{
			ID: "urn:uuid:5f0c2f3e-0000-4000-8000-000000000000", Title: "News & <Views>", Description: "All of it",
			Language: "en", HomeURL: "https://news.example.org/", Author: "The editors", Copyright: "© The editors",
			License: "https://creativecommons.org/licenses/by/4.0/",
			Icon:    "https://news.example.org/favicon.ico", Logo: "https://news.example.org/logo.png",
			Self: "https://news.example.org/feed",
			Hubs: []string{"https://hub.example.net/"},
		},
		[]feeds.Item{
			{
				Article: newsletter.Article{
					ID: "0c8b8a2e-1111-4111-8111-111111111111", Seq: 12, Title: "Un « titre » <b>& demi</b>", Summary: "35 °C à l’ombre.", Language: "fr",
					Authors: []newsletter.Author{{Name: "Anne"}, {Name: "Bo", Email: "bo@example.org", URL: "https://example.org/bo"}},
					Tags:    []string{"mer", "météo"}, Published: day(3), Updated: day(5),
					Image: &newsletter.Image{URL: "https://news.example.org/files/a.png", Alt: "Le port", Type: "image/png", Width: 1200, Height: 675, Size: 4096},
					Enclosures: []newsletter.Enclosure{
						{URL: "https://news.example.org/b.pdf", Size: 12},
						{URL: "https://news.example.org/a.mp3", Type: "audio/mpeg", Size: 3 << 30, Duration: 90 * time.Second},
					},
					License: "https://creativecommons.org/licenses/by-sa/4.0/", Copyright: "© Anne & Bo",
				},
				URL: "https://news.example.org/articles/un-titre", HTML: "<p>Corps ]]> &amp; fin</p>",
			},
			{
				Article: newsletter.Article{
					ID: "0c8b8a2e-2222-4222-8222-222222222222", Seq: 11, Title: "Plain", Summary: "Only a summary.", Language: "en", Published: day(2), Updated: day(2),
				},
				URL: "https://news.example.org/articles/plain",
			},
		},
	}
}

// podcast is a feed with episodes, one of them with all there is to say.
func podcast() document {
	d := sample()
	explicit := false
	d.Podcast = &newsletter.Podcast{
		Author: "Harbour Radio", Email: "radio@example.org", Image: "https://news.example.org/cover.jpg",
		Categories: []string{"Arts > Food", "Technology"},
	}
	d.Items = d.Items[:1]
	it := &d.Items[0]
	it.Podcast = true
	it.Episode = &newsletter.Episode{
		Season: 2, Number: 7, Type: "full", Explicit: &explicit, ChaptersURL: "https://news.example.org/files/a.chapters.json",
		Transcript: "https://news.example.org/files/a.vtt",
	}
	return d
}

// chapters is the podcast with chapters of its own.
func chapters() document {
	d := podcast()
	d.Items[0].Episode.Chapters = []newsletter.Chapter{{Title: "Start"}, {Start: 61*time.Second + 500*time.Millisecond, Title: "The <pier>", URL: "https://example.org/pier?a&b"}}
	return d
}

// archived is an archive page between others.
func archived() document {
	d := sample()
	d.Self = "https://news.example.org/archive/2"
	d.Pages = feeds.Pages{
		Archive: true, Current: "https://news.example.org/feed",
		PrevArchive: "https://news.example.org/archive/1", NextArchive: "https://news.example.org/archive/3",
	}
	return d
}

// syndicated is a feed with articles that were elsewhere first.
func syndicated() document {
	d := sample()
	d.Items[0].Origin = &newsletter.Origin{
		URL: "https://elsewhere.example.net/2026/titre", Title: "Ailleurs & loin", Feed: "https://elsewhere.example.net/feed.xml",
		ID: "tag:elsewhere.example.net,2020:feed",
	}
	d.Items[1].Origin = &newsletter.Origin{URL: "https://example.com/plain"}
	return d
}

// complete is a feed that says that it holds everything.
func complete() document {
	d := sample()
	d.Items = d.Items[1:]
	d.Pages = feeds.Pages{Complete: true}
	return d
}

// imported is a feed of articles that came in together.
func imported() document {
	d := sample()
	first := d.Items[1]
	d.Items = nil
	for i := range 20 {
		it := first
		it.ID = fmt.Sprintf("0c8b8a2e-2222-4222-8222-%012d", i)
		it.Seq = int64(3_020 - i)
		it.Title = fmt.Sprintf("Note %d", i)
		it.URL = fmt.Sprintf("https://news.example.org/articles/note-%d", i)
		d.Items = append(d.Items, it)
	}
	return d
}

// documents are all of them, by the names of their goldens.
func documents() map[string]document {
	empty := sample()
	empty.Items = nil
	return map[string]document{
		"feed": sample(), "podcast": podcast(), "chapters": chapters(), "archive": archived(), "syndicated": syndicated(),
		"complete": complete(), "imported": imported(), "empty": empty,
	}
}
